"""Which models a command is about: by name on the command line, or by a selector."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from mlc_compiler import ir
from mlc_compiler.cli.console import Console
from mlc_compiler.diagnostics import nearest
from mlc_compiler.records import dataclass


def models(releases: ir.ProjectRelease, wanted: str | None, console: Console) -> tuple[ir.Model, ...]:
    """Return the models that a name, pattern or selector picks; all of them for None. Empty after saying why."""
    if wanted is None:
        return releases.models
    found = tuple(m for m in releases.models if _picks(wanted, m))
    if not found:
        names = [m.name for m in releases.models]
        near = nearest(wanted.partition(":")[2] or wanted, names)
        hint = f"did you mean `{near}`?" if near else f"the models are {', '.join(names) or 'none'}"
        console.refuse(f"mlc: `{wanted}` picks no model; {hint}")
    return found


def _picks(selector: str, model: ir.Model) -> bool:
    kind, colon, value = selector.partition(":")
    if not colon:
        return fnmatchcase(model.name, selector)
    if kind == "owner":
        return fnmatchcase(model.owner, value)
    if kind == "label":
        key, _, wanted = value.partition("=")
        return dict(model.labels).get(key) == wanted
    return kind == "model" and fnmatchcase(model.name, value.removesuffix("+"))


def environment(releases: ir.ProjectRelease, name: str, console: Console) -> ir.Release | None:
    """Return the release of an environment, or None after naming the nearest."""
    if not is_environment(name, [r.environment.name for r in releases.releases], console):
        return None
    return next(r for r in releases.releases if r.environment.name == name)


@dataclass(frozen=True, slots=True)
class Scope:
    """What `[MODEL] [-e ENV]` picks: the releases of the environments, and the names of the models."""

    releases: tuple[ir.Release, ...]
    models: frozenset[str]


def scope(releases: ir.ProjectRelease, model: str | None, environment: str | None, console: Console) -> Scope | None:
    """Return the models and environments that are picked, all for None; None after saying why there are none."""
    found = models(releases, model, console)
    names = [r.environment.name for r in releases.releases]
    if not found or (environment and not is_environment(environment, names, console)):
        return None
    chosen = tuple(r for r in releases.releases if environment in (None, r.environment.name))
    return Scope(chosen, frozenset(m.name for m in found))


def is_environment(name: str, names: Sequence[str], console: Console, kind: str = "environment") -> bool:
    """Tell whether there is an environment of this name, of those that `kind` says; if not, name the nearest."""
    if name in names:
        return True
    near = nearest(name, names)
    hint = f"did you mean `{near}`?" if near else f"the environments are {', '.join(names) or 'none'}"
    console.refuse(f"mlc: there is no {kind} `{name}`; {hint}")
    return False


def store_folder(root: Path, project: ir.Project) -> Path:
    """Return the folder of the local store."""
    return root / project.store_local
