"""What is told of models before anything is trained, beyond the golden cases."""

from __future__ import annotations

import pytest

from specs_on_disk import changed, codes, compiled

CLASS = "class: sklearn.linear_model.LogisticRegression"


def found(*lines: str, estimator: str = CLASS) -> list[str]:
    """Return the codes of the base model with lines added to its spec."""
    (path, text), *_ = changed("specs/model.yaml", CLASS, estimator).items()
    _, findings = compiled({path: text + "".join(f"  {line}\n" for line in lines), "specs/rollout.yaml": ""})
    return codes(findings)


@pytest.mark.parametrize("name", ["sklearn.naive_bayes.GaussianNB", "sklearn.ensemble.RandomForestClassifier"])
def test_estimators_of_known_libraries_are_taken(name: str) -> None:
    assert found(estimator=f"class: {name}") == []


@pytest.mark.parametrize(
    "name", ["os.system", "sklearnx.Evil", "builtins.eval", "sklearn", "my.sklearn.X", "subprocess.Popen"]
)
def test_estimators_from_elsewhere_are_refused(name: str) -> None:
    assert found(estimator=f"class: {name}") == ["MLC401"]


def test_a_baseline_is_held_to_the_same_rules() -> None:
    assert found("baseline: {class: os.system}") == ["MLC401"]


def test_an_entrypoint_stands_in_the_code_of_the_model() -> None:
    entrypoint = "entrypoint: 'churn.model:make'"
    assert found(estimator=entrypoint) == ["MLC409"]
    assert found("code: [other/*.py]", estimator=entrypoint) == ["MLC409"]
    for glob in ("churn/model.py", "src/churn/*.py", "churn/**"):
        assert found(f"code: [{glob}]", estimator=entrypoint) == [], glob


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        ("{train: 70%, validation: 15%, test: 15%}", []),
        ("{train: 0.333333333333, validation: 0.333333333333, test: 0.333333333334}", []),
        ("{train: 85%, validation: 0, test: 15%}", ["MLC403"]),
        ("{train: 100%, validation: 0%, test: 0%}", ["MLC403", "MLC403"]),
        ("{train: 50%}", ["MLC403"]),
        ("{strategy: group}", ["MLC102"]),
        ("{strategy: group, group: [carrier]}", []),
        ("{strategy: time, group: [carrier]}", ["MLC405"]),
        ("{strategy: random, group: [carrier]}", ["MLC345"]),
    ],
)
def test_folds_add_up_and_fit_the_strategy(split: str, expected: list[str]) -> None:
    assert found(f"split: {split}") == expected


@pytest.mark.parametrize(
    ("space", "expected"),
    [
        ("{C: {uniform: [0.1, 10]}}", []),
        ("{C: {uniform: [1, 1]}}", ["MLC404"]),
        ("{C: {log_uniform: [1e-9, 1]}}", []),
        ("{C: {log_uniform: [0, 1]}}", ["MLC404"]),
        ("{C: {log_uniform: [-1, 1]}}", ["MLC404", "MLC452"]),
        ("{C: {int_uniform: [3, 2]}}", ["MLC404"]),
        ("{C: {uniform: [1]}}", ["MLC106"]),
        ("{C: {uniform: [1, 2], choice: [1]}}", ["MLC107"]),
        ("{}", ["MLC106"]),
    ],
)
def test_ranges_of_a_search_hold_something(space: str, expected: list[str]) -> None:
    assert found(f"search: {{space: {space}}}") == expected


def test_a_search_is_scored_by_a_metric_of_the_task() -> None:
    assert found("search: {metric: rmse, space: {C: {uniform: [0.1, 1]}}}") == ["MLC402"]


@pytest.mark.parametrize(
    ("serving", "expected"),
    [
        ("{replicas: {min: 2, max: 2}}", []),
        ("{replicas: {min: 2}}", ["MLC407"]),
        ("{schedule: '0 5 * * *'}", ["MLC405"]),
        ("{output: {dataset: scored}}", ["MLC405"]),
        ("{mode: batch}", ["MLC406", "MLC406"]),
        ("{mode: batch, schedule: '0 5 * * *', output: {dataset: scored}}", []),
    ],
)
def test_serving_is_whole_and_has_no_field_of_the_other_mode(serving: str, expected: list[str]) -> None:
    assert found(f"serving: {serving}") == expected


def test_an_online_model_needs_a_request() -> None:
    _, findings = compiled(changed("specs/features.yaml", "[flight_id, departure, carrier, tailnum, distance]", "[]"))
    assert "MLC406" in codes(findings)


def test_a_regression_has_no_threshold() -> None:
    text = changed("specs/model.yaml", "binary_classification", "regression")["specs/model.yaml"]
    text = (
        text.replace('"delay > 15"', "delay").replace("LogisticRegression", "Ridge")
        + "  decision: {threshold: 0.5, maximize: f1}\n"
    )
    gate = changed("specs/gate.yaml", "{metric: roc_auc, min: 0.7}", "{metric: rmse, max: 30}")
    _, findings = compiled({"specs/model.yaml": text, **gate})
    assert codes(findings) == ["MLC405", "MLC408"]
