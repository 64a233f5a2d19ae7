"""Writes the queries of compiled features: training, batch and serving share one relation of rows and one meaning."""

from __future__ import annotations

from dataclasses import replace

from mlc_compiler.conventions import duration_text
from mlc_compiler.ir import Column, Dataset, Feature, FeatureQuery, Lookup, Origin
from mlc_compiler.records import dataclass
from mlc_compiler.sql.definitions import AggregateDefinition
from mlc_compiler.sql.groups import AT, own_reads, scan_sql
from mlc_compiler.sql.joins import beside_joins, fresh_sql, join_lookup_sql, lookup_columns
from mlc_compiler.sql.labels import CompiledLabel
from mlc_compiler.sql.lookups import term_lookups
from mlc_compiler.sql.plans import beside_terms
from mlc_compiler.sql.scope import quote
from mlc_compiler.sql.selection import is_key
from mlc_compiler.sql.terms import Joined, Term
from mlc_compiler.sql.text import Beside, Stage, columns_sql, query_sql, where_sql
from mlc_compiler.sql.values import Typed
from mlc_compiler.sql.views import CompiledFeature, CompiledView

HIT = "__hit"
"""Beside a lookup's columns: not null where there was a row."""


@dataclass(frozen=True, slots=True)
class Assembly:
    """What goes into one query: views, the chosen features in order, the label."""

    views: tuple[CompiledView, ...]
    chosen: tuple[CompiledFeature, ...]
    label: CompiledLabel | None
    slices: tuple[str, ...]
    where: Typed | None = None  # the model's own choice of rows

    @property
    def wheres(self) -> tuple[Typed, ...]:
        """The row filters of model and views, each once."""
        found = [self.where, *(view.where for view in self.views)]
        return tuple({where.canonical: where for where in found if where is not None}.values())

    @property
    def spine(self) -> Dataset:
        return self.views[0].definition.spine

    @property
    def predict_sql(self) -> str:
        predict = self.views[0].predict
        return predict.sql if predict is not None else "NULL"

    def needed(self) -> tuple[CompiledFeature, ...]:
        """Return the chosen features and all that they use, each after what it uses."""
        found: dict[tuple[str, str], CompiledFeature] = {}
        wanted = {(feature.view, feature.definition.name) for feature in self.chosen}
        for view in self.views:
            for feature in reversed(view.features):
                if (feature.view, feature.definition.name) in wanted:
                    wanted |= {(feature.view, name) for name in feature.uses}
            members = (f for f in view.features if (f.view, f.definition.name) in wanted)
            found.update({(f.view, f.definition.name): f for f in members})
        return tuple(found.values())


@dataclass(frozen=True, slots=True)
class Taken:
    """What stands beside the rows: the features needed, and what they take from other rows.

    `levels` compute the features, each level from the ones before; `last` is the name of the last one.
    """

    needed: tuple[CompiledFeature, ...]
    terms: tuple[Term, ...]
    joined: tuple[Joined, ...]
    levels: tuple[Stage, ...]
    last: str


def assemble(assembly: Assembly) -> FeatureQuery:
    """Write the queries of a model's features."""
    needed = assembly.needed()
    taken = Taken(needed, _terms(needed), _joined(needed), *_levels(needed))
    label_terms = assembly.label.terms if assembly.label else ()
    lookups = (
        *(_join_lookup(join) for join in taken.joined),
        *term_lookups(taken.terms, assembly.spine.name),
    )
    beside = _beside(taken, assembly.spine.name)
    with_label = replace(taken, terms=(*taken.terms, *label_terms))
    beside_label = _beside(with_label, assembly.spine.name) if label_terms else beside
    first = assembly.views[0].definition
    predict = assembly.views[0].predict
    datasets = {
        assembly.spine.name,
        *(t.dataset.name for t in with_label.terms),
        *(j.definition.dataset.name for j in taken.joined),
    }
    return FeatureQuery(
        spine=assembly.spine.name,
        primary_key=assembly.spine.primary_key,
        predict_at=predict.canonical if predict else first.predict_at,
        request=_request(assembly),
        features=tuple(_feature(feature, assembly) for feature in assembly.chosen),
        lookups=lookups,
        datasets=tuple(sorted(datasets)),
        training_sql=_training_sql(assembly, with_label, beside_label, assembly.label),
        batch_sql=_training_sql(assembly, taken, beside, None),
        serving_sql=_serving_sql(assembly, taken, lookups, brought=False),
        row_sql=_serving_sql(assembly, taken, lookups, brought=True),
        refresh=first.refresh,
        slices=assembly.slices,
        definition=_definition(assembly),
    )


