"""The built-in targets, listed by hand in one sorted tuple."""

from __future__ import annotations

from mlc_compiler.backend.target import Target
from mlc_targets import (
    argo_cd,
    argo_rollouts,
    docker,
    github_actions,
    grafana,
    kubernetes,
    local,
    model_card,
    prometheus,
)

TARGETS: tuple[Target, ...] = (
    argo_cd.TARGET,
    argo_rollouts.TARGET,
    docker.TARGET,
    github_actions.TARGET,
    grafana.TARGET,
    kubernetes.TARGET,
    local.TARGET,
    model_card.TARGET,
    prometheus.TARGET,
)
