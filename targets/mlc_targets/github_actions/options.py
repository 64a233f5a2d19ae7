"""The target's options, read once into one value."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import TypeGuard

from mlc_compiler.backend.target import Unsupported
from mlc_compiler.ir import Frozen, Origin, Project
from mlc_compiler.records import dataclass

NAME = "github-actions"
PULL_REQUEST, RELEASE, PROMOTE, ROLLBACK, RETRAIN = "pull-request", "release", "promote", "rollback", "retrain"
WORKFLOWS = (PULL_REQUEST, RELEASE, PROMOTE, ROLLBACK, RETRAIN)

_KNOWN = (
    "code_owners", "model_owners", "organization", "required_checks", "wheels", "workflows", "working_directory",
)  # fmt: skip
_ORGANIZATION = re.compile(r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}")


@dataclass(frozen=True, slots=True)
class Options:
    """What README.md explains under Options."""

    code_owners: tuple[str, ...]
    model_owners: bool
    organization: str | None
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
    organization, lines = given.get("organization"), given.get("code_owners")
    return Options(
        code_owners=tuple(map(str, lines)) if isinstance(lines, tuple) else (),
        model_owners=given.get("model_owners") is True,
        organization=organization if _is_organization(organization) else None,
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
    if key in ("model_owners", "required_checks"):
        return None if isinstance(value, bool) else (f"`{key}` is {value!r}", "write true or false")
    if key == "workflows":
        fine = isinstance(value, tuple) and bool(value) and set(value) <= set(WORKFLOWS)
        return None if fine else (f"`{key}` is {value!r}", f"write a list of {', '.join(WORKFLOWS)}")
    if key == "organization":
        return None if _is_organization(value) else (f"`{key}` is {value!r}", "write the name that GitHub knows it by")
    if key == "code_owners":
        return None if _are_lines(value) else (f"`{key}` is {value!r}", "write a list of its lines")
    if not _is_folder(value):
        return f"`{key}` is {value!r}, no folder in the repository", "write a path such as services/delays"
    return None


def _is_folder(value: Frozen) -> TypeGuard[str]:
    if not isinstance(value, str) or not value.strip("/") or value.startswith("/"):
        return False
    return ".." not in value.split("/") and all(c.isalnum() or c in "-_./" for c in value)


def _is_organization(value: Frozen) -> TypeGuard[str]:
    return isinstance(value, str) and bool(_ORGANIZATION.fullmatch(value))


def _are_lines(value: Frozen) -> bool:
    return isinstance(value, tuple) and all(isinstance(v, str) and "\n" not in v for v in value)
