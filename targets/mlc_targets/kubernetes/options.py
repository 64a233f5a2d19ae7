"""The target's options, read once into one value."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlc_compiler.backend.capability import version_problem
from mlc_compiler.backend.target import Unsupported
from mlc_compiler.ir import Frozen, Origin, Project
from mlc_compiler.records import dataclass

NAME = "kubernetes"
_PUSHGATEWAY = "http://pushgateway.monitoring:9091"
_TEXTS = {
    "data_claim": None,
    "monitoring_namespace": "monitoring",
    "pushgateway": _PUSHGATEWAY,
    "snapshot_access": "ReadWriteMany",
    "snapshot_size": "1Gi",
    "storage_class": None,
}
_GATEWAY = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[^\s?#]*)?")
_ACCESS_MODES = ("ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
_KNOWN = (*_TEXTS, "client_namespaces", "pod_monitor", "version")


@dataclass(frozen=True, slots=True)
class Options:
    """What README.md explains under Options."""

    client_namespaces: tuple[str, ...]
    data_claim: str
    monitoring_namespace: str
    pod_monitor: bool
    pushgateway: str
    snapshot_access: str
    snapshot_size: str
    storage_class: str | None
    origin: Origin


def read_options(project: Project) -> Options:
    """Return the project's options; values that `check_options` refuses fall back to defaults."""
    given = project.options(NAME)
    texts = {key: _text(given.get(key), default) for key, default in _TEXTS.items()}
    clients = given.get("client_namespaces", ())
    return Options(
        client_namespaces=tuple(str(name) for name in clients) if isinstance(clients, tuple) else (),
        data_claim=texts["data_claim"] or f"{project.name}-data",
        monitoring_namespace=texts["monitoring_namespace"] or "monitoring",
        pod_monitor=given.get("pod_monitor") is True,
        pushgateway=texts["pushgateway"] or _PUSHGATEWAY,
        snapshot_access=texts["snapshot_access"] or _ACCESS_MODES[0],
        snapshot_size=texts["snapshot_size"] or "1Gi",
        storage_class=texts["storage_class"],
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
    if key == "version":
        return version_problem(value)
    if key == "client_namespaces":
        fine = isinstance(value, tuple) and all(isinstance(item, str) for item in value)
        return None if fine else ("`client_namespaces` is no list of names", "write [namespace, ...]")
    if key == "pod_monitor":
        return None if isinstance(value, bool) else (f"`pod_monitor` is {value!r}", "write true or false")
    if key == "pushgateway" and not (isinstance(value, str) and _GATEWAY.fullmatch(value)):
        return f"`{key}` is {value!r}, no address of a Pushgateway", f"write http://host:port, e.g. {_PUSHGATEWAY}"
    if key == "snapshot_access" and value not in _ACCESS_MODES:
        return f"`{key}` is {value!r}", f"use one of {', '.join(_ACCESS_MODES)}"
    return None if isinstance(value, str) else (f"`{key}` is no text", "write a text")


def _text(value: Frozen, default: str | None) -> str | None:
    return value if isinstance(value, str) else default
