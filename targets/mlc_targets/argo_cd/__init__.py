"""Target `argo-cd`: an ApplicationSet for each environment, which keeps a cluster as the rendered manifests say."""

from mlc_targets.argo_cd.emit import TARGET

__all__ = ["TARGET"]
