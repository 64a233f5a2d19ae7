"""Target `kubernetes`: rendered manifests of every model that runs as a Deployment, CronJob or Rollout."""

from mlc_targets.kubernetes.emit import TARGET

__all__ = ["TARGET"]
