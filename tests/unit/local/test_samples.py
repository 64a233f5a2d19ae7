"""What `mlc lock` counts of a model's rows is what its run will split and judge."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from builders import a_project
from local_runs import START, a_running_model, run, the_query, the_visits, visits, write_visits
from mlc_compiler import ir
from mlc_targets.local import TARGET
from mlc_targets.local.data.samples import intraclass_correlation

SLICED = ir.Gate("release", "test", (ir.GateCheck("metric", "roc_auc", min=0.55, slices=("channel",)),))


def measured(model: ir.Model, root: Path, timezone: str = "UTC") -> dict[str, Any]:
    project = ir.ProjectRelease(replace(a_project(), timezone=timezone), (), (model,))
    (found,) = TARGET.measure_models(project, (model,), root)
    assert not found.findings
    return dict(found.values)


def a_model(**fields: Any) -> ir.Model:
    return a_running_model(**{"gates": (SLICED,), **fields})


@pytest.mark.parametrize("strategy", ["time", "random", "group"])
def test_folds_are_those_of_the_run(strategy: str, tmp_path: Path) -> None:
    write_visits(tmp_path)
    group = ("visit_id",) if strategy == "group" else ()
    split = ir.Split(strategy, 0.6, 0.2, 0.2, 86_400.0 * (strategy == "time"), group)  # type: ignore[arg-type]  # one of three
    model = a_model(split=split)
    entry = measured(model, tmp_path)
    outputs = run(model, tmp_path, until="split")
    assert outputs.steps[-1][1] == "ran"
    folds = _split_outputs(tmp_path)["folds"]
    assert {n: f["rows"] for n, f in entry["folds"].items()} == {n: f["rows"] for n, f in folds.items()}


def _split_outputs(root: Path) -> dict[str, Any]:
    import json

    records = [json.loads(p.read_text()) for p in (root / ".mlc/store").rglob("*.json")]
    return next(r["outputs"] for r in records if "outputs" in r and "folds" in r["outputs"])


def test_counts_are_of_labelled_rows(tmp_path: Path) -> None:
    write_visits(tmp_path)
    table = visits()
    entry = measured(a_model(), tmp_path)
    labels = [v for v in table["bought"].to_pylist() if v is not None]
    assert (entry["rows"], entry["mature"]) == (1500, len(labels))
    assert entry["label_delay"] == {"p50": 43_200, "p95": 43_200}
    assert entry["per_day"] == pytest.approx(10, rel=0.02)
    groups, test = entry["groups"]["channel"], entry["folds"]["test"]
    assert set(groups) == {"web", "app", "shop", ""}
    assert sum(g["rows"] for g in groups.values()) == test["rows"]
    assert sum(g["positives"] for g in groups.values()) == test["positives"]
    assert max(g["days"] for g in groups.values()) <= test["days"]


def test_days_are_those_of_the_projects_clocks(tmp_path: Path) -> None:
    at = START + np.array([0, 4, 5, 28, 29]) * 3_600_000_000  # New York is five hours behind
    table = visits(5).set_column(1, "visited_at", pa.array(at, pa.timestamp("us")))
    table = table.set_column(5, "bought", pa.array([True, False, True, False, True]))
    write_visits(tmp_path, table)
    split = ir.Split("time", 0.0, 0.0, 1.0, 0.0, ())
    folds = [measured(a_model(split=split), tmp_path, zone)["folds"] for zone in ("UTC", "America/New_York")]
    assert [f["test"]["days"] for f in folds] == [2, 3]


def test_the_same_rows_give_the_same_numbers(tmp_path: Path) -> None:
    table = visits()
    for folder in ("a", "b/c"):
        write_visits(tmp_path / folder, table)
    pq.write_table(table, tmp_path / "b/c/data/visits.parquet", row_group_size=100)
    assert measured(a_model(), tmp_path / "a") == measured(a_model(), tmp_path / "b/c")


def test_a_regression_has_means_and_spreads(tmp_path: Path) -> None:
    write_visits(tmp_path)
    sql = the_query().training_sql.replace("bought AS __label", "pages AS __label")
    fold = measured(a_model(task="regression", features=the_query(training_sql=sql)), tmp_path)["folds"]["train"]
    assert set(fold) == {"rows", "days", "icc", "mean", "std"}
    assert 4.5 < fold["mean"] < 6.5


def _anova(values: np.ndarray, units: np.ndarray) -> float:
    """The intraclass correlation from statsmodels' one-way analysis of variance."""
    table = anova_lm(ols("value ~ C(unit)", pd.DataFrame({"value": values, "unit": units})).fit())
    across, within = table["mean_sq"]
    sizes = np.bincount(units)
    usual = (len(values) - (sizes**2).sum() / len(values)) / (len(sizes) - 1)
    return float((across - within) / (across + (usual - 1) * within))


