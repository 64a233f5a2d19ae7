"""The target's options, read once into one value."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeGuard

from mlc_compiler.backend.target import Unsupported
from mlc_compiler.ir import Frozen, Origin, Project

NAME = "github-actions"
PULL_REQUEST, RELEASE = "pull-request", "release"
WORKFLOWS = (PULL_REQUEST, RELEASE)

_KNOWN = ("required_checks", "wheels", "workflows", "working_directory")


@dataclass(frozen=True, slots=True)
class Options:
    """What README.md explains under Options."""

    required_checks: bool
    wheels: str
    workflows: tuple[str, ...]
    working_directory: str | None
    origin: Origin

    def in_repository(self, path: str) -> str:
        """Return a path of the project as the repository's root sees it."""
        return posixpath.join(self.working_directory or "", path)


def read_options(project: Project) -> Options:
    """Return the project's options; values that `check_options` refuses fall back to defaults."""
    given = project.options(NAME)
    workflows, directory, wheels = (given.get(key) for key in ("workflows", "working_directory", "wheels"))
    return Options(
        required_checks=given.get("required_checks") is True,
        wheels=wheels if _is_folder(wheels) else "wheels",
        workflows=tuple(str(w) for w in workflows) if isinstance(workflows, tuple) else WORKFLOWS,
        working_directory=directory.strip("/") if _is_folder(directory) else None,
        origin=given.origin,
    )


def check_options(project: Project) -> Iterator[Unsupported]:
    """Yield what the options say that this target does not know."""
    given = project.options(NAME)
    for key, value in given.options:
        if problem := _problem(key, value):
            yield Unsupported(given.origin.at(key), problem[0], problem[1])


def _problem(key: str, value: Frozen) -> tuple[str, str] | None:
    if key not in _KNOWN:
        return f"target {NAME} has no option `{key}`", f"use one of {', '.join(_KNOWN)}"
    if key == "required_checks":
        return None if isinstance(value, bool) else (f"`{key}` is {value!r}", "write true or false")
    if key == "workflows":
        fine = isinstance(value, tuple) and bool(value) and set(value) <= set(WORKFLOWS)
        return None if fine else (f"`{key}` is {value!r}", f"write a list of {', '.join(WORKFLOWS)}")
    if not _is_folder(value):
        return f"`{key}` is {value!r}, no folder in the repository", "write a path such as services/delays"
    return None


def _is_folder(value: Frozen) -> TypeGuard[str]:
    if not isinstance(value, str) or not value.strip("/") or value.startswith("/"):
        return False
    return ".." not in value.split("/") and all(c.isalnum() or c in "-_./" for c in value)
