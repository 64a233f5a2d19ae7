"""The pull request of a promotion or rollback, as markdown: evidence, differences, what changes, what is left to do."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlc_compiler import ir
from mlc_compiler.conventions import short

LONGEST = 60_000
"""Characters of a body: forges refuse more than 65,536."""
FILES_SHOWN, VERDICTS_SHOWN = 60, 120
_MARKS = {"passed": "✅", "failed": "❌", "undecided": "❓", "not_applicable": "n/a", "reported": "info"}
Evidence = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Account:
    """What a body tells of: pins before and after, their evidence, the changed files, what was and is to be done."""

    model: str
    environment: str
    pin: ir.Pin
    before: ir.Pin | None
    evidence: Evidence | None
    evidence_before: Evidence | None
    files: Mapping[str, tuple[bool, bool]]  # path -> whether it stands before, after
    held: Sequence[str]
    to_hold: Sequence[str]


def body(title: str, account: Account) -> str:
    """Return the markdown, cut to what forges take."""
    sections = (
        _versions(account),
        _verdicts(account.evidence),
        _metrics(account),
        _data(account.evidence),
        _files(account.files),
        _checklist(account),
    )
    text = "\n".join([f"## {title}", "", *(line for section in sections for line in section)]).rstrip() + "\n"
    cut = "\n\n(cut: the whole stands in the commit's files)\n"
    return text if len(text) <= LONGEST else text[: LONGEST - len(cut)].rpartition("\n")[0] + cut


def _versions(account: Account) -> Iterator[str]:
    yield from ("| | runs now | proposed |", "|---|---|---|")
    before = account.before
    for name in ("version", "artifact", "image", "snapshot", "evidence"):
        now = getattr(before, name) if before else None
        yield f"| {name} | {_code(now)} | {_code(getattr(account.pin, name))} |"
    yield ""


def _code(value: str | None) -> str:
    return "none" if value is None else f"`{short(value) if value.startswith('sha256:') else _cell(value)}`"


def _verdicts(evidence: Evidence | None) -> Iterator[str]:
    if evidence is None:
        return
    verdicts = evidence["verdicts"]
    yield from ("### Gates", "", "| | gate | check | reason |", "|---|---|---|---|")
    for verdict in verdicts[:VERDICTS_SHOWN]:
        mark = _MARKS.get(str(verdict["status"]), str(verdict["status"]))
        yield f"| {mark} | {_cell(verdict['gate'])} | {_cell(verdict.get('title'))} | {_cell(verdict['reason'])} |"
    if len(verdicts) > VERDICTS_SHOWN:
        yield f"\nand {len(verdicts) - VERDICTS_SHOWN} more"
    yield ""


# --- metrics ---------------------------------------------------------------------------------------------------------
def _metrics(account: Account) -> Iterator[str]:
    new, old = _test(account.evidence), _test(account.evidence_before)
    if not new:
        return
    yield from ("### Metrics on test rows", "", "| metric | runs now | proposed | difference |", "|---|---|---|---|")
    for name in sorted(new):
        shown = _difference(new[name], old[name]) if name in old else ""
        yield f"| {name} | {_interval(old.get(name))} | {_interval(new[name])} | {shown} |"
    if old:
        yield f"\n{_compared(account)}"
    yield ""


def _compared(account: Account) -> str:
    keys = [e["test_snapshot"] if e else None for e in (account.evidence, account.evidence_before)]
    if keys[0] == keys[1]:
        return (
            "Both on the same test rows; the difference's interval treats the two as independent, so it is wider than "
            "that of a paired comparison."
        )
    return "The two were measured on different test rows: the difference is of the rows, too."


def _test(evidence: Evidence | None) -> Mapping[str, Mapping[str, Any]]:
    found = evidence["metrics"].get("test", {}) if evidence else {}
    return {n: m for n, m in found.items() if isinstance(m, Mapping) and isinstance(m.get("value"), int | float)}


def _interval(metric: Mapping[str, Any] | None) -> str:
    if metric is None:
        return ""
    low, high = metric.get("low"), metric.get("high")
    return f"{metric['value']:.4g}" + (f" [{low:.4g}, {high:.4g}]" if low is not None and high is not None else "")


def _difference(new: Mapping[str, Any], old: Mapping[str, Any]) -> str:
    """Return the difference with an interval from those of both, as of independent estimates.

    >>> _difference({"value": 0.75, "low": 0.72, "high": 0.78}, {"value": 0.70, "low": 0.66, "high": 0.74})
    '+0.05 [+0, +0.1]'
    """
    value = new["value"] - old["value"]
    ends = [m.get(side) for m in (new, old) for side in ("low", "high")]
    if any(end is None for end in ends):
        return f"{value:+.3g}"
    down = math.hypot(new["value"] - new["low"], old["high"] - old["value"])
    up = math.hypot(new["high"] - new["value"], old["value"] - old["low"])
    low, high = (round(end, 4) + 0.0 for end in (value - down, value + up))  # no -0
    return f"{value:+.3g} [{low:+g}, {high:+g}]"


# --- the rest --------------------------------------------------------------------------------------------------------
def _data(evidence: Evidence | None) -> Iterator[str]:
    if evidence is None:
        return
    yield from ("### Data", "", "| dataset | digest |", "|---|---|")
    for name, digest in sorted(evidence["inputs"]["datasets"].items()):
        yield f"| {_cell(name)} | {_code(str(digest))} |"
    yield ""


def _files(files: Mapping[str, tuple[bool, bool]]) -> Iterator[str]:
    yield from ("### Plan", "", f"{len(files)} files change:", "", "```diff")
    for path in sorted(files)[:FILES_SHOWN]:
        before, after = files[path]
        yield f"{'!' if before and after else '+' if after else '-'} {path}"
    if len(files) > FILES_SHOWN:
        yield f"# and {len(files) - FILES_SHOWN} more"
    yield from ("```", "")


def _checklist(account: Account) -> Iterator[str]:
    yield from ("### Checklist", "")
    yield from _boxes(account.held, "x")
    yield from _boxes(account.to_hold, " ")


def _boxes(items: Iterable[str], mark: str) -> Iterator[str]:
    return (f"- [{mark}] {item}" for item in items)


def _cell(value: object) -> str:
    """Return a text that stays in its cell of a table."""
    text = " ".join(str("" if value is None else value).split())
    return text.replace("|", "\\|").replace("<", "&lt;").replace("`", "'")
