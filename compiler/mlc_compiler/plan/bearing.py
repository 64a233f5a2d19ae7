"""What the artifacts of each target bear on, by what the targets say themselves."""

from __future__ import annotations

from collections.abc import Callable

from mlc_compiler.backend.target import Bearing, Target
from mlc_compiler.plan.impact import IMPACTS, Impact


def bearing_of(find: Callable[[str], Target | None]) -> Callable[[str], Impact]:
    """Return what a change of a target's artifacts means, by its name: redeploy where it says nothing itself."""
    known: dict[str, Impact] = {impact: impact for impact in IMPACTS}

    def bearing(name: str) -> Impact:
        target: object = find(name)
        return known.get(target.impact, "redeploy") if isinstance(target, Bearing) else "redeploy"

    return bearing