def test_what_labels_of_a_day_share_is_the_intraclass_correlation() -> None:
    generator = np.random.default_rng(0)
    units = generator.integers(0, 30, 700)
    numbers = generator.normal(size=30)[units] + generator.normal(0, 2, 700) + 1e6
    assert intraclass_correlation([numbers], units) == pytest.approx(_anova(numbers, units), abs=1e-7)
    yes = (generator.random(700) < np.where(units % 2, 0.2, 0.6)).astype(float)
    both = intraclass_correlation([yes, 1 - yes], units)
    assert both == pytest.approx(_anova(yes, units), abs=1e-9)
    assert intraclass_correlation([yes, 1 - yes], units[::-1]) == pytest.approx(_anova(yes, units[::-1]), abs=1e-9)


@pytest.mark.parametrize(
    ("values", "units"), [([], []), ([1.0], [0]), ([1.0, 2.0], [0, 1]), ([1.0, 2.0], [0, 0]), ([3.0] * 6, [0, 1] * 3)]
)
def test_labels_that_tell_nothing_of_their_days_have_no_correlation(values: list[float], units: list[int]) -> None:
    assert intraclass_correlation([np.array(values)], np.array(units, dtype=int)) is None


def test_rows_that_stand_for_themselves_have_no_correlation(tmp_path: Path) -> None:
    write_visits(tmp_path)
    folds = [
        measured(a_model(split=ir.Split(strategy, 0.6, 0.2, 0.2, 0.0, group)), tmp_path)["folds"]["train"]  # type: ignore[arg-type]  # one of three
        for strategy, group in (("time", ()), ("random", ()), ("group", ("visit_id",)))
    ]
    assert ["icc" in fold for fold in folds] == [True, False, False]


def test_classes_are_counted(tmp_path: Path) -> None:
    write_visits(tmp_path)
    sql = the_query().training_sql.replace("bought AS __label", "coalesce(channel, 'none') AS __label")
    model = a_model(task="multiclass_classification", features=the_query(training_sql=sql))
    fold = measured(model, tmp_path)["folds"]["train"]
    assert sum(fold["classes"].values()) == fold["rows"]
    assert set(fold["classes"]) == {"app", "none", "shop", "web"}


def test_a_column_of_too_many_values_is_no_column_of_groups(tmp_path: Path) -> None:
    write_visits(tmp_path, visits(4_000))
    sql = the_query().training_sql.replace("channel AS __slice_channel", "visit_id AS __slice_channel")
    assert measured(a_model(features=the_query(training_sql=sql)), tmp_path)["groups"] == {"channel": {}}


def test_a_table_without_labels_is_counted(tmp_path: Path) -> None:
    table = visits(50).set_column(5, "bought", pa.nulls(50, pa.bool_()))
    write_visits(tmp_path, table)
    entry = measured(a_model(), tmp_path)
    assert (entry["mature"], entry["label_delay"], entry["folds"]["test"]["rows"]) == (0, {}, 0)


def test_a_query_that_fails_is_a_finding_and_others_are_measured(tmp_path: Path) -> None:
    write_visits(tmp_path)
    broken = a_model(name="broken", features=the_query(training_sql="SELECT nothing FROM visits"))
    found = TARGET.measure_models(ir.ProjectRelease(a_project(), (), ()), (broken, a_model()), tmp_path)
    assert [[f.code for f in m.findings] for m in found] == [["MLC380"], []]
    assert found[1].values["rows"] == 1500


def test_nothing_is_written(tmp_path: Path) -> None:
    write_visits(tmp_path)
    before = {p for p in tmp_path.rglob("*") if ".mlc" not in p.parts}
    measured(a_model(datasets=(the_visits(),)), tmp_path)
    assert {p for p in tmp_path.rglob("*") if ".mlc" not in p.parts} == before