# --- parts -----------------------------------------------------------------------------------------------------------
def _terms(features: tuple[CompiledFeature, ...]) -> tuple[Term, ...]:
    return tuple(term for feature in features for term in feature.terms)


def _joined(features: tuple[CompiledFeature, ...]) -> tuple[Joined, ...]:
    """Return each joined row once, with all columns that the features read of it, in order of first use."""
    found: dict[str, Joined] = {}
    for feature in features:
        for join in feature.joined:
            before = found.get(join.lookup)
            columns = tuple(dict.fromkeys((*(before.columns if before else ()), *join.columns)))
            found[join.lookup] = Joined(join.lookup, join.definition, join.known, columns)
    return tuple(found.values())


def _join_lookup(join: Joined) -> Lookup:
    dataset = join.definition.dataset
    return Lookup(
        join.lookup, join.definition.on, lookup_columns(join), join_lookup_sql(join), (dataset.name,), dataset.origin
    )


def _request(assembly: Assembly) -> tuple[Column, ...]:
    names = dict.fromkeys(name for view in assembly.views for name in view.definition.request)
    columns = (assembly.spine.column(name) for name in names)
    return tuple(column for column in columns if column is not None)


def _feature(feature: CompiledFeature, assembly: Assembly) -> Feature:
    definition = feature.definition
    text = definition.expr or (definition.aggregate.text if definition.aggregate else "")
    used = _used(feature, assembly)
    return Feature(
        name=definition.name,
        view=feature.view,
        kind=feature.kinded.kind,
        type=feature.kinded.type,
        definition=_feature_text(feature, used, assembly),
        expression=text,
        description=definition.description,
        online=any(f.terms or f.joined for f in (feature, *used)),
        origin=Origin(f"FeatureView/{feature.view}", f"spec.features.{definition.name}"),
        rows=_rows(definition.aggregate) if definition.aggregate else "",
    )


def _rows(aggregate: AggregateDefinition) -> str:
    """Return in words which rows an aggregate is of."""
    by = f" by {', '.join(aggregate.by)}" if aggregate.by else ""
    window = f", {duration_text(aggregate.window)}" if aggregate.window is not None else ""
    clock = " of event time" if aggregate.window_on == "event_time" else ""
    return f"{aggregate.over.name}{by}{window}{clock}" + (f", where {aggregate.where}" if aggregate.where else "")


def _used(feature: CompiledFeature, assembly: Assembly) -> tuple[CompiledFeature, ...]:
    if not feature.uses:
        return ()
    return tuple(f for f in Assembly(assembly.views, (feature,), None, ()).needed() if f is not feature)


def _feature_text(feature: CompiledFeature, used: tuple[CompiledFeature, ...], assembly: Assembly) -> str:
    """Return all that a value depends on, as canonical text."""
    parts = [f"{feature.text} as {feature.kinded.kind}"]
    parts += [f"{other.definition.name} = {other.text}" for other in sorted(used, key=lambda f: f.definition.name)]
    parts += sorted({_join_text(join) for f in (feature, *used) for join in f.joined})
    if any(
        f.typed.zoned or "AT TIME ZONE" in f.kinded.form or any(_zoned(t) for t in f.terms) for f in (feature, *used)
    ):
        parts.append(f"timezone {assembly.views[0].definition.timezone}")
    return "; ".join(parts)


def _zoned(term: Term) -> bool:
    return any(value.zoned for value in (term.argument, term.where) if value is not None)


