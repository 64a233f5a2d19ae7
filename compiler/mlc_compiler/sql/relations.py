"""The relations of a query while it is read: columns, each with what it depends on, and what decides on the rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field

from mlc_compiler.records import dataclass
from mlc_compiler.sql.mentions import Flow
from mlc_compiler.sql.syntax import Span

Flows = Mapping[tuple[str, str, Flow], Span | None]
"""Dataset, column and flow, with where the query says so."""
Schema = tuple[tuple[str, tuple[str, ...]], ...]
"""Datasets with their columns' names."""


@dataclass(frozen=True, slots=True)
class UnknownName:
    """A name that nothing in reach has, or too many; `there_is` is what could have been meant: columns, or tables."""

    message: str
    within: Span | None
    name: str
    there_is: tuple[str, ...]
    tables: bool = False
    help: str = ""


@dataclass(frozen=True, slots=True)
class Relation:
    """`rows` decide which rows there are, so every column depends on them. `open`: there may be other columns, made of
    anything that stands in `rows` or in the columns."""

    columns: Mapping[str, Flows] = field(default_factory=dict)
    rows: Flows = field(default_factory=dict)
    open: bool = False
    names: tuple[str, ...] = ()  # as written; keys of `columns` are in lower case

    def has(self, name: str) -> bool:
        return name.lower() in self.columns

    def column(self, name: str) -> Flows:
        """Return what a column depends on, rows included; everything for one that is not known."""
        known = self.columns.get(name.lower())
        return united((self.everything() if known is None else known, self.rows))

    def everything(self) -> Flows:
        return united(self.columns.values())


def united(parts: Iterable[Flows]) -> Flows:
    """Return all flows of several sets; the first place of each stays."""
    found: dict[tuple[str, str, Flow], Span | None] = {}
    for flows in parts:
        for key, span in flows.items():
            found.setdefault(key, span)
    return found


def turned(flows: Flows, flow: Flow) -> Flows:
    """Return flows of something that only decides: its values become `flow`, what decided before stays."""
    if flow == "value":
        return flows
    return united(
        [
            {(dataset, column, flow if kind == "value" else kind): span}
            for (dataset, column, kind), span in flows.items()
        ]
    )


def relation(columns: Iterable[tuple[str, Flows]], rows: Flows, *, open: bool = False) -> Relation:
    """Return a relation of named columns; of two with one name the first counts."""
    found: dict[str, Flows] = {}
    names: dict[str, str] = {}
    for name, flows in columns:
        found.setdefault(name.lower(), flows)
        names.setdefault(name.lower(), name)
    return Relation(found, rows, open, tuple(names.values()))
