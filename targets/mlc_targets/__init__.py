"""The built-in targets, listed by hand in one sorted tuple."""

from __future__ import annotations

from mlc_compiler.backend.target import Target
from mlc_targets import argo_rollouts, kubernetes, local

TARGETS: tuple[Target, ...] = (argo_rollouts.TARGET, kubernetes.TARGET, local.TARGET)
