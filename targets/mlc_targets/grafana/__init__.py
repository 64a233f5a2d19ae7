"""Target `grafana`: one dashboard for each model in each environment."""

from mlc_targets.grafana.emit import TARGET

__all__ = ["TARGET"]
