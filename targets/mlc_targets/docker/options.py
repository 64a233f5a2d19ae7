"""The target's options, read once into one value."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlc_compiler.backend.target import Unsupported
from mlc_compiler.ir import Origin, Project
from mlc_compiler.records import dataclass

NAME = "docker"
BASE_IMAGES = (
    ("python:3.11-slim-bookworm", "sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b"),
    ("python:3.12-slim-bookworm", "sha256:782412e85d0f0984994c290652577d4018aff08145c85b262bb63dc0c7522254"),
    ("python:3.13-slim-bookworm", "sha256:67a1e1f215ccda113cfc024e8639049257e88f273898f595b61476d128d387e8"),
    ("python:3.14-slim-bookworm", "sha256:9ab8d9c8514b44f90cf0029dd42fdd7e9e211e639c8b995304cc04568dee900f"),
)
"""The bases that `mlc lock` writes down: digests of the indexes for all processors."""

_IMAGE = re.compile(r"[a-z0-9][a-z0-9._/:-]*[a-z0-9](?::[\w][\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?")
_NAMED = re.compile(r"(?::[\w][\w.-]{0,127}|@sha256:[0-9a-f]{64})$")


@dataclass(frozen=True, slots=True)
class Options:
    """What README.md explains under Options; `digest` is None where nobody has pinned the base."""

    base_image: str
    digest: str | None
    origin: Origin

    @property
    def base(self) -> str:
        """Return the base as FROM names it."""
        return f"{self.base_image}@{self.digest}" if self.digest else self.base_image


def read_options(project: Project) -> Options:
    """Return the project's options; values that `check_options` refuses fall back to defaults."""
    given = project.options(NAME)
    stated = given.get("base_image")
    name = stated if isinstance(stated, str) else f"python:{project.python}-slim-bookworm"
    digests = {**dict(BASE_IMAGES), **dict(project.lock.images)}
    origin = given.origin.at("base_image") if stated else project.origin.at("ci.python")
    return Options(name, None if "@" in name else digests.get(name), origin)


def check_options(project: Project) -> Iterator[Unsupported]:
    """Yield what the options say that this target does not know."""
    given = project.options(NAME)
    for key, value in given.options:
        if key != "base_image":
            yield Unsupported(given.origin.at(key), f"target {NAME} has no option `{key}`", "use base_image")
        elif not isinstance(value, str) or not _IMAGE.fullmatch(value) or not _NAMED.search(value):
            yield Unsupported(
                given.origin.at(key),
                f"`base_image` is {value!r}, no image with a tag or a digest",
                "write a name and a tag, as in python:3.11-slim-bookworm, or name@sha256:...",
            )
