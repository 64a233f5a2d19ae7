"""What the artifacts of each target bear on, by what the targets say themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mlc_compiler.backend.target import Bearing, Target
from mlc_compiler.plan.impact import IMPACTS, Impact


def bearing_of(targets: Iterable[Target]) -> Callable[[str], Impact]:
    """Return what a change of a target's artifacts means, by its name: redeploy where it says nothing itself."""
    said = ((t.name, t.impact) for t in targets if isinstance(t, Bearing))
    known: dict[str, Impact] = {name: found for name, found in said if found in IMPACTS}

    def bearing(name: str) -> Impact:
        return known.get(name, "redeploy")

    return bearing
