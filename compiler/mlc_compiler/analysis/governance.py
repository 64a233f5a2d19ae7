"""The house rules that come with mlc: owner, risk tier, licence, retention, pins, human oversight, fairness.

A Policy switches them on by name. Where two policies name one rule, the stricter enforcement holds.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Any

from mlc_compiler.analysis.subject import Subject
from mlc_compiler.conventions import plural
from mlc_compiler.diagnostics import Finding, Place, Related, Severity, Sink
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.project import BoundModel
from mlc_compiler.records import dataclass
from mlc_compiler.spec.dataset import Dataset
from mlc_compiler.spec.policy import Licenses, Policy

PERSONAL = frozenset(("pseudonymous", "pii", "special"))


@dataclass(frozen=True, slots=True)
class Broken:
    """One document that breaks a rule."""

    at: Place
    message: str
    help: str
    related: tuple[Related, ...] = ()


@dataclass(frozen=True, slots=True)
class _InForce:
    """A built-in rule that is switched on, by which policy, and how strictly."""

    policy: Document[Policy]
    rule: str
    severity: Severity


def check_governance(subject: Subject, sink: Sink) -> None:
    """Report what breaks the built-in rules that are switched on."""
    for force in _in_force(subject):
        code, judge = RULES[force.rule]
        by = Related("rule", force.rule, force.policy.at("builtin", force.rule).name())
        for broken in judge(subject, force.policy.spec.licenses):
            related = (*broken.related, by)
            sink.add(Finding(code, broken.message, broken.at, "", related, broken.help, force.severity))


def _in_force(subject: Subject) -> Iterator[_InForce]:
    found: dict[str, _InForce] = {}
    for policy in subject.project.policies.values():
        for rule in RULES:
            enforcement = getattr(policy.spec.builtin, rule)
            if enforcement is not None and (rule not in found or found[rule].severity is Severity.WARNING):
                severity = Severity.ERROR if enforcement == "blocking" else Severity.WARNING
                if rule not in found or severity is Severity.ERROR:
                    found[rule] = _InForce(policy, rule, severity)
    yield from found.values()


def _name(document: Document[Any]) -> Place:
    return document.place.at("metadata", "name")


def _owner(subject: Subject, _: Licenses) -> Iterator[Broken]:
    project = subject.project
    models: list[Document[Any]] = [m.document for m in project.models]
    for document in (*project.datasets.values(), *models):
        if not project.owner(document):
            help = f"write `owner:` in its metadata, or in {project.document.place.file} for all"
            yield Broken(_name(document), f"{document.kind} `{document.name}` has no owner", help)


def _risk_tier(subject: Subject, _: Licenses) -> Iterator[Broken]:
    for model in subject.project.models:
        if "risk" not in model.document.spec.card.model_fields_set:
            help = "write `card: {risk: minimal}`, or limited, or high"
            yield Broken(_name(model.document), f"Model `{model.name}` states no risk tier", help)


def _licence(subject: Subject, licenses: Licenses) -> Iterator[Broken]:
    for document in subject.project.datasets.values():
        licence = document.spec.license
        if licence is None and document.spec.source.format != "query":
            help = "write `license:` with the SPDX identifier of the data's licence, or the contract's number"
            yield Broken(_name(document), f"Dataset `{document.name}` states no licence", help)
        elif licence is not None and (reason := refused(licence, licenses)):
            yield _licence_refused(subject, document, licence, reason)


def _licence_refused(subject: Subject, document: Document[Dataset], licence: str, reason: str) -> Broken:
    users = sorted(
        name for name, model in subject.models.items() if any(d.name == document.name for d in model.datasets)
    )
    by = f", which {_listed(users)} {plural(len(users), 'learns', 'learn')} from" if users else ""
    help = "use other data, or let `licenses.allow` of the policy name it once it has been cleared"
    return Broken(document.at("license"), f"licence `{licence}` of `{document.name}`{by}: {reason}", help)


def refused(licence: str, licenses: Licenses) -> str:
    """Return why a licence is not allowed, or nothing.

    >>> refused("CC-BY-NC-4.0", Licenses()), refused("CC-BY-4.0", Licenses()), refused("MIT", Licenses(allow=["CC*"]))
    ('the policy denies *-NC-*', '', 'the policy allows CC* alone')
    """
    if licence in licenses.allow:
        return ""
    denied = next((pattern for pattern in licenses.deny if fnmatch.fnmatchcase(licence, pattern)), None)
    if denied is not None:
        return f"the policy denies {denied}"
    if licenses.allow and not any(fnmatch.fnmatchcase(licence, pattern) for pattern in licenses.allow):
        return f"the policy allows {', '.join(licenses.allow)} alone"
    return ""


def _retention(subject: Subject, _: Licenses) -> Iterator[Broken]:
    for document in subject.project.datasets.values():
        spec = document.spec
        personal = [name for name, c in spec.columns.items() if c.classification in PERSONAL]
        if personal and spec.retention is None and spec.source.format != "query":
            first = personal[0]
            kept = f"`{first}` is {spec.columns[first].classification}"
            more = f", and {len(personal) - 1} more" if len(personal) > 1 else ""
            at = document.at("columns", first, "classification")
            yield Broken(
                _name(document),
                f"Dataset `{document.name}` holds personal values and states no retention",
                "write `retention:`, as in 365d",
                (Related("personal", kept + more, at),),
            )


def _pinned_images(subject: Subject, _: Licenses) -> Iterator[Broken]:
    help = "write name@sha256:..., the digest that the registry shows"
    for model in subject.project.models:
        runtime = model.document.spec.serving.runtime
        if runtime is not None and "@sha256:" not in runtime.image:
            at = model.document.at("serving", "runtime", "image")
            yield Broken(at, f"image `{runtime.image}` of Model `{model.name}` is not pinned by digest", help)
    for target, options in subject.project.spec.targets.items():
        for key, value in (options or {}).items():
            pinned = not isinstance(value, str) or "@sha256:" in value or value in subject.lock.images
            if key.endswith("image") and not pinned:
                at = subject.project.document.at("targets", target, key)
                yield Broken(at, f"image `{value}` of target {target} is not pinned by digest", help)


def _pinned_datasets(subject: Subject, _: Licenses) -> Iterator[Broken]:
    for document in subject.project.datasets.values():
        if document.spec.source.format != "query" and subject.lock.dataset_digest(document.name) is None:
            message = f"Dataset `{document.name}` is not in the lock, so models may learn from any state of it"
            yield Broken(document.at("source"), message, "run `mlc lock`, and commit mlc.lock")


def _human_oversight(subject: Subject, _: Licenses) -> Iterator[Broken]:
    for model in _high_risk(subject):
        if not model.document.spec.card.human_oversight:
            message = f"Model `{model.name}` is high-risk and states no human oversight"
            help = "write `card.human_oversight`: who may overrule or stop it, and how"
            yield Broken(model.document.at("card", "risk"), message, help)


def _fairness_gate(subject: Subject, _: Licenses) -> Iterator[Broken]:
    for model in _high_risk(subject):
        sensitive = [name for name, column in model.spine.spec.columns.items() if column.sensitive]
        checks = [c for gate in model.gates for c in gate.spec.checks if c.fairness and not c.report_only]
        missing = [name for name in sensitive if not any(c.group == name for c in checks)]
        if missing and not any(c.group in sensitive for c in checks):
            at = model.spine.at("columns", missing[0], "sensitive")
            groups = _listed(missing)
            message = f"Model `{model.name}` is high-risk, and no gate holds its fairness between groups of {groups}"
            help = f"add to a gate `{{fairness: equal_opportunity, group: {missing[0]}, min: 0.8}}`"
            yield Broken(model.document.at("card", "risk"), message, help, (Related("sensitive", missing[0], at),))


def _high_risk(subject: Subject) -> Iterator[BoundModel]:
    yield from (m for m in subject.project.models if m.document.spec.card.risk == "high")


def _listed(names: list[str]) -> str:
    shown = [f"`{name}`" for name in names[:3]]
    return ", ".join(shown) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


_Judge = Callable[[Subject, Licenses], Iterator[Broken]]
RULES: MappingProxyType[str, tuple[str, _Judge]] = MappingProxyType(
    {
        "owner": ("MLC805", _owner),
        "risk_tier": ("MLC806", _risk_tier),
        "license": ("MLC807", _licence),
        "retention": ("MLC808", _retention),
        "pinned_images": ("MLC809", _pinned_images),
        "pinned_datasets": ("MLC810", _pinned_datasets),
        "human_oversight": ("MLC811", _human_oversight),
        "fairness_gate": ("MLC812", _fairness_gate),
    }
)
"""Rules by name, each with its code."""
