"""The functions of the expression language: an allow-list, each with its types, its DuckDB form and what it means.

Functions are listed by hand because names that databases share do not mean the same everywhere (`log`, `dayofweek`,
`date_diff` in minutes). A value that is not defined (a logarithm of 0, a root of -1, a division by 0) is null.
"""

from __future__ import annotations

from mlc_compiler.records import dataclass

Kind = str
"""A class of argument types: a value type, or number, calendar or moment (timestamp or date), clock (timestamp), any;
or a constant: digits, count, unit."""


@dataclass(frozen=True, slots=True)
class Function:
    """`parameters` are classes of types; the last `optional` may be left out, or repeat where `variadic`.

    `result` is a value type, `first` (the first argument's), `common` (what all arguments have in common) or `branches`
    (what all but the first have). In `sql`, `{0}` is the first argument and `{all}` the list; `fallible` forms may fail
    at run time and are then null.
    """

    name: str
    parameters: tuple[Kind, ...]
    result: str
    sql: str
    meaning: str
    optional: int = 0
    variadic: bool = False
    fallible: bool = False


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An aggregate over other rows. `takes` is the class of its argument, `result` a value type or `first`."""

    name: str
    takes: Kind
    result: str
    meaning: str


_NOT_FINITE = "nullif(nullif(nullif({0}, 'NaN'::DOUBLE), 'Infinity'::DOUBLE), '-Infinity'::DOUBLE)"


def finite(sql: str) -> str:
    """Return SQL that is null where `sql`, a float64, is not a finite number; `sql` is written once."""
    return _NOT_FINITE.replace("{0}", sql)


def _function(signature: str, sql: str, meaning: str, *, fallible: bool = False) -> Function:
    """Read a signature such as "round(number, digits?) -> first": `?` may be left out, `...` repeats."""
    head, _, result = signature.partition(") -> ")
    name, _, listed = head.partition("(")
    kinds = listed.split(", ")
    optional = sum(kind.endswith("?") for kind in kinds)
    parameters = tuple(kind.rstrip("?.") for kind in kinds)
    return Function(name, parameters, result, sql, meaning, optional, listed.endswith("..."), fallible)


def _calendar(name: str, meaning: str, kind: Kind = "calendar") -> Function:
    return Function(name, (kind,), "int64", f"{name}({{0}})", meaning)


def _between(unit: str, microseconds: int) -> Function:
    sql = f"((epoch_us({{1}}) - epoch_us({{0}})) / {microseconds})"
    return Function(
        f"{unit}_between", ("moment",) * 2, "float64", sql, f"{unit} from the first to the second, with fractions"
    )


FUNCTIONS: tuple[Function, ...] = (
    # numbers
    _function("abs(number) -> first", "abs({0})", "distance from zero", fallible=True),
    _function("ceil(number) -> float64", "ceil({0})", "next whole number up"),
    _function("cos(number) -> float64", "cos({0})", "cosine of an angle in radians"),
    _function("exp(number) -> float64", finite("exp({0})"), "e to the power of the value"),
    _function("floor(number) -> float64", "floor({0})", "next whole number down"),
    _function("ln(number) -> float64", "ln(nullif(greatest({0}, 0), 0))", "natural logarithm; null unless positive"),
    _function(
        "log10(number) -> float64", "log10(nullif(greatest({0}, 0), 0))", "logarithm to base 10; null unless positive"
    ),
    _function(
        "power(number, number) -> float64", finite("power({0}, {1})"), "first to the power of second", fallible=True
    ),
    _function(
        "round(number, digits?) -> first", "round({all})", "nearest number, halves away from zero; digits may follow"
    ),
    _function("sign(number) -> int64", "CAST(sign({0}) AS BIGINT)", "-1, 0 or 1"),
    _function("sin(number) -> float64", "sin({0})", "sine of an angle in radians"),
    _function("sqrt(number) -> float64", finite("sqrt({0})"), "square root; null for negative values", fallible=True),
    # any type
    _function("coalesce(any, any...) -> common", "coalesce({all})", "first value that is not null"),
    _function("greatest(any, any...) -> common", "greatest({all})", "greatest value; nulls are ignored"),
    _function(
        "if(bool, any, any) -> branches",
        "CASE WHEN {0} THEN {1} ELSE {2} END",
        "second where the first is true, else third",
    ),
    _function("least(any, any...) -> common", "least({all})", "least value; nulls are ignored"),
    _function("nullif(any, any) -> first", "nullif({0}, {1})", "first value, or null where both are equal"),
    # text
    _function(
        "concat(string, string...) -> string",
        "concat({all})",
        "texts joined; a null counts as empty, unlike with the operator",
    ),
    _function("contains(string, string) -> bool", "contains({0}, {1})", "whether the first text contains the second"),
    _function(
        "ends_with(string, string) -> bool", "ends_with({0}, {1})", "whether the first text ends with the second"
    ),
    _function(
        "hash_bucket(string, count) -> int64", "CAST(md5_number({0}) % {1} AS BIGINT)", "a stable number from 0 below n"
    ),
    _function("length(string) -> int64", "length({0})", "number of characters"),
    _function("lower(string) -> string", "lower({0})", "text in lower case"),
    _function("replace(string, string, string) -> string", "replace({0}, {1}, {2})", "each second made the third"),
    _function(
        "split_part(string, string, count) -> string",
        "split_part({0}, {1}, {2})",
        "n-th part, from 1, cut at the second",
    ),
    _function(
        "starts_with(string, string) -> bool", "starts_with({0}, {1})", "whether the first text starts with the second"
    ),
    _function(
        "substr(string, count, count?) -> string",
        "substr({all})",
        "characters from a place, from 1; how many may follow",
    ),
    _function("trim(string) -> string", "trim({0})", "text without blanks at its ends"),
    _function("upper(string) -> string", "upper({0})", "text in upper case"),
    # calendar, in the project's timezone
    _calendar("year", "calendar year"),
    _calendar("quarter", "1 to 4"),
    _calendar("month", "1 to 12"),
    _calendar("week", "ISO week, 1 to 53"),
    _calendar("day", "day of the month, 1 to 31"),
    _calendar("dayofweek", "0 (Sunday) to 6 (Saturday)"),
    _calendar("isodow", "1 (Monday) to 7 (Sunday)"),
    _calendar("dayofyear", "1 to 366"),
    _calendar("hour", "0 to 23", "clock"),
    _calendar("minute", "0 to 59", "clock"),
    _calendar("second", "0 to 59, without fractions", "clock"),
    _function("start_of(unit, timestamp) -> timestamp", "", "start of the day, week (Monday), month, quarter or year"),
    # elapsed time
    _between("seconds", 1_000_000),
    _between("minutes", 60_000_000),
    _between("hours", 3_600_000_000),
    _between("days", 86_400_000_000),
)

AGGREGATES: tuple[Aggregate, ...] = (
    Aggregate("avg", "summable", "float64", "mean of the values that are not null; null without any"),
    Aggregate("count", "any", "int64", "number of values that are not null; `count(*)` of rows; 0 without any"),
    Aggregate("count_distinct", "any", "int64", "number of different values; also written count(distinct x)"),
    Aggregate("first", "any", "first", "the value that became known first in the window"),
    Aggregate("last", "any", "first", "the value that became known last in the window"),
    Aggregate("max", "any", "first", "greatest value"),
    Aggregate("min", "any", "first", "least value"),
    Aggregate("stddev", "summable", "float64", "sample standard deviation; null for fewer than two values"),
    Aggregate("sum", "summable", "first", "sum, exact for integers; null without values"),
)

BY_NAME = {function.name: function for function in FUNCTIONS}
AGGREGATE_BY_NAME = {aggregate.name: aggregate for aggregate in AGGREGATES}
START_UNITS = ("day", "week", "month", "quarter", "year")

ALIASES = {
    "ceiling": "ceil",
    "pow": "power",
    "stddev_samp": "stddev",
    "mean": "avg",
    "average": "avg",
    "std": "stddev",
    "ifnull": "coalesce",
    "isnull": "coalesce",
    "nvl": "coalesce",
    "iff": "if",
    "iif": "if",
    "len": "length",
    "char_length": "length",
    "substring": "substr",
    "ucase": "upper",
    "lcase": "lower",
    "dayofmonth": "day",
    "startswith": "starts_with",
    "endswith": "ends_with",
    "approx_count_distinct": "count_distinct",
}
"""Other systems' names, suggested when they are met; each has one spelling here."""

