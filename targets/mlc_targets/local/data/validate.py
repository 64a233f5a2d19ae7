"""Step validate: the contract of columns and the data checks, in one scan a dataset and one a uniqueness.

All that is broken is reported, with counts, rates and a few keys of rows that break it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mlc_compiler.diagnostics import Finding, Severity
from mlc_compiler.ir import Column, DataCheck, Dataset, Origin, Scalar
from mlc_compiler.records import dataclass
from mlc_targets.local.data.ingest import create_stored, memory, scratch
from mlc_targets.local.data.relations import connect, literal, quote
from mlc_targets.local.findings import error
from mlc_targets.local.job import Outcome, Run

if TYPE_CHECKING:
    import duckdb

_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Rule:
    """One condition: `violated` is SQL that is true of a bad row, or `measure` an aggregate with bounds."""

    name: str
    origin: Origin
    code: str
    violated: str | None = None
    measure: str | None = None
    keys: tuple[str, ...] = ()  # columns that must not repeat together
    low: float | None = None
    high: float | None = None
    most: float = 0.0  # share of rows that may violate
    warning: bool = False
    shown: str | None = None  # the column whose bad values are shown


def validate(run: Run, dataset: Dataset, out: Path) -> Outcome:
    """Check a dataset and return what each rule came to; findings for those that are broken."""
    del out
    connection = connect(run.threads, scratch(run), memory(run))
    create_stored(connection, dataset.name, run.ingested(dataset.name))
    try:
        return _validate(connection, dataset)
    finally:
        connection.close()


def _validate(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> Outcome:
    import duckdb

    rules = (*_column_rules(dataset), *_check_rules(dataset))
    try:
        rows, newest, measured = _scan(connection, dataset, rules)
    except duckdb.Error as failure:
        return Outcome(findings=(_unanswerable(dataset, failure),))
    results, findings = [], []
    for rule, value in zip(rules, measured, strict=True):
        finding = _judge(connection, dataset, rule, value, rows)
        results.append(_row(rule, value, rows, finding))
        findings += [finding] if finding else []
    broken = f", {len(findings)} broken" if findings else ""
    outputs = {"rows": rows, "newest": newest, "checks": results}
    return Outcome(outputs, tuple(findings), f"{rows:,} rows, {len(rules)} checks{broken}")


def _unanswerable(dataset: Dataset, failure: Exception) -> Finding:
    lines = [line for line in str(failure).splitlines() if line.strip()]
    return error(
        "MLC376", dataset.origin.at("checks"), f"the checks of dataset `{dataset.name}` can't be computed",
        note=" ".join(lines[:2]), help="mend the expression or pattern that the note names",
    )  # fmt: skip


# --- rules -----------------------------------------------------------------------------------------------------------
def _column_rules(dataset: Dataset) -> Iterator[Rule]:
    for column in dataset.columns:
        yield from _rules_of(column, dataset.origin.at(f"columns.{column.name}"))
    if dataset.primary_key:
        origin, key = dataset.origin.at("primary_key"), dataset.primary_key
        absent = " OR ".join(f"{quote(name)} IS NULL" for name in key)
        yield Rule("primary key is there", origin, "MLC375", violated=absent)
        yield Rule(f"primary key ({', '.join(key)}) is unique", origin, "MLC375", keys=key)


def _rules_of(column: Column, origin: Origin) -> Iterator[Rule]:
    name, sql = column.name, quote(column.name)
    broken = partial(Rule, code="MLC375", shown=name)
    if column.required:
        yield Rule(f"{name} is required", origin.at("required"), "MLC375", violated=f"{sql} IS NULL")
    if column.unique:
        yield Rule(f"{name} is unique", origin.at("unique"), "MLC375", keys=(name,))
    if column.enum:
        values = ", ".join(_sql(value) for value in column.enum)
        yield broken(
            f"{name} is one of {len(column.enum)} values", origin.at("enum"), violated=f"{sql} NOT IN ({values})"
        )
    if column.minimum is not None:
        yield broken(f"{name} >= {column.minimum:g}", origin.at("minimum"), violated=f"{sql} < {column.minimum!r}")
    if column.maximum is not None:
        yield broken(f"{name} <= {column.maximum:g}", origin.at("maximum"), violated=f"{sql} > {column.maximum!r}")
    if column.pattern is not None:
        violated = f"NOT regexp_full_match({sql}, {literal(column.pattern)})"
        yield broken(f"{name} matches {column.pattern}", origin.at("pattern"), violated=violated)


def _sql(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return literal(value) if isinstance(value, str) else repr(value)


def _check_rules(dataset: Dataset) -> Iterator[Rule]:
    for check in dataset.checks:
        if check.kind != "freshness":  # judged against the clock, in every run
            yield replace(_check_rule(check), warning=check.severity == "warning")


def _check_rule(check: DataCheck) -> Rule:
    origin = check.origin
    if check.kind == "unique":
        return Rule(check.name, origin, "MLC376", keys=check.columns)
    if check.kind == "expression":
        return Rule(check.name, origin, "MLC376", violated=f"NOT ({check.expression})", most=check.max or 0.0)
    if check.kind == "missing_rate":
        violated = " OR ".join(f"{quote(column)} IS NULL" for column in check.columns)
        return Rule(check.name, origin, "MLC376", violated=violated, most=check.max or 0.0)
    if check.kind == "row_count":
        return Rule(check.name, origin, "MLC376", measure="count(*)", low=check.min, high=check.max)
    function = {"mean": "avg", "stddev": "stddev_samp"}.get(check.statistic or "mean", check.statistic or "avg")
    measure = f"CAST({function}({quote(check.columns[0])}) AS DOUBLE)"
    return Rule(check.name, origin, "MLC376", measure=measure, low=check.min, high=check.max)


# --- measuring -------------------------------------------------------------------------------------------------------
def _scan(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, rules: Sequence[Rule]
) -> tuple[int, str | None, list[float | None]]:  # fmt: skip
    """Return the rows, the newest event time, and each rule's violations or measure."""
    time = f"max({quote(dataset.event_time)})" if dataset.event_time else "NULL"
    items = ["count(*)", f"CAST({time} AS VARCHAR)"]
    items += [_item(rule) for rule in rules if not rule.keys]
    rows, newest, *values = connection.sql(f"SELECT {', '.join(items)} FROM {quote(dataset.name)}").fetchall()[0]
    scanned = iter(values)
    measured = [_repeated(connection, dataset, rule) if rule.keys else next(scanned) for rule in rules]
    return int(rows), f"{newest.replace(' ', 'T')}+00:00" if newest else None, measured


