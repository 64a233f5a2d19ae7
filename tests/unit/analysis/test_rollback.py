"""The rollout as a state machine: ways back from everywhere, in time, to something that is still there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlc_compiler.analysis.measurements import seconds_to_rollback
from mlc_compiler.analysis.rollback import ABORTED, BACK, EVERYONE, PROMOTED, STABLE, Machine, machine
from mlc_compiler.diagnostics import Severity
from mlc_compiler.spec.rollout import Rollout
from specs_on_disk import codes, compiled

ERRORS = {"metric": "error_rate", "max": "1%", "failure_limit": 3}


def a_machine(**fields: object) -> Machine:
    steps = [{"weight": 5, "hold": "30m"}, {"weight": 25, "hold": "1h", "approval": True}, {"weight": 100}]
    return machine(Rollout.model_validate({"model": "late", "steps": steps, "analysis": [ERRORS], **fields}))


# --- the machine -----------------------------------------------------------------------------------------------------
def test_a_canary_passes_its_steps_in_order() -> None:
    names = [state.name for state in a_machine(no_data="fail").states]
    assert names == [
        STABLE, "step 1 at 5 %", "step 2 at 25 %", "step 2 at 25 %, waits for approval", PROMOTED, ABORTED, BACK
    ]  # fmt: skip


def test_what_has_no_data_is_held_until_a_person_acts() -> None:
    found = a_machine()
    held = "step 1 at 5 %, without data"
    assert {(e.target, e.by) for e in found.edges if e.source == held} == {
        ("step 1 at 5 %", "person"),
        (ABORTED, "person"),
    }
    assert not found.reaches(held, (ABORTED,), ("time", "analysis", "controller"))


def test_only_the_approval_is_unguarded() -> None:
    assert [state.name for state in a_machine().unguarded()] == ["step 2 at 25 %, waits for approval"]
    assert len(list(a_machine(analysis=[]).unguarded())) == 3


def test_a_hold_that_is_no_multiple_of_the_interval_ends_unmeasured() -> None:
    found = a_machine(steps=[{"weight": 5, "hold": "150s"}, {"weight": 100}])
    assert [state.name for state in found.unguarded()] == ["step 1 at 5 %, rest of the hold"]


def test_blue_green_waits_before_the_switch_and_is_measured_after_it() -> None:
    found = a_machine(strategy="blue_green", steps=[{"weight": 100, "approval": True}])
    names = [state.name for state in found.states if state.kind != "held"]
    assert names == [STABLE, "waits for approval", "switched", PROMOTED, ABORTED, BACK]
    assert found.reaches("switched", (ABORTED,), ("analysis",))


def test_a_replacement_of_servers_has_nothing_between_two_versions() -> None:
    assert [state.name for state in a_machine(strategy="rolling").states] == [STABLE, PROMOTED, ABORTED, BACK]


# --- searched, and searched by hand ----------------------------------------------------------------------------------
def _paths(found: Machine, start: str) -> Iterator[tuple[str, ...]]:
    """Yield every path without a repetition."""
    waiting: list[tuple[str, ...]] = [(start,)]
    while waiting:
        path = waiting.pop()
        yield path
        waiting += [(*path, e.target) for e in found.edges if e.source == path[-1] and e.target not in path]


rollouts: st.SearchStrategy[dict[str, object]] = st.builds(
    dict,
    strategy=st.sampled_from(["canary", "blue_green", "rolling"]),
    no_data=st.sampled_from(["hold", "fail"]),
    rollback=st.builds(dict, automatic=st.booleans()),
    analysis=st.lists(
        st.builds(
            dict,
            metric=st.sampled_from(["error_rate", "latency_p99", "prediction_drift"]),
            max=st.just(0.5),
            interval=st.sampled_from(["15s", "1m", "7m"]),
            failure_limit=st.integers(0, 4),
        ),
        max_size=3,
    ),
    steps=st.lists(
        st.builds(
            dict,
            weight=st.integers(0, 100),
            hold=st.sampled_from([None, "30s", "10m", "1h"]),
            approval=st.booleans(),
        ),
        max_size=4,
    ),
)


@given(rollouts)
@settings(max_examples=150)
def test_from_every_state_of_any_rollout_leads_a_way_back(fields: dict[str, object]) -> None:
    found = a_machine(**fields)
    names = [state.name for state in found.states]
    assert len(set(names)) == len(names)
    assert {e.source for e in found.edges} | {e.target for e in found.edges} <= set(names)
    assert list(found.stuck()) == []
    for state in found.states:
        if state.kind != "end":
            assert any(e.source == state.name and e.target == ABORTED for e in found.edges)
        reached = {path[-1] for path in _paths(found, state.name)}
        for goal in names:
            assert found.reaches(state.name, (goal,), EVERYONE) == (goal in reached)


@given(rollouts)
@settings(max_examples=60)
def test_a_machine_without_its_abort_edges_is_stuck_where_they_are_missing(fields: dict[str, object]) -> None:
    found = a_machine(**fields)
    cut = Machine(found.states, tuple(e for e in found.edges if e.target != ABORTED))
    assert {s.name for s in cut.stuck()} == {s.name for s in found.states if s.kind != "end"}


# --- in time ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("interval", "limit", "seconds"), [("1m", 0, 90), ("1m", 3, 270), ("15s", 4, 150), ("5m", 2, 930)]
)
def test_the_way_back_takes_a_window_the_failures_and_the_propagation(interval: str, limit: int, seconds: int) -> None:
    fields = {"metric": "error_rate", "max": 0.01, "interval": interval, "failure_limit": limit}
    assert seconds_to_rollback(Rollout.model_validate({"model": "a", "analysis": [fields]}).analysis[0]) == seconds


STEPS = "steps: [{weight: 5, hold: 30m}, {weight: 100}]"


@pytest.mark.parametrize(
    ("rollout", "expected"),
    [
        ("analysis: [{metric: error_rate, max: 1%, failure_limit: 3}]", None),
        ("analysis: [{metric: error_rate, max: 1%, failure_limit: 4}]", Severity.WARNING),
        ("analysis: [{metric: error_rate, max: 1%, failure_limit: 4}], rollback: {within: 5m}", Severity.ERROR),
        ("analysis: [{metric: error_rate, max: 1%, failure_limit: 4}], rollback: {within: 6m}", None),
        ("analysis: [{metric: error_rate, max: 1%, failure_limit: 4}], rollback: {automatic: false}", None),
    ],
)
def test_a_promise_that_cannot_be_kept(rollout: str, expected: Severity | None) -> None:
    text = f"kind: Rollout\nmetadata: {{name: late}}\nspec: {{model: late, {STEPS}, {rollout}}}\n"
    found = [f.severity for f in compiled({"specs/rollout.yaml": text})[1] if f.code == "MLC640"]
    assert found == ([] if expected is None else [expected])


# --- something to go back to, somebody to see it ---------------------------------------------------------------------
PATCHES = """\
kind: Environment
metadata: {name: staging}
spec:
  tracks: main
  namespace: ml-staging
  patches:
    - target: {kind: Rollout, name: %s}
      %s