_CLOCK = (
    "the value would be another at each run, so training could not be repeated",
    "use the time of the prediction: the column that `predict_at` names",
)
_LUCK = (
    "the value would be another at each run, so training could not be repeated",
    "use hash_bucket(text, n), the same number for the same text",
)
_FILES = (
    "an expression sees the columns of its row, never files, settings or the network",
    "declare a Dataset and join it",
)
_WINDOW = (
    "a window function would see rows that are not known yet",
    "aggregate over other rows with `aggregate`, `by` and `window`",
)
_PARTS = ("each part of a time has its own function", "write year(x), month(x), dayofweek(x), hour(x) ...")
_REGULAR = (
    "regular expressions differ between databases, and some take for ever",
    "write like, contains(x, 'a') or starts_with(x, 'a')",
)
_DIFFERENCE = "databases disagree whether it counts boundaries or elapsed time"

IMPURE: dict[str, tuple[str, str]] = {
    **dict.fromkeys(
        ("now", "today", "current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"), _CLOCK
    ),
    **dict.fromkeys(
        ("get_current_timestamp", "get_current_time", "transaction_timestamp", "clock_timestamp", "getdate", "sysdate"),
        _CLOCK,
    ),
    **dict.fromkeys(("random", "rand", "setseed", "uuid", "uuidv4", "uuidv7", "gen_random_uuid", "nextval"), _LUCK),
    **dict.fromkeys(("currval", "setval", "txid_current", "sleep_ms"), _LUCK),
    **dict.fromkeys(
        ("current_database", "current_schema", "current_schemas", "current_user", "in_search_path", "getvariable"),
        _FILES,
    ),
    **dict.fromkeys(
        ("version", "current_query", "current_query_id", "current_connection_id", "current_transaction_id"), _FILES
    ),
    **dict.fromkeys(("which_secret", "write_log"), _FILES),
    **dict.fromkeys(
        ("read_csv", "read_csv_auto", "read_parquet", "parquet_scan", "read_json", "read_json_auto", "read_text"),
        _FILES,
    ),
    **dict.fromkeys(
        ("read_blob", "glob", "getenv", "current_setting", "query", "query_table", "sniff_csv", "duckdb_secrets"),
        _FILES,
    ),
}
"""Functions that look outside: at a clock, at chance, at files or settings. Queries of datasets refuse them too."""

