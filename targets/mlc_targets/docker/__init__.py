"""Target `docker`: the image of every model, as a Dockerfile with pinned requirements."""

from mlc_targets.docker.emit import TARGET

__all__ = ["TARGET"]
