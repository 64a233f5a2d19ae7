"""A mutant: one edit of one file of an example, and what has to be found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
SEED = 20130101


@dataclass(frozen=True, slots=True)
class Mutant:
    """`family` is what it is counted under; `line` (from 1) is where a finding has to stand, in `file` or `elsewhere`.

    `codes` are the findings of which one is the right one; empty where any will do. `suggestion` is what a misspelling
    has to be mended to.
    """

    family: str
    name: str
    example: str
    file: str
    text: bytes
    line: int
    codes: tuple[str, ...] = ()
    suggestion: str = ""
    elsewhere: str = ""

    @property
    def id(self) -> str:
        """Return a name that is unique among all mutants."""
        return f"{self.family}/{self.example}/{self.name}".replace(" ", "-")


def source(example: str, file: str) -> str:
    """Return the text of an example's file."""
    return (EXAMPLES / example / file).read_text("utf-8")


def specs(example: str) -> list[str]:
    """Return an example's spec files, mlc.yaml first."""
    root = EXAMPLES / example
    return ["mlc.yaml", *sorted(p.relative_to(root).as_posix() for p in (root / "specs").rglob("*.yaml"))]


def line_of(text: str, offset: int) -> int:
    """Return the number, from 1, of the line that holds a character."""
    return text.count("\n", 0, offset) + 1
