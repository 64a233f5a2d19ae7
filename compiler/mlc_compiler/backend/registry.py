"""The installed targets. They come in through the entry point group `mlc.targets`; the compiler knows none by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mlc_compiler import ir
from mlc_compiler.backend.target import Executor, Pinning, Target

GROUP = "mlc.targets"


@dataclass(frozen=True, slots=True)
class Registry:
    """Targets by name, sorted."""

    targets: tuple[Target, ...]

    def names(self) -> tuple[str, ...]:
        return tuple(t.name for t in self.targets)

    def chosen(self, names: Iterable[str]) -> tuple[Target, ...]:
        wanted = set(names)
        return tuple(t for t in self.targets if t.name in wanted)

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
        return next((t for t in self.targets if isinstance(t, Executor)), None)


def installed() -> Registry:
    """Return every target that an installed distribution offers."""
    from importlib.metadata import entry_points  # 0.1 s to import: an unchanged build never asks

    found: dict[str, Target] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda e: e.name):
        for target in entry.load():
            found.setdefault(target.name, target)
    return Registry(tuple(found[name] for name in sorted(found)))
