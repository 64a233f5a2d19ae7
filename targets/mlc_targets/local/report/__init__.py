"""Tells people what a run came to: one self-contained HTML page with gates, plots, data and provenance."""

from mlc_targets.local.report.page import report_html, write_report
from mlc_targets.local.report.run import DataCheckRow, Fold, Importance, Input, RunReport, StepRow, Trial

__all__ = [
    "DataCheckRow",
    "Fold",
    "Importance",
    "Input",
    "RunReport",
    "StepRow",
    "Trial",
    "report_html",
    "write_report",
]
