"""Target `argo-rollouts`: canary and blue-green rollouts, judged by Prometheus while they run."""

from mlc_targets.argo_rollouts.emit import TARGET

__all__ = ["TARGET"]
