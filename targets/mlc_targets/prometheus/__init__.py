"""Target `prometheus`: recording rules, alerts with their tests, and the Alertmanager that tells people."""

from mlc_targets.prometheus.emit import TARGET

__all__ = ["TARGET"]
