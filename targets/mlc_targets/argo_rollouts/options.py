"""The target's options, read once into one value."""

from __future__ import annotations

from collections.abc import Iterator

from mlc_compiler.backend.capability import version_problem
from mlc_compiler.backend.target import Sourced, Unsupported
from mlc_compiler.ir import Frozen, Origin, Project, Release
from mlc_compiler.records import dataclass

NAME = "argo-rollouts"
PROMETHEUS = "http://prometheus.monitoring:9090"

_CHOICES = {"select": ("pod", "version"), "traffic": ("none", "gateway-api")}
_KNOWN = (*_CHOICES, "gateway", "prometheus", "version")


@dataclass(frozen=True, slots=True)
class Options:
    """What README.md explains under Options."""

    traffic: str
    select: str
    prometheus: str
    gateway: str | None
    origin: Origin

    @property
    def routes(self) -> bool:
        return self.traffic == "gateway-api"


def read_options(project: Project) -> Options:
    """Return the project's options; values that `check_options` refuses fall back to defaults."""
    given = project.options(NAME)
    texts = {key: value for key, value in given.options if isinstance(value, str)}
    return Options(
        traffic=texts.get("traffic", "none"),
        select=texts.get("select", "pod"),
        prometheus=texts.get("prometheus", PROMETHEUS),
        gateway=texts.get("gateway"),
        origin=given.origin,
    )


def gateway(release: Release, options: Options) -> Sourced | None:
    """Return the Gateway of the environment, or the project's, as `namespace/name`."""
    if stated := release.environment.gateway:
        return Sourced(stated, Origin(release.environment.origin.document, "spec.ingress.gateway"))
    return Sourced(options.gateway, options.origin.at("gateway")) if options.gateway else None


def check_options(project: Project) -> Iterator[Unsupported]:
    """Yield what the options say that this target does not know."""
    given = project.options(NAME)
    for key, value in given.options:
        if problem := _problem(key, value):
            yield Unsupported(given.origin.at(key), problem[0], problem[1])


def _problem(key: str, value: Frozen) -> tuple[str, str] | None:
    if key not in _KNOWN:
        return f"target {NAME} has no option `{key}`", f"use one of {', '.join(sorted(_KNOWN))}"
    if key == "version":
        return version_problem(value)
    choices = _CHOICES.get(key)
    if choices and value not in choices:
        return f"`{key}` is {value!r}", f"use one of {', '.join(choices)}"
    if not isinstance(value, str) or not value:
        return f"`{key}` is {value!r}", "write a text"
    if key == "prometheus" and not value.startswith(("http://", "https://")):
        return f"`prometheus` is {value!r}, no URL", f"write scheme, host and port, as in {PROMETHEUS}"
    return None
