"""The monitor: what runs on a schedule beside a model and compares live rows with those that it was made from.

`python -m mlc_targets.local.monitor` computes a Monitor's signals and exports them to Prometheus. It needs what an
image holds (numpy, duckdb, pyarrow, onnxruntime, prometheus-client) and neither scipy nor scikit-learn.
"""

from __future__ import annotations

from mlc_targets.local.monitor.plan import Plan
from mlc_targets.local.monitor.readings import Reading, read_signals

__all__ = ["Plan", "Reading", "read_signals"]
