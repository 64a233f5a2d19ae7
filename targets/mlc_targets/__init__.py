"""The built-in targets, listed by hand: the name of each, sorted, and where it stands: those in use are imported."""

from __future__ import annotations

TARGETS = {
    "argo-cd": "mlc_targets.argo_cd:TARGET",
    "argo-rollouts": "mlc_targets.argo_rollouts:TARGET",
    "docker": "mlc_targets.docker:TARGET",
    "github-actions": "mlc_targets.github_actions:TARGET",
    "grafana": "mlc_targets.grafana:TARGET",
    "kubernetes": "mlc_targets.kubernetes:TARGET",
    "local": "mlc_targets.local:TARGET",
    "model-card": "mlc_targets.model_card:TARGET",
    "prometheus": "mlc_targets.prometheus:TARGET",
}
