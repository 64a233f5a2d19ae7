"""Ways into environments: dominance agrees with listing every path, and gates that judge nothing are told."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlc_compiler.analysis.promotion_paths import Way, avoiding
from specs_on_disk import changed, codes, compiled

NODES = [f"n{i}" for i in range(7)]
EDGES = [(a, b) for i, a in enumerate(NODES) for b in NODES[i + 1 :]]


@st.composite
def ways(draw: st.DrawFn) -> tuple[Way, ...]:
    edges = draw(st.lists(st.sampled_from(EDGES), unique=True, max_size=14))
    return tuple(Way(a, b, frozenset({"gate"} if draw(st.booleans()) else ())) for a, b in edges)


@given(ways())
def test_a_way_past_a_gate_is_found_just_when_listing_all_paths_finds_one(found: tuple[Way, ...]) -> None:
    graph: nx.DiGraph[str] = nx.DiGraph([(w.source, w.target) for w in found])
    graph.add_nodes_from(NODES)
    past = {(w.source, w.target) for w in found if "gate" not in w.enforced}
    listed = [path for path in nx.all_simple_edge_paths(graph, NODES[0], NODES[-1]) if past.issuperset(path)]
    path = avoiding(found, NODES[0], NODES[-1], "gate")
    assert (path is not None) == bool(listed)
    if path is not None:
        assert [(w.source, w.target) for w in path] in listed
        assert len(path) == min(len(p) for p in listed)


def test_a_circle_of_ways_ends() -> None:
    circle = (Way("a", "b", frozenset()), Way("b", "a", frozenset()))
    assert avoiding(circle, "a", "c", "gate") is None
    assert avoiding(circle, "a", "a", "gate") == ()


# --- findings --------------------------------------------------------------------------------------------------------
STAGING = "spec: {tracks: main, namespace: ml-staging}"
PROD = "spec: {promoted_from: staging, namespace: ml-prod}"


def found_for(
    staging: str = "", prod: str = "", risk: str = "minimal", gate: str = "{metric: roc_auc, min: 0.7}"
) -> list[str]:
    text = changed("specs/environments.yaml", STAGING, STAGING[:-1] + staging + "}")["specs/environments.yaml"]
    files = {"specs/environments.yaml": text.replace(PROD, PROD[:-1] + prod + "}")}
    files |= changed("specs/model.yaml", "  estimator", f"  card: {{intended_use: tests, risk: {risk}}}\n  estimator")
    files |= changed("specs/gate.yaml", "{metric: roc_auc, min: 0.7}", gate)
    return [c for c in codes(compiled(files)[1]) if c.startswith("MLC5")]


APPROVED = ", requires: {approvals: [{team: ops}], gates: [release]}"


@pytest.mark.parametrize(
    ("staging", "prod", "risk", "expected"),
    [
        ("", "", "minimal", []),
        ("", "", "high", ["MLC521", "MLC523"]),
        ("", ", requires: {approvals: [{team: ops}]}", "high", ["MLC521"]),
        ("", ", requires: {gates: [release]}", "high", ["MLC523"]),
        ("", APPROVED, "high", []),
        (", requires: {approvals: [{team: ops}]}", ", requires: {gates: [release]}", "high", []),
        (", requires: {gates: [release]}", ", requires: {approvals: [{team: ops}]}", "high", ["MLC521"]),
        ("", ", models: [other]", "high", []),
    ],
)
def test_a_high_risk_model_passes_its_gates_and_people_on_every_way(
    staging: str, prod: str, risk: str, expected: list[str]
) -> None:
    assert found_for(staging, prod, risk) == expected


def test_a_required_gate_that_only_reports_is_told() -> None:
    assert found_for(prod=", requires: {gates: [release]}", gate="{metric: roc_auc, report_only: true}") == ["MLC520"]
    assert found_for(gate="{metric: roc_auc, report_only: true}") == []


def test_a_gate_that_only_compares_with_a_champion_lets_the_first_version_pass() -> None:
    assert found_for(gate="{metric: roc_auc, versus: champion, margin: 0.02}") == ["MLC522"]
    both = "{metric: roc_auc, versus: champion, margin: 0.02}\n    - {metric: roc_auc, min: 0.6}"
    assert found_for(gate=both) == []
