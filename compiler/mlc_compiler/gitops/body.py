"""The pull request of a promotion or rollback, as markdown: what changes, what is left to do, evidence, differences."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from mlc_compiler import ir
from mlc_compiler.conventions import short
from mlc_compiler.records import dataclass

LONGEST = 60_000
"""Bytes of a body: forges refuse more than 65,536 characters."""
LEAST = 5_000
"""Bytes that the plan gets however long the rest is."""
VERDICTS_SHOWN, DATASETS_SHOWN = 100, 100
_MARKS = {"passed": "✅", "failed": "❌", "undecided": "❓", "not_applicable": "n/a", "reported": "info"}
Evidence = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Account:
    """What a body tells of: pins before and after, their evidence, the plan, what was and is to be done."""

    model: str
    environment: str
    pin: ir.Pin
    before: ir.Pin | None
    evidence: Evidence | None
    evidence_before: Evidence | None
    plan: Callable[[int], str]  # writes it in so many bytes
    held: Sequence[str]
    to_hold: Sequence[str]


def body(title: str, account: Account) -> str:
    """Return the markdown, no longer than forges take: the plan gets what the rest leaves."""
    judged = (_verdicts(account.evidence), _metrics(account), _data(account.evidence))
    head = _lines((f"## {title}", ""), _versions(account))
    rest = _lines(_checklist(account), *judged)
    room = max(LONGEST - len(head.encode()) - len(rest.encode()) - 100, LEAST)
    return _cut(f"{head}### Plan\n\n{account.plan(room)}\n{rest}".rstrip() + "\n")


def _lines(*sections: Iterable[str]) -> str:
    return "".join(f"{line}\n" for section in sections for line in section)


def _cut(text: str) -> str:
    """Return the text, without its last lines where it is too long all the same."""
    if len(text.encode()) <= LONGEST:
        return text
    note = "\n\n(cut: the whole stands in the commit's files)\n"
    kept = text.encode()[: LONGEST - len(note)].decode("utf-8", "ignore")
    return kept.rpartition("\n")[0] + note


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
    datasets = sorted(evidence["inputs"]["datasets"].items())
    for name, digest in datasets[:DATASETS_SHOWN]:
        yield f"| {_cell(name)} | {_code(str(digest))} |"
    if len(datasets) > DATASETS_SHOWN:
        yield f"\nand {len(datasets) - DATASETS_SHOWN} more"
    yield ""


def _checklist(account: Account) -> Iterator[str]:
    yield from ("### Checklist", "")
    yield from _boxes(account.held, "x")
    yield from _boxes(account.to_hold, " ")
    yield ""


def _boxes(items: Iterable[str], mark: str) -> Iterator[str]:
    return (f"- [{mark}] {item}" for item in items)


def _cell(value: object) -> str:
    """Return a text that stays in its cell of a table."""
    text = " ".join(str("" if value is None else value).split())
    return text.replace("|", "\\|").replace("<", "&lt;").replace("`", "'")
