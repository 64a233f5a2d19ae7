"""Tell from git history which version ran where and when, who approved it, which gates it passed, on which data."""

from __future__ import annotations

import argparse
import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mlc_compiler.cli.console import Console

if TYPE_CHECKING:
    from mlc_compiler.diagnostics import Finding
    from mlc_compiler.gitops.audit import Tenure
    from mlc_compiler.gitops.git import Repository
    from mlc_compiler.gitops.history import Histories

FORMAT_VERSION = 1
COLUMNS = (
    *("environment", "model", "version", "from", "until", "action", "commit", "author", "committer", "approved_by"),
    *("artifact", "image", "evidence", "signed", "gates", "data"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", nargs="?", default="*", help="a name or pattern; every model by default")
    parser.add_argument("-e", dest="environment", metavar="ENV", help="one environment only")
    parser.add_argument("--on", type=_day, metavar="DATE", help="what ran on this day (UTC), as in 2026-05-01")
    parser.add_argument("--format", choices=("table", "json", "csv"), default="table")


def _day(text: str) -> date:
    return date.fromisoformat(text)


def run(options: argparse.Namespace, console: Console) -> int:
    from mlc_compiler.cli.git_state import in_repository, now

    return in_repository(options, console, lambda _, git: _audit(git, options, now(), console))


def _audit(git: Repository, options: argparse.Namespace, now: int, console: Console) -> int:
    from fnmatch import fnmatchcase

    from mlc_compiler.cli.selection import is_environment
    from mlc_compiler.gitops.audit import records, tenures
    from mlc_compiler.gitops.history import pin_histories

    pairs = pin_histories(git)
    if options.environment and not is_environment(options.environment, sorted({e for e, _ in pairs}), console):
        return 2
    pairs = {
        (e, m): history
        for (e, m), history in pairs.items()
        if options.environment in (None, e) and fnmatchcase(m, options.model)
    }
    if not pairs:
        console.refuse(f"mlc audit: nothing in git's history pins `{options.model}`")
        return 2 if options.model != "*" else 0
    found = [t for (e, m), h in pairs.items() for t in _wanted(list(tenures(h, e, m, now)), options.on)]
    console.findings(_damaged(git, pairs), git.root)
    if _cut(git, found, options.on, console):
        return 1
    _show(records(git, found), console)
    return 0


def _damaged(git: Repository, pairs: Histories) -> list[Finding]:
    """Return what is wrong with pins as HEAD has them: history answers all the same, but of today it can't."""
    from dataclasses import replace

    from mlc_compiler.conventions import pin_path
    from mlc_compiler.diagnostics import Severity, Sink
    from mlc_compiler.gitops.pins import parse_pin

    sink = Sink()
    paths = [pin_path(*pair) for pair, history in pairs.items() if history and history[0].pin is None]
    for path, content in zip(paths, git.read([(git.head, path) for path in paths]), strict=True):
        if content is not None:
            parse_pin(path, content, sink)
    return [replace(finding, severity=Severity.WARNING) for finding in sink]


def _wanted(found: list[Tenure], day: date | None) -> tuple[Tenure, ...]:
    from mlc_compiler.gitops.audit import ran_on

    if day is None:
        return tuple(found)
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return ran_on(found, int(start.timestamp()), int((start + timedelta(days=1)).timestamp()))


def _cut(git: Repository, found: list[Tenure], day: date | None, console: Console) -> bool:
    """Say that the clone is shallow where that matters; return whether the question can't be answered."""
    from mlc_compiler.diagnostics import Finding, Severity
    from mlc_compiler.gitops.requirements import at_top

    if not git.shallow or not (day is None or not found or any(t.change.cut for t in found)):
        return False
    unanswered = day is not None and not found
    said = "the clone is shallow: what ran before its first commit, and since when, is not known here"
    help = "fetch the rest: `git fetch --unshallow`"
    severity = Severity.ERROR if unanswered else Severity.WARNING
    console.findings([Finding("MLC938", said, at_top("mlc.yaml"), help=help, severity=severity)], git.root)
    return unanswered


def _show(records: list[dict[str, Any]], console: Console) -> None:
    if console.format == "json":
        console.out(json.dumps({"format_version": FORMAT_VERSION, "records": records}, indent=2, ensure_ascii=False))
    elif console.format == "csv":
        console.out(_csv(records))
    else:
        console.out(_table(records))


def _csv(records: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_cell(record[name]) for name in COLUMNS] for record in records)
    return text.getvalue()


def _cell(value: Any) -> str:  # noqa: ANN401  a JSON value
    """Return one cell; lists and mappings stay JSON. A leading sign would make a formula of it in a spreadsheet."""
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def _table(records: list[dict[str, Any]]) -> str:
    from mlc_compiler.cli.show_command import table
    from mlc_compiler.conventions import short

    rows = [
        (
            r["environment"],
            r["model"],
            short(r["version"]),
            f"{r['from']} *" if r["cut"] else r["from"],
            r["until"] or "now",
            r["action"],
            r["commit"][:12],
            r["committer"].partition(" <")[0],
            ", ".join(name.partition(" <")[0] for name in r["approved_by"]) or "-",
            _gates(r["gates"]),
        )
        for r in records
    ]
    head = ("environment", "model", "version", "from", "until", "by", "commit", "committer", "approved by", "gates")
    return table(head, rows)


def _gates(verdicts: list[dict[str, Any]]) -> str:
    passed = sum(v["status"] == "passed" for v in verdicts)
    return f"{passed} of {len(verdicts)} passed" if verdicts else "no evidence"
