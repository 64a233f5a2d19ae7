"""Sensitive attributes, purposes, and columns of queries that forget where they come from."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from marked_specs import data, features, gate, model
from mlc_compiler.diagnostics import Finding, Place, Severity
from specs_on_disk import compiled

SEX = {"carrier": "sensitive: true"}


def found(*parts: Mapping[str, str]) -> list[Finding]:
    files = {path: text for part in parts for path, text in part.items()}
    return [f for f in compiled(files)[1] if f.code in ("MLC351", "MLC352", "MLC353", "MLC354", "MLC355")]


def told(*parts: Mapping[str, str]) -> list[str]:
    return [f.code for f in found(*parts)]


def a_card(said: str) -> dict[str, str]:
    return model(f"  card: {{{said}}}\n")


# --- sensitive attributes --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "said",
    [
        "expr: carrier",
        "expr: \"if(carrier = 'AA', 1, 0)\"",
        "expr: 'hash_bucket(carrier, 2)'",
        "aggregate: 'avg(delay)', by: [carrier], window: 24h",
        "aggregate: 'count(*)', where: \"carrier = 'AA'\", by: [tailnum], window: 24h",
    ],
)
def test_every_way_to_a_sensitive_column_is_told_by_risk(said: str) -> None:
    parts = (data(**SEX), features(a=said))
    (high,) = found(*parts, a_card("risk: high"))
    (low,) = found(*parts, model())
    assert (high.code, high.severity) == ("MLC351", Severity.ERROR)
    assert (low.code, low.severity) == ("MLC352", Severity.WARNING)
    assert high.related[0].text == "flights.carrier -> departures.a -> late"


def test_a_reason_ends_it_and_is_printed_in_the_card() -> None:
    reason = a_card("risk: high, sensitive_inputs: {carrier: contracts differ}")
    project = {**data(**SEX), **features(a="expr: carrier"), **reason}
    compilation, findings = compiled(project)
    assert not any(f.code.startswith("MLC35") for f in findings)
    assert compilation is not None
    (late,) = compilation.releases.models
    assert late.card.sensitive_inputs == (("carrier", "contracts differ"),)
    assert [f.reaches for f in late.features.features] == [("flights.carrier",)]


def test_a_sensitive_column_that_gates_group_by_needs_no_reason() -> None:
    parts = (data(**SEX), features(a="expr: distance"), gate("fairness: equal_opportunity, group: carrier, min: 0.8"))
    assert told(*parts, a_card("risk: high")) == []


def test_one_column_is_told_once_however_many_features_take_it() -> None:
    assert told(
        data(**SEX), features(a="expr: carrier", b="expr: 'lower(a)'", c="expr: 'upper(carrier)'"), model()
    ) == ["MLC352"]


@pytest.mark.parametrize("name", ["distance", "carier"])
def test_a_reason_for_what_is_no_sensitive_input_is_doubted(name: str) -> None:
    findings = found(data(**SEX), features(a="expr: carrier"), a_card(f"sensitive_inputs: {{carrier: x, {name}: y}}"))
    assert [(f.code, f.fix) for f in findings] == [("MLC354", "carrier" if name == "carier" else "")]


def test_a_reason_is_doubted_where_nothing_is_sensitive() -> None:
    assert told(a_card("sensitive_inputs: {carrier: x}")) == ["MLC354"]


# --- purposes --------------------------------------------------------------------------------------------------------
def test_data_is_used_for_its_purposes_only() -> None:
    kept = data(carrier="purposes: [research, billing]")
    only = features(a="expr: carrier")
    assert told(kept, only, a_card("purpose: billing")) == []
    assert told(kept, only, model()) == ["MLC353"]
    (finding,) = found(kept, only, a_card("purpose: biling"))
    assert isinstance(finding.at, Place)
    assert (finding.at.path[-1], finding.fix) == ("purpose", "billing")
    assert told(kept, features(a="expr: distance"), model()) == []


def test_keys_labels_and_groups_are_uses_too() -> None:
    for column in ("tailnum", "delay"):
        looked_up = features(a="aggregate: 'max(distance)', by: [tailnum], window: 24h")
        assert told(data(**{column: "purposes: [research]"}), looked_up, model()) == ["MLC353"]
    groups = gate("fairness: equal_opportunity, group: carrier, min: 0.8")
    assert told(data(carrier="purposes: [research]"), features(a="expr: distance"), groups) == ["MLC353"]


def test_a_column_kept_for_audits_may_group_and_nothing_else() -> None:
    kept = data(carrier="purposes: [fairness-audit]")
    groups = gate("fairness: equal_opportunity, group: carrier, min: 0.8")
    assert told(kept, features(a="expr: distance"), groups) == []
    assert told(kept, features(a="expr: carrier"), groups) == ["MLC353"]


def test_a_purpose_of_the_whole_dataset_is_told_once() -> None:
    text = data()
    ((path, content),) = text.items()
    all_ = {path: content.replace("spec:\n", "spec:\n  purposes: [research]\n", 1)}
    assert told(all_, model()) == ["MLC353"]


# --- queries ---------------------------------------------------------------------------------------------------------
def a_query(select: str, column: str) -> dict[str, str]:
    source = f"{{format: query, query: {select!r}}}"
    spec = f"  source: {source}\n  columns:\n    {column}\n"
    return {"specs/query.yaml": f"kind: Dataset\nmetadata: {{name: extra}}\nspec:\n{spec}"}


@pytest.mark.parametrize(
    ("select", "column", "expected"),
    [
        ("SELECT tailnum AS x FROM flights", "x: {type: string}", ["MLC355"]),
        ("SELECT lower(tailnum) AS x FROM flights", "x: {type: string}", ["MLC355"]),
        ("SELECT tailnum AS x FROM flights", "x: {type: string, classification: public}", []),
        ("SELECT tailnum AS x FROM flights", "x: {type: string, classification: pii}", []),
        ("SELECT distance AS x FROM flights", "x: {type: int64}", []),
        ("WITH f AS (SELECT * FROM flights) SELECT tailnum AS x FROM f", "x: {type: string}", ["MLC355"]),
        ("SELECT count(*) AS x FROM flights GROUP BY tailnum", "x: {type: int64}", []),
    ],
)
def test_a_query_says_what_its_columns_are(select: str, column: str, expected: list[str]) -> None:
    marked = data(tailnum="classification: confidential")
    assert told(marked, features(a="expr: distance"), a_query(select, column)) == expected
