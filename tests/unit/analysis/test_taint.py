"""Classified values: how closely they are kept on each way, and which places they may not reach."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from marked_specs import VIEW, data, features, gate, model, privacy
from mlc_compiler.analysis.taint import ModelTraces
from mlc_compiler.conventions import CLASSIFICATIONS
from mlc_compiler.diagnostics import Finding, Place, Sink
from mlc_compiler.pipeline import load_project
from mlc_compiler.spec.dataset import Classification
from specs_on_disk import compiled, spec_files


def found(*parts: Mapping[str, str]) -> list[Finding]:
    files = {path: text for part in parts for path, text in part.items()}
    return [f for f in compiled(files)[1] if f.code.startswith("MLC35")]


def ways(*parts: Mapping[str, str]) -> list[str]:
    return [finding.related[0].text for finding in found(*parts)]


def levels(marks: Mapping[str, str], **given: str) -> dict[str, set[tuple[str, str]]]:
    """Return the flow and level of what each feature takes from flights."""
    files = {**data(**marks), **features(**given)}
    project = load_project(spec_files(files), Sink())
    assert project is not None
    traces = ModelTraces(project).of("departures")
    return {
        name: {(trace.flow, trace.level) for trace in found if trace.level != "public"}
        for name, found in traces.items()
    }


PII = {"tailnum": "classification: pii"}
SPECIAL = {"distance": "classification: special"}


def test_the_classifications_are_those_of_the_specs_in_order() -> None:
    assert Classification.__args__ == CLASSIFICATIONS  # type: ignore[attr-defined]  # a Literal


# --- ways ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("expr: tailnum", ("value", "pii")),
        ("expr: 'lower(tailnum)'", ("value", "pii")),
        ("expr: 'hash_bucket(tailnum, 100)'", ("value", "pseudonymous")),
        ("expr: \"if(tailnum = 'N1', 1, 0)\"", ("condition", "pii")),
        ("aggregate: 'count(tailnum)', by: [carrier], window: 24h", ("value", "internal")),
        ("aggregate: 'last(tailnum)', by: [carrier], window: 24h", ("value", "pii")),
        ("aggregate: 'avg(delay)', by: [tailnum], window: 24h", ("key", "pseudonymous")),
        ("aggregate: 'avg(delay)', by: [carrier], where: \"tailnum = 'N1'\", window: 24h", ("filter", "pii")),
        ("expr: planes.year", ("key", "pseudonymous")),
    ],
)
def test_each_flow_carries_its_level(said: str, expected: tuple[str, str]) -> None:
    assert expected in levels(PII, x=said)["x"]


@pytest.mark.parametrize(
    "said",
    ["expr: 'hash_bucket(cast(distance as string), 9)'", "expr: 'distance > 500'", "expr: 'round(distance, -2)'",
     "aggregate: 'count(distance)', by: [carrier], window: 24h"],
)  # fmt: skip
def test_a_special_category_stays_special(said: str) -> None:
    assert levels(SPECIAL, x=said)["x"] == {("value", "special")}


def test_a_value_keeps_its_level_through_other_features() -> None:
    found = levels(PII, a="expr: 'lower(tailnum)'", b="expr: 'upper(a)'", c="expr: 'hash_bucket(b, 10)'")
    assert found["b"] == {("value", "pii")}
    assert found["c"] == {("value", "pseudonymous")}


def test_what_decides_through_another_feature_still_decides() -> None:
    found = levels(PII, a="expr: \"if(tailnum = 'N1', 1, 0)\"", b="expr: 'a + 1'")
    assert found["b"] == {("condition", "pii")}


def test_one_softened_mention_does_not_excuse_another() -> None:
    assert levels(PII, x="expr: 'hash_bucket(tailnum, 9) + length(tailnum)'")["x"] == {("value", "pii")}


COUNTED = {
    "n": "aggregate: 'count(*)', by: [carrier], window: 24h",
    "mean": "aggregate: 'avg(distance)', by: [carrier], window: 24h",
}


def test_a_guard_of_enough_rows_releases_even_a_special_category() -> None:
    found = levels(SPECIAL, **COUNTED, x="expr: 'if(n >= 20, mean, null)'")
    assert found["mean"] == {("value", "special")}
    assert found["x"] == {("value", "internal")}


@pytest.mark.parametrize(
    ("n", "guard"),
    [
        ("aggregate: 'count(*)', by: [carrier], window: 24h", "if(n >= 19, mean, null)"),
        ("aggregate: 'count(*)', by: [carrier], window: 48h", "if(n >= 20, mean, null)"),
        ("aggregate: 'count(*)', window: 24h", "if(n >= 20, mean, null)"),
        ("aggregate: 'count(*)', by: [carrier], where: 'delay > 0', window: 24h", "if(n >= 20, mean, null)"),
        ("aggregate: 'count(delay)', by: [carrier], window: 24h", "if(n >= 20, mean, null)"),
        ("aggregate: 'sum(distance)', by: [carrier], window: 24h", "if(n >= 20, mean, null)"),
        ("expr: distance", "if(n >= 20, mean, null)"),
    ],
)
def test_a_guard_that_counts_other_rows_or_too_few_releases_nothing(n: str, guard: str) -> None:
    assert ("value", "special") in levels(SPECIAL, n=n, mean=COUNTED["mean"], x=f"expr: '{guard}'")["x"]


# --- places ----------------------------------------------------------------------------------------------------------
def test_the_way_of_a_personal_input_is_told_where_the_feature_takes_it() -> None:
    (finding,) = found(data(**PII), features(a="expr: tailnum, type: category"), model())
    assert finding.code == "MLC350"
    assert isinstance(finding.at, Place)
    assert (finding.at.file, finding.at.path, finding.at.within) == (VIEW, ("spec", "features", "a", "expr"), (0, 7))
    assert [r.text for r in finding.related] == [
        "flights.tailnum (pii) -> departures.a -> late -> model_input", "pii", "a",
    ]  # fmt: skip


def test_a_place_that_admits_more_is_no_finding() -> None:
    parts = (data(**PII), features(a="expr: tailnum, type: category"), model())
    assert ways(*parts, privacy(model_input="pii"))[0].endswith("-> image")
    assert ways(*parts, privacy(model_input="pii", image="pii"))[0].endswith("-> monitor_sample")
    assert ways(*parts, privacy(model_input="pii", image="pii", monitor_sample="pii")) == []


def test_numbers_and_listed_values_are_kept_in_no_image() -> None:
    wide = privacy(model_input="pii")
    listed = data(carrier="classification: pii", distance="classification: pii")
    assert ways(listed, features(a="expr: carrier, type: category", b="expr: distance"), wide) == []


def test_the_online_snapshot_takes_no_special_category_by_default() -> None:
    said = data(distance="classification: special")
    wide = {"model_input": "special", "image": "special", "monitor_sample": "special"}
    looked_up = features(a="aggregate: 'avg(distance)', by: [carrier], window: 24h")
    assert ways(said, looked_up, privacy(**wide)) == [
        "flights.distance (special) -> departures.a -> late -> online_snapshot"
    ]
    assert ways(said, looked_up, privacy(**wide, online_snapshot="special")) == []
    assert ways(said, features(a="expr: distance"), privacy(**wide)) == []


def test_predictions_in_the_request_log_are_as_closely_kept_as_the_label() -> None:
    said = data(delay="classification: confidential")
    logged = model("  serving: {log_requests: 1%}\n")
    assert ways(said, logged) == ["flights.delay (confidential) -> label -> late -> request_log"]
    assert ways(said, model()) == []
    assert ways(said, logged, privacy(request_log="confidential")) == []


def test_a_log_shows_no_more_than_logs_may() -> None:
    logged = model("  serving: {log_requests: 1%, log_classification: pii}\n")
    said = data(distance="classification: internal")
    assert [f.fix for f in found(said, logged)] == ["internal"]
    assert found(said, logged, privacy(request_log="pii")) == []


def test_classes_of_a_label_are_names_in_metrics() -> None:
    multi = model(task="multiclass_classification", label="tailnum")
    parts = (multi, gate("metric: accuracy, min: 0.5"))
    later = features(a="expr: distance")[VIEW].replace("tailnum, distance]", "distance]")
    only = {VIEW: later.replace("  joins: {planes: {on: [tailnum], static: true}}\n", "")}
    text = data(tailnum="classification: confidential, known_at: arrival")
    assert ways(text, only, *parts) == ["flights.tailnum (confidential) -> label -> late -> metric_label"]
    listed = data(tailnum="classification: confidential, known_at: arrival, enum: [a, b, c]")
    assert ways(listed, only, *parts) == []


@pytest.mark.parametrize(
    ("mark", "check", "told"),
    [
        ("classification: pii", "slices: [carrier], min_rows: 50", False),
        ("classification: pii", "slices: [carrier], min_rows: 19", True),
        ("classification: pii", "slices: [carrier]", True),
        ("classification: internal", "slices: [carrier]", False),
    ],
)
def test_groups_tell_of_nobody_when_they_are_listed_and_large(mark: str, check: str, told: bool) -> None:
    reached = ways(data(carrier=mark), features(a="expr: distance"), gate(f"metric: roc_auc, min: 0.6, {check}"))
    assert bool(reached) is told


def test_groups_of_unlisted_values_tell_of_each() -> None:
    check = "metric: roc_auc, min: 0.6, slices: [tailnum], min_rows: 500"
    (finding,) = found(data(**PII), features(a="expr: distance"), gate(check))
    assert "give `tailnum` an `enum`" in finding.help
    assert isinstance(finding.at, Place)
    assert finding.at.path == ("spec", "checks", 0, "slices", 0)


@pytest.mark.parametrize(
    ("said", "start"),
    [("expr: \"tailnum = 'N101'\"", 10), ("expr: \"if(tailnum in ('N1', 'N2'), 1, 0)\"", 15),
     ("expr: \"not 'N1' <> tailnum\"", 4), ("expr: \"tailnum like 'N1%'\"", 13)],
)  # fmt: skip
def test_a_personal_value_that_is_written_out_is_printed_with_the_card(said: str, start: int) -> None:
    wide = privacy(model_input="pii")
    (finding,) = found(data(**PII), features(a=said), wide)
    assert isinstance(finding.at, Place)
    assert (finding.at.path[-2:], finding.at.within and finding.at.within[0]) == (("a", "expr"), start)
    assert finding.related[0].text == "flights.tailnum (pii) -> constant -> late -> card"
    assert found(data(**PII), features(a=said), privacy(model_input="pii", card="pii")) == []
    assert found(data(tailnum="classification: pii, enum: [N1, N2, N101]"), features(a=said), wide) == []


def test_a_constant_is_told_once_wherever_it_is_used_and_in_filters() -> None:
    wide = privacy(model_input="pii")
    twice = features(a="expr: \"if(tailnum = 'N1', 1, 0)\"", b="expr: 'a + 1'", c="expr: distance")
    assert len(found(data(**PII), twice, wide)) == 1
    rows = model("  where: \"tailnum <> 'N1'\"\n")
    (finding,) = found(data(**PII), features(a="expr: distance"), rows)
    assert isinstance(finding.at, Place)
    assert finding.at.path == ("spec", "where")


def test_public_data_has_no_findings() -> None:
    assert found() == []
