"""Point in time beyond one view: queries that hide or reach ahead, joins that never match, folds that know others."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from mlc_compiler.diagnostics import Finding
from mlc_compiler.sql.query_rows import sights
from specs_on_disk import BASE, DIGEST, a_lock, changed, codes, compiled

FEATURES = (BASE / "specs/features.yaml").read_text("utf-8")
MODEL = (BASE / "specs/model.yaml").read_text("utf-8")
DATA = (BASE / "specs/data.yaml").read_text("utf-8")
TIMES, OUTCOMES = frozenset(("departure", "arrival")), frozenset(("delay",))


def of_query(query: str, columns: str, *more: str) -> list[Finding]:
    """Return what is found where features join, on `carrier`, a dataset that a query makes of flights."""
    how = "as_of: departure" if "event_time: departure" in more else "static: true"
    how = "as_of: arrival" if "event_time: arrival" in more else how
    joined = FEATURES.replace(
        "  features:\n", f"    made: {{on: [carrier], {how}}}\n  features:\n    x: {{expr: made.x}}\n"
    )
    made = [
        "kind: Dataset",
        "metadata: {name: made}",
        "spec:",
        f"  source: {{format: query, query: {query!r}}}",
        *(f"  {line}" for line in more),
        f"  columns: {{carrier: {{type: string}}, {columns}}}",
    ]
    return compiled({"specs/features.yaml": joined, "specs/made.yaml": "\n".join(made)})[1]


def told(findings: Iterable[Finding]) -> list[str]:
    return sorted({f.code for f in findings if f.code in ("MLC343", "MLC349")})


# --- queries that hide when their rows are known ---------------------------------------------------------------------
DEPARTED = "departure: {type: timestamp}, x: {type: float64}"


@pytest.mark.parametrize(
    "query",
    [
        "SELECT carrier, departure, delay AS x FROM flights",
        "SELECT carrier, departure, CAST(delay > 15 AS DOUBLE) AS x FROM flights",
        "SELECT carrier, departure, CASE WHEN delay > 15 THEN 1.0 ELSE 0.0 END AS x FROM flights",
        "WITH a AS (SELECT carrier, departure, delay AS y FROM flights) SELECT carrier, departure, y * 2 AS x FROM a",
        "SELECT f.carrier, f.departure, g.delay AS x FROM flights f JOIN flights g USING (flight_id)",
    ],
)
def test_an_outcome_under_another_name_is_found(query: str) -> None:
    findings = of_query(query, DEPARTED, "event_time: departure")
    assert told(findings) == ["MLC343"]
    assert any("`flights.delay`" in f.message for f in findings)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT carrier, departure, distance * 1.0 AS x FROM flights WHERE delay > 15",
        "SELECT carrier, departure, max(distance) * 1.0 AS x FROM flights GROUP BY 1, 2 HAVING avg(delay) > 15",
    ],
)
def test_rows_that_an_outcome_chooses_are_found(query: str) -> None:
    findings = of_query(query, DEPARTED, "event_time: departure")
    assert told(findings) == ["MLC343"]
    assert any("the rows of `made` depend on" in f.message for f in findings)


def test_a_query_that_carries_the_time_and_says_so_is_fine() -> None:
    query = "SELECT carrier, departure, arrival, delay AS x FROM flights"
    known = "departure: {type: timestamp}, arrival: {type: timestamp, known_at: arrival}"
    x = "x: {type: float64, known_at: arrival}"
    assert told(of_query(query, f"{known}, {x}", "event_time: departure")) == []
    late = "arrival: {type: timestamp}, x: {type: float64}"
    assert told(of_query("SELECT carrier, arrival, delay AS x FROM flights", late, "event_time: arrival")) == []
    chosen = "SELECT carrier, arrival, distance * 1.0 AS x FROM flights WHERE delay > 15"
    assert told(of_query(chosen, late, "event_time: arrival")) == []


@pytest.mark.parametrize(
    "query",
    [
        "SELECT f.carrier, f.departure, g.delay AS x FROM flights f ASOF JOIN flights g ON f.departure > g.arrival",
        "SELECT carrier, departure, (SELECT max(delay) FROM flights g WHERE g.arrival < f.departure) x FROM flights f",
    ],
)
def test_a_query_that_compares_the_times_itself_is_trusted(query: str) -> None:
    assert told(of_query(query, DEPARTED, "event_time: departure")) == []


def test_a_time_that_is_compared_with_a_constant_bounds_nothing() -> None:
    query = "SELECT carrier, departure, delay AS x FROM flights WHERE arrival > TIMESTAMP '2013-01-01'"
    assert told(of_query(query, DEPARTED, "event_time: departure")) == ["MLC343"]


def test_a_query_of_what_is_known_at_once_is_fine() -> None:
    assert (
        told(of_query("SELECT carrier, departure, distance * 1.0 AS x FROM flights", DEPARTED, "event_time: departure"))
        == []
    )


# --- queries that see later rows -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT lead(delay) OVER (PARTITION BY carrier ORDER BY departure) FROM flights", "later rows"),
        ("SELECT lag(delay, -1) OVER (ORDER BY departure) FROM flights", "later rows"),
        ("SELECT avg(delay) OVER (PARTITION BY carrier) FROM flights", "no ORDER BY"),
        ("SELECT max(delay) OVER w FROM flights WINDOW w AS (PARTITION BY carrier)", "no ORDER BY"),
        ("SELECT avg(delay) OVER (ORDER BY distance) FROM flights", "ordered by no time"),
        (
            "SELECT avg(delay) OVER (ORDER BY departure ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM flights",
            "past the",
        ),
        ("SELECT sum(delay) OVER (ORDER BY departure DESC) FROM flights", "from the latest row back"),
        (
            "SELECT * FROM flights QUALIFY row_number() OVER (PARTITION BY carrier ORDER BY departure DESC) = 1",
            "latest",
        ),
        ("SELECT carrier, avg(delay) FROM flights GROUP BY carrier", "rows of all times"),
        ("SELECT carrier, avg(delay) FROM flights GROUP BY ALL", "rows of all times"),
        ("SELECT f.*, (SELECT avg(delay) FROM flights) AS a FROM flights f", "rows of all times"),
        ("WITH a AS (SELECT carrier AS c, delay AS d FROM flights) SELECT c, sum(d) FROM a GROUP BY c", "all times"),
    ],
)
def test_a_query_that_reaches_ahead_is_found(query: str, reason: str) -> None:
    found = sights(query, TIMES, OUTCOMES)
    assert [reason in sight.reason for sight in found] == [True]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT lag(delay) OVER (PARTITION BY carrier ORDER BY departure) FROM flights",
        "SELECT sum(delay) OVER (PARTITION BY carrier ORDER BY departure) FROM flights",
        "SELECT avg(delay) OVER (ORDER BY departure ROWS BETWEEN 9 PRECEDING AND 1 PRECEDING) FROM flights",
        "SELECT row_number() OVER (PARTITION BY carrier ORDER BY departure) FROM flights",
        "SELECT avg(delay) OVER (PARTITION BY carrier, date_trunc('day', departure)) FROM flights",
        "SELECT carrier, departure, avg(delay) FROM flights GROUP BY 1, 2",
        "SELECT carrier, date_trunc('day', departure) AS day, avg(delay) FROM flights GROUP BY carrier, day",
        "SELECT max(departure) FROM flights",
        "SELECT f.*, (SELECT avg(delay) FROM flights g WHERE g.arrival < f.departure) AS a FROM flights f",
        "SELECT carrier, avg(delay) FROM flights WHERE departure < '2013-01-01' GROUP BY carrier",
        "SELECT * FROM flights",
    ],
)
def test_a_query_that_looks_back_is_fine(query: str) -> None:
    assert sights(query, TIMES, OUTCOMES) == ()


def test_target_encoding_without_folds_is_refused_once() -> None:
    findings = of_query("SELECT carrier, avg(delay) AS x FROM flights GROUP BY carrier", "x: {type: float64}")
    assert told(findings) == ["MLC349"]


# --- joins -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("tolerance", "expected"), [("30m", ["MLC344"]), ("1h", ["MLC344"]), ("65m", ["MLC344"]), ("75m", []), ("3h", [])]
)
def test_a_tolerance_outlasts_delay_and_refresh(tolerance: str, expected: list[str]) -> None:
    joined = FEATURES.replace(
        "  features:\n", f"    extra: {{on: [carrier], as_of: at, tolerance: {tolerance}}}\n  features:\n"
    )
    extra = (
        "kind: Dataset\nmetadata: {name: extra}\nspec:\n  source: {path: data/extra.parquet}\n"
        "  primary_key: [carrier, at]\n  event_time: at\n  delay: 1h\n"
        "  columns: {carrier: {type: string}, at: {type: timestamp}, w: {type: float64}}\n"
    )
    findings = compiled({"specs/features.yaml": joined, "specs/extra.yaml": extra})[1]
    assert [f.code for f in findings if f.code == "MLC344"] == expected


# --- splits ----------------------------------------------------------------------------------------------------------
def measured(**columns: dict[str, object]) -> object:
    entry = {"digest": DIGEST, "rows": 100_000, "files": {}, "columns": columns}
    return a_lock(datasets={**a_lock().datasets, "flights": entry})


def of_split(split: str, lock: object = None, label: str = '{expr: "delay > 15"}') -> list[str]:
    model = MODEL.replace('{expr: "delay > 15"}', label) + f"  split: {split}\n"
    findings = compiled({"specs/model.yaml": model}, lock=lock)[1]  # type: ignore[arg-type]  # a lock
    return [f.code for f in findings if f.code in ("MLC345", "MLC346", "MLC347")]


def test_rows_in_time_are_not_parted_at_random() -> None:
    assert of_split("{strategy: random}") == ["MLC345"]
    assert of_split("{strategy: time}") == []
    assert of_split("{strategy: group, group: [tailnum]}") == []


def test_a_snapshot_of_one_moment_may_be_parted_at_random() -> None:
    moment = {"min": "2013-01-01T00:00:00Z", "max": "2013-01-01T00:00:00Z", "nulls": 0, "type": "timestamp"}
    assert of_split("{strategy: random}", measured(departure=moment)) == []


@pytest.mark.parametrize(("distinct", "expected"), [(4000, True), (99, False), (90_000, False)])
def test_an_entity_with_many_rows_stays_in_one_fold(distinct: int, expected: bool) -> None:
    lock = measured(tailnum={"distinct": distinct, "nulls": 0, "type": "string"})
    assert ("MLC346" in of_split("{strategy: random}", lock)) is expected
    assert "MLC346" not in of_split("{strategy: random, group: [tailnum]}", lock)


def test_a_fold_outlasts_the_labels_of_its_rows() -> None:
    year = {"min": "2013-01-01T00:00:00Z", "max": "2013-12-31T00:00:00Z", "nulls": 0, "type": "timestamp"}
    label = '{aggregate: "avg(delay)", by: [carrier], horizon: 40d}'
    model = "{validation: 10%, train: 75%}"
    lock = measured(departure=year)
    text = MODEL.replace("binary_classification", "regression").replace("LogisticRegression", "LinearRegression")
    files = {"specs/model.yaml": text.replace('{expr: "delay > 15"}', label) + f"  split: {model}\n"}
    gate = changed("specs/gate.yaml", "{metric: roc_auc, min: 0.7}", "{metric: rmse, max: 30}")
    found = [f for f in compiled({**files, **gate}, lock=lock)[1] if f.code == "MLC347"]  # type: ignore[arg-type]
    assert [f.message.split(" fold")[0] for f in found] == ["the validation"]
    assert "lasts about 36.4 days" in found[0].message


# --- gates -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("more", "check", "expected"),
    [
        ("search: {trials: 20, space: {C: {log_uniform: [0.01, 100]}}}", "{metric: roc_auc, min: 0.7}", ["MLC348"]),
        ("search: {trials: 1, space: {C: {log_uniform: [0.01, 100]}}}", "{metric: roc_auc, min: 0.7}", []),
        ("search: {method: grid, space: {C: {choice: [0.1]}}}", "{metric: roc_auc, min: 0.7}", []),
        ("decision: {maximize: f1}", "{metric: f1, min: 0.5}", ["MLC348"]),
        ("decision: {maximize: f1}", "{metric: roc_auc, min: 0.5}", []),
        ("decision: {threshold: 0.5}", "{metric: f1, min: 0.5}", []),
    ],
)
def test_a_gate_judges_on_rows_that_chose_nothing(more: str, check: str, expected: list[str]) -> None:
    gate = changed("specs/gate.yaml", "{metric: roc_auc, min: 0.7}", check)["specs/gate.yaml"]
    model = {"specs/model.yaml": MODEL + f"  {more}\n"}
    on_validation = {"specs/gate.yaml": gate.replace("  model: late\n", "  model: late\n  split: validation\n")}
    assert [c for c in codes(compiled({**model, **on_validation})[1]) if c == "MLC348"] == expected
    assert "MLC348" not in codes(compiled({**model, "specs/gate.yaml": gate})[1])