def _join_text(join: Joined) -> str:
    definition = join.definition
    on = f"{definition.name} = {definition.dataset.name} on ({', '.join(definition.on)})"
    if definition.static:
        return f"{on} static"
    known = ", ".join(moment.canonical for moment in join.known)
    within = "" if definition.tolerance is None else f" within {definition.tolerance:g}s"
    return f"{on} as of {definition.as_of}{within} known {known}"


def _definition(assembly: Assembly) -> str:
    """Return the rows of the query as canonical text: which they are and when they are predicted."""
    predict = assembly.views[0].predict
    filters = sorted(where.canonical for where in assembly.wheres)
    parts = [
        f"from {assembly.spine.name}",
        f"predict_at {predict.canonical if predict else ''}",
        *(f"where {f}" for f in filters),
    ]
    return "; ".join(parts)


# --- training --------------------------------------------------------------------------------------------------------
def _training_sql(assembly: Assembly, taken: Taken, beside: Beside, label: CompiledLabel | None) -> str:
    spine = assembly.spine
    stages = [Stage("__spine", _spine_sql(assembly, taken, label), True)]
    stages += [*beside.stages, Stage("__beside", _beside_sql(beside)), *taken.levels]
    keys = [
        name
        for name in spine.primary_key
        if not any(is_key(f, assembly.views[0]) and f.definition.name == name for f in assembly.chosen)
    ]
    select = [f"{quote(f'{spine.name}.{name}')} AS {quote(name)}" for name in keys]
    select.append(AT)
    if label is not None:
        select += [f"{label.value} AS __label", f"{label.known} AS __label_known_at"]
    select += _outputs(assembly.chosen)
    select += [f"{quote(f'{spine.name}.{name}')} AS {quote(f'__slice_{name}')}" for name in assembly.slices]
    order = ", ".join([AT, *(quote(f"{spine.name}.{name}") for name in spine.primary_key)])
    return query_sql(stages, f"SELECT {columns_sql(select)}\nFROM {taken.last} AS s\nORDER BY {order}")


def _spine_sql(assembly: Assembly, taken: Taken, label: CompiledLabel | None) -> str:
    spine = assembly.spine
    names = _own_columns(assembly, taken) | set(spine.primary_key) | set(assembly.slices)
    names |= set(label.reads) if label is not None else set()
    for term in taken.terms:
        names |= own_reads(term)
    reads = names | {read.column.name for where in assembly.wheres for read in where.reads}
    kept = [quote(f"{spine.name}.{column.name}") for column in spine.columns if column.name in names]
    inner = scan_sql(spine, reads)
    conditions = [where.safe_sql for where in assembly.wheres] + [f"{AT} IS NOT NULL"]
    return f"SELECT {', '.join([*kept, f'{assembly.predict_sql} AS {AT}'])}\nFROM ({inner}){where_sql(conditions)}"


def _own_columns(assembly: Assembly, taken: Taken) -> set[str]:
    """Return the spine's columns that features, keys and the time of the prediction read."""
    own = {quote(f"{assembly.spine.name}.{column.name}"): column.name for column in assembly.spine.columns}
    names = {own[read.column.sql] for feature in taken.needed for read in feature.typed.reads if read.column.sql in own}
    names |= {name for term in taken.terms for name in term.by}
    names |= {name for join in taken.joined for name in join.definition.on}
    predict = assembly.views[0].predict
    return names | set(predict.reads if predict is not None else ())


def _beside(taken: Taken, spine: str) -> Beside:
    joins, aggregates = beside_joins(taken.joined, spine), beside_terms(taken.terms, spine)
    return Beside(joins.stages + aggregates.stages, joins.joins + aggregates.joins, joins.columns + aggregates.columns)


def _beside_sql(beside: Beside) -> str:
    return "\n".join([f"SELECT {columns_sql(['s.*', *beside.columns])}", "FROM __spine AS s", *beside.joins])


