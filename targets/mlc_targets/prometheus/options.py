"""The target's options, read once into one value."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlc_compiler import conventions
from mlc_compiler.backend.target import Unsupported
from mlc_compiler.ir import Frozen, Origin, Project
from mlc_compiler.records import dataclass

NAME = "prometheus"
LONGEST_SCRAPE = 60.0  # the shortest window is 5 minutes, and a rate wants four scrapes in it

_TEXTS = {"namespace_label": "namespace", "pod_label": "pod"}
_OBJECTS = ("files", "prometheus-rule")
_KNOWN = (*_TEXTS, "kube_state_metrics", "max_lookup_misses", "objects", "owner_webhooks", "scrape_interval")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_DURATION = re.compile(r"(\d+)(s|m)")
_SECRET = re.compile(r"[^/{}\s]+/[^/{}\s]+")


@dataclass(frozen=True, slots=True)
class Options:
    """What README.md explains under Options; `owner_webhooks` are pairs of owner and secret, `name/key`."""

    kube_state_metrics: bool
    max_lookup_misses: float
    namespace_label: str
    objects: str
    owner_webhooks: tuple[tuple[str, str], ...]
    pod_label: str
    scrape_interval: float
    origin: Origin


def read_options(project: Project) -> Options:
    """Return the project's options; values that `check_options` refuses fall back to defaults."""
    given = project.options(NAME)
    texts = {key: value for key, value in given.options if isinstance(value, str)}
    misses = given.get("max_lookup_misses")
    return Options(
        kube_state_metrics=given.get("kube_state_metrics") is True,
        max_lookup_misses=_share(misses) or 0.5,
        namespace_label=texts.get("namespace_label", _TEXTS["namespace_label"]),
        objects=texts.get("objects", _OBJECTS[0]),
        owner_webhooks=_webhooks(given.get("owner_webhooks", ())) or (),
        pod_label=texts.get("pod_label", _TEXTS["pod_label"]),
        scrape_interval=_seconds(given.get("scrape_interval")) or float(conventions.SCRAPE_INTERVAL_SECONDS),
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
    if key in _TEXTS:
        fine = isinstance(value, str) and _LABEL.fullmatch(value)
        return None if fine else (f"`{key}` is {value!r}, no name of a label", "write letters, digits and _")
    if key == "kube_state_metrics":
        return None if isinstance(value, bool) else (f"`{key}` is {value!r}", "write true or false")
    if key == "objects":
        return None if value in _OBJECTS else (f"`{key}` is {value!r}", f"use one of {', '.join(_OBJECTS)}")
    return _number_problem(key, value)


def _number_problem(key: str, value: Frozen) -> tuple[str, str] | None:
    if key == "max_lookup_misses" and _share(value) is None:
        return f"`{key}` is {value!r}", "write a share between 0 and 1, e.g. 0.5"
    if key == "owner_webhooks" and _webhooks(value) is None:
        return f"`{key}` is no mapping of owners to secrets", "write {owner: {secret: name/key}}"
    if key == "scrape_interval" and _seconds(value) is None:
        longest = conventions.duration_text(LONGEST_SCRAPE)
        return f"`{key}` is {value!r}", f"write whole seconds up to {longest}, e.g. 15s: rates need four scrapes in 5m"
    return None


def _share(value: Frozen) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and 0 < float(value) < 1 else None  # type: ignore[arg-type]  # checked before


def _seconds(value: Frozen) -> float | None:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    seconds = float(match[1]) * (60 if match[2] == "m" else 1) if match else 0.0
    return seconds if 0 < seconds <= LONGEST_SCRAPE else None


def _webhooks(value: Frozen) -> tuple[tuple[str, str], ...] | None:
    """Return pairs of owner and secret, sorted; None for anything but {owner: {secret: name/key}}."""
    found = {}
    for pair in value if isinstance(value, tuple) else (None,):
        if not isinstance(pair, tuple) or len(pair) != 2:
            return None
        owner, secret = pair[0], _secret(pair[1])
        if not isinstance(owner, str) or secret is None:
            return None
        found[owner] = secret
    return tuple(sorted(found.items()))


def _secret(value: Frozen) -> str | None:
    """Return the reference in `{secret: name/key}`, which is frozen as pairs."""
    if not isinstance(value, tuple) or len(value) != 1 or not isinstance(value[0], tuple) or len(value[0]) != 2:
        return None
    key, reference = value[0]
    return reference if key == "secret" and isinstance(reference, str) and _SECRET.fullmatch(reference) else None
