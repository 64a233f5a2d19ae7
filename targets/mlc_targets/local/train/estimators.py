"""From a spec's class and parameters to a scikit-learn estimator; what does not exist is refused by name."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlc_compiler.backend.target import ExecutionError
from mlc_compiler.diagnostics import Finding, nearest
from mlc_compiler.ir import Estimator, Frozen, Model, Scalar
from mlc_targets.local.findings import RefusedError, error, place, refuse

ALLOWED_PREFIXES = ("sklearn.",)
Learner = Any
"""An estimator of scikit-learn or its class, which ship no annotations."""
Value = Any
"""A parameter: free-form."""
_PARALLEL_PREFIX = "sklearn.ensemble."  # their results don't depend on the number of threads


def build(
    spec: Estimator, model: Model, root: Path, threads: int, changes: Mapping[str, Frozen] | None = None
) -> Learner:
    """Return an unfitted estimator with the spec's parameters, seeded; raises ExecutionError for what is refused."""
    params = {name: thaw(value) for name, value in {**dict(spec.params), **(changes or {})}.items()}
    own = spec.entrypoint
    estimator = _entrypoint(spec, root)(**params) if own else _configured(spec, _class(spec, model), params)
    known = estimator.get_params()
    if "random_state" in known and "random_state" not in params:
        estimator.set_params(random_state=model.seed)
    if "n_jobs" in known and "n_jobs" not in params and spec.path.startswith(_PARALLEL_PREFIX):
        estimator.set_params(n_jobs=threads)
    return estimator


def thaw(value: Frozen) -> Value:
    """Return a frozen parameter as Python values: pairs as a dict, other tuples as a list."""
    if not isinstance(value, tuple):
        return value
    if value and all(isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str) for item in value):
        return {item[0]: thaw(item[1]) for item in value}  # type: ignore[index]  # checked the line above
    return [thaw(item) for item in value]


def class_weights(value: Value, classes: tuple[Scalar, ...]) -> Value:
    """Return weights by class index where a spec gives them by class."""
    if not isinstance(value, dict):
        return value
    positions = {str(c).lower() if isinstance(c, bool) else str(c): i for i, c in enumerate(classes)}
    return {positions[str(name)]: weight for name, weight in value.items() if str(name) in positions}


# --- classes ---------------------------------------------------------------------------------------------------------
def _class(spec: Estimator, model: Model) -> Learner:
    module, _, name = spec.path.rpartition(".")
    if not spec.path.startswith(ALLOWED_PREFIXES):
        raise refuse(
            "MLC450",
            spec.origin.at("class"),
            f"estimator `{spec.path}` is not of scikit-learn",
            help=f"name a class below {' '.join(ALLOWED_PREFIXES)}, or an `entrypoint` in the model's own code",
        )
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as failure:
        raise _unknown_class(spec, name) from failure
    if not isinstance(found, type) or not hasattr(found, "get_params"):
        raise _unknown_class(spec, name)
    _check_task(spec, model, found)
    return found


def _unknown_class(spec: Estimator, name: str) -> ExecutionError:
    from sklearn.utils import all_estimators

    known = {n: f"{public_module(c)}.{n}" for n, c in all_estimators(type_filter=["classifier", "regressor"])}
    close = nearest(name, known)
    return refuse(
        "MLC450",
        spec.origin.at("class"),
        f"there is no estimator `{spec.path}` in this version of scikit-learn",
        help=f"did you mean {known[close]}?" if close else "see scikit-learn's list of estimators",
    )


def public_module(cls: type) -> str:
    """Return the module that a class is imported from: the one above the first private part of its path."""
    parts = cls.__module__.split(".")
    private = next((i for i, part in enumerate(parts) if part.startswith("_")), len(parts))
    return ".".join(parts[:private])


def _check_task(spec: Estimator, model: Model, cls: Learner) -> None:
    from sklearn.base import ClassifierMixin, RegressorMixin

    classifies = model.task.endswith("classification")
    wanted, word = (ClassifierMixin, "classifier") if classifies else (RegressorMixin, "regressor")
    if not issubclass(cls, wanted):
        raise refuse(
            "MLC463",
            spec.origin.at("class"),
            f"`{cls.__name__}` is no {word}, and the task of `{model.name}` is {model.task}",
            help=f"name a {word}, or change the task",
        )


def _entrypoint(spec: Estimator, root: Path) -> Learner:
    """Return a function of the model's own code, `module:function`; the module's path is below the root."""
    module, _, name = spec.path.partition(":")
    path = root / (module.replace(".", "/") + ".py") if not module.endswith(".py") else root / module
    source = importlib.util.spec_from_file_location(path.stem, path) if path.is_file() else None
    if source is None or source.loader is None:
        raise refuse("MLC450", spec.origin.at("entrypoint"), f"there is no file {path.name} for `{spec.path}`",
                     help="write it as path.to.module:function, from the project's folder")  # fmt: skip
    loaded = importlib.util.module_from_spec(source)
    source.loader.exec_module(loaded)
    if not callable(found := getattr(loaded, name, None)):
        close = nearest(name, [n for n in vars(loaded) if not n.startswith("_")])
        raise refuse("MLC450", spec.origin.at("entrypoint"), f"`{path.name}` has no function `{name}`",
                     help=f"did you mean `{close}`?" if close else "")  # fmt: skip
    return found


# --- parameters ------------------------------------------------------------------------------------------------------
def _configured(spec: Estimator, cls: Learner, params: Mapping[str, Any]) -> Learner:
    known = inspect.signature(cls).parameters
    if unknown := [name for name in params if name not in known]:
        raise RefusedError(tuple(_unknown_parameter(spec, cls, name, known) for name in unknown))
    if findings := [f for name, value in params.items() if (f := _wrong_value(spec, cls, name, value))]:
        raise RefusedError(tuple(findings))
    return cls(**params)


def _unknown_parameter(spec: Estimator, cls: Learner, name: str, known: Mapping[str, Any]) -> Finding:
    close = nearest(name, known)
    found = error(
        "MLC451",
        spec.origin.at(f"params.{name}"),
        f"`{cls.__name__}` has no parameter `{name}`",
        note=f"it has {', '.join(sorted(known))}",
        help=f"did you mean `{close}`?" if close else "remove it",
    )
    return replace(found, at=place(spec.origin.at(f"params.{name}")).name())


def _wrong_value(spec: Estimator, cls: Learner, name: str, value: Value) -> Finding | None:
    """Return the finding of a value that scikit-learn's own constraint refuses."""
    # Private, but the only way to name the one parameter that is wrong; without it the fit itself refuses.
    constraints = getattr(cls, "_parameter_constraints", {})
    if name not in constraints:
        return None
    from sklearn.utils._param_validation import InvalidParameterError, validate_parameter_constraints

    try:
        validate_parameter_constraints({name: constraints[name]}, {name: value}, cls.__name__)
    except InvalidParameterError as failure:
        return error(
            "MLC452",
            spec.origin.at(f"params.{name}"),
            f"`{cls.__name__}` refuses {value!r} for `{name}`",
            note=str(failure).splitlines()[0],
            help="give a value that the note allows",
        )
    return None
