"""What is told of estimators, searches and labels before anything is trained, beyond the golden cases."""

from __future__ import annotations

import random

import pytest

from mlc_compiler.diagnostics import Finding, Severity, nearest
from mlc_compiler.estimators.table import estimator_row, table
from specs_on_disk import changed, codes, compiled

LOGISTIC = "class: sklearn.linear_model.LogisticRegression"
BOOSTING = "class: sklearn.ensemble.HistGradientBoostingClassifier"
RIDGE = "class: sklearn.linear_model.Ridge"
NEWEST = table(None)


def found(estimator: str, *lines: str, task: str = "binary_classification", label: str = "delay > 15") -> list[Finding]:
    """Return the findings of the base model with this estimator and lines added to its spec."""
    (path, text), *_ = changed("specs/model.yaml", LOGISTIC, estimator).items()
    text = text.replace("binary_classification", task).replace("delay > 15", label)
    metric = {"regression": "rmse, max: 30", "multiclass_classification": "log_loss, max: 2"}.get(task, "")
    gate = changed("specs/gate.yaml", "roc_auc, min: 0.7", metric or "roc_auc, min: 0.7")
    _, findings = compiled({path: text + "".join(f"  {line}\n" for line in lines), **gate})
    return [finding for finding in findings if finding.severity is not Severity.INFO]


def said(estimator: str, *lines: str, task: str = "binary_classification", label: str = "delay > 15") -> list[str]:
    return codes(found(estimator, *lines, task=task, label=label))


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ("{max_iter: 200, learning_rate: 0.1, max_leaf_nodes: null, early_stopping: auto}", []),
        ("{max_features: 1.0, class_weight: balanced, monotonic_cst: [1, 0, -1, 0]}", []),
        ("{max_iter: 200.0}", ["MLC452"]),
        ("{learning_rate: 0}", ["MLC452"]),
        ("{max_features: 0.0}", ["MLC452"]),
        ("{max_bins: 1, max_depth: 0}", ["MLC452", "MLC452"]),
        ("{loss: [log_loss]}", ["MLC452"]),
        ("{loss: {a: b}}", ["MLC452"]),
        ("{loss: null}", ["MLC452"]),
        ("{random_state: -1}", ["MLC452"]),
        ("{Max_iter: 3}", ["MLC451"]),
        ('{"": 3}', ["MLC451"]),
        ("{monotonic_cst: {distance: 1}}", ["MLC412"]),
        ("{categorical_features: []}", []),
        ("{categorical_features: from_dtype}", []),
        ("{categorical_features: [false, false, false, false]}", []),
    ],
)
def test_parameters_are_held_to_scikit_learns_constraints(params: str, expected: list[str]) -> None:
    assert said(f"{BOOSTING}, params: {params}") == expected


@pytest.mark.parametrize(
    ("params", "fix"),
    [
        ("{max_iter: 0}", "1"),
        ("{max_iter: 100.0}", "100"),
        ("{max_bins: 1000}", "255"),
        ('{max_depth: "None"}', "null"),
        ('{learning_rate: "0.1"}', "0.1"),
        ('{warm_start: "True"}', "true"),
        ("{loss: logloss}", "log_loss"),
        ("{loss: LOG_LOSS}", "log_loss"),
        ("{learning_rate: 0}", ""),
        ("{learning_rate: fast}", ""),
    ],
)
def test_a_refused_value_comes_with_what_was_meant(params: str, fix: str) -> None:
    (finding,) = found(f"{BOOSTING}, params: {params}")
    assert (finding.code, finding.fix) == ("MLC452", fix)
    assert finding.help
    assert finding.note.startswith("scikit-learn")


def test_a_misspelt_parameter_is_recognised() -> None:
    drawn, right, tried = random.Random(3), 0, 0
    for path in NEWEST.paths():
        row = estimator_row(NEWEST, path)
        assert row is not None
        for name in (n for n in row.parameters if len(n) > 3):
            at = drawn.randrange(1, len(name) - 1)
            wrong = drawn.choice(
                [name[:at] + name[at + 1 :], name[:at] + name[at] + name[at:], name.replace("_", "", 1)]
            )
            if wrong not in row.parameters:
                tried, right = tried + 1, right + (nearest(wrong, row.parameters) == name)
    assert tried > 500
    assert right / tried >= 0.98


