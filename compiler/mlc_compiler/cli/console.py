"""Where a command's words go: results to standard output, findings and progress to standard error."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import field
from pathlib import Path

from mlc_compiler.cli.unchanged import STDERR, STDOUT, Record, colored
from mlc_compiler.diagnostics import Finding, Severity
from mlc_compiler.records import dataclass

SHOWN = 100
"""Findings from which on warnings are counted only, unless --verbose or another format asks for them."""


@dataclass(frozen=True, slots=True)
class Console:
    """How this run speaks."""

    format: str
    color: bool
    quiet: bool
    verbose: bool
    github: bool
    judges: bool = False  # findings are the command's result, so `format` is theirs
    record: Record = field(default_factory=Record)

    @staticmethod
    def of(options: argparse.Namespace) -> Console:
        """Return the console that flags and environment ask for; only the CLI reads the environment."""
        return Console(
            format=getattr(options, "format", "text") or "text",
            color=colored(options.color),
            quiet=options.quiet,
            verbose=options.verbose,
            github=os.environ.get("GITHUB_ACTIONS") == "true",
            judges=getattr(options, "judges", False),
        )

    def out(self, text: str, again: str | None = None) -> None:
        """Print a result; `again` is what the same command says instead when nothing has changed since."""
        sys.stdout.write(_line(text))
        self.record.said.append((STDOUT, _line(text if again is None else again)))

    def say(self, text: str) -> None:
        """Print progress or a remark, unless quiet."""
        if not self.quiet:
            self._err(_line(text))

    def refuse(self, text: str) -> None:
        """Print why the command can't run as asked, quiet or not; control characters come back escaped."""
        self._err(_line("".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)))

    def _err(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()
        self.record.said.append((STDERR, text))

    def findings(self, findings: Iterable[Finding], root: Path) -> bool:
        """Show the findings, as the result where they are it, else as text; return whether one is an error."""
        if not (self.judges and self.format != "text") and not (self.github or self.verbose):
            return self._first_findings(findings, root)
        from mlc_compiler.frontend.locate import locate
        from mlc_compiler.render import render_github, render_json, render_sarif, render_text

        read = reader(root)
        located = locate(findings, read)
        shown = [f for f in located if f.severity is not Severity.INFO or self.verbose]
        if self.judges and self.format == "json":
            self.out(render_json(located))
        elif self.judges and self.format == "github":
            self.out(render_github(located))
        elif self.judges and self.format == "sarif":
            self.out(render_sarif(shown, read))
        elif located:
            self._err(render_text(shown, read, self.color, 120))
        if self.github and located and not (self.judges and self.format != "text"):
            sys.stderr.write(render_github(located))
            step_summary(located)
        return any(f.severity is Severity.ERROR for f in located)

    def _first_findings(self, findings: Iterable[Finding], root: Path) -> bool:
        """Show every error, and as many warnings as somebody reads; return whether one is an error."""
        told = [f for f in findings if f.severity is not Severity.INFO]
        if not told:
            return False
        from mlc_compiler.conventions import plural
        from mlc_compiler.frontend.locate import locate, of_first_files
        from mlc_compiler.render import render_text

        read = reader(root)
        taken, left = of_first_files(told, SHOWN)
        located = locate(taken, read)
        shown = [f for i, f in enumerate(located) if i < SHOWN or f.severity is Severity.ERROR]
        left += len(located) - len(shown)
        more = f"and {left:,} more {plural(left, 'warning')}: --verbose shows all\n" if left else ""
        self._err(render_text(shown, read, self.color, 120) + more)
        return any(f.severity is Severity.ERROR for f in shown)


def _line(text: str) -> str:
    return text if text.endswith("\n") else f"{text}\n"


def reader(root: Path) -> Callable[[str], str | None]:
    """Return a function that reads a file below the root, or nothing."""

    def read(path: str) -> str | None:
        try:
            if not (root / path).is_file():  # a pipe would wait for ever
                return None
            return (root / path).read_bytes().decode("utf-8", "replace")
        except OSError:
            return None

    return read


def step_summary(findings: Iterable[Finding]) -> None:
    """Append the findings to the step summary of GitHub Actions."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    rows = [
        f"| `{f.code}` | {f.severity.value} | `{f.span().file}:{f.span().line}` | {_cell(f.message)} |"
        for f in findings
    ]
    if path and rows:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write("\n".join(["| code | severity | where | what |", "|---|---|---|---|", *rows, ""]) + "\n")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


class StepProgress:
    """Tells the steps of a run on standard error, one line each."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started: dict[str, float] = {}

    def step(self, name: str, detail: str = "") -> None:
        self._started[name] = time.perf_counter()
        if self._console.color and not self._console.quiet:
            print(f"  {name:<10} {detail}", end="\r", file=sys.stderr, flush=True)

    def done(self, name: str, detail: str = "", cached: bool = False) -> None:
        seconds = time.perf_counter() - self._started.get(name, time.perf_counter())
        mark = "unchanged" if cached else f"{seconds:7.1f} s"
        self._console.say(f"  {name:<10} {mark:>9}  {detail}".rstrip())
