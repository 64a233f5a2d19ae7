"""What is pinned where: an input of lowering, read from git by `gitops.pins`."""

from __future__ import annotations

from collections.abc import Mapping

from mlc_compiler.ir import Pin
from mlc_compiler.records import dataclass


@dataclass(frozen=True, slots=True)
class Pins:
    """All pins of a project by (environment, model), and the snapshots' texts by digest."""

    pins: Mapping[tuple[str, str], Pin]
    snapshots: Mapping[str, str]
