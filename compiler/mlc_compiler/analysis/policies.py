"""House rules in CEL over the typed project: what blocks, what advises."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mlc_compiler.analysis.cel_bounds import too_large
from mlc_compiler.diagnostics import Finding, Place, Related, Severity, Sink
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.project import BoundModel, Project
from mlc_compiler.spec.policy import Policy, Rule
from mlc_compiler.spec.types import SpecModel

_TYPES = {type(None): "null", str: "text", int: "a number", float: "a number", list: "a list", dict: "a mapping"}
NOTE = 100
"""Characters of the CEL library's words that a finding repeats."""


def check_policies(project: Project, sink: Sink) -> None:
    """Judge every rule on every document of its kind."""
    if not project.policies:
        return
    subjects = functools.cache(lambda kind: _subjects(project, kind))
    for policy in project.policies.values():
        for index, rule in enumerate(policy.spec.rules):
            _Judge(policy, index, rule).judge(subjects, sink)


Subjects = Callable[[str], list[tuple[Document[Any], dict[str, Any]]]]
"""The documents of a kind, each with the values that rules see, made once."""


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

    def judge(self, subjects: Subjects, sink: Sink) -> None:
        """Report each document that breaks the rule; a rule that can't be evaluated is reported once."""
        try:
            when = _Condition("when", self.rule.when or "true")
            require = _Condition("require", self.rule.require)
            about = subjects("Project")[0][1]
            for document, value in subjects(self.rule.for_):
                bindings = {self.variable: value, "project": about}
                if when.holds(bindings, document) and not require.holds(bindings, document):
                    self._violated(document, sink)
        except _BrokenRule as broken:
            sink.error(
                "MLC802",
                self.policy.at("rules", self.index, broken.field),
                f"rule `{self.rule.id}` can't be evaluated: {broken.reason}",
                note=broken.note,
                help=f"write CEL over `{self.variable}` and `project`, and guard fields that may be absent with has()",
            )

    def _violated(self, document: Document[Any], sink: Sink) -> None:
        severity = Severity.ERROR if self.rule.enforcement == "blocking" else Severity.WARNING
        rule_at = self.policy.at("rules", self.index, "require")
        sink.add(
            Finding(
                "MLC801",
                f"{document.kind} `{document.name}` breaks rule `{self.rule.id}`: {self.rule.message}",
                _concerned(document, self.rule, self.variable),
                related=(Related("rule", shown(self.rule.require), rule_at),),
                help="mend the document, or waive the rule for it: "
                f"`x-allow: {{MLC801/{self.rule.id}: {{until: 2030-01-31, reason: ...}}}}`",
                severity=severity,
            ),
            self.rule.id,
        )


class _Condition:
    """A compiled condition of a rule; `field` is where it stands."""

    def __init__(self, field: str, text: str) -> None:
        import cel  # a compiled library, 0.3 s to import: only projects with rules pay

        self.field, self.text = field, text
        if reason := too_large(text, {}):
            raise _BrokenRule(field, reason)
        try:
            self.program = cel.compile(text)
        except ValueError as error:
            raise _BrokenRule(field, "it is not CEL", _first_words(error)) from error

    def holds(self, bindings: dict[str, Any], document: Document[Any]) -> bool:
        """Tell whether it holds for a document; raises _BrokenRule where that can't be told."""
        where = f"{document.kind} `{document.name}`"
        if reason := too_large(self.text, bindings):
            raise _BrokenRule(self.field, f"on {where} {reason}")
        try:
            result = self.program.execute(bindings)
        except KeyError as error:
            raise _BrokenRule(self.field, f"{where} has no `{error.args[0]}`") from error
        except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
            raise _BrokenRule(self.field, f"it fails on {where}", _first_words(error)) from error
        if not isinstance(result, bool):
            raise _BrokenRule(self.field, f"it yields {_TYPES.get(type(result), 'a value')}, not true or false")
        return result


def _concerned(document: Document[Any], rule: Rule, variable: str) -> Place:
    """Return the field that a rule is about: the one it names, else the first that it reads and the document has."""
    stated = [rule.at.split(".")] if rule.at else []
    reads = re.finditer(rf"\b{variable}\.([A-Za-z_][\w.]*)(\s*\()?", rule.require)
    # What stands before a bracket is a function: `card.limitations.size()` reads card.limitations.
    read = [match[1].split(".")[: -1 if match[2] else None] for match in reads]
    for path in (*stated, *read):
        place = _written(document, path)
        if place is not None:
            return place
    return document.place.at("metadata", "name")


def _written(document: Document[Any], path: list[str]) -> Place | None:
    """Return the place of the deepest field on a path that the document writes, None where it writes none."""
    place, value, found = document.at(), document.spec, False
    for name in path:
        if isinstance(value, SpecModel):
            field = next((n for n in value.model_fields_set if (type(value).model_fields[n].alias or n) == name), None)
            value = getattr(value, field) if field else None
        else:
            field = name if isinstance(value, dict) and name in value else None
            value = value[name] if field else None
        if field is None:
            break
        place, found = place.at(name), True
    return place if found else None


def shown(text: str) -> str:
    """Return a condition in one line, cut where it is long."""
    flat = " ".join(text.split())
    return flat if len(flat) <= NOTE else f"{flat[: NOTE - 3]}..."


def _first_words(error: Exception) -> str:
    return shown(str(error))


def snake_case(kind: str) -> str:
    """Return the variable that a kind's documents are bound to.

    >>> snake_case("FeatureView")
    'feature_view'
    """
    return re.sub(r"(?<=[a-z])([A-Z])", r"_\1", kind).lower()


def _subjects(project: Project, kind: str) -> list[tuple[Document[Any], dict[str, Any]]]:
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
