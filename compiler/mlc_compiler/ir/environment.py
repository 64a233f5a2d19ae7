"""Environments: where models run, and what a version has to show to get there."""

from __future__ import annotations

from mlc_compiler.ir.origin import Frozen, Origin
from mlc_compiler.records import dataclass


@dataclass(frozen=True, slots=True)
class Approval:
    """A team of which so many people have to approve."""

    team: str
    count: int


@dataclass(frozen=True, slots=True)
class Freeze:
    """Days, both included (ISO dates), in which nothing is promoted."""

    since: str
    until: str
    reason: str


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch on an emitted object: `merge` is a strategic merge, `operations` a JSON patch."""

    kind: str
    name: str
    merge: Frozen = None
    operations: tuple[Frozen, ...] = ()
    origin: Origin = Origin("")


@dataclass(frozen=True, slots=True)
class Environment:
    """A place where models run, and what a version has to show to get there."""

    name: str
    namespace: str
    tracks: str | None
    promoted_from: str | None
    gates: tuple[str, ...]
    soak: float
    approvals: tuple[Approval, ...]
    gateway: str | None
    host: str | None
    patches: tuple[Patch, ...] = ()
    origin: Origin = Origin("")
    freezes: tuple[Freeze, ...] = ()
    signed: bool = False