def _levels(needed: tuple[CompiledFeature, ...]) -> tuple[tuple[Stage, ...], str]:
    levels: dict[tuple[str, str], int] = {}
    for feature in needed:
        below = (levels[feature.view, name] for name in feature.uses)
        levels[feature.view, feature.definition.name] = 1 + max(below, default=0)
    last, stages = "__beside", []
    for level in range(1, max(levels.values(), default=0) + 1):
        members = [f for f in needed if levels[f.view, f.definition.name] == level]
        select = ["*", *(f"{f.typed.safe_sql} AS {f.name}" for f in members)]
        stages.append(Stage(f"__level{level}", f"SELECT {columns_sql(select)}\nFROM {last}"))
        last = f"__level{level}"
    return tuple(stages), last


def _outputs(chosen: tuple[CompiledFeature, ...]) -> list[str]:
    return [f"{feature.kinded.sql(feature.name)} AS {quote(feature.definition.name)}" for feature in chosen]


# --- serving ---------------------------------------------------------------------------------------------------------
def _serving_sql(assembly: Assembly, taken: Taken, lookups: tuple[Lookup, ...], *, brought: bool) -> str:
    """Return the serving query; with `brought` the request holds what was looked up, so that it joins nothing."""
    spine = assembly.spine
    sent = {column.name for column in _request(assembly)}
    names = _own_columns(assembly, taken) & sent
    predict = assembly.views[0].predict
    # Nothing looks at the time of the prediction unless the caller can send it: the analysis sees to that.
    at = assembly.predict_sql if predict is not None and set(predict.reads) <= sent else "CAST(NULL AS TIMESTAMP)"
    kept = [quote(f"{spine.name}.{column.name}") for column in spine.columns if column.name in names]
    cells = [quote(f"{x.name}:{name}") for x in lookups for name in (*x.columns, HIT)] if brought else []
    request = scan_sql(spine, names, "request").replace("SELECT ", f"SELECT {', '.join(['__row', *cells])}, ", 1)
    rows = f"SELECT {', '.join(['__row', *kept, *cells, f'{at} AS {AT}'])}\nFROM ({request})"
    stages = [Stage("__spine", rows, not brought)]
    stages.append(Stage("__beside", _looked_up_sql(spine, taken, lookups, brought)))
    misses = [quote(f"__miss_{lookup.name}") for lookup in lookups]
    select = columns_sql([*_outputs(assembly.chosen), *misses])
    return query_sql([*stages, *taken.levels], f"SELECT {select}\nFROM {taken.last}\nORDER BY __row")


def _looked_up_sql(spine: Dataset, taken: Taken, lookups: tuple[Lookup, ...], brought: bool) -> str:
    beside = Beside()
    histories = {join.lookup: join for join in taken.joined}
    for number, lookup in enumerate(lookups, 1):
        alias = f"l{number}"
        prefix = f's."{lookup.name}:' if brought else f'{alias}."'
        if not brought:
            equal = [f"{alias}.{quote(key)} = s.{quote(f'{spine.name}.{key}')}" for key in lookup.keys]
            source = f"(SELECT *, TRUE AS {HIT} FROM {quote(lookup.name)})"
            beside.joins.append(f"LEFT JOIN {source} AS {alias} ON {' AND '.join(equal) or 'TRUE'}")
        join = histories.get(lookup.name)
        found = f'{prefix}{HIT}" IS NOT NULL'
        if join is not None:
            fresh = fresh_sql(join, f'{prefix}{join.definition.as_of or ""}"')
            beside.columns += [_joined_value(join, column, prefix, fresh) for column in join.columns]
            found = f"coalesce({fresh}, FALSE)" if fresh else found
        else:
            beside.columns += [_term_value(term, prefix) for term in taken.terms if term.lookup == lookup.name]
        beside.columns.append(f"NOT ({found}) AS {quote(f'__miss_{lookup.name}')}")
    return _beside_sql(beside)


def _joined_value(join: Joined, column: str, prefix: str, fresh: str | None) -> str:
    value = f'{prefix}{column}"'
    return f"{f'CASE WHEN {fresh} THEN {value} END' if fresh else value} AS {join.name(column)}"


def _term_value(term: Term, prefix: str) -> str:
    value = f'{prefix}{term.column}"'
    if term.function in ("count", "count_distinct"):
        value = f"coalesce({value}, 0)"
    return f"{value} AS {term.name}"
