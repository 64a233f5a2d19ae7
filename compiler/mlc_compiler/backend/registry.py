"""The installed targets. They come in through the entry point group `mlc.targets`; the compiler knows none by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module

from mlc_compiler import ir
from mlc_compiler.backend.target import Executor, Pinning, Target
from mlc_compiler.records import dataclass

GROUP = "mlc.targets"


@dataclass(frozen=True, slots=True)
class Registry:
    """Where each target stands, as `module:attribute`, by its name, sorted. Only targets in use are imported."""

    offered: Mapping[str, str]

    def names(self) -> tuple[str, ...]:
        return tuple(self.offered)

    def packages(self) -> tuple[str, ...]:
        """Return the top-level packages that the targets stand in."""
        return tuple(sorted({where.partition(":")[0].partition(".")[0] for where in self.offered.values()}))

    def find(self, name: str) -> Target | None:
        return _loaded(self.offered[name]) if name in self.offered else None

    def chosen(self, names: Iterable[str]) -> tuple[Target, ...]:
        wanted = set(names)
        return tuple(_loaded(where) for name, where in self.offered.items() if name in wanted)

    def every(self) -> tuple[Target, ...]:
        return self.chosen(self.offered)

    def pins(self, names: Iterable[str]) -> ir.Lock:
        """Return the actions, images and packages that the chosen targets pin, for `mlc lock` to write down."""
        offered = [t.pins() for t in self.chosen(names) if isinstance(t, Pinning)]
        return ir.Lock(
            actions=tuple(sorted({a for o in offered for a in o.actions}, key=lambda a: a.name)),
            images=tuple(sorted({i for o in offered for i in o.images})),
            packages=tuple(sorted({p for o in offered for p in o.packages})),
        )

    def executor(self) -> Executor | None:
        """Return the first target that executes releases here."""
        return next((t for t in self.every() if isinstance(t, Executor)), None)


def _loaded(where: str) -> Target:
    module, _, attribute = where.partition(":")
    target: Target = getattr(import_module(module), attribute)
    return target


@cache
def installed() -> Registry:
    """Return what is installed: each entry point is a mapping of targets' names to where they stand."""
    from importlib.metadata import entry_points  # 0.1 s to import: an unchanged build never asks

    found: dict[str, str] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda e: e.name):
        offered = entry.load()
        if not isinstance(offered, Mapping):
            raise TypeError(f"the entry point {entry.value} of {GROUP} is no mapping of targets' names to their places")
        for name, where in offered.items():
            found.setdefault(name, where)
    return Registry(dict(sorted(found.items())))
