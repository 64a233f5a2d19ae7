"""`mlc run` from data to evidence: repeatable, resumable, honest about what it did."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from builders import a_pin, a_release
from local_runs import (
    LABEL,
    LINEAR,
    MODEL,
    SELECT,
    Silent,
    a_project_release,
    a_running_model,
    an_estimator,
    run,
    the_query,
    the_visits,
    visits,
    write_visits,
)  # fmt: skip
from mlc_compiler import ir
from mlc_compiler.backend.target import RunOptions, RunResult
from mlc_targets.local import TARGET
from mlc_targets.local.evidence import rounded

SMALL: dict[str, Any] = {"baseline": None, "gates": ()}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run; tests copy it or leave it as it is."""
    root = tmp_path_factory.mktemp("finished")
    write_visits(root)
    assert run(a_running_model(), root).passed
    return root


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "copy"))


def evidence(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / ".mlc/runs/buys/evidence.json").read_text(encoding="utf-8"))
    return found


def statuses(result: RunResult) -> dict[str, str]:
    return {name: status for name, status, _ in result.steps}


# --- the same again --------------------------------------------------------------------------------------------------
def test_a_run_leaves_evidence_a_report_and_a_realisation(finished: Path) -> None:
    found = evidence(finished)
    assert found["passed"] is True
    assert found["metrics"]["test"]["roc_auc"]["low"] > 0.55
    assert (finished / ".mlc/runs/buys/report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    realised = json.loads((finished / ".mlc/store/realisations/1a2b3c4d5e6f.json").read_text(encoding="utf-8"))
    assert realised["artifact"] == found["artifact"]
    package = finished / ".mlc/store/packages" / found["artifact"][7:19]
    assert {p.name for p in package.iterdir()} == {"golden.jsonl", "package.json", "reference.json", "model.onnx"}


def test_a_second_run_does_nothing(copied: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in copied.rglob("*") if p.is_file()}
    result = run(a_running_model(), copied)
    assert set(statuses(result).values()) == {"unchanged"}
    assert result.passed
    assert {p: p.stat().st_mtime_ns for p in copied.rglob("*") if p.is_file() and p in before} == before


def test_a_run_without_changes_imports_no_heavy_library(copied: Path) -> None:
    program = (
        "import sys, pickle; from pathlib import Path; from mlc_targets.local import TARGET;"
        "project, model, options = pickle.loads(sys.stdin.buffer.read());"
        "from mlc_targets.local.run import run_model;"
        "P = type('P', (), {'step': lambda *a: None, 'done': lambda *a, **k: None});"
        "assert TARGET.run(project, model, options, P()).passed;"
        "print(sorted({'numpy', 'duckdb', 'sklearn', 'pyarrow', 'onnx', 'onnxruntime', 'skops'} & set(sys.modules)))"
    )
    import pickle

    model = a_running_model()
    given = pickle.dumps((a_project_release(model), model, RunOptions(copied)))
    done = subprocess.run([sys.executable, "-c", program], input=given, capture_output=True, check=True)
    assert done.stdout.decode().strip() == "[]"


def test_another_folder_and_workers_give_the_same_digests(finished: Path, tmp_path: Path) -> None:
    write_visits(tmp_path)
    result = run(a_running_model(), tmp_path, jobs=2)
    assert result.artifact == evidence(finished)["artifact"]
    assert evidence(tmp_path) == evidence(finished)


def test_a_forced_run_gives_the_same_evidence(copied: Path, finished: Path) -> None:
    assert set(statuses(run(a_running_model(), copied, force=True)).values()) == {"ran"}
    assert evidence(copied) == evidence(finished)


def test_a_lost_package_is_brought_back_from_its_step(copied: Path) -> None:
    shutil.rmtree(copied / ".mlc/store/packages")
    result = run(a_running_model(), copied)
    assert result.artifact is not None
    assert (copied / ".mlc/store/packages" / result.artifact[7:19] / "model.onnx").is_file()


# --- what changed ----------------------------------------------------------------------------------------------------
def test_a_changed_parameter_trains_again_and_reads_nothing_again(copied: Path) -> None:
    result = run(a_running_model(estimator=an_estimator(params=(("max_iter", 21),))), copied)
    found = statuses(result)
    assert [found[n] for n in ("ingest visits", "features", "split", "train baseline")] == ["unchanged"] * 4
    reasons = {name: reason for name, _, reason in result.steps}
    assert reasons["train estimator"] == "changed: estimator.params"
    assert reasons["explain"] == "changed: train estimator"


def test_changed_gates_judge_again_without_training(copied: Path) -> None:
    gate = ir.Gate("release", "test", (ir.GateCheck("metric", "roc_auc", min=0.99),))
    result = run(a_running_model(gates=(gate,)), copied)
    assert {name for name, status in statuses(result).items() if status == "ran"} == {"gate", "report"}
    assert result.passed is False
    assert evidence(copied)["passed"] is False
    assert [g["status"] for g in result.gates] == ["failed"]


def test_changed_data_is_named(copied: Path) -> None:
    write_visits(copied, visits(seed=5))
    reasons = {name: reason for name, _, reason in run(a_running_model(), copied).steps}
    assert reasons["ingest visits"] == "changed: dataset visits"


def test_a_rewritten_but_equal_file_changes_nothing(copied: Path) -> None:
    path = copied / "data" / "visits.parquet"
    path.write_bytes(path.read_bytes())
    assert set(statuses(run(a_running_model(), copied)).values()) == {"unchanged"}


def test_serving_fields_reach_the_package_alone(copied: Path) -> None:
    model = a_running_model()
    result = run(replace(model, serving=replace(model.serving, max_batch=7, min_replicas=5)), copied)
    assert {n for n, s in statuses(result).items() if s == "ran"} == {"package", "gate", "report"}
    assert [f.code for f in result.findings] == ["MLC461"]
    assert result.passed


# --- refusals --------------------------------------------------------------------------------------------------------
def test_data_that_is_not_what_the_lock_says_is_refused(tmp_path: Path) -> None:
    write_visits(tmp_path)
    result = run(a_running_model(datasets=(the_visits(digest="sha256:" + "0" * 64),)), tmp_path)
    assert [f.code for f in result.findings] == ["MLC377"]
    assert not (tmp_path / ".mlc/store/steps").exists()


def test_missing_data_of_all_datasets_is_reported_at_once(tmp_path: Path) -> None:
    other = replace(the_visits(), name="other", origin=ir.Origin("Dataset/other", "spec"))
    result = run(a_running_model(datasets=(the_visits(), other)), tmp_path)
    assert [f.code for f in result.findings] == ["MLC370", "MLC370"]
    assert (result.passed, result.artifact) == (False, None)


def test_a_query_that_fails_on_the_data_is_a_finding(tmp_path: Path) -> None:
    write_visits(tmp_path)
    query = the_query()
    broken = query.training_sql.replace("age,", "CAST(channel AS INTEGER) AS age,")
    (found,) = run(a_running_model(features=replace(query, training_sql=broken)), tmp_path).findings
    assert found.code == "MLC380"
    assert "Could not convert string" in found.note


def test_a_remote_local_store_is_refused(tmp_path: Path) -> None:
    model = a_running_model()
    project = a_project_release(model, store_local="s3://bucket/x")
    result = TARGET.run(project, model, RunOptions(tmp_path), Silent())
    assert [f.code for f in result.findings] == ["MLC466"]


def test_a_store_that_can_not_be_written_is_a_finding(tmp_path: Path) -> None:
    write_visits(tmp_path)
    (tmp_path / ".mlc").mkdir()
    (tmp_path / ".mlc/store").write_text("a file", encoding="utf-8")
    assert [f.code for f in run(a_running_model(), tmp_path).findings] == ["MLC483"]


def test_until_stops_after_a_step(tmp_path: Path) -> None:
    write_visits(tmp_path)
    result = run(a_running_model(), tmp_path, until="split")
    assert [name for name, _, _ in result.steps] == ["ingest visits", "validate visits", "features", "split"]
    assert result.artifact is None


# --- other tasks -----------------------------------------------------------------------------------------------------
def with_label(sql: str, **fields: Any) -> ir.Model:
    label = LABEL.replace("bought AS __label", f"{sql} AS __label")
    query = replace(the_query(), training_sql=SELECT.format(label=label))
    return a_running_model(features=query, decision=None, **{**SMALL, **fields})


def test_a_regression_runs(tmp_path: Path) -> None:
    write_visits(tmp_path)
    spec = an_estimator("sklearn.ensemble.HistGradientBoostingRegressor", params=(("max_iter", 10),))
    result = run(with_label("pages * 3.5 + 1", task="regression", estimator=spec), tmp_path)
    assert result.findings == ()
    assert evidence(tmp_path)["metrics"]["test"]["r2"]["value"] > 0.8


def test_a_multiclass_classification_runs(tmp_path: Path) -> None:
    write_visits(tmp_path)
    label = "CASE WHEN pages < 4 THEN 'few' WHEN pages < 8 THEN 'some' ELSE 'many' END"
    result = run(with_label(label, task="multiclass_classification"), tmp_path)
    assert result.findings == ()
    assert evidence(tmp_path)["metrics"]["test"]["accuracy"]["value"] > 0.95


def test_groups_of_a_group_split_share_a_fold(tmp_path: Path) -> None:
    import numpy as np

    from mlc_targets.local.train.rows import read_columns

    write_visits(tmp_path)
    query = replace(
        the_query(),
        training_sql=SELECT.format(label=LABEL + ", visit_id % 97 AS __slice_shop"),
        slices=("channel", "shop"),
    )
    split = ir.Split("group", 0.6, 0.2, 0.2, 0.0, ("shop",), MODEL.at("split"))
    result = run(a_running_model(features=query, split=split, **SMALL), tmp_path)
    assert result.findings == ()
    keys = json.loads((tmp_path / ".mlc/runs/buys/steps.json").read_text(encoding="utf-8"))["tasks"]
    steps = tmp_path / ".mlc/store/steps"
    fold = np.load(steps / keys["split"]["key"] / "folds.npy")
    shop = read_columns(steps / keys["features"]["key"] / "features.parquet", ["__slice_shop"])["__slice_shop"]
    assert all(len(set(fold[(shop == s) & (fold >= 0)].tolist())) == 1 for s in set(shop.tolist()))
    assert evidence(tmp_path)["metrics"]["test"]["roc_auc"]["unit"] == "groups"


@pytest.mark.parametrize("refit", ["train+validation", "all"])
def test_a_refit_packages_another_model_than_was_chosen(tmp_path: Path, finished: Path, refit: Any) -> None:
    write_visits(tmp_path)
    model = a_running_model(**SMALL)
    run(replace(model, train=replace(model.train, refit=refit)), tmp_path)
    ours, theirs = evidence(tmp_path), evidence(finished)
    assert ours["artifact"] != theirs["artifact"]
    assert (ours["metrics"]["test"] == theirs["metrics"]["test"]) is (refit == "all")


# --- champion --------------------------------------------------------------------------------------------------------
def with_champion(model: ir.Model, artifact: str) -> ir.ProjectRelease:
    release = a_release(replace(model, pin=a_pin(artifact=artifact)))
    return replace(a_project_release(model), releases=(release,))


def test_the_champion_is_scored_on_the_same_rows_with_its_own_features(copied: Path) -> None:
    artifact = evidence(copied)["artifact"]
    weaker = the_query().features[:1]
    sql = "SELECT visit_id, visited_at AS __predict_at{}, channel, channel AS __slice_channel FROM visits"
    query = replace(the_query(), features=weaker, training_sql=sql.format(LABEL), batch_sql=sql.format(""))
    spec = an_estimator("sklearn.linear_model.LogisticRegression", preprocessing=LINEAR)
    model = a_running_model(features=query, estimator=spec, baseline=None, version="sha256:" + "2b" * 32)
    result = TARGET.run(with_champion(model, artifact), model, RunOptions(copied), Silent())
    versus = next(g for g in result.gates if "champion" in str(g["title"]))
    assert versus["status"] == "failed"
    assert "roc_auc" in str(versus["reason"])
    assert evidence(copied)["champion"] == {"version": a_running_model().version, "artifact": artifact}


def test_a_champion_reads_columns_that_the_model_no_longer_has(copied: Path) -> None:
    artifact = evidence(copied)["artifact"]
    sql = "SELECT visit_id, visited_at AS __predict_at{}, channel, pages, channel AS __slice_channel FROM visits"
    features = tuple(f for f in the_query().features if f.name in {"channel", "pages"})
    query = replace(the_query(), features=features, training_sql=sql.format(LABEL), batch_sql=sql.format(""))
    fewer = the_visits(columns=tuple(c for c in the_visits().columns if c.name != "age"))
    model = a_running_model(features=query, datasets=(fewer,), baseline=None, version="sha256:" + "2b" * 32)
    result = TARGET.run(with_champion(model, artifact), model, RunOptions(copied), Silent())
    assert statuses(result)["ingest visits of champion"] == "ran"
    assert statuses(result)["evaluate champion"] == "ran"
    assert result.findings == ()


def test_a_champion_that_is_not_in_the_store_is_refused(tmp_path: Path) -> None:
    write_visits(tmp_path)
    model = a_running_model()
    result = TARGET.run(with_champion(model, "sha256:" + "9" * 64), model, RunOptions(tmp_path), Silent())
    assert [f.code for f in result.findings] == ["MLC467"]


# --- evidence --------------------------------------------------------------------------------------------------------
def test_evidence_holds_no_measured_latency_and_no_path(finished: Path) -> None:
    text = (finished / ".mlc/runs/buys/evidence.json").read_text(encoding="utf-8")
    assert str(finished) not in text
    latency = next(v for v in json.loads(text)["verdicts"] if v["kind"] == "latency")
    assert (latency["value"], latency["low"], latency["high"]) == (None, None, None)
    assert latency["status"] == "passed"
    assert latency["reason"].startswith("passed against <=")


def test_numbers_are_rounded_where_machines_differ() -> None:
    assert rounded({"a": [1 / 3, 2], "b": "x"}) == {"a": [0.333333333, 2], "b": "x"}


def test_a_preview_shows_the_first_rows(tmp_path: Path) -> None:
    write_visits(tmp_path)
    columns, rows = TARGET.preview(a_running_model(), tmp_path, ["busy"], 2)
    assert columns == ("visit_id", "__predict_at", "busy")
    assert [row[0] for row in rows] == [1, 2]


def test_an_interrupted_run_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_visits(tmp_path)

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("mlc_targets.local.train.training.fit", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run(a_running_model(**SMALL), tmp_path)
    assert not list((tmp_path / ".mlc/store/steps").glob(".tmp-*"))
    found = statuses(run(a_running_model(**SMALL), tmp_path))
    assert [found[n] for n in ("features", "split", "train estimator")] == ["unchanged", "unchanged", "ran"]
    assert pq.read_table(tmp_path / "data/visits.parquet").num_rows == 1500
