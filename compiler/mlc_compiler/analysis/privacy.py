"""What becomes of classified and sensitive columns: both proofs read the same traces."""

from __future__ import annotations

from mlc_compiler.analysis.sensitive import check_sensitive
from mlc_compiler.analysis.subject import Subject
from mlc_compiler.analysis.taint import ModelTraces, check_taint
from mlc_compiler.diagnostics import Sink


def prove_privacy(subject: Subject, sink: Sink) -> None:
    """Report values where they are not admitted, sensitive inputs, and uses beyond a purpose."""
    traces = ModelTraces(subject.project)
    check_taint(subject, traces, sink)
    check_sensitive(subject, traces, sink)
