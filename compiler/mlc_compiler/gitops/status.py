"""What runs where, since when, behind by what, and awaiting what: one row a model and environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mlc_compiler import ir
from mlc_compiler.conventions import duration_text, short
from mlc_compiler.gitops.history import PinChange, same_version
from mlc_compiler.gitops.proposal import branch_of
from mlc_compiler.gitops.requirements import lapse, moment
from mlc_compiler.gitops.statements import Rolled


@dataclass(frozen=True, slots=True)
class Standing:
    """A model in an environment: its pin's history, that of the environment before, and what the specs say now."""

    environment: ir.Environment
    model: str
    history: Sequence[PinChange]
    source: Sequence[PinChange]
    specified: str
    rolled: Rolled | None
    open: tuple[str, ...]  # branches of proposals that are not merged
    now: int


def row(standing: Standing) -> dict[str, Any]:
    """Return the standing as JSON values."""
    change = standing.history[0] if standing.history else None
    pin = change.pin if change else None
    to = standing.environment
    return {
        "environment": to.name,
        "model": standing.model,
        "version": pin.version if pin else None,
        "since": moment(change.since) if change and pin else None,
        "commit": change.commit.id if change and pin else None,
        "cut": change.cut if change and pin else False,
        "rollout": standing.rolled.outcome if standing.rolled else None,
        "behind": _behind(standing, pin),
        "awaiting": _awaiting(standing, pin),
        "open": sorted(standing.open),
    }


def _behind(standing: Standing, pin: ir.Pin | None) -> dict[str, Any] | None:
    """Return what the next version would come from, how many changes lie between, and whether it is another model."""
    to = standing.environment
    if to.promoted_from is None:
        differs = pin is None or pin.version != standing.specified
        return {"of": "specs", "changes": 1, "version": standing.specified} if differs else None
    ahead = standing.source[0].pin if standing.source else None
    if ahead is None or same_version(ahead, pin):
        return None
    known = next((i for i, c in enumerate(standing.source) if same_version(c.pin, pin)), None)
    changes = len([c for c in standing.source if c.pin]) if known is None else known
    return {"of": to.promoted_from, "changes": changes, "version": ahead.version}


def _awaiting(standing: Standing, pin: ir.Pin | None) -> list[str]:
    """Return what the version of the environment before still has to wait for."""
    to = standing.environment
    if to.promoted_from is None or _behind(standing, pin) is None:
        return []
    found = []
    left = standing.source[0].since + to.soak - standing.now
    if to.soak and left > 0:
        found.append(f"soak: {lapse(left)} of {duration_text(to.soak)} left")
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
    lag = f"{behind['of']} by {behind['changes']}: {short(behind['version'])}" if behind else "-"
    waits = [*row["awaiting"], *(f"open: {branch}" for branch in row["open"])]
    since = f"{row['since']} *" if row["cut"] else row["since"] or "-"
    version = short(row["version"]) if row["version"] else "none"
    return row["environment"], row["model"], version, since, row["rollout"] or "-", lag, "; ".join(waits) or "-"
