"""What mlc says of a mutant: the findings that the clean example does not have."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlc_compiler.cli.console import reader
from mlc_compiler.cli.project import LockUse, make, read_project
from mlc_compiler.diagnostics import Finding, Severity, Sink, Span
from mlc_compiler.frontend.locate import locate
from mlc_compiler.frontend.waivers import active_waivers
from mutants.mutant import EXAMPLES, Mutant

ASIDE = frozenset({"MLC930"})
"""What is said of every change of training inputs, right or wrong: the lock's statistics are older."""
TODAY = "2026-01-01"
KEPT = ("mlc.yaml", "mlc.lock", "specs", "environments", "src")
"""What compiling an example reads."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found of a mutant, errors and warnings, most severe first."""

    mutant: Mutant
    findings: tuple[Finding, ...]

    @property
    def detected(self) -> bool:
        return bool(self.findings)

    @property
    def right_line(self) -> bool:
        """Tell whether a finding, of the right code where one is named, shows the line of the mistake.

        What YAML can't parse fails at a later token: such a finding shows where the open quote or bracket stands.
        """
        file = self.mutant.elsewhere or self.mutant.file
        return any(
            span.file == file and span.line <= self.mutant.line <= span.end_line
            for f in self.findings
            if not self.mutant.codes or f.code in self.mutant.codes
            for span in (f.span(), *(_opened(f) if f.code == "MLC001" else ()))
        )

    @property
    def suggested(self) -> bool:
        """Tell whether a finding offers what was meant."""
        return any(self.mutant.suggestion in (f.fix, *_quoted(f.help)) for f in self.findings)


def _opened(finding: Finding) -> list[Span]:
    return [related.at for related in finding.related if isinstance(related.at, Span)]


def _quoted(help: str) -> list[str]:
    """Return the names that a help quotes, whole and without what qualifies them."""
    names = help.split("`")[1::2]
    return [part for name in names for part in (name, *name.split("."))]


class Copies:
    """Copies of the examples, in which one file at a time is replaced."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._clean: dict[str, frozenset[tuple[str, str]]] = {}

    def root(self, example: str) -> Path:
        """Return the copy of an example."""
        root = self._folder / example
        if not root.exists():
            root.mkdir(parents=True)
            for name in KEPT:
                place = EXAMPLES / example / name
                if place.is_dir():
                    shutil.copytree(place, root / name)
                elif place.exists():
                    shutil.copy(place, root / name)
        return root

    @contextmanager
    def mutated(self, mutant: Mutant) -> Iterator[Path]:
        """Give the copy as the mutant has it."""
        root = self.root(mutant.example)
        path = root / mutant.file
        before = path.read_bytes()
        path.write_bytes(mutant.text)
        try:
            yield root
        finally:
            path.write_bytes(before)

    def judge(self, mutant: Mutant) -> Verdict:
        """Return what mlc finds of the mutant and not of the example."""
        if mutant.example not in self._clean:
            self._clean[mutant.example] = frozenset(_told(f) for f in findings(self.root(mutant.example)))
        with self.mutated(mutant) as root:
            found = [f for f in findings(root) if _told(f) not in self._clean[mutant.example]]
        return Verdict(mutant, tuple(sorted(found, key=lambda f: list(Severity).index(f.severity))))


def findings(root: Path) -> list[Finding]:
    """Return the errors and warnings of a project, with their lines."""
    read = sink = Sink()
    project = read_project(root, read)
    if project is not None:
        sink = Sink(active_waivers(project, TODAY, read))
        sink.extend(read)
        make(root, project, sink, LockUse.ADVISED)
    return [f for f in locate(sink, reader(root)) if f.severity is not Severity.INFO and f.code not in ASIDE]


def _told(finding: Finding) -> tuple[str, str]:
    return finding.code, finding.message