def _item(rule: Rule) -> str:
    return rule.measure or f"count(*) FILTER ({rule.violated})"


def _groups(dataset: Dataset, rule: Rule) -> str:
    keys = ", ".join(map(quote, rule.keys))
    whole = " AND ".join(f"{quote(key)} IS NOT NULL" for key in rule.keys)
    rows = f"FROM {quote(dataset.name)} WHERE {whole}"
    return f"SELECT {keys}, count(*) AS __rows {rows} GROUP BY {keys} HAVING count(*) > 1"


def _repeated(connection: duckdb.DuckDBPyConnection, dataset: Dataset, rule: Rule) -> float:
    """Return how many rows repeat the key of another."""
    found = connection.sql(f"SELECT coalesce(sum(__rows - 1), 0) FROM ({_groups(dataset, rule)})").fetchall()
    return int(found[0][0])


# --- judging ---------------------------------------------------------------------------------------------------------
def _judge(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, rule: Rule, value: float | None, rows: int
) -> Finding | None:  # fmt: skip
    if rule.measure is not None:
        if _within(rule, value):
            return None
        found = "nothing" if value is None else f"{value:,.6g}"
        note = f"it is {found}; {_bounds(rule)}"
    else:
        count = int(value or 0)
        if count <= rule.most * rows:
            return None
        allowed = f"; {rule.most:.2%} are allowed" if rule.most else ""
        note = f"{count:,} of {rows:,} rows ({count / max(rows, 1):.2%}){allowed}"
    finding = error(
        rule.code, rule.origin, f"dataset `{dataset.name}`: `{rule.name}` does not hold", note=note,
        help="mend the data, or the contract where it asks too much", related=_examples(connection, dataset, rule),
    )  # fmt: skip
    return replace(finding, severity=Severity.WARNING) if rule.warning else finding


def _within(rule: Rule, value: float | None) -> bool:
    if value is None:
        return False
    return (rule.low is None or value >= rule.low) and (rule.high is None or value <= rule.high)


def _bounds(rule: Rule) -> str:
    low = [f"at least {rule.low:,.6g}"] if rule.low is not None else []
    high = [f"at most {rule.high:,.6g}"] if rule.high is not None else []
    return " and ".join(low + high) + " is asked for"


def _examples(connection: duckdb.DuckDBPyConnection, dataset: Dataset, rule: Rule) -> str:
    """Return a few rows that break a rule, by primary key, in words."""
    if rule.measure is not None:
        return ""
    if rule.keys:
        return _shown(connection, f"{_groups(dataset, rule)} ORDER BY ALL LIMIT {_EXAMPLES}", [*rule.keys, "rows"])
    columns = list(dict.fromkeys([*dataset.primary_key, *([rule.shown] if rule.shown else [])]))
    if not columns:
        return ""
    items = ", ".join(map(quote, columns))
    query = f"SELECT {items} FROM {quote(dataset.name)} WHERE {rule.violated} ORDER BY ALL LIMIT {_EXAMPLES}"
    return _shown(connection, query, columns)


def _shown(connection: duckdb.DuckDBPyConnection, query: str, columns: Sequence[str]) -> str:
    rows = connection.sql(query).fetchall()
    texts = [", ".join(f"{name} {_value(value)}" for name, value in zip(columns, row, strict=True)) for row in rows]
    return "such as " + "; ".join(texts)


def _value(value: object) -> str:
    return "null" if value is None else str(value)


def _row(rule: Rule, value: float | None, rows: int, finding: Finding | None) -> dict[str, object]:
    status = "passed" if finding is None else "warned" if rule.warning else "failed"
    if rule.measure is not None:
        measured = None if value is None else float(f"{float(value):.6g}")
        return {"name": rule.name, "status": status, "violations": None, "total": rows, "value": measured}
    return {"name": rule.name, "status": status, "violations": int(value or 0), "total": rows, "value": None}
