"""The tables of estimators say what scikit-learn itself says; it is the oracle here, and nowhere in the compiler."""

from __future__ import annotations

import importlib.util
import inspect
import math
import random
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sklearn
from sklearn.utils._param_validation import InvalidParameterError, validate_parameter_constraints

from mlc_compiler.estimators.table import Parameter, estimator_row, table, versions
from mlc_compiler.estimators.values import beyond_yaml, ranges, taken, takes

TOOL = Path(__file__).parents[3] / "tools" / "estimator_tables.py"
INSTALLED = table(sklearn.__version__)
PATHS = INSTALLED.paths()
SAMPLES = 50  # random values a parameter, beside those of all types and at the ends of its ranges
NUMBERS = (-1, 0, 1, 2, 3, 255, 256, 2**32 - 1, 2**32, -0.5, 0.0, 1e-9, 0.25, 0.5, 1.0, 1.5, 2.0, 1e6, -1e6)
TEXTS = ("", "auto", "none", "None", "nan", "1", "sqrt")
OTHERS: tuple[object, ...] = (None, True, False, *TEXTS, [], [0.5], [1, 2], ["a"], {"a": 1}, {})


def tool() -> Any:
    """Return tools/estimator_tables.py as a module."""
    spec = importlib.util.spec_from_file_location("estimator_tables", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def estimator(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def parameters(path: str) -> dict[str, Parameter]:
    row = estimator_row(INSTALLED, path)
    assert row is not None
    return dict(row.parameters)


def test_the_table_of_the_installed_version_is_up_to_date() -> None:
    module = tool()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = module.table()
    assert module.table_path().read_text("utf-8") == text, "run `make estimators`"


def test_every_classifier_and_regressor_has_a_row() -> None:
    from sklearn.utils import all_estimators

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names = {name for name, _ in all_estimators(type_filter=["classifier", "regressor"])}
    assert {path.rpartition(".")[2] for path in PATHS} == names


@pytest.mark.parametrize("path", PATHS)
def test_an_estimators_own_defaults_are_taken(path: str) -> None:
    signature = inspect.signature(estimator(path)).parameters
    assert set(signature) == set(parameters(path))
    for name, parameter in parameters(path).items():
        default = signature[name].default
        if isinstance(default, bool | int | float | str | None) and default != math.inf:  # YAML has no infinity
            assert takes(parameter, default) or path.endswith(".SelfTrainingClassifier"), (
                name
            )  # None, which fit refuses


@pytest.mark.parametrize("path", PATHS)
def test_the_tables_verdict_is_scikit_learns_own(path: str) -> None:
    constraints = estimator(path)._parameter_constraints
    for name, parameter in parameters(path).items():
        for value in sampled(parameter):
            assert takes(parameter, value) == verdict(constraints, name, value), f"{name}: {value!r}"


def verdict(constraints: dict[str, Any], name: str, value: object) -> bool:
    try:
        validate_parameter_constraints(constraints, {name: value}, "Estimator")
    except InvalidParameterError:
        return False
    return True


def sampled(parameter: Parameter) -> Iterator[object]:
    """Yield values of all types that YAML has, those beside the ends of each range, and random ones."""
    yield from (*NUMBERS, *OTHERS, *parameter.options, *(option.upper() + "x" for option in parameter.options))
    for within in ranges(parameter):
        for end in (within.least, within.most):
            if abs(end) < 1e300:
                yield from (int(end) - 1, int(end), int(end) + 1, float(end), end - 1e-6, end + 1e-6)
    drawn = random.Random(parameter.name)
    for _ in range(SAMPLES):
        yield drawn.choice([drawn.randint(-5, 300), drawn.uniform(-2, 2), drawn.expovariate(0.01), -drawn.random()])


@pytest.mark.parametrize("path", PATHS)
def test_what_a_parameter_takes_can_be_said(path: str) -> None:
    for parameter in parameters(path).values():
        words = taken(parameter)
        assert (words and "object that" not in words) or beyond_yaml(parameter)


def test_probabilities_are_there_where_the_table_says_so() -> None:
    row = estimator_row(INSTALLED, "sklearn.linear_model.SGDClassifier")
    assert row is not None
    assert row.probabilities == {"loss": ("log_loss", "modified_huber")}
    for path in PATHS:
        row = estimator_row(INSTALLED, path)
        assert row is not None
        if row.probabilities and not any(p.required for p in row.parameters.values()):
            for name, values in row.probabilities.items():
                assert all(hasattr(estimator(path)(**{name: value}), "predict_proba") for value in values)


def test_an_unlocked_project_and_one_of_an_unknown_version_take_the_newest_table() -> None:
    newest = versions()[-1]
    assert table(None).version == table("99.1.0").version == newest
    assert table("1.8.2").version == "1.8"


@pytest.mark.parametrize("version", versions())
def test_each_table_is_whole(version: str) -> None:
    of = table(version)
    assert len(of.paths()) > 90
    assert all(estimator_row(of, path) is not None for path in of.paths())
    assert estimator_row(of, "sklearn.linear_model.Logistic") is None
    assert estimator_row(of, 'x": {}, "y') is None
