"""Findings as data: what is wrong, where, why, and what to do about it.

Phases append to a `Sink`; nothing is printed here. A finding that knows its spec field carries a `Place`, which
`frontend.locate` turns into a `Span` only when the finding is shown, so that clean projects pay nothing for positions.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from mlc_compiler.records import dataclass

# What ends a line: what editors count, which is less than YAML 1.1 does.
LINE_BREAK = re.compile("\r\n|\r|\n")


class Severity(enum.Enum):
    """How much a finding matters: only an error stops the pipeline."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Span:
    """A range of text; lines and columns count from 1, the end column is exclusive."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int


Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A field of a spec document: file, index of the document in it, path from the document's root.

    `key` points at the field's name instead of its value; `within` is a half-open range of characters in a scalar.
    """

    file: str
    document: int = 0
    path: Path = ()
    key: bool = False
    within: tuple[int, int] | None = None

    def at(self, *path: str | int) -> Place:
        """Return the place of a field below this one."""
        return Place(self.file, self.document, self.path + path)

    def name(self) -> Place:
        """Return the place of this field's key."""
        return Place(self.file, self.document, self.path, True)

    def slice(self, start: int, end: int) -> Place:
        """Return the place of some characters of this scalar."""
        return Place(self.file, self.document, self.path, self.key, (start, end))


@dataclass(frozen=True, slots=True)
class Related:
    """A second place that explains the finding, shown as `= label: file:line:col  text`."""

    label: str
    text: str = ""
    at: Place | Span | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One diagnostic. `note` stands under the caret; `help` is an imperative that mends it.

    `fix` is what mends it when it stands where `at` points, where one text does; editors and SARIF offer it.
    """

    code: str
    message: str
    at: Place | Span
    note: str = ""
    related: tuple[Related, ...] = ()
    help: str = ""
    severity: Severity = Severity.ERROR
    fix: str = ""

    def span(self) -> Span:
        """Return the span of a located finding; raises TypeError for one that was never located."""
        if isinstance(self.at, Place):
            raise TypeError(f"{self.code} was not located")
        return self.at


Waivers = Mapping[tuple[str, int], frozenset[str]]
"""Codes that a document (file, index) waives; `CODE/rule` is a code for one rule of a policy."""


class Sink:
    """Collects the findings of a phase; what the document waives becomes an info."""

    def __init__(self, waivers: Waivers | None = None) -> None:
        self._findings: dict[Finding, None] = {}
        self._waivers = waivers or {}

    def add(self, finding: Finding, rule: str = "") -> None:
        """Keep a finding; `rule` names the policy's rule that it is about."""
        at = finding.at
        waived = self._waivers.get((at.file, at.document), ()) if isinstance(at, Place) else ()
        if waived and (finding.code in waived or f"{finding.code}/{rule}" in waived):
            note = f"{finding.note}; waived by x-allow" if finding.note else "waived by x-allow"
            finding = replace(finding, severity=Severity.INFO, note=note)
        self._findings.setdefault(finding)

    def extend(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self.add(finding)

    def error(  # noqa: PLR0913  what a finding consists of
        self,
        code: str,
        at: Place | Span,
        message: str,
        *,
        note: str = "",
        help: str = "",
        fix: str = "",
        related: Iterable[Related] = (),
    ) -> None:
        self.add(Finding(code, message, at, note, tuple(related), help, Severity.ERROR, fix))

    def warn(  # noqa: PLR0913  what a finding consists of
        self,
        code: str,
        at: Place | Span,
        message: str,
        *,
        note: str = "",
        help: str = "",
        fix: str = "",
        related: Iterable[Related] = (),
    ) -> None:
        self.add(Finding(code, message, at, note, tuple(related), help, Severity.WARNING, fix))

    def info(self, code: str, at: Place | Span, message: str, *, note: str = "", help: str = "") -> None:
        self.add(Finding(code, message, at, note, (), help, Severity.INFO))

    def failed(self) -> bool:
        """Tell whether a finding so far is an error."""
        return any(f.severity is Severity.ERROR for f in self._findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._findings)

    def __len__(self) -> int:
        return len(self._findings)


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate most like `name`, or None when nothing is close.

    >>> nearest("replcas", ["replicas", "resources"])
    'replicas'
    """
    import difflib  # off the fast path: only a misspelling needs it

    matches = difflib.get_close_matches(name, sorted(set(candidates)), n=1, cutoff=0.6)
    return matches[0] if matches else None
