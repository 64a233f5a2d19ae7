"""The target's options, read once into one value."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlc_compiler.backend.target import Sourced, Unsupported
from mlc_compiler.ir import Frozen, Origin, Project
from mlc_compiler.records import dataclass

NAME = "argo-cd"
IN_CLUSTER = "https://kubernetes.default.svc"

_TEXTS = {"namespace": "argocd", "project": "default", "server": IN_CLUSTER}
_SYNCS = ("automatic", "manual")
_KNOWN = ("folder", "namespace", "project", "repository", "revision", "server", "sync")
# https, ssh and scp-like addresses, which are what Argo CD clones.
_REPOSITORY = re.compile(r"(https://|ssh://|git@)[^\s]+")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_FOLDER = re.compile(r"[\w.-]+(/[\w.-]+)*")


@dataclass(frozen=True, slots=True)
class Options:
    """What README.md explains under Options."""

    repository: Sourced
    revision: Sourced | str
    folder: str
    namespace: str
    project: str
    server: str
    automatic: bool


def read_options(project: Project) -> Options:
    """Return the project's options; values that `check_options` refuses fall back to defaults."""
    given = project.options(NAME)
    texts = {key: value for key, value in given.options if isinstance(value, str)}
    revision: Sourced | str = project.default_branch
    if "revision" in texts:
        revision = Sourced(texts["revision"], given.origin.at("revision"))
    return Options(
        repository=Sourced(texts.get("repository", ""), given.origin.at("repository")),
        revision=revision,
        folder=texts.get("folder", "").strip("/"),
        namespace=texts.get("namespace", _TEXTS["namespace"]),
        project=texts.get("project", _TEXTS["project"]),
        server=texts.get("server", _TEXTS["server"]),
        automatic=texts.get("sync", _SYNCS[0]) == _SYNCS[0],
    )


def check_options(project: Project) -> Iterator[Unsupported]:
    """Yield what the options say that this target does not know, or lack."""
    given = project.options(NAME)
    if given.get("repository") is None:
        message = f"target {NAME} is not told which repository the manifests stand in"
        yield Unsupported(given.origin, message, "add `repository: https://github.com/ORGANISATION/REPOSITORY.git`")
    for key, value in given.options:
        if problem := _problem(key, value):
            yield _unsupported(given.origin, key, *problem)


def _unsupported(origin: Origin, key: str, message: str, help: str) -> Unsupported:
    return Unsupported(origin.at(key), message, help)


def _problem(key: str, value: Frozen) -> tuple[str, str] | None:
    if key not in _KNOWN:
        return f"target {NAME} has no option `{key}`", f"use one of {', '.join(_KNOWN)}"
    if not isinstance(value, str) or not value:
        return f"`{key}` is {value!r}", "write a text"
    if key == "repository" and not _REPOSITORY.fullmatch(value):
        return f"`repository` is {value!r}, no address of a git repository", "write https://..., ssh://... or git@..."
    if key == "server" and not value.startswith("https://"):
        return f"`server` is {value!r}, no address of a cluster", f"write it as in {IN_CLUSTER}"
    if key == "sync" and value not in _SYNCS:
        return f"`sync` is {value!r}", f"use one of {', '.join(_SYNCS)}"
    if key in ("namespace", "project") and not _LABEL.fullmatch(value):
        return f"`{key}` is {value!r}, no name in Kubernetes", "use lower-case letters, digits and dashes"
    if key == "folder" and (not _FOLDER.fullmatch(value.strip("/")) or ".." in value.split("/")):
        return f"`folder` is {value!r}, no folder in the repository", "write a path such as services/delays"
    return None
