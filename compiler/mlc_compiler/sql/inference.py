"""What a feature's values can be, as far as the specs say: whether they may be null and why, and which words there are.

Nulls come from columns that are not `required`, rows that a join or an aggregate does not find, and functions without
a value there. Numbers that overflow are null too; that is a matter of data, not of the specs, and is not counted.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping

from mlc_compiler.ir import Column, Dataset, Scalar
from mlc_compiler.records import dataclass
from mlc_compiler.sql.definitions import AggregateDefinition, FeatureDefinition, FeatureKind, ViewDefinition
from mlc_compiler.sql.functions import AGGREGATE_BY_NAME, BY_NAME
from mlc_compiler.sql.graph import uses
from mlc_compiler.sql.lowest import lowest
from mlc_compiler.sql.parser import parse
from mlc_compiler.sql.scope import value_type
from mlc_compiler.sql.syntax import Call, Case, Cast, ExpressionProblem, Literal, Membership, Name, Node, Operation
from mlc_compiler.sql.views import compiled_view
from mlc_compiler.sql.vocabulary import call_words, merged_words, word

_NEVER_NULL = ("is null", "is true", "is false", "is distinct from")
_ANY_VALUE = ("coalesce", "greatest", "least")  # null only where all arguments are
_PARTIAL = {"ln": 0.0, "log10": 0.0, "sqrt": -5e-324}
"""Functions that are null at and below a bound."""
_COUNTS = ("count", "count_distinct")


@dataclass(frozen=True, slots=True)
class FeatureFacts:
    """`type` is a column type; `why` says where nulls come from; `vocabulary` holds all words, None where unknown."""

    type: str
    kind: FeatureKind
    nullable: bool
    why: str
    vocabulary: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Facts:
    """Of one expression: why it may be null (empty where it can't), and its words where they are known."""

    why: str = ""
    words: tuple[Scalar, ...] | None = None


@functools.lru_cache(maxsize=4096)
def view_facts(view: ViewDefinition) -> Mapping[str, FeatureFacts]:
    """Return the facts of every feature of a view that compiles."""
    known: dict[str, _Known] = {}
    found: dict[str, FeatureFacts] = {}
    for feature in compiled_view(view).features:
        name = feature.definition.name
        facts, kinded = _feature(view, feature.definition, known), feature.kinded
        known[name.lower()] = _Known(facts, feature.typed.type)
        words = None if facts.words is None else tuple(dict.fromkeys(word(value) for value in facts.words))
        listed = words if kinded.kind in ("category", "boolean", "text") else None
        found[name] = FeatureFacts(kinded.type, kinded.kind, bool(facts.why), facts.why, listed)
    return found


def feature_facts(view: ViewDefinition, name: str) -> FeatureFacts | None:
    """Return what the values of one feature can be, None where there is no such feature or it does not compile."""
    return view_facts(view).get(name)


def _feature(view: ViewDefinition, feature: FeatureDefinition, known: Mapping[str, _Known]) -> Facts:
    text = feature.aggregate.text if feature.aggregate else feature.expr or ""
    node = parse(text)
    if isinstance(node, ExpressionProblem):
        return Facts("it is no expression")
    if feature.aggregate is not None:
        return _Inference(_columns(feature.aggregate.over), feature.aggregate).of(node)
    used = {name.lower() for name in uses(view, feature)}
    names = _columns(view.spine)
    for join in view.joins:
        missing = f"join `{join.name}` may find no row"
        for column in join.dataset.columns:
            names[f"{join.name}.{column.name}".lower()] = _column(column, missing)
    names |= {name: known[name] for name in used if name in known}
    return _Inference(names).of(node)


@dataclass(frozen=True, slots=True)
class _Known:
    """What a name stands for."""

    facts: Facts
    type: str
    minimum: float | None = None


def _column(column: Column, why: str) -> _Known:
    words = (False, True) if column.type == "bool" else column.enum or None
    return _Known(Facts(why, words), value_type(column), column.minimum)


def _columns(dataset: Dataset) -> dict[str, _Known]:
    names: dict[str, _Known] = {}
    for column in dataset.columns:
        why = "" if column.required else f"`{column.name}` of `{dataset.name}` is not `required`"
        names[column.name.lower()] = names[f"{dataset.name}.{column.name}".lower()] = _column(column, why)
    return names


class _Inference:
    """One walk over a syntax tree; inside an `aggregate`, columns stand below its calls only."""

    def __init__(self, names: Mapping[str, _Known], aggregate: AggregateDefinition | None = None) -> None:
        self._names = names
        self._aggregate = aggregate

    def of(self, node: Node) -> Facts:
        if isinstance(node, Literal):
            return Facts("it is null", ()) if node.value is None else Facts("", (node.value,))
        if isinstance(node, Name):
            return self._name(node)
        if isinstance(node, Operation):
            return self._operation(node)
        if isinstance(node, Case):
            return self._case(node)
        if isinstance(node, Cast):
            return self._cast(node)
        if isinstance(node, Membership):
            return Facts(self._first((node.operand, *node.items)), (False, True))
        ahead = self._aggregate is not None and node.function in AGGREGATE_BY_NAME
        return self._aggregated(node) if ahead else self._call(node)

    def _known(self, node: Name) -> _Known:
        key = f"{node.qualifier}.{node.name}" if node.qualifier else node.name
        return self._names.get(key.lower(), _Known(Facts(f"`{key}` is not known"), "unknown"))

    def _name(self, node: Name) -> Facts:
        return self._known(node).facts

    def _first(self, nodes: Iterable[Node]) -> str:
        """Return why the first of several values may be null, where one may."""
        return next((facts.why for facts in map(self.of, nodes) if facts.why), "")

    def _operation(self, node: Operation) -> Facts:
        truths = node.operator not in ("+", "-", "*", "/", "%", "||", "negate")
        words: tuple[Scalar, ...] | None = (False, True) if truths else None
        if node.operator in _NEVER_NULL:
            return Facts("", words)
        why = self._first(node.operands)
        if not why and node.operator in ("/", "%") and not self._positive(node.operands[1]):
            why = "a division by zero is null"
        return Facts(why, words)

    def _positive(self, node: Node) -> bool:
        if isinstance(node, Literal):
            return bool(node.value)
        bound = lowest(node, self._minimum)
        return bound is not None and bound > 0

    def _minimum(self, name: Name) -> float | None:
        return self._known(name).minimum

    def _case(self, node: Case) -> Facts:
        results = [self.of(result) for _, result in node.branches]
        results.append(Facts("`case` has no `else`", ()) if node.default is None else self.of(node.default))
        return _alternatives(results)

    def _cast(self, node: Cast) -> Facts:
        inner = self.of(node.operand)
        if node.type == "string":
            return Facts(inner.why, None if inner.words is None else tuple(map(word, inner.words)))
        if not inner.why and self._is_text(node.operand):
            return Facts(f"text that is no {node.type} is null")
        same = node.type == "bool" or (node.type == "int64" and not self._is_text(node.operand))
        return Facts(inner.why, inner.words if same else None)

    def _is_text(self, node: Node) -> bool:
        if isinstance(node, Literal | Cast):
            return node.type == "string"
        if isinstance(node, Name):
            return self._known(node).type == "string"
        if isinstance(node, Case):
            return any(self._is_text(result) for _, result in node.branches)
        if isinstance(node, Call):
            function = BY_NAME.get(node.function)
            result = function.result if function else "first"
            return result == "string" or (result[-3:] != "t64" and any(map(self._is_text, node.arguments[-1:])))
        return isinstance(node, Operation) and node.operator == "||"

    def _call(self, node: Call) -> Facts:
        name, parts = node.function, [self.of(argument) for argument in node.arguments]
        if name == "if" and len(parts) == 3:
            return _alternatives(parts[1:])
        if name in _ANY_VALUE:
            return Facts("" if any(not p.why for p in parts) else parts[0].why, merged_words(p.words for p in parts))
        if name == "concat":
            return Facts()
        why = next((part.why for part in parts if part.why), "") or self._undefined(node)
        return Facts(why, call_words(node, [part.words for part in parts]))

    def _undefined(self, node: Call) -> str:
        """Return where a function has no value although its arguments have."""
        name = node.function
        if name == "nullif":
            return "`nullif` is null where both values are equal"
        if name == "power":
            return "`power` is null where it is no finite number"
        bound = lowest(node.arguments[0], self._minimum) if name in _PARTIAL and node.arguments else None
        if name in _PARTIAL and (bound is None or bound <= _PARTIAL[name]):
            return f"`{name}` is null for values {'below' if name == 'sqrt' else 'at or below'} zero"
        return ""

    def _aggregated(self, node: Call) -> Facts:
        if node.function in _COUNTS:
            return Facts()
        inner = _Inference(self._names).of(node.arguments[0]) if node.arguments else Facts()
        words = inner.words if node.function in ("first", "last", "min", "max") else None
        rows = "two rows" if node.function == "stddev" else "a row"
        return Facts(f"the window of `{node.function}` may hold less than {rows} with a value", words)


def _alternatives(parts: list[Facts]) -> Facts:
    return Facts(next((part.why for part in parts if part.why), ""), merged_words(part.words for part in parts))
