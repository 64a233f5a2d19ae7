"""Compiles the features of one view: names, types, knowledge time, and what each takes from other rows."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from mlc_compiler.ir import Dataset
from mlc_compiler.records import dataclass
from mlc_compiler.sql.aggregates import AggregateContext, compile_aggregate
from mlc_compiler.sql.definitions import (
    FeatureDefinition,
    JoinDefinition,
    Problem,
    ProblemPlace,
    ProblemRelated,
    ViewDefinition,
    placed,
)
from mlc_compiler.sql.expressions import Compiled, compile_expression
from mlc_compiler.sql.graph import cycles, ordered, uses
from mlc_compiler.sql.kinds import Kinded, kinded
from mlc_compiler.sql.knowledge import Instant, instant, instants
from mlc_compiler.sql.leakage import own_problem, request_problems
from mlc_compiler.sql.links import join_problems, times_help
from mlc_compiler.sql.scope import Scope, ScopeColumn, key, prepared_scope, quote, value_type
from mlc_compiler.sql.terms import Joined, Term
from mlc_compiler.sql.values import Typed


@dataclass(frozen=True, slots=True)
class CompiledFeature:
    """A feature over the relation of rows: `typed` reads own columns, joined columns, terms and other features."""

    definition: FeatureDefinition
    view: str
    typed: Typed
    kinded: Kinded
    uses: tuple[str, ...] = ()
    terms: tuple[Term, ...] = ()
    joined: tuple[Joined, ...] = ()
    text: str = ""  # canonical text without what it uses

    @property
    def name(self) -> str:
        """The feature's column beside the rows."""
        return quote(feature_column(self.view, self.definition.name))


@dataclass(frozen=True, slots=True)
class CompiledView:
    """A view with its features in an order in which each follows what it uses; `predict` is None after an error."""

    definition: ViewDefinition
    predict: Instant | None
    where: Typed | None
    features: tuple[CompiledFeature, ...]
    problems: tuple[Problem, ...]

    def feature(self, name: str) -> CompiledFeature | None:
        return next((feature for feature in self.features if feature.definition.name == name), None)


def feature_column(view: str, feature: str) -> str:
    """Return a feature's column name; the slash keeps it apart from columns of datasets and joins."""
    return f"{view}/{feature}"


def expression_problems(compiled: Compiled, at: ProblemPlace, subject: str = "") -> list[Problem]:
    """Return an expression's problems as problems of the field that holds it."""
    return [placed(problem, at, subject) for problem in compiled.problems]


def compile_where(
    view: ViewDefinition, predict: Instant | None, text: str, at: ProblemPlace
) -> tuple[Typed | None, list[Problem]]:
    """Compile a choice of rows: by what is known when the prediction is made, sent or not, never by the future."""
    compiled = compile_expression(text, prepared_scope(view.spine, view.timezone), expect="bool")
    problems = expression_problems(compiled, at)
    for read in compiled.typed.reads:
        problem = own_problem(view, predict, read.column.name, "`where`", at.slice(read.span))
        if problem is not None and problem.code == "MLC302":
            message = f"`where` chooses rows by `{read.column.name}`, known only after the prediction is made"
            help = "choose rows by what is known then: the live model can't leave out rows by their future"
            problems.append(Problem("MLC324", message, problem.at, problem.note, help, problem.related))
    return (None if compiled.failed else compiled.typed), problems


@functools.lru_cache(maxsize=256)
def compiled_view(view: ViewDefinition, renamed: tuple[tuple[str, str], ...] = (), prefix: str = "") -> CompiledView:
    """Compile a view. `renamed` gives joins another lookup name, `prefix` starts the names of aggregates' columns: for
    models that take several views in which the same name means different things."""
    compiler = _ViewCompiler(view, dict(renamed), prefix)
    return compiler.compile()


