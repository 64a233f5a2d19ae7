"""Runs that end in a finding late: a search, a package, a comparison or a report that could not be."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builders import a_pin, a_release
from local_runs import LINEAR, Silent, a_project_release, a_running_model, an_estimator, run, write_visits
from mlc_compiler import ir
from mlc_compiler.backend.target import RunOptions, RunResult
from mlc_targets.local import TARGET

SMALL: dict[str, Any] = {
    "baseline": None,
    "gates": (),
    "estimator": an_estimator("sklearn.linear_model.LogisticRegression", preprocessing=LINEAR),
}


def codes(result: RunResult) -> list[str]:
    return [f.code for f in result.findings]


def test_a_search_whose_trials_all_go_unscored_says_why_the_first_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlc_targets.local.train.training._trial", lambda *_: (None, "one class in the fold"))
    write_visits(tmp_path)
    space = (ir.SearchDimension("C", "choice", (0.1, 1.0)),)
    search = ir.Search("grid", 2, "roc_auc", space, ir.Origin("Model/buys", "spec.search"))
    result = run(replace(a_running_model(), search=search, **SMALL), tmp_path, jobs=1)
    assert codes(result) == ["MLC460"]
    assert result.findings[0].note == "one class in the fold"


def test_a_package_that_scores_otherwise_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_visits(tmp_path)
    monkeypatch.setattr("mlc_targets.local.package.parity.difference", lambda *_: (0.25, 100))
    result = run(replace(a_running_model(), **SMALL), tmp_path, jobs=1)
    assert codes(result) == ["MLC458"]
    assert "0.25 on 100 rows" in result.findings[0].note


def test_a_champion_without_features_for_some_rows_cannot_be_compared(tmp_path: Path) -> None:
    write_visits(tmp_path)
    model = replace(a_running_model(), **SMALL)
    narrow = replace(model.features, batch_sql=f"SELECT * FROM ({model.features.batch_sql}) WHERE visit_id % 2 = 0")
    run(replace(model, features=narrow), tmp_path, jobs=1)
    artifact = json.loads((tmp_path / ".mlc/runs/buys/evidence.json").read_text())["artifact"]
    other = replace(model, version="sha256:" + "3c" * 32)
    pinned = a_release(replace(other, pin=a_pin(artifact=artifact)))
    project = replace(a_project_release(other), releases=(pinned,))
    result = TARGET.run(project, other, RunOptions(tmp_path, jobs=1), Silent())
    assert codes(result) == ["MLC465"]


def test_a_tracking_server_that_is_away_is_a_warning_and_the_run_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise ConnectionError("refused")

    monkeypatch.setattr("mlc_targets.local.tracking._log", away)
    write_visits(tmp_path)
    model = replace(a_running_model(), **SMALL)
    project = a_project_release(model, mlflow="http://127.0.0.1:1")
    result = TARGET.run(project, model, RunOptions(tmp_path, jobs=1), Silent())
    assert codes(result) == ["MLC468"]
    assert result.artifact is not None


@pytest.mark.parametrize("package", ["onnx", "skops"])
@pytest.mark.parametrize("ensemble", ["RandomForestClassifier", "ExtraTreesClassifier", "GradientBoostingClassifier"])
def test_ensembles_of_trees_are_kept_between_steps_and_packaged(tmp_path: Path, package: Any, ensemble: str) -> None:
    write_visits(tmp_path)
    spec = an_estimator(f"sklearn.ensemble.{ensemble}", preprocessing=LINEAR, params=(("n_estimators", 5),))
    model = replace(a_running_model(), **{**SMALL, "estimator": spec, "package": package})
    result = run(model, tmp_path, jobs=1)
    assert codes(result) == []
    assert result.passed
