"""Target `argo-cd`: an Application for each environment, which keeps a cluster as the rendered manifests say."""

from mlc_targets.argo_cd.emit import TARGET

__all__ = ["TARGET"]