"""


@pytest.mark.parametrize(
    ("model", "patch", "expected"),
    [
        ("late", "patch: {spec: {revisionHistoryLimit: 1}}", ["MLC643"]),
        ("late", "patch: {spec: {revisionHistoryLimit: 3}}", []),
        ("late", "patch: {spec: {replicas: 1}}", []),
        ("late", "patch: {spec: 7}", []),
        ("late", "json_patch: [{op: replace, path: /spec/revisionHistoryLimit, value: 0}]", ["MLC643"]),
        ("late", "json_patch: [{op: test, path: /spec/revisionHistoryLimit, value: 0}]", []),
        ("other", "patch: {spec: {revisionHistoryLimit: 1}}", []),
    ],
)
def test_patches_that_drop_versions(model: str, patch: str, expected: list[str]) -> None:
    files = {"specs/environments.yaml": PATCHES % (model, patch)}
    assert [c for c in codes(compiled(files)[1]) if c.startswith("MLC64")] == expected


def test_an_approval_is_watched_by_the_alerts_of_an_objective() -> None:
    steps = "steps: [{weight: 5, approval: true}, {weight: 100}], analysis: [{metric: error_rate, max: 1%}]"
    rollout = f"kind: Rollout\nmetadata: {{name: late}}\nspec: {{model: late, {steps}}}\n"
    monitor = "kind: Monitor\nmetadata: {name: late}\nspec: {model: late, slo: {availability: 99%}}\n"
    assert "MLC641" in codes(compiled({"specs/rollout.yaml": rollout})[1])
    assert "MLC641" not in codes(compiled({"specs/rollout.yaml": rollout, "specs/monitor.yaml": monitor})[1])
