"""Whether live tables are fresh: judged in every run against the clock, from what validation recorded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from mlc_compiler.conventions import duration_text
from mlc_compiler.diagnostics import Finding, Severity
from mlc_compiler.ir import Dataset
from mlc_targets.local.findings import error
from mlc_targets.local.job import Run


def stale(run: Run, finished: Sequence[str]) -> list[Finding]:
    """Return a warning for each dataset whose newest row is older than it may be.

    A warning, not an error: what was trained is sound, and evidence must not depend on the hour of the run.
    """
    now = dt.datetime.now(dt.UTC)
    live = [d for d in run.model.datasets if d.freshness is not None and f"validate {d.name}" in finished]
    return [f for d in live if (f := _finding(d, run.outputs(f"validate {d.name}").get("newest"), now))]


def _finding(dataset: Dataset, newest: str | None, now: dt.datetime) -> Finding | None:
    if newest is None or dataset.freshness is None:
        return None
    age = (now - dt.datetime.fromisoformat(newest)).total_seconds()
    if age <= dataset.freshness:
        return None
    found = error(
        "MLC378",
        dataset.origin.at("freshness"),
        f"dataset `{dataset.name}` is stale: its newest row is of {newest}",
        note=f"that is {age / 3600:,.1f} h ago, and {duration_text(dataset.freshness)} is the most",
        help="bring the data up to date, or close the table with `history.until`",
    )
    return replace(found, severity=Severity.WARNING)
