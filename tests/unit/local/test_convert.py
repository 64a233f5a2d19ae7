"""The packaged model scores as the trained one, whatever the preprocessing, beside every split."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from local_runs import LINEAR, TREES, a_project_release, a_running_model, an_estimator, run, the_query, write_visits
from mlc_compiler import ir
from mlc_targets.local.job import Run
from mlc_targets.local.package import convert, parity, reference
from mlc_targets.local.package.bundle import Package, PackageManifest
from mlc_targets.local.package.manifest import PackagedFeature
from mlc_targets.local.package.predictor import load_predictor
from mlc_targets.local.store import Store
from mlc_targets.local.train.fitted import fixed_threads
from mlc_targets.local.train.rows import Rows
from mlc_targets.local.train.training import fit

FEATURES = tuple(PackagedFeature(f.name, f.kind, f.type) for f in the_query().features)


def rows(task: str, count: int = 600, seed: int = 3) -> Rows:
    generator = np.random.default_rng(seed)
    columns = {
        "channel": np.array(["app", "web", "", "shop", "kiosk"], dtype=object)[generator.integers(0, 5, count)],
        "age": (generator.normal(40, 12, count) * 1.1).astype(np.float32),
        "pages": generator.integers(0, 12, count).astype(np.float32),
        "busy": generator.integers(0, 2, count).astype(np.float32),
    }
    columns["age"][::7] = np.nan
    signal = np.nan_to_num(columns["age"], nan=40) / 12 + columns["pages"] / 4 + (columns["channel"] == "app")
    noisy = signal + generator.normal(0, 1, count)
    y: Any = noisy * 1000
    classes: tuple[ir.Scalar, ...] = ()
    if task.endswith("classification"):
        cuts = [np.median(noisy)] if task.startswith("binary") else np.quantile(noisy, [0.3, 0.6])
        y, classes = np.digitize(noisy, cuts), (False, True) if task.startswith("binary") else ("a", "b", "c")
    return Rows(columns, y, np.zeros(count, np.int8), np.zeros(count, "datetime64[us]"), classes)


def packaged(path: str, how: ir.Preprocessing, task: str, form: str = "onnx", **params: Any) -> tuple[float, bytes]:
    spec = an_estimator(path, preprocessing=how, params=tuple(sorted(params.items())))
    model = a_running_model(estimator=spec, task=task, package=form)
    run_ = Run(a_project_release(model).project, model, Path(), Store(Path()), None, 1, ())
    data = rows(task)
    with fixed_threads(1):
        fitted = fit(run_, spec, data, {}).model
    names = [f.name for f in FEATURES]
    content = convert.to_onnx(fitted, model) if form == "onnx" else convert.to_skops(fitted, data.columns, names)
    query = model.features
    manifest = PackageManifest(
        "shop", "buys", model.version, model.task, model.package, "UTC", FEATURES, query.request, query.serving_sql,
        query.batch_sql, query.spine, query.primary_key, data.classes, data.classes[-1] if data.classes else None,
    )  # fmt: skip
    package = Package(Path(), manifest, load_predictor(content, manifest, 1, ()))
    return parity.difference(package, fitted, data.columns)[0], content


HOW = [
    ir.Preprocessing(impute, scale, indicator, encode, 130, 3)  # type: ignore[arg-type]
    for (impute, scale), (indicator, encode) in zip(
        itertools.product(("median", "mean", "zero"), ("standard", "min_max", "robust", "none")),
        itertools.cycle(
            [(True, "one_hot"), (False, "ordinal"), (True, "ordinal"), (False, "one_hot"), (True, "one_hot")]
        ),
        strict=False,
    )
]
GRADIENT = "sklearn.ensemble.HistGradientBoostingClassifier"


@pytest.mark.parametrize("how", HOW, ids=lambda h: f"{h.impute}-{h.scale}-{h.indicator}-{h.encode}")
def test_every_encoding_is_repeated_bit_for_bit(how: ir.Preprocessing) -> None:
    assert packaged(GRADIENT, how, "binary_classification", max_iter=15)[0] < 1e-6


@pytest.mark.parametrize("scale", ["standard", "min_max", "robust", "none"])
def test_missing_numbers_reach_trees_as_they_are(scale: Any) -> None:
    how = ir.Preprocessing("none", scale, False, "ordinal", None, None)
    assert packaged(GRADIENT, how, "binary_classification", max_iter=15)[0] < 1e-6


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("sklearn.linear_model.LogisticRegression", {}),
        ("sklearn.ensemble.RandomForestClassifier", {"n_estimators": 10}),
        ("sklearn.ensemble.ExtraTreesClassifier", {"n_estimators": 10}),
        ("sklearn.ensemble.GradientBoostingClassifier", {"n_estimators": 10}),
        ("sklearn.tree.DecisionTreeClassifier", {}),
        ("sklearn.naive_bayes.GaussianNB", {}),
        ("sklearn.neural_network.MLPClassifier", {"max_iter": 20}),
    ],
)
@pytest.mark.parametrize("task", ["binary_classification", "multiclass_classification"])
def test_classifiers_agree(path: str, params: dict[str, Any], task: str) -> None:
    assert packaged(path, LINEAR, task, **params)[0] < 1e-5


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("sklearn.linear_model.Ridge", {}),
        ("sklearn.linear_model.QuantileRegressor", {"alpha": 0.0}),
        ("sklearn.ensemble.HistGradientBoostingRegressor", {"max_iter": 15}),
        ("sklearn.ensemble.RandomForestRegressor", {"n_estimators": 10}),
    ],
)
def test_regressors_agree(path: str, params: dict[str, Any]) -> None:
    assert packaged(path, LINEAR, "regression", **params)[0] < 1e-5


@pytest.mark.parametrize("how", [LINEAR, TREES])
def test_a_skops_package_agrees(how: ir.Preprocessing) -> None:
    assert packaged(GRADIENT, how, "binary_classification", form="skops", max_iter=10)[0] == 0.0


def test_the_same_fit_gives_the_same_bytes() -> None:
    first, again = (packaged(GRADIENT, LINEAR, "binary_classification", max_iter=10)[1] for _ in range(2))
    assert first == again


def test_an_estimator_without_a_converter_is_refused(tmp_path: Path) -> None:
    write_visits(tmp_path)
    spec = an_estimator("sklearn.dummy.DummyClassifier", preprocessing=LINEAR)
    model = a_running_model(estimator=spec, baseline=None, decision=ir.Decision("threshold", 0.5))
    (found,) = run(model, tmp_path).findings
    assert found.code == "MLC457"
    assert "skops" in found.help


def test_a_package_of_another_kind_still_runs_to_the_end(tmp_path: Path) -> None:
    write_visits(tmp_path)
    gates = (ir.Gate("release", "test", (ir.GateCheck("metric", "roc_auc", min=0.5),)),)
    result = run(a_running_model(package="skops", gates=gates, baseline=None), tmp_path)
    assert result.findings == ()
    assert json.loads(result.evidence.read_text(encoding="utf-8"))["parity"]["max_difference"] == 0.0


@pytest.mark.parametrize(("value", "rounded"), [(5.71e-07, 6e-07), (1e-05, 1e-05), (9.99e-08, 1e-07), (0.0, 0.0)])
def test_a_difference_is_rounded_up(value: float, rounded: float) -> None:
    assert parity.rounded_up(value) == rounded >= value


def test_profiles_count_every_row() -> None:
    columns = rows("regression").columns
    profiles = reference.feature_profiles(columns)
    for name, profile in profiles.items():
        assert isinstance(profile, dict)
        counted = sum(profile["counts"].values() if isinstance(profile["counts"], dict) else profile["counts"])
        assert counted + profile["missing"] + profile.get("others", 0) == 600, name
    assert all(a < b for a, b in itertools.pairwise(profiles["age"]["edges"]))  # type: ignore[index]
