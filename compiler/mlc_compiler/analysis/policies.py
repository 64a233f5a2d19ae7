"""House rules in CEL over the typed project: what blocks, what advises."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from mlc_compiler.diagnostics import Finding, Related, Severity, Sink
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.project import BoundModel, Project
from mlc_compiler.spec.policy import Policy, Rule

_TYPES = {str: "text", int: "a number", float: "a number", list: "a list", dict: "a mapping"}
NOTE = 100
"""Characters of the CEL library's words that a finding repeats."""


def check_policies(project: Project, sink: Sink) -> None:
    """Judge every rule on every document of its kind."""
    if not project.policies:
        return
    for policy in project.policies.values():
        for index, rule in enumerate(policy.spec.rules):
            _Judge(policy, index, rule).judge(project, sink)


class _BrokenRule(Exception):
    """The rule can't be evaluated: in which field, and why."""

    def __init__(self, field: str, reason: str, note: str = "") -> None:
        super().__init__(reason)
        self.field, self.reason, self.note = field, reason, note


class _Judge:
    """One rule."""

    def __init__(self, policy: Document[Policy], index: int, rule: Rule) -> None:
        self.policy, self.index, self.rule = policy, index, rule
        self.variable = snake_case(rule.for_)

    def judge(self, project: Project, sink: Sink) -> None:
        """Report each document that breaks the rule; a rule that can't be evaluated is reported once."""
        try:
            when = _compiled("when", self.rule.when or "true")
            require = _compiled("require", self.rule.require)
            about = _plain(project.document)
            for document, value in _subjects(project, self.rule.for_):
                bindings = {self.variable: value, "project": about}
                if _holds(when, "when", bindings, document) and not _holds(require, "require", bindings, document):
                    self._violated(document, sink)
        except _BrokenRule as broken:
            sink.error(
                "MLC802",
                self.policy.at("rules", self.index, broken.field),
                f"rule `{self.rule.id}` can't be evaluated: {broken.reason}",
                note=broken.note,
                help=f"the rule sees `{self.variable}` and `project`; guard fields that may be absent with has(...)",
            )

    def _violated(self, document: Document[Any], sink: Sink) -> None:
        severity = Severity.ERROR if self.rule.enforcement == "blocking" else Severity.WARNING
        rule_at = self.policy.at("rules", self.index, "require")
        sink.add(
            Finding(
                "MLC801",
                f"{document.kind} `{document.name}` breaks rule `{self.rule.id}`: {self.rule.message}",
                document.place.at("metadata", "name"),
                related=(Related("rule", self.rule.require, rule_at),),
                help="mend the document, or waive the rule with `x-allow: {MLC801: {until: ..., reason: ...}}`",
                severity=severity,
            )
        )


def _compiled(field: str, text: str) -> Any:
    import cel  # a compiled library, 0.3 s to import: only projects with policies pay

    try:
        return cel.compile(text)
    except ValueError as error:
        raise _BrokenRule(field, "it is not CEL", _first_words(error)) from error


def _holds(program: Any, field: str, bindings: dict[str, Any], document: Document[Any]) -> bool:
    try:
        result = program.execute(bindings)
    except KeyError as error:
        raise _BrokenRule(field, f"{document.kind} `{document.name}` has no `{error.args[0]}`") from error
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise _BrokenRule(field, f"it fails on {document.kind} `{document.name}`", _first_words(error)) from error
    if not isinstance(result, bool):
        raise _BrokenRule(field, f"it yields {_TYPES.get(type(result), 'a value')}, not true or false")
    return result


def _first_words(error: Exception) -> str:
    words = " ".join(str(error).split())
    return words if len(words) <= NOTE else f"{words[: NOTE - 3]}..."


def snake_case(kind: str) -> str:
    """Return the variable that a kind's documents are bound to.

    >>> snake_case("FeatureView")
    'feature_view'
    """
    return re.sub(r"(?<=[a-z])([A-Z])", r"_\1", kind).lower()


def _subjects(project: Project, kind: str) -> Iterable[tuple[Document[Any], dict[str, Any]]]:
    if kind == "Model":
        return [(m.document, _model(project, m)) for m in project.models]
    documents: Mapping[str, Iterable[Document[Any]]] = {
        "Project": (project.document,),
        "Dataset": project.datasets.values(),
        "FeatureView": project.views.values(),
        "Gate": project.gates.values(),
        "Rollout": project.rollouts.values(),
        "Monitor": project.monitors.values(),
        "Environment": project.environments,
    }
    return [(d, _plain(d)) for d in documents[kind]]


def _model(project: Project, model: BoundModel) -> dict[str, Any]:
    """Return a model with what belongs to it: gates, rollout, monitor, datasets, owner."""
    used = {model.spine.name, *(j.dataset or n for v in model.views for n, j in v.spec.joins.items())}
    return {
        **_plain(model.document),
        "owner": model.document.metadata.owner or project.document.metadata.owner or "",
        "gates": [_plain(g) for g in model.gates],
        "datasets": [_plain(project.datasets[n]) for n in sorted(used)],
        **({"rollout": _plain(model.rollout)} if model.rollout else {}),
        **({"monitor": _plain(model.monitor)} if model.monitor else {}),
    }


def _plain(document: Document[Any]) -> dict[str, Any]:
    value: dict[str, Any] = document.spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    metadata = document.metadata.model_dump(mode="json", exclude_none=True)
    return {**value, "metadata": metadata, "name": document.name}