@pytest.mark.parametrize(
    ("space", "expected"),
    [
        ("{max_iter: {int_uniform: [50, 500]}, learning_rate: {log_uniform: [0.02, 0.3]}}", []),
        ("{max_iter: {int_uniform: [0, 500]}}", ["MLC452"]),
        ("{max_iter: {log_uniform: [10, 500]}}", ["MLC452"]),
        ("{learning_rate: {uniform: [0, 1]}}", []),
        ("{learning_rate: {uniform: [-0.1, 1]}}", ["MLC452"]),
        ("{max_features: {uniform: [0.1, 1]}}", []),
        ("{max_features: {uniform: [0.1, 2]}}", ["MLC452"]),
        ("{max_features: {int_uniform: [1, 2]}, max_depth: {int_uniform: [1, 50]}}", ["MLC452"]),
        ("{max_depth: {choice: [null, 3, 0]}, max_iter: {int_uniform: [1, 100]}}", ["MLC452"]),
        ("{depth: {choice: [1, 2]}, max_iter: {int_uniform: [1, 100]}}", ["MLC451"]),
        ("{max_depth: {choice: [3]}, max_iter: {int_uniform: [1, 100]}}", ["MLC415"]),
        ("{max_depth: {choice: [3, 3]}, max_iter: {int_uniform: [1, 100]}}", ["MLC415"]),
        ("{max_depth: {choice: [3, 4]}}", ["MLC416"]),
        ("{max_depth: {int_uniform: [1, 10]}}", ["MLC416"]),
        ("{max_depth: {int_uniform: [1, 20]}}", []),
    ],
)
def test_a_random_search_stays_within_the_constraints(space: str, expected: list[str]) -> None:
    assert said(BOOSTING, f"search: {{space: {space}}}") == expected


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("{trials: 5, space: {learning_rate: {uniform: [0.1, 1]}}}", []),
        ("{trials: 5, space: {learning_rate: {uniform: [0, 1]}}}", ["MLC452"]),
        ("{trials: 25, space: {learning_rate: {uniform: [0.1, 1]}, max_iter: {int_uniform: [10, 100]}}}", []),
        ("{trials: 24, space: {learning_rate: {uniform: [0.1, 1]}, max_iter: {int_uniform: [10, 100]}}}", ["MLC416"]),
        ("{trials: 50, space: {learning_rate: {uniform: [0.1, 1]}, max_iter: {int_uniform: [10, 11]}}}", []),
    ],
)
def test_a_grid_includes_the_ends_and_all_points(search: str, expected: list[str]) -> None:
    assert said(BOOSTING, f"search: {{method: grid, {search[1:]}") == expected


@pytest.mark.parametrize(
    ("task", "label", "expected"),
    [
        ("binary_classification", "delay > 15", []),
        ("binary_classification", "delay", ["MLC462"]),
        ("binary_classification", "cast(delay as int64)", []),
        ("binary_classification", "if(delay > 15, 'late', 'fine')", []),
        ("multiclass_classification", "if(delay > 15, 'late', 'fine')", []),
        ("multiclass_classification", "delay > 15", ["MLC462"]),
        ("multiclass_classification", "delay / 2", ["MLC462"]),
    ],
)
def test_the_labels_type_fits_a_classification(task: str, label: str, expected: list[str]) -> None:
    findings = said(LOGISTIC, task=task, label=label)
    assert [code for code in findings if code == "MLC462"] == expected


@pytest.mark.parametrize(
    ("label", "expected"), [("delay", []), ("delay > 15", ["MLC462"]), ("if(delay > 15, 'late', 'fine')", ["MLC462"])]
)
def test_a_regression_learns_numbers(label: str, expected: list[str]) -> None:
    assert said(RIDGE, task="regression", label=label) == expected


def test_an_estimator_is_of_its_task() -> None:
    (finding,) = found(RIDGE)
    assert finding.code == "MLC463"
    assert finding.fix == ""
    (finding,) = found("class: sklearn.svm.SVR")
    assert finding.fix == "sklearn.svm.SVC"
    (finding,) = found(LOGISTIC, "baseline: {class: sklearn.cluster.KMeans}")
    assert finding.code == "MLC463"


@pytest.mark.parametrize("package", ["onnx", "skops"])
def test_skops_keeps_what_onnx_can_not(package: str) -> None:
    expected = ["MLC457"] if package == "onnx" else []
    line = f"package: {{format: {package}}}"
    assert said("class: sklearn.neighbors.NearestCentroid", line) == expected
    assert said("class: sklearn.neighbors.NearestCentroid, params: {shrink_threshold: 0.1}", line) == expected
    assert said(LOGISTIC, line, "baseline: {class: sklearn.dummy.DummyClassifier}") == []


def test_probabilities_may_depend_on_a_parameter() -> None:
    loss = "class: sklearn.linear_model.SGDClassifier"
    assert said(loss) == ["MLC456"]
    assert said(f"{loss}, params: {{loss: log_loss}}") == []
    assert said(f"{loss}, params: {{loss: squared_error}}") == ["MLC456"]
    assert said(loss, "search: {trials: 2, space: {loss: {choice: [log_loss, modified_huber]}}}") == []
    assert said("class: sklearn.svm.SVC, params: {probability: true}") == ["MLC410"]


def test_nulls_are_imputed_where_the_estimator_takes_none() -> None:
    line = "preprocessing: {numeric: {impute: none}}"
    assert said(LOGISTIC, line) == ["MLC414"]
    assert said(BOOSTING, line) == []
    assert said(BOOSTING, line, f"baseline: {{{LOGISTIC}}}") == ["MLC414"]


def test_code_of_the_models_own_is_not_looked_into() -> None:
    assert said("entrypoint: 'own:make', params: {anything: goes}", "code: [own.py]") == []
