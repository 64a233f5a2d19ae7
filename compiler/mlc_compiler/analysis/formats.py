"""Texts that other programs will read: each has the form that its readers take, so that none can mean anything else.

Registry, branch, runner labels, hosts, teams and the like end up in workflows, Dockerfiles and manifests. The schema
takes any text there, because what is allowed depends on who reads it.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterator

from mlc_compiler import __version__
from mlc_compiler.diagnostics import Place, Sink, nearest
from mlc_compiler.frontend.project import Project
from mlc_compiler.frontend.schema import described
from mlc_compiler.records import dataclass
from mlc_compiler.spec.document import SecretReference

_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_REQUIREMENT = r"[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?(\[[\w,. -]+\])?( ?(==|>=|<=|!=|~=|<|>) ?[\w.*+!]+(, ?|$))*"


@dataclass(frozen=True, slots=True)
class Format:
    """A form of text: its name, the expression that all of it matches, and what to write."""

    name: str
    pattern: str
    expected: str


BRANCH = Format("a branch", r"(?!.*(\.\.|//))[A-Za-z0-9_][A-Za-z0-9._/-]*", "a branch's name, such as main")
GATEWAY = Format("a Gateway", f"({_LABEL}/)?{_LABEL}", "namespace/name of the Gateway")
HOST = Format("a domain", rf"{_LABEL}(\.{_LABEL})+", "a domain such as models.acme.example")
IMAGE = Format("an image", r"[a-z0-9]([a-z0-9._:/@-]*[A-Za-z0-9])?", "registry/path/name:tag or name@sha256:...")
LABEL_KEY = Format(
    "a label's name",
    rf"({_LABEL}(\.{_LABEL})*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?",
    "letters, digits, -, _ and ., at most 63, as Kubernetes wants",
)
LABEL_VALUE = Format(
    "a label's value",
    r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?",
    "letters, digits, -, _ and ., at most 63, as Kubernetes wants; longer texts are annotations",
)
PYTHON = Format("a version of Python", r"3\.\d{1,2}", 'major.minor in quotes, such as "3.11"')
REGISTRY = Format(
    "an image registry",
    r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*",
    "registry and path in lower case, such as ghcr.io/acme",
)
REQUIREMENT = Format("a requirement", _REQUIREMENT, "a package's name with its version, such as lightgbm==4.5.0")
RUNNER = Format("a runner's label", r"[A-Za-z0-9][\w.:/=-]*", "a label such as ubuntu-24.04 or self-hosted")
SECRET = Format("a secret's name", r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?/[A-Za-z0-9]([\w.-]*[\w])?", "name/key")
TEAM = Format("a team", r"@?[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", "a team's name, such as acme/ops-leads")
VERSION = Format("a version of mlc", r"\d+(\.\d+){0,2}", f"numbers such as {__version__}")

Text = tuple[Place, str | SecretReference | None, Format]


def check_formats(project: Project, sink: Sink) -> None:
    """Report texts that their readers would refuse, or take for something else; and zones and versions that are not."""
    for at, value, wanted in _texts(project):
        text = value.secret if isinstance(value, SecretReference) else value
        place = at.at("secret") if isinstance(value, SecretReference) else at
        if text is not None and not re.fullmatch(wanted.pattern, text, re.ASCII):
            sink.error("MLC105", place, f"{described(text)} is not {wanted.name}", help=f"write {wanted.expected}")
    _check_zone(project, sink)
    _check_min_version(project, sink)


def _texts(project: Project) -> Iterator[Text]:
    yield from _of_project(project)
    yield from _of_models(project)
    yield from _of_environments(project)
    for dataset in project.datasets.values():
        yield dataset.at("source", "connection"), dataset.spec.source.connection, SECRET


def _of_project(project: Project) -> Iterator[Text]:
    document, spec = project.document, project.spec
    yield document.at("image_registry"), spec.image_registry, REGISTRY
    yield document.at("ci", "default_branch"), spec.ci.default_branch, BRANCH
    yield document.at("ci", "python"), spec.ci.python, PYTHON
    yield document.at("ci", "app_token"), spec.ci.app_token, SECRET
    for index, label in enumerate(spec.ci.runs_on):
        yield document.at("ci", "runs_on", index), label, RUNNER
    yield document.at("alerting", "webhook"), spec.alerting.webhook, SECRET
    yield document.at("min_version"), spec.min_version, VERSION


def _of_models(project: Project) -> Iterator[Text]:
    for document in (model.document for model in project.models):
        for index, requirement in enumerate(document.spec.train.requirements):
            yield document.at("train", "requirements", index), requirement, REQUIREMENT
        if document.spec.serving.runtime:
            yield document.at("serving", "runtime", "image"), document.spec.serving.runtime.image, IMAGE
        labels = document.place.at("metadata", "labels")
        for key, value in document.metadata.labels.items():
            yield labels.at(key).name(), key, LABEL_KEY
            yield labels.at(key), value, LABEL_VALUE


def _of_environments(project: Project) -> Iterator[Text]:
    for environment in project.environments:
        yield environment.at("tracks"), environment.spec.tracks, BRANCH
        yield environment.at("ingress", "gateway"), environment.spec.ingress.gateway, GATEWAY
        yield environment.at("ingress", "host"), environment.spec.ingress.host, HOST
        for index, approval in enumerate(environment.spec.requires.approvals):
            yield environment.at("requires", "approvals", index, "team"), approval.team, TEAM


def _check_zone(project: Project, sink: Sink) -> None:
    """Report a time zone that does not exist, where this machine knows the zones."""
    name = project.spec.timezone
    try:
        zoneinfo.ZoneInfo(name)
        return
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        known = zoneinfo.available_timezones()  # 0.1 s, hence not asked first
    if known and name not in known:
        near = nearest(name, known)
        help = f"did you mean `{near}`?" if near else "write an IANA name such as Europe/Berlin, or UTC"
        sink.error("MLC105", project.document.at("timezone"), f"{described(name)} is not a time zone", help=help)


def _check_min_version(project: Project, sink: Sink) -> None:
    wanted = project.spec.min_version
    if wanted and re.fullmatch(VERSION.pattern, wanted) and _numbers(wanted) > _numbers(__version__):
        sink.error(
            "MLC917",
            project.document.at("min_version"),
            f"the project wants mlc {wanted} or newer, this is mlc {__version__}",
            help=f"install mlc {wanted} or newer",
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])
