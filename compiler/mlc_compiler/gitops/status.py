"""What runs where, since when, behind by what, and awaiting what: one row a model and environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from mlc_compiler import ir
from mlc_compiler.conventions import duration_text, short
from mlc_compiler.gitops.history import PinChange, same_version
from mlc_compiler.gitops.proposal import branch_of
from mlc_compiler.gitops.requirements import SKEW, lapse, moment
from mlc_compiler.gitops.statements import Rolled
from mlc_compiler.records import dataclass

Classes = Callable[[str, ir.Pin, ir.Pin | None], Sequence[str]]
"""What a model's change from one pin to another, or to what the specs say (None), comes to: classes of impact."""


@dataclass(frozen=True, slots=True)
class Specified:
    """The version that the specs make, and whether they say anything else than what the environment runs."""

    version: str
    differs: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """A model in an environment: its pin's history, that of the environment before, and what the specs say now."""

    environment: ir.Environment
    model: str
    history: Sequence[PinChange]
    source: Sequence[PinChange]
    specified: Specified
    rolled: Rolled | None
    open: tuple[str, ...]  # branches of proposals that are not merged
    now: int


def row(standing: Standing, classes: Classes) -> dict[str, Any]:
    """Return the standing as JSON values."""
    change = standing.history[0] if standing.history else None
    pin = change.pin if change else None
    to = standing.environment
    behind = _behind(standing, pin, classes)
    return {
        "environment": to.name,
        "model": standing.model,
        "version": pin.version if pin else None,
        "since": moment(change.since) if change and pin else None,
        "commit": change.commit.id if change and pin else None,
        "cut": change.cut if change and pin else False,
        "rollout": standing.rolled.outcome if standing.rolled else None,
        "behind": behind,
        "awaiting": _awaiting(standing) if behind else [],
        "open": sorted(standing.open),
    }


def _behind(standing: Standing, pin: ir.Pin | None, classes: Classes) -> dict[str, Any] | None:
    """Return what the next version would come from, how many changes lie between, and what these come to."""
    to, said = standing.environment, standing.specified
    if to.promoted_from is None:
        same = pin is not None and pin.version == said.version
        by = [] if pin is None or (same and not said.differs) else [*classes(standing.model, pin, None)]
        return {"of": "specs", "changes": 1, "version": said.version, "by": by} if by or not same else None
    ahead = standing.source[0].pin if standing.source else None
    if ahead is None or same_version(ahead, pin):
        return None
    known = next((i for i, c in enumerate(standing.source) if same_version(c.pin, pin)), None)
    changes = len([c for c in standing.source if c.pin]) if known is None else known
    by = [*classes(standing.model, pin, ahead)] if pin else []
    return {"of": to.promoted_from, "changes": changes, "version": ahead.version, "by": by}


def _awaiting(standing: Standing) -> list[str]:
    """Return what the version of the environment before still has to wait for."""
    to = standing.environment
    if to.promoted_from is None:
        return []
    found = []
    since = standing.source[0].since
    left = since + to.soak - standing.now
    if to.soak and since > standing.now + SKEW:
        found.append(f"soak: the clock is off: its commit is dated {lapse(since - standing.now)} from now")
    elif to.soak and left > 0:
        found.append(f"soak: {lapse(min(left, to.soak))} of {duration_text(to.soak)} left")
    today = datetime.fromtimestamp(standing.now, UTC).date().isoformat()
    found += [f"freeze until {f.until}: {f.reason}" for f in to.freezes if f.since <= today <= f.until]
    found += [f"approval: {a.count} of {a.team}" for a in to.approvals]
    return found


def branches(environment: str, model: str) -> tuple[str, ...]:
    """Return the branches on which something may be proposed."""
    return branch_of("promote", environment, model), branch_of("rollback", environment, model)


def words(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a row as cells of a table."""
    behind = row["behind"]
    lag = _lag(behind) if behind else "-"
    waits = [*row["awaiting"], *(f"open: {branch}" for branch in row["open"])]
    since = f"{row['since']} *" if row["cut"] else row["since"] or "-"
    version = short(row["version"]) if row["version"] else "none"
    return row["environment"], row["model"], version, since, row["rollout"] or "-", lag, "; ".join(waits) or "-"


def _lag(behind: Mapping[str, Any]) -> str:
    classes = f" ({', '.join(behind['by'])})" if behind["by"] else ""
    return f"{behind['of']} by {behind['changes']}{classes}: {short(behind['version'])}"
