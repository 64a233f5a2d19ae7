"""Properties of metrics, intervals and verdicts on arbitrary rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlc_compiler.ir import Gate, GateCheck
from mlc_compiler.metrics import BINARY
from mlc_targets.local.gates import Evaluation, judge, measure, measure_all
from mlc_targets.local.gates.intervals import wilson
from mlc_targets.local.gates.metrics import definition
from mlc_targets.local.gates.verdict import decide, number

share = st.floats(0, 1, allow_nan=False, width=32)
real = st.floats(-1e6, 1e6, allow_nan=False, width=32)


@st.composite
def binary_rows(draw: Any) -> Evaluation:
    rows = draw(st.integers(1, 80))
    y = draw(st.lists(st.integers(0, 1), min_size=rows, max_size=rows))
    scores = draw(st.lists(share, min_size=rows, max_size=rows))
    days = draw(st.none() | st.lists(st.integers(0, 12), min_size=rows, max_size=rows))
    return Evaluation(BINARY, "test", np.array(y), np.array(scores),
                      blocks=None if days is None else np.array(days), block_unit="days")  # fmt: skip


@st.composite
def numeric_rows(draw: Any) -> Evaluation:
    rows = draw(st.integers(1, 60))
    y = draw(st.lists(real, min_size=rows, max_size=rows))
    scores = draw(st.lists(real, min_size=rows, max_size=rows))
    return Evaluation(
        "regression", "test", np.array(y), np.array(scores), blocks=np.arange(rows) // 3, block_unit="days"
    )


@settings(max_examples=60)
@given(binary_rows() | numeric_rows())
def test_an_interval_holds_its_value_and_stays_in_the_metrics_range(evaluation: Evaluation) -> None:
    for name, found in measure_all(evaluation).items():
        metric = definition(evaluation.task, name)
        if found.value is None or found.low is None or found.high is None:
            assert found.reason
            continue
        slack = 1e-9 * max(1.0, abs(found.value))
        assert found.low - slack <= found.value <= found.high + slack, name
        assert metric.low is None or found.low >= metric.low - slack, name
        assert metric.high is None or found.high <= metric.high + slack, name


@settings(max_examples=40)
@given(binary_rows(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter_where_days_are_blocks(evaluation: Evaluation, shuffle: Any) -> None:
    order = list(range(evaluation.rows))
    shuffle.shuffle(order)
    blocks = np.zeros(evaluation.rows, dtype=int) if evaluation.blocks is None else evaluation.blocks
    one = Evaluation(BINARY, "test", evaluation.y_true, evaluation.scores, blocks=blocks, block_unit="days")
    two = Evaluation(
        BINARY, "test", evaluation.y_true[order], evaluation.scores[order], blocks=blocks[order], block_unit="days"
    )
    for name, found in measure_all(one).items():
        other = measure(two, name)
        assert (other.value, other.low, other.high) == pytest.approx((found.value, found.low, found.high), abs=1e-9), (
            name
        )


@settings(max_examples=40)
@given(binary_rows())
def test_turning_scores_and_labels_around_keeps_the_area_and_its_mirror(evaluation: Evaluation) -> None:
    """The distance of scores is kept only where 1 - s is exact: compare on a grid."""
    scores = np.round(evaluation.scores * 64) / 64
    given_scores = Evaluation(BINARY, "test", evaluation.y_true, scores, blocks=evaluation.blocks, block_unit="days")
    both = Evaluation(BINARY, "test", 1 - evaluation.y_true, 1 - scores, blocks=evaluation.blocks, block_unit="days")
    labels = Evaluation(BINARY, "test", 1 - evaluation.y_true, scores, blocks=evaluation.blocks, block_unit="days")
    area, same, mirrored = (measure(e, "roc_auc") for e in (given_scores, both, labels))
    assert same.value == pytest.approx(area.value, abs=1e-12)
    assert (same.low, same.high) == pytest.approx((area.low, area.high), abs=1e-9)
    if area.value is not None and area.low is not None:
        assert mirrored.value == pytest.approx(1 - area.value, abs=1e-12)
        assert mirrored.high == pytest.approx(1 - area.low, abs=1e-9)


@settings(max_examples=60)
@given(binary_rows(), share)
def test_a_passed_check_would_pass_a_laxer_limit(evaluation: Evaluation, limit: float) -> None:
    checks = tuple(GateCheck("metric", "roc_auc", min=m) for m in (limit, limit * 0.9))
    strict, lax = judge((Gate("g", "test", checks),), {"test": evaluation}, 0)
    order = ("failed", "undecided", "passed")
    assert order.index(lax.status) >= order.index(strict.status)


@given(st.integers(0, 500), st.integers(1, 500), st.floats(0.5, 0.999))
def test_wilsons_interval_holds_the_share_and_mirrors(hits: int, trials: int, confidence: float) -> None:
    hits = min(hits, trials)
    found, mirror = wilson(hits, trials, confidence), wilson(trials - hits, trials, confidence)
    assert -1e-12 <= found.low <= hits / trials + 1e-12
    assert hits / trials - 1e-12 <= found.high <= 1 + 1e-12
    assert found.low == pytest.approx(1 - mirror.high, abs=1e-12)


@given(real, real, real)
def test_every_interval_has_exactly_one_verdict(a: float, b: float, limit: float) -> None:
    low, high = sorted((a, b))
    status = decide(low, high, (limit, None))
    assert status == ("passed" if low >= limit else "failed" if high < limit else "undecided")
    mirrored = decide(-high, -low, (None, -limit))
    assert mirrored == status


@given(st.floats(allow_nan=True, allow_infinity=True), st.floats(-1e9, 1e9))
def test_a_shown_number_lies_on_the_same_side_of_its_limit(value: float, limit: float) -> None:
    text = number(value, limit)
    if math.isfinite(value):
        assert (float(text) > limit, float(text) < limit) == (value > limit, value < limit)
        assert len(text) <= 26
