"""The rows that a check is judged on, as the lock counts them, and where findings on the check point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlc_compiler.analysis.standard_errors import Rows, design_effect
from mlc_compiler.diagnostics import Finding, Place, Severity
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.project import BoundModel
from mlc_compiler.records import dataclass
from mlc_compiler.spec.gate import Gate, GateCheck
from mlc_compiler.spec.model import Model

UNITS = {"time": "days", "group": "groups", "random": "rows"}
_SHOWN = 3
_COUNTS = {"days": "days", "groups": "blocks", "rows": "rows"}


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One check of a gate for one model, the rows of its fold, and the lock's entry of the model."""

    bound: BoundModel
    gate: Document[Gate]
    index: int
    check: GateCheck
    rows: Rows
    model: Model
    entry: Mapping[str, Any]

    def at(self, *path: str) -> Place:
        """Return the place of a field of the check, of the check itself where it does not say the field."""
        said = path and path[0] in self.check.model_fields_set
        return self.gate.at("checks", self.index, *(path if said else ()))

    def _closed(self) -> bool:
        history = self.bound.spine.spec.history
        return history is not None and history.until is not None

    def undecided(self) -> tuple[str, Severity]:
        """Return how certain it is that too few rows stay too few: a closed table gets no more of them."""
        return (
            ("can never be decided", Severity.ERROR) if self._closed() else ("can't be decided yet", Severity.WARNING)
        )


def fold_rows(model: Model, entry: Mapping[str, Any], split: str) -> Rows:
    """Return the rows of a fold."""
    return _rows(model, entry["folds"][split])


def group_rows(case: Case, column: str) -> Iterator[tuple[str, Rows]]:
    """Yield the groups of a column in the test fold; none where the lock keeps none."""
    for name, counted in case.entry["groups"].get(column, {}).items():
        yield name or "(missing)", _rows(case.model, counted)


def _rows(model: Model, counted: Mapping[str, Any]) -> Rows:
    unit = UNITS[model.split.strategy]
    icc = counted.get("icc")
    return Rows(
        counted["rows"],
        counted.get("positives"),
        counted.get(_COUNTS[unit], 0),
        unit,
        counted.get("std"),
        counted.get("mean"),
        None if icc is None else min(max(icc, 0.0), 1.0),
        tuple(counted.get("classes", {}).values()),
    )


def never_decided(case: Case, at: Place, what: str, groups: Mapping[str, Rows], needs: str) -> Finding:
    """Return the finding that no interval can be made on some groups, which blocks every release."""
    ordered = sorted(groups, key=lambda g: (groups[g].rows, g))
    shown = ", ".join(f"{g} ({rows_text(groups[g])})" for g in ordered[:_SHOWN])
    more = f" and {len(ordered) - _SHOWN} more" if len(ordered) > _SHOWN else ""
    largest, (how, severity) = max(rows.rows for rows in groups.values()), case.undecided()
    return Finding(
        "MLC511",
        f"{what} {how} for {shown}{more}",
        at,
        note=f"{needs}; an undecided check blocks",
        help=f"leave them out with `min_rows: {largest + 1}`, or say `report_only: true`",
        severity=severity,
    )


def rows_text(rows: Rows) -> str:
    """Return rows in words: `330 rows, 90 of them positive, on 110 days`."""
    positive = f", {rows.positives:,} of them positive" if rows.positives is not None else ""
    units = {"days": f" on {rows.units:,} days", "groups": f" in {rows.units:,} groups"}.get(rows.unit, "")
    return f"{rows.rows:,} rows{positive}{',' if positive and units else ''}{units}"


def evidence_text(name: str, rows: Rows) -> str:
    """Return rows in words, and how many independent ones they are worth to a metric."""
    if rows.unit == "rows" or rows.rows <= rows.units:
        return rows_text(rows)
    if rows.icc is None:
        return f"{rows_text(rows)}, taken as independent"
    effect = design_effect(name, rows)
    if effect == 1:
        return rows_text(rows)
    worth = max(round(rows.rows / effect), 1)
    return f"{rows_text(rows)}, worth {worth:,} independent ones (intraclass correlation {rows.icc:.2g})"


def round_up(rows: int) -> int:
    """Return rows as two digits, rounded up.

    >>> round_up(1234)
    1300
    """
    unit = int(10 ** max(len(str(rows)) - 2, 0))
    return -(-rows // unit) * unit
