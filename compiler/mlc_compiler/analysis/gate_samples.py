"""The rows that a check is judged on, as the lock counts them, and where findings on the check point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlc_compiler.analysis.standard_errors import Rows
from mlc_compiler.diagnostics import Place
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.project import BoundModel
from mlc_compiler.spec.gate import Gate, GateCheck
from mlc_compiler.spec.model import Model

UNITS = {"time": "days", "group": "groups", "random": "rows"}
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


def fold_rows(model: Model, entry: Mapping[str, Any], split: str) -> Rows:
    """Return the rows of a fold."""
    return _rows(model, entry["folds"][split])


def group_rows(case: Case, column: str) -> Iterator[tuple[str, Rows]]:
    """Yield the groups of a column in the test fold; none where the lock keeps none."""
    for name, counted in case.entry["groups"].get(column, {}).items():
        yield name or "(missing)", _rows(case.model, counted)


def _rows(model: Model, counted: Mapping[str, Any]) -> Rows:
    unit = UNITS[model.split.strategy]
    return Rows(
        counted["rows"], counted.get("positives"), counted.get(_COUNTS[unit], 0), unit, counted.get("std")
    )  # fmt: skip


def rows_text(rows: Rows) -> str:
    """Return rows in words: `330 rows, 90 of them positive, on 110 days`."""
    positive = f", {rows.positives:,} of them positive" if rows.positives is not None else ""
    units = {"days": f" on {rows.units:,} days", "groups": f" in {rows.units:,} groups"}.get(rows.unit, "")
    return f"{rows.rows:,} rows{positive}{',' if positive and units else ''}{units}"


def round_up(rows: int) -> int:
    """Return rows as two digits, rounded up.

    >>> round_up(1234)
    1300
    """
    unit = int(10 ** max(len(str(rows)) - 2, 0))
    return -(-rows // unit) * unit