class _ViewCompiler:
    """Holds what one view's features share: scope, instants, names of lookups, problems."""

    def __init__(self, view: ViewDefinition, renamed: dict[str, str], prefix: str) -> None:
        self._view = view
        self._own = prepared_scope(view.spine, view.timezone)
        self._renamed = renamed
        self._prefix = prefix
        self._problems: list[Problem] = []
        self._predict: Instant | None = None

    def compile(self) -> CompiledView:
        view = self._view
        self._predict = self._compile_predict_at()
        self._problems += request_problems(view, self._predict)
        broken = self._check_joins()
        where = self._compile_where()
        features = self._compile_features(broken)
        return CompiledView(view, self._predict, where, features, tuple(self._problems))

    def _place(self, *path: str | int) -> ProblemPlace:
        return ProblemPlace(self._view.document, ("spec", *path))

    # --- the view's own fields ---
    def _compile_predict_at(self) -> Instant | None:
        compiled = compile_expression(self._view.predict_at, self._own)
        at = self._place("predict_at")
        self._problems += expression_problems(compiled, at)
        if compiled.failed:
            return None
        if compiled.typed.type != "timestamp":
            message = f"`predict_at` is of type {compiled.typed.type}, and the time of a prediction is a timestamp"
            help = "write cast(x as timestamp) for the start of a day" if compiled.typed.type == "date" else ""
            self._problems.append(Problem("MLC308", message, at, help=help or times_help(self._view.spine)))
            return None
        return instant(compiled, self._own)

    def _compile_where(self) -> Typed | None:
        if self._view.where is None:
            return None
        typed, problems = compile_where(self._view, self._predict, self._view.where, self._place("where"))
        self._problems += problems
        return typed

    def _check_joins(self) -> frozenset[str]:
        broken = set()
        for join in self._view.joins:
            problems = join_problems(self._view, self._predict, join)
            problems += self._check_tolerance(join)
            self._problems += problems
            if any(not problem.warning for problem in problems):
                broken.add(join.name)
        return frozenset(broken)

    def _check_tolerance(self, join: JoinDefinition) -> list[Problem]:
        reads = self._predict.reads if self._predict is not None else ()
        missing = [name for name in reads if name not in self._view.request]
        if join.tolerance is None or not missing:
            return []
        message = (
            f"join `{join.name}` has a tolerance, and the server can't tell how old a row is without `{missing[0]}`"
        )
        help = f"add `{missing[0]}` to `request`, or leave `tolerance` out"
        related = (ProblemRelated("predict_at", self._view.predict_at, self._place("predict_at")),)
        return [Problem("MLC325", message, self._place("joins", join.name, "tolerance"), help=help, related=related)]

    # --- features ---
    def _compile_features(self, broken: frozenset[str]) -> tuple[CompiledFeature, ...]:
        self._check_names()
        graph = {feature.name: uses(self._view, feature) for feature in self._view.features}
        loops = cycles(graph)
        for loop in loops:
            message = f"feature `{loop[0]}` uses itself: {' -> '.join((*loop, loop[0]))}"
            at = self._place("features", loop[0], "expr")
            related = tuple(ProblemRelated("uses", name, self._place("features", name)) for name in loop[1:])
            help = "compute one of them from columns alone"
            self._problems.append(Problem("MLC307", message, at, help=help, related=related))
        looping = {name for loop in loops for name in loop}
        done: dict[str, CompiledFeature | None] = dict.fromkeys(looping)
        for name in ordered(graph, looping):
            feature = self._view.feature(name)
            if feature is not None:
                done[name] = self._compile_feature(feature, graph[name], done, broken)
        return tuple(feature for feature in done.values() if feature is not None)

    def _check_names(self) -> None:
        seen: dict[str, str] = {}
        for feature in self._view.features:
            other = seen.setdefault(feature.name.lower(), feature.name)
            if other != feature.name:
                message = f"features `{other}` and `{feature.name}` differ only in case, and SQL names do not"
                at = self._place("features", feature.name).name()
                first = (ProblemRelated("first", other, self._place("features", other)),)
                self._problems.append(Problem("MLC323", message, at, help="rename one of them", related=first))

    def _compile_feature(
        self,
        feature: FeatureDefinition,
        used: tuple[str, ...],
        done: dict[str, CompiledFeature | None],
        broken: frozenset[str],
    ) -> CompiledFeature | None:
        if (feature.expr is None) == (feature.aggregate is None):
            message = f"feature `{feature.name}` needs exactly one of `expr` and `aggregate`"
            at = self._place("features", feature.name).name()
            self._problems.append(Problem("MLC316", message, at, help="keep one of the two"))
            return None
        if feature.aggregate is not None:
            return self._compile_aggregate(feature)
        return self._compile_expr(feature, used, done, broken)

    def _compile_expr(
        self,
        feature: FeatureDefinition,
        used: tuple[str, ...],
        done: dict[str, CompiledFeature | None],
        broken: frozenset[str],
    ) -> CompiledFeature | None:
        at = self._place("features", feature.name, "expr")
        text = feature.expr or ""
        scope = self._scope(used, done, broken)
        compiled = compile_expression(text, scope)
        self._problems += expression_problems(compiled, at)
        if compiled.failed or compiled.typed.type == "unknown":
            return None
        sound = self._check_own(compiled.typed, feature, at)
        joined = self._joined(compiled.typed)
        if isinstance(joined, Problem):
            self._problems.append(joined)
            return None
        named = {j.definition.name: j for j in joined}
        if any(j.lookup != self._lookup(j.definition.name) for j in joined):
            compiled = compile_expression(text, self._scope(used, done, broken, named))
        form = self._kind(feature, compiled.typed)
        if form is None or not sound:
            return None
        return CompiledFeature(
            feature, self._view.name, compiled.typed, form, used, (), joined, compiled.typed.canonical
        )

    def _compile_aggregate(self, feature: FeatureDefinition) -> CompiledFeature | None:
        aggregate = feature.aggregate
        if aggregate is None:
            return None
        at = self._place("features", feature.name)
        context = AggregateContext(
            self._view, self._predict, at, f"feature `{feature.name}`", self._prefix + feature.name,
            None if aggregate.window is None else -aggregate.window, -self._view.refresh,
        )  # fmt: skip
        compiled = compile_aggregate(aggregate, context)
        self._problems += compiled.problems
        if compiled.typed is None:
            return None
        form = self._kind(feature, compiled.typed)
        if form is None:
            return None
        return CompiledFeature(feature, self._view.name, compiled.typed, form, (), compiled.terms, (), compiled.text)

    def _kind(self, feature: FeatureDefinition, typed: Typed) -> Kinded | None:
        form = kinded(feature.kind, typed.type, self._view.timezone)
        if isinstance(form, Kinded):
            return form
        at = self._place("features", feature.name, "type")
        self._problems.append(Problem("MLC317", f"feature `{feature.name}` {form[0]}", at, help=form[1]))
        return None

    def _check_own(self, typed: Typed, feature: FeatureDefinition, at: ProblemPlace) -> bool:
        own = quote_prefix(self._view.spine)
        found: dict[str, Problem] = {}
        for read in typed.reads:
            if read.column.sql.startswith(own):
                problem = own_problem(
                    self._view, self._predict, read.column.name, f"feature `{feature.name}`", at.slice(read.span)
                )
                if problem is not None:
                    found.setdefault(read.column.name, problem)
        self._problems += found.values()
        return not found

    # --- scopes and joins ---
    def _scope(
        self,
        used: Iterable[str],
        done: dict[str, CompiledFeature | None],
        broken: frozenset[str],
        named: dict[str, Joined] | None = None,
    ) -> Scope:
        columns = dict(self._own.columns)
        for join in self._view.joins:
            lookup = named[join.name].lookup if named and join.name in named else self._lookup(join.name)
            for column in join.dataset.columns:
                name = f"{join.name}.{column.name}"
                type_ = "unknown" if join.name in broken else value_type(column)
                columns[name.lower()] = ScopeColumn(name, quote(f"{lookup}.{column.name}"), type_, column.enum)
        for name in used:
            feature = done.get(name)
            type_ = feature.typed.type if feature else "unknown"
            columns[key(None, name)] = ScopeColumn(name, quote(feature_column(self._view.name, name)), type_)
        joins = frozenset(join.name.lower() for join in self._view.joins)
        where = f"`request`, the features of `{self._view.name}` or dataset `{self._view.spine.name}`"
        others = tuple(feature.name for feature in self._view.features)
        return Scope(columns, where, self._view.timezone, self._own.qualifiers | joins, joins, others)

    def _lookup(self, join: str) -> str:
        return self._renamed.get(join, join)

    def _joined(self, typed: Typed) -> tuple[Joined, ...] | Problem:
        """Return what an expression takes from joins; each join's row is one at which all that is read is known."""
        found: list[Joined] = []
        for join in self._view.joins:
            prefix = f"{join.name}."
            columns = [r.column.name.removeprefix(prefix) for r in typed.reads if r.column.name.startswith(prefix)]
            if not columns:
                continue
            known = self._join_known(join, columns)
            if isinstance(known, Problem):
                return known
            found.append(Joined(self._variant(join, known), join, known, tuple(dict.fromkeys(columns))))
        return tuple(found)

    def _join_known(self, join: JoinDefinition, columns: Iterable[str]) -> tuple[Instant, ...] | Problem:
        if join.static:
            return ()
        read = [*columns, *join.on, *([join.as_of] if join.as_of else [])]
        return instants(join.dataset, read, self._view.timezone)

    def _variant(self, join: JoinDefinition, known: tuple[Instant, ...]) -> str:
        plain = self._join_known(join, ())
        if isinstance(plain, Problem) or known == plain:
            return self._lookup(join.name)
        # The name says what the row waits for, so that it is the same in every view that joins so.
        later = "_".join(moment.canonical for moment in known if moment not in plain)
        return f"{self._lookup(join.name)}_{re.sub(r'[^a-z0-9]+', '_', later.lower()).strip('_')}"


def quote_prefix(dataset: Dataset) -> str:
    """Return how the quoted names of a dataset's prepared columns start."""
    return quote(f"{dataset.name}.")[:-1]
