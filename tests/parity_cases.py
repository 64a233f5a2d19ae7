"""Expressions of every type, drawn at random from the whole documented language, over columns of every type."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

from hypothesis import strategies as st

from mlc_compiler.ir import Column, Dataset, ParityTest, Source
from mlc_compiler.sql.definitions import AggregateDefinition, FeatureDefinition, JoinDefinition, ViewDefinition
from mlc_compiler.sql.features import compile_view
from mlc_compiler.sql.functions import FUNCTIONS, START_UNITS, Function

SHOPS = Dataset(
    "shops", Source("parquet", path="shops.parquet"),
    (Column("shop", "string"), Column("area", "int64"), Column("opened", "date")), ("shop",),
)  # fmt: skip
SALES = Dataset(
    "sales", Source("parquet", path="sales.parquet"),
    (
        Column("id", "int64"), Column("at", "timestamp"), Column("shop", "string"), Column("note", "string"),
        Column("items", "int64"), Column("few", "int32"), Column("weight", "float64"), Column("price", "float32"),
        Column("gift", "bool"), Column("due", "date"), Column("ordered", "timestamp"), Column("cost", "decimal"),
        Column("paid", "float64"),
    ),
    ("id",), "at",
)  # fmt: skip
REQUEST = tuple(column.name for column in SALES.columns if column.name != "paid")
NAMES = {
    "string": ("shop", "note"), "int64": ("items", "few"), "float64": ("weight", "price", "cost"), "bool": ("gift",),
    "timestamp": ("at", "ordered"), "date": ("due",),
}  # fmt: skip
LITERALS = {
    "string": ("''", "'a'", "'null'", "'\u00e9'", "'e\u0301'", "'O''Hare'", "'7'", "'-0'", "'1e400'", "'{0}'"),
    "int64": ("0", "1", "-1", "7", "9223372036854775807"),
    "float64": ("0.0", "0.5", "-2.5", "1e300", "3.0"),
    "bool": ("true", "false"),
    "timestamp": ("TIMESTAMP '2024-03-10 07:00:00'", "TIMESTAMP '2024-02-29 23:59:59.999999'"),
    "date": ("DATE '2024-02-29'", "DATE '1969-12-31'"),
}
TYPES = tuple(NAMES)
CASTS = {
    "int64": ("string", "float64", "bool"), "float64": ("string", "int64", "bool"), "bool": ("string",),
    "string": ("int64", "bool", "date"), "date": ("timestamp",), "timestamp": ("date",),
}  # fmt: skip
CONSTANTS = {
    "digits": ("-2", "0", "2"), "count": ("1", "2", "16"), "unit": tuple(f"'{unit}'" for unit in START_UNITS),
}  # fmt: skip
_CLASSES = {
    "number": ("int64", "float64"), "calendar": ("timestamp", "date"), "moment": ("timestamp", "date"),
    "clock": ("timestamp",), "any": TYPES,
}  # fmt: skip
Texts = st.SearchStrategy[str]


def a_parity_test(
    features: Sequence[FeatureDefinition], zone: str = "America/New_York", spine: Dataset = SALES,
    request: Sequence[str] = REQUEST, where: str | None = None,
) -> ParityTest:  # fmt: skip
    """Return the test of a view over sales, which joins shops."""
    view = ViewDefinition(
        name="sold", spine=spine, predict_at="at", request=tuple(request), features=tuple(features), where=where,
        joins=(JoinDefinition("shops", SHOPS, ("shop",), static=True),), timezone=zone, refresh=900.0,
    )  # fmt: skip
    compiled = compile_view(view)
    assert compiled.query is not None, compiled.problems
    return ParityTest("sold", compiled.query, (spine, SHOPS), zone)


def features_of(texts: Sequence[str]) -> tuple[FeatureDefinition, ...]:
    """Return a feature for each expression."""
    return tuple(FeatureDefinition(f"f{number}", text) for number, text in enumerate(texts))


AGGREGATES = tuple(
    FeatureDefinition(f"a{number}", aggregate=AggregateDefinition(text, SALES, ("shop",), 86_400.0))
    for number, text in enumerate(
        ("avg(paid)", "sum(items)", "count(*)", "min(price)", "max(weight)", "last(note)", "count_distinct(few)")
    )
)


def every_call() -> tuple[str, ...]:
    """Return calls of each function with columns of each type that it takes, with and without what it can spare."""
    return tuple(dict.fromkeys(text for function in FUNCTIONS for text in _plain_calls(function)))


def _plain_calls(function: Function) -> Iterator[str]:
    least = len(function.parameters) - function.optional
    for count in sorted({least, len(function.parameters)}):
        for type_ in TYPES:
            arguments = [_plain_argument(kind, type_, place) for place, kind in enumerate(function.parameters[:count])]
            if None not in arguments:
                yield f"{function.name}({', '.join(map(str, arguments))})"


def _plain_argument(kind: str, type_: str, place: int) -> str | None:
    """Return a column or constant for a parameter; another one at each place. None where it takes no such type."""
    if kind in CONSTANTS:
        return CONSTANTS[kind][-1]
    kinds = _CLASSES.get(kind, (kind,))
    names = NAMES[type_ if type_ in kinds else kinds[0]]
    return names[place % len(names)] if type_ in kinds or len(kinds) == 1 else None


OPERATORS = (
    "items + few",
    "items - few",
    "items * few",
    "items / few",
    "items % few",
    "-items",
    "weight + price",
    "weight * cost",
    "weight / price",
    "weight % price",
    "-weight",
    "items + weight",
    "shop || note",
    "shop like 'a%'",
    "shop like '%\u00e9_'",
    "shop = note",
    "shop < note",
    "items <> few",
    "weight >= price",
    "at < ordered",
    "due > DATE '2024-01-01'",
    "not gift",
    "gift and items > 0",
    "gift or weight > 0.5",
    "shop is null",
    "gift is true",
    "items is distinct from few",
    "weight between price and cost",
    "shop in ('a', 'null', '')",
    "items in (0, 1, 16777217)",
    "at - INTERVAL '25 hours'",
    "due + INTERVAL '1 days'",
    "case shop when 'a' then 1 when 'b' then 2 else 3 end",
    "case when gift then weight end",
    "cast(shop as int64)",
    "cast(shop as float64)",
    "cast(shop as bool)",
    "cast(items as string)",
    "cast(few as float64)",
    "cast(weight as int64)",
    "cast(price as int64)",
    "cast(gift as string)",
    "cast(gift as int64)",
    "cast(due as string)",
    "cast(at as date)",
    "cast(due as timestamp)",
    "cost",
    "cost * 3",
    "shops.area + items",
    "year(shops.opened)",
)
"""An expression for each operator, cast and join."""


# --- expressions -----------------------------------------------------------------------------------------------------
@functools.cache
def expressions(type_: str, depth: int = 3) -> Texts:
    """Return expressions of a type; every function and operator that gives it is among them."""
    leaves = st.sampled_from(NAMES[type_] + NAMES[type_] + LITERALS[type_])
    if depth == 0:
        return leaves
    calls = [_call(function, type_, depth - 1) for function in FUNCTIONS if type_ in _results(function)]
    return st.one_of(leaves, st.one_of(calls), st.one_of(_operations(type_, depth - 1)))


def _results(function: Function) -> tuple[str, ...]:
    if function.result in ("common", "branches"):
        return TYPES
    return _CLASSES[function.parameters[0]] if function.result == "first" else (function.result,)


def _call(function: Function, type_: str, depth: int) -> Texts:
    """Return calls of a function with a result of a type: with all its arguments, and without those it can spare."""
    counts = {len(function.parameters), len(function.parameters) - function.optional}
    return st.one_of([_call_of(function, type_, depth, count) for count in sorted(counts)])


def _call_of(function: Function, type_: str, depth: int, count: int) -> Texts:
    alike = function.result in ("common", "branches", "first")
    if function.parameters == ("moment", "moment"):  # of one type
        pairs = [st.tuples(expressions(t, depth), expressions(t, depth)) for t in _CLASSES["moment"]]
        return st.one_of(pairs).map(lambda pair: f"{function.name}({', '.join(pair)})")
    arguments = [_argument(kind, type_ if alike else "", depth) for kind in function.parameters[:count]]
    return st.tuples(*arguments).map(lambda given: f"{function.name}({', '.join(given)})")


def _argument(kind: str, wanted: str, depth: int) -> Texts:
    if kind in CONSTANTS:
        return st.sampled_from(CONSTANTS[kind])
    kinds = _CLASSES.get(kind, (kind,))
    return st.one_of([expressions(type_, depth) for type_ in ((wanted,) if wanted in kinds else kinds)])


def _operations(type_: str, depth: int) -> list[Texts]:
    """Return what operators, `case` and casts make of a type."""
    own = expressions(type_, depth)
    found = [
        st.tuples(expressions("bool", depth), own, own).map("case when {0[0]} then {0[1]} else {0[2]} end".format),
        *(expressions(source, depth).map(f"cast({{}} as {type_})".format) for source in CASTS[type_]),
    ]
    return (
        found
        + {
            "int64": _infix(own, ("+", "-", "*", "%")),
            "float64": _infix(own, ("+", "-", "*", "%", "/")),
            "string": _infix(own, ("||",)),
            "bool": _conditions(depth),
            "timestamp": [own.map("({} - INTERVAL '90 minutes')".format)],
            "date": [own.map("({} + INTERVAL '3 days')".format)],
        }[type_]
    )


def _infix(own: Texts, signs: Sequence[str]) -> list[Texts]:
    return [st.tuples(own, st.sampled_from(signs), own).map(lambda parts: f"({' '.join(parts)})")]


def _conditions(depth: int) -> list[Texts]:
    signs = ("=", "<>", "<", "<=", ">", ">=", "is distinct from", "is not distinct from")
    ordered = [_infix(expressions(type_, depth), signs)[0] for type_ in TYPES if type_ != "bool"]
    text, own = expressions("string", depth), expressions("bool", depth)
    return [
        *ordered, *_infix(own, ("and", "or")), own.map("(not {})".format),
        text.map("({} like 'a%')".format), text.map("({} in ('a', 'b', 'null'))".format),
        *(expressions(type_, depth).map("({} is null)".format) for type_ in TYPES),
        st.tuples(*[expressions("float64", depth)] * 3).map("({0[0]} between {0[1]} and {0[2]})".format),
    ]  # fmt: skip
