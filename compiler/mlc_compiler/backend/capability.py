"""What a target can express, as a table with a source for each row: checks, `mlc explain TARGET` and the docs read it.

A row says since which version of the consumer (Argo Rollouts, Kubernetes, ...) it holds, and in which mode of ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal, Protocol, runtime_checkable

from mlc_compiler.backend.target import Unsupported
from mlc_compiler.ir import Frozen, Project
from mlc_compiler.records import dataclass

_VERSION = re.compile(r"\d{1,3}\.\d{1,3}")


@dataclass(frozen=True, slots=True)
class Capability:
    """One row. `fields` are those of the specs that it is about; `since` and `until` versions of the consumer."""

    name: str
    fields: tuple[str, ...]
    support: Literal["yes", "limited", "no"]
    detail: str
    source: str
    mode: str = ""
    since: str = ""
    until: str = ""
    alternative: str = ""


@runtime_checkable
class Capable(Protocol):
    """A target with a table of what it can express."""

    @property
    def name(self) -> str: ...

    def capabilities(self) -> tuple[Capability, ...]: ...


def version_problem(value: Frozen) -> tuple[str, str] | None:
    """Return what is wrong with the option `version`, with what to write."""
    if isinstance(value, str) and _VERSION.fullmatch(value):
        return None
    return f"`version` is {value!r}, no version", 'write major.minor in quotes, such as "1.8"'


def too_old(project: Project, target: str, rows: Iterable[Capability]) -> Iterator[Unsupported]:
    """Yield the rows that the stated version of a target's consumer does not have yet, or no longer."""
    given = project.options(target)
    version = given.get("version")
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        return
    for row in rows:
        if row.since and _number(version) < _number(row.since):
            said = f"{row.detail} since {row.since}, and `version` says {version}"
        elif row.until and _number(version) > _number(row.until):
            said = f"{row.detail} until {row.until}, and `version` says {version}"
        else:
            continue
        help = row.alternative or f"upgrade to {row.since or row.until}, or mend `version`"
        yield Unsupported(given.origin.at("version"), said, help, row.source)


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def shown(row: Capability) -> str:
    """Return when a row holds: versions and mode, as tables show it.

    >>> shown(Capability("x", (), "yes", "", "", mode="traffic: none", since="1.4"))
    'traffic: none; since 1.4'
    """
    parts = [row.mode, f"since {row.since}" if row.since else "", f"until {row.until}" if row.until else ""]
    return "; ".join(part for part in parts if part)
