"""Mistakes that parse and type, and would fail or mislead in production: `faults.yaml` lists them by analysis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mutants.mutant import Mutant, line_of, source

TABLE = Path(__file__).with_name("faults.yaml")


@dataclass(frozen=True, slots=True)
class Fault:
    """`old`, which stands once in the file, becomes `new`; the finding stands where they begin to differ.

    `at` is a text on the line where it stands otherwise, in the same file or in `elsewhere`; `codes` are the findings
    of which one has to be it.
    """

    name: str
    file: str
    old: str
    new: str
    at: str = ""
    elsewhere: str = ""
    example: str = "flights"
    codes: tuple[str, ...] = ()


def faults() -> Iterator[Mutant]:
    """Yield the mutants of every analysis."""
    table: Mapping[str, list[Mapping[str, Any]]] = yaml.safe_load(TABLE.read_text("utf-8"))
    for family, listed in table.items():
        yield from (_mutant(family, Fault(**entry)) for entry in listed)


def _mutant(family: str, fault: Fault) -> Mutant:
    text = source(fault.example, fault.file)
    start = text.find(fault.old)
    if text.count(fault.old) != 1:
        raise LookupError(f"{fault.name}: the text to replace stands {text.count(fault.old)} times in {fault.file}")
    mutated = text[:start] + fault.new + text[start + len(fault.old) :]
    line = _line(fault, text, mutated)
    codes, elsewhere = tuple(fault.codes), fault.elsewhere
    return Mutant(family, fault.name, fault.example, fault.file, mutated.encode(), line, codes, "", elsewhere)


def _line(fault: Fault, text: str, mutated: str) -> int:
    if fault.at:
        shown = source(fault.example, fault.elsewhere) if fault.elsewhere else mutated
        return line_of(shown, shown.index(fault.at))
    pairs = enumerate(zip(text, mutated, strict=False))
    return line_of(mutated, next(index for index, (before, after) in pairs if before != after))
