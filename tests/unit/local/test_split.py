"""Rows and folds: shares in order of time, ties in the later fold, nothing learned before it was known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from local_runs import DAY, MODEL, START, a_running_model, run, the_query, visits, write_visits
from mlc_compiler import ir
from mlc_targets.local.data.days import local_days
from mlc_targets.local.data.split import Rows, assign

HOUR = 3_600_000_000
NEVER = np.iinfo(np.int64).max


def rows(times: list[int], known_after: int = 0, unlabelled: tuple[int, ...] = ()) -> Rows:
    at = np.array(times, dtype=np.int64) * HOUR
    labelled = ~np.isin(np.arange(len(times)), unlabelled)
    return Rows(at, at + known_after * HOUR, labelled, ~labelled, np.array([]))


def a_split(train: float = 0.5, validation: float = 0.25, test: float = 0.25, gap: float = 0.0) -> ir.Split:
    return ir.Split("time", train, validation, test, gap, ())


def test_shares_are_of_rows_in_order_of_time() -> None:
    folds, dropped = assign(rows(list(range(8))), a_split())
    assert folds.tolist() == [0, 0, 0, 0, 1, 1, 2, 2]
    assert set(dropped.values()) == {0}


def test_ties_go_to_the_later_fold() -> None:
    folds, _ = assign(rows([0, 1, 2, 3, 3, 5, 6, 7]), a_split())
    assert folds.tolist() == [0, 0, 0, 1, 1, 1, 2, 2]


def test_a_row_whose_label_was_not_known_in_time_is_dropped_and_counted() -> None:
    folds, dropped = assign(rows(list(range(8)), known_after=2), a_split())
    assert folds.tolist() == [0, 0, 0, -1, 1, -1, 2, 2]
    assert dropped["not_mature"] == 2


def test_a_label_known_when_the_next_fold_starts_is_known_in_time() -> None:
    folds, _ = assign(rows(list(range(8)), known_after=1), a_split())
    assert folds.tolist() == [0, 0, 0, 0, 1, 1, 2, 2]


def test_the_gap_adds_to_maturity() -> None:
    folds, dropped = assign(rows(list(range(8)), known_after=1), a_split(gap=3600.0))
    assert folds.tolist() == [0, 0, 0, -1, 1, -1, 2, 2]
    assert (dropped["not_mature"], dropped["gap"]) == (0, 2)


def test_rows_without_a_label_are_in_no_fold() -> None:
    folds, dropped = assign(rows(list(range(9)), unlabelled=(8,)), a_split())
    assert folds.tolist() == [0, 0, 0, 0, 1, 1, 2, 2, -1]
    assert dropped["immature"] == 1


def test_without_a_validation_fold_training_is_cut_by_the_test_fold() -> None:
    folds, dropped = assign(rows(list(range(8)), known_after=2), a_split(0.5, 0.0, 0.5))
    assert folds.tolist() == [0, 0, 0, -1, 2, 2, 2, 2]
    assert dropped["not_mature"] == 1


@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=60).map(sorted),
    st.integers(0, 10),
    st.integers(0, 10),
    st.sampled_from([(0.5, 0.25, 0.25), (0.7, 0.15, 0.15), (0.6, 0.0, 0.4)]),
)
def test_no_label_is_learned_from_that_was_not_known(
    times: list[int], after: int, gap: int, shares: tuple[float, float, float]
) -> None:
    folds, dropped = assign(rows(times, known_after=after), a_split(*shares, gap=gap * 3600.0))
    at = np.array(times)
    for fold in (0, 1):
        members, later = at[folds == fold], at[folds > fold]
        if len(members) and len(later):
            assert members.max() < later.min()
            assert (members + after + gap).max() <= later.min()
    assert (folds == -1).sum() == dropped["not_mature"] + dropped["gap"]


def test_days_are_those_of_the_zones_clocks() -> None:
    moments = np.array(["2013-03-10T04:59", "2013-03-10T05:00", "2013-07-01T03:59"], dtype="datetime64[us]")
    assert local_days(moments, "America/New_York").tolist() == [15773, 15774, 15886]


# --- in a run --------------------------------------------------------------------------------------------------------
def counts(root: Path, model: ir.Model) -> dict[str, int]:
    result = run(model, root, until="split")
    assert result.passed
    return fold_rows(root, model)


def fold_rows(root: Path, model: ir.Model) -> dict[str, int]:
    import json

    keys = json.loads((root / ".mlc" / "runs" / model.name / "steps.json").read_text(encoding="utf-8"))["tasks"]
    record = json.loads((root / ".mlc" / "store" / "steps" / keys["split"]["key"] / "record.json").read_text())
    return {name: fold["rows"] for name, fold in record["outputs"]["folds"].items()}


def test_groups_stay_together_and_rows_keep_their_fold(tmp_path: Path) -> None:
    write_visits(tmp_path)
    random = replace(a_running_model(), split=ir.Split("random", 0.6, 0.2, 0.2, 0.0, (), MODEL.at("split")))
    found = counts(tmp_path, random)
    assert 800 < found["train"] < 980
    table = visits()
    write_visits(tmp_path, table.slice(0, 1000))
    fewer = counts(tmp_path, random)
    assert all(fewer[name] <= found[name] for name in found)


def test_the_label_with_one_class_is_refused(tmp_path: Path) -> None:
    table = visits()
    same = pa.array([None if v is None else True for v in table.column("bought").to_pylist()], pa.bool_())
    write_visits(tmp_path, table.set_column(table.column_names.index("bought"), "bought", same))
    result = run(a_running_model(), tmp_path)
    assert {f.code for f in result.findings} == {"MLC453"}
    assert "one class in the train fold: all" in result.findings[0].message
    assert not result.passed


def test_a_binary_label_with_three_values_is_refused(tmp_path: Path) -> None:
    write_visits(tmp_path)
    query = the_query()
    three = query.training_sql.replace("bought AS __label", "pages % 3 AS __label")
    result = run(a_running_model(features=replace(query, training_sql=three)), tmp_path)
    assert [f.code for f in result.findings] == ["MLC462"]


def test_a_fold_without_rows_is_refused(tmp_path: Path) -> None:
    write_visits(tmp_path, visits().slice(0, 400))
    wide = ir.Split("time", 0.6, 0.2, 0.2, 200 * DAY / 1_000_000, (), MODEL.at("split"))
    result = run(a_running_model(split=wide), tmp_path)
    assert {f.code for f in result.findings} == {"MLC454"}
    assert START > 0
