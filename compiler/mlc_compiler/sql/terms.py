"""What a row expression takes from other rows: aggregates (terms) and joined rows, each with its window in knowledge
time. The plans in `plans`, `joins` and `lookups` write them as SQL."""

from __future__ import annotations

from typing import Literal

from mlc_compiler.ir import Dataset
from mlc_compiler.records import dataclass
from mlc_compiler.sql.definitions import JoinDefinition
from mlc_compiler.sql.knowledge import Instant
from mlc_compiler.sql.scope import quote
from mlc_compiler.sql.values import Typed

Own = Literal["absent", "outside", "inside", "undecided"]
"""Whether the predicted row itself lies in a window: another dataset; never; always; only the data tells."""

ADDITIVE = ("avg", "count", "sum")


@dataclass(frozen=True, slots=True)
class Term:
    """One aggregate: `function` of `argument` over rows of `dataset` that agree in `by`, known in [t + start, t + end).

    `start` and `end` are in seconds; with `on_event` the start is measured in event time. `lookup` and `column` name
    the value, in training and in the online snapshot.
    """

    function: str
    dataset: Dataset
    by: tuple[str, ...]
    argument: Typed | None
    where: Typed | None
    start: float
    end: float
    on_event: bool
    known: tuple[Instant, ...]
    own: Own
    type: str
    lookup: str
    column: str

    @property
    def name(self) -> str:
        """The value's column beside the spine's rows."""
        return quote(f"{self.lookup}.{self.column}")

    @property
    def lag(self) -> float | None:
        """Seconds from event time to knowledge time where they are the same for each row."""
        if len(self.known) == 1 and self.known[0].base == self.dataset.event_time:
            return self.known[0].offset
        return None

    @property
    def plan(self) -> Literal["totals", "nearest", "frames", "pairs"]:
        """How training computes it: differences of running totals, one neighbour, window frames, or pairs of rows."""
        if self.on_event and self.lag is None:
            return "pairs"
        if self.function in ADDITIVE:
            return "totals"
        if self.own in ("inside", "undecided"):
            return "pairs"
        return "nearest" if self.function in ("first", "last") else "frames"

    @property
    def known_start(self) -> float:
        """The window's start in knowledge time, where the lag is constant or the window is in knowledge time."""
        return self.start + (self.lag or 0.0) if self.on_event else self.start


@dataclass(frozen=True, slots=True)
class Joined:
    """A join as one row beside each row of the spine: `columns` of `definition.dataset`, known after `known`.

    Expressions that read columns with another `known_at` are another `Joined` of the same join.
    """

    lookup: str
    definition: JoinDefinition
    known: tuple[Instant, ...]
    columns: tuple[str, ...]

    def name(self, column: str) -> str:
        """Return the column's name beside the spine's rows."""
        return quote(f"{self.lookup}.{column}")
