"""The target's options, read once into one value."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlc_compiler.backend.target import Unsupported
from mlc_compiler.ir import Frozen, Origin, Project
from mlc_compiler.records import dataclass

NAME = "grafana"

_LABELS = {"namespace_label": "namespace", "pod_label": "pod"}
_OBJECTS = ("files", "config-map")
_KNOWN = (*_LABELS, "objects")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True, slots=True)
class Options:
    """What README.md explains under Options."""

    namespace_label: str
    objects: str
    pod_label: str
    origin: Origin


def read_options(project: Project) -> Options:
    """Return the project's options; values that `check_options` refuses fall back to defaults."""
    given = project.options(NAME)
    texts = {key: value for key, value in given.options if isinstance(value, str)}
    return Options(
        namespace_label=texts.get("namespace_label", _LABELS["namespace_label"]),
        objects=texts.get("objects", _OBJECTS[0]),
        pod_label=texts.get("pod_label", _LABELS["pod_label"]),
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
        return f"target {NAME} has no option `{key}`", f"use one of {', '.join(sorted(_KNOWN))}"
    if key in _LABELS:
        fine = isinstance(value, str) and _LABEL.fullmatch(value)
        return None if fine else (f"`{key}` is {value!r}, no name of a label", "write letters, digits and _")
    return None if value in _OBJECTS else (f"`{key}` is {value!r}", f"use one of {', '.join(_OBJECTS)}")
