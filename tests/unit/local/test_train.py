"""Encoding, estimators, search, operating point: what is learned, and what is refused by name."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils import all_estimators

from local_runs import LINEAR, MODEL, TREES, a_running_model, an_estimator, run, the_query, write_visits
from mlc_compiler import ir
from mlc_compiler.backend.target import ExecutionError
from mlc_compiler.diagnostics import Finding, Place
from mlc_targets.local.findings import findings_of
from mlc_targets.local.train import estimators
from mlc_targets.local.train.decision import UnmetRuleError, choose_threshold
from mlc_targets.local.train.encoding import fit_encoder, kept_categories
from mlc_targets.local.train.search import trials
from mlc_targets.local.train.thresholds import floor_float32, split_thresholds

FEATURES = the_query().features
COLUMNS = {
    "channel": np.array(["app", "web", "", "app", "shop", "app"], dtype=object),
    "age": np.array([20, np.nan, 40, 60, np.nan, 40], dtype=np.float32),
    "pages": np.array([1, 2, 3, 4, 5, 6], dtype=np.float32),
    "busy": np.array([0, 0, 0, 0, 0, 1], dtype=np.float32),
}


# --- encoding --------------------------------------------------------------------------------------------------------
def test_numbers_come_first_and_nulls_have_indicators() -> None:
    encoder = fit_encoder(FEATURES, LINEAR, COLUMNS)
    assert encoder.numbers == ("age", "pages", "busy")
    assert encoder.width() == {"age": 2, "pages": 1, "busy": 1, "channel": 4}
    matrix = encoder.matrix(COLUMNS)
    assert (matrix.dtype, matrix.shape) == (np.dtype(np.float32), (6, 8))
    assert abs(matrix[:, :3].mean(axis=0)).max() < 1e-6


def test_an_unseen_category_is_no_error() -> None:
    unseen = {**COLUMNS, "channel": np.array(["new"] * 6, dtype=object)}
    assert fit_encoder(FEATURES, LINEAR, COLUMNS).matrix(unseen)[:, -4:].sum() == 0
    assert set(fit_encoder(FEATURES, TREES, COLUMNS).matrix(unseen)[:, -1]) == {-1.0}


def test_missing_numbers_stay_missing_where_nothing_is_imputed() -> None:
    assert np.isnan(fit_encoder(FEATURES, TREES, COLUMNS).matrix(COLUMNS)[1, 0])


@pytest.mark.parametrize(
    ("minimum", "most", "kept"),
    [
        (None, None, ["", "app", "shop", "web"]),
        (2, None, ["app"]),
        (0.3, None, ["app"]),
        (None, 2, ["", "app"]),
        (9, None, ["app"]),
    ],
)
def test_seldom_categories_are_pooled(minimum: float | None, most: int | None, kept: list[str]) -> None:
    how = replace(LINEAR, min_frequency=minimum, max_categories=most)
    assert kept_categories(COLUMNS["channel"], how).tolist() == kept


@given(st.lists(st.floats(allow_nan=False), min_size=1))
def test_a_floored_threshold_splits_float32_values_alike(values: list[float]) -> None:
    thresholds = np.array(values)
    floored = floor_float32(thresholds)
    assert (floored <= thresholds).all()
    with np.errstate(over="ignore"):
        near = thresholds.astype(np.float32)
        beside = [near, np.nextafter(near, np.float32(np.inf)), np.nextafter(near, np.float32(-np.inf))]
    for x in beside:
        assert ((x.astype(np.float64) <= thresholds) == (x.astype(np.float64) <= floored))[np.isfinite(x)].all()


def test_thresholds_are_listed_by_column() -> None:
    from sklearn.ensemble import RandomForestClassifier

    x = np.arange(40, dtype=np.float32).reshape(20, 2)
    found = split_thresholds(RandomForestClassifier(3, random_state=1).fit(x, np.arange(20) % 2))
    assert set(found) <= {0, 1}
    assert all((np.diff(t) > 0).all() for t in found.values())


# --- estimators ------------------------------------------------------------------------------------------------------
def refused(spec: ir.Estimator, task: str = "binary_classification", root: Path = Path()) -> Finding:
    with pytest.raises(ExecutionError) as caught:
        estimators.build(spec, a_running_model(task=task), root, 1)
    (found,) = findings_of(caught.value)
    return found


@pytest.mark.parametrize(
    ("path", "code", "help"),
    [
        ("sklearn.ensemble.HistGradientBoosting", "MLC450", "did you mean sklearn.ensemble.HistGradientBoosting"),
        ("sklearn.nowhere.LogisticRegresion", "MLC450", "did you mean sklearn.linear_model.LogisticRegression?"),
        ("os.system", "MLC450", "name a class below sklearn."),
        ("sklearn.linear_model.Ridge", "MLC463", "name a classifier"),
        ("sklearn.preprocessing.StandardScaler", "MLC463", "name a classifier"),
        ("sklearn.metrics.roc_auc_score", "MLC450", ""),
    ],
)
def test_a_class_that_can_not_be_used_is_refused(path: str, code: str, help: str) -> None:
    found = refused(ir.Estimator(path, origin=MODEL.at("estimator")))
    assert found.code == code
    assert help in found.help


def test_an_unknown_parameter_is_found_by_its_nearest_name() -> None:
    found = refused(an_estimator(params=(("max_itre", 3),)))
    assert (found.code, found.help) == ("MLC451", "did you mean `max_iter`?")
    assert found.at == Place("Model/buys", 0, ("spec", "estimator", "params", "max_itre"), key=True)


def test_a_parameter_of_the_wrong_kind_is_refused_at_its_place() -> None:
    found = refused(an_estimator(params=(("learning_rate", 0.1), ("max_iter", "many"))))
    assert found.code == "MLC452"
    assert "refuses 'many' for `max_iter`" in found.message
    assert isinstance(found.at, Place)
    assert found.at.path[-1] == "max_iter"


def test_the_seed_is_the_models_unless_the_spec_names_one() -> None:
    assert estimators.build(an_estimator(), a_running_model(), Path(), 1).random_state == 7
    own = an_estimator(params=(("random_state", 3),))
    assert estimators.build(own, a_running_model(), Path(), 1).random_state == 3


def test_every_estimator_is_proposed_by_the_path_that_it_is_imported_from() -> None:
    for name, found in all_estimators():
        module = importlib.import_module(estimators.public_module(found))
        assert getattr(module, name, None) is found, name


def test_parameters_are_thawed_and_weights_go_by_class() -> None:
    assert estimators.thaw((("a", 1), ("b", ("x", "y")))) == {"a": 1, "b": ["x", "y"]}
    assert estimators.class_weights({"true": 3, "false": 1}, (False, True)) == {1: 3, 0: 1}


def test_an_entrypoint_is_a_function_of_the_models_own_code(tmp_path: Path) -> None:
    code = "from sklearn.linear_model import LogisticRegression\ndef make(c):\n    return LogisticRegression(C=c)\n"
    (tmp_path / "own.py").write_text(code, encoding="utf-8")
    spec = ir.Estimator("own:make", (("c", 0.5),), True, origin=MODEL.at("estimator"))
    assert estimators.build(spec, a_running_model(), tmp_path, 1).C == 0.5
    assert refused(replace(spec, path="own:mkae"), root=tmp_path).help == "did you mean `make`?"
    assert refused(replace(spec, path="other:make"), root=tmp_path).code == "MLC450"


# --- search ----------------------------------------------------------------------------------------------------------
SPACE = (
    ir.SearchDimension("learning_rate", "log_uniform", (0.01, 1.0)),
    ir.SearchDimension("max_depth", "int_uniform", (2, 4)),
    ir.SearchDimension("loss", "choice", ("log_loss",)),
)


def test_trials_are_the_same_for_the_same_seed() -> None:
    search = ir.Search("random", 30, "roc_auc", SPACE)
    found = trials(search, 7)
    assert found == trials(search, 7) != trials(search, 8)
    assert {t["max_depth"] for t in found} == {2, 3, 4}
    assert all(0.01 <= float(str(t["learning_rate"])) <= 1 for t in found)


def test_a_grid_takes_every_combination() -> None:
    found = trials(ir.Search("grid", 100, "roc_auc", SPACE), 7)
    assert len(found) == 5 * 5
    assert found[0] == {"learning_rate": 0.01, "max_depth": 2, "loss": "log_loss"}


def test_the_best_trial_is_used(tmp_path: Path) -> None:
    write_visits(tmp_path)
    rates = (ir.SearchDimension("learning_rate", "choice", (0.1, 1e-9)),)
    model = a_running_model(search=ir.Search("grid", 10, "log_loss", rates, MODEL.at("search")), baseline=None)
    result = run(model, tmp_path)
    assert result.passed
    assert json.loads(result.evidence.read_text(encoding="utf-8"))["params"] == {"learning_rate": 0.1}


# --- operating point -------------------------------------------------------------------------------------------------
Y = np.array([0, 0, 0, 0, 0, 1, 0, 1, 1, 1])
SCORES = np.array([0.05, 0.1, 0.2, 0.3, 0.35, 0.4, 0.6, 0.7, 0.8, 0.9])


@pytest.mark.parametrize(
    ("rule", "value", "threshold"),
    [
        ("threshold", 0.42, 0.42),
        ("max_false_positive_rate", 0.17, 0.375),
        ("max_false_positive_rate", 0.0, 0.65),
        ("min_precision", 0.8, 0.375),
        ("min_recall", 0.75, 0.65),
        ("f1", 0.0, 0.375),
        ("youden", 0.0, 0.375),
    ],
)
def test_the_threshold_is_between_two_scores(rule: str, value: float, threshold: float) -> None:
    decision = ir.Decision(rule, value)  # type: ignore[arg-type]
    assert choose_threshold(decision, Y, SCORES) == pytest.approx(threshold)


@given(
    st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=2, max_size=50).filter(
        lambda r: len({y for y, _ in r}) == 2
    ),
    st.floats(0, 1),
)
def test_a_bound_on_false_positives_holds(rows: list[tuple[bool, float]], most: float) -> None:
    y, scores = np.array([int(y) for y, _ in rows]), np.array([s for _, s in rows])
    threshold = choose_threshold(ir.Decision("max_false_positive_rate", most), y, scores)
    assert (scores[y == 0] >= threshold).mean() <= most


def test_a_rule_that_no_threshold_meets_says_the_best() -> None:
    with pytest.raises(UnmetRuleError, match=r"best precision on the validation fold is 0\.500"):
        choose_threshold(ir.Decision("min_precision", 0.9), np.array([1, 0]), np.array([0.5, 0.5]))


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"estimator": an_estimator("sklearn.linear_model.LogisticRegression", preprocessing=TREES)}, "MLC455"),
        ({"estimator": an_estimator("sklearn.svm.LinearSVC", preprocessing=LINEAR)}, "MLC456"),
        (
            {
                "estimator": an_estimator("sklearn.dummy.DummyClassifier", preprocessing=LINEAR),
                "decision": ir.Decision("min_precision", 0.99),
            },
            "MLC459",
        ),
    ],
)
def test_what_can_not_be_learned_is_a_finding(tmp_path: Path, fields: dict[str, object], code: str) -> None:
    write_visits(tmp_path)
    result = run(a_running_model(baseline=None, **fields), tmp_path, until="train")
    assert [f.code for f in result.findings] == [code]


def test_a_fit_that_does_not_converge_is_a_warning(tmp_path: Path) -> None:
    write_visits(tmp_path)
    spec = an_estimator("sklearn.linear_model.LogisticRegression", preprocessing=LINEAR, params=(("max_iter", 1),))
    result = run(a_running_model(estimator=spec, baseline=None), tmp_path, until="train")
    assert result.passed
    assert [f.code for f in result.findings] == ["MLC464"]