REASONS: dict[str, tuple[str, str]] = {
    **IMPURE,
    **dict.fromkeys(("row_number", "rank", "dense_rank", "ntile", "lag", "lead", "first_value", "last_value"), _WINDOW),
    "log": ("databases disagree whether it means base 10 or e", "write ln(x) or log10(x)"),
    "date_diff": (_DIFFERENCE, "write minutes_between(a, b) or hours_between(a, b)"),
    "datediff": (_DIFFERENCE, "write days_between(a, b)"),
    "date_trunc": ("it would cut in UTC, while days start in the project's timezone", "write start_of('day', x)"),
    **dict.fromkeys(("extract", "date_part", "datepart"), _PARTS),
    **dict.fromkeys(("regexp_matches", "regexp_like", "regexp_extract", "regexp_replace"), _REGULAR),
    "decode": ("databases disagree on what it does", "write case x when 'a' then 1 else 0 end"),
    **dict.fromkeys(("safe_divide", "div0", "try_divide"), ("a division by 0 is null by itself", "write x / y")),
    "weekday": ("databases disagree on which day is 0", "write dayofweek(x) (Sunday is 0) or isodow(x) (Monday is 1)"),
    "median": ("it has no plan that stays fast on long histories yet", "use avg, min or max"),
}
"""Why well-known functions are refused, and what to write instead."""
