"""Writes the table of scikit-learn's estimators that specs are checked against: parameters, and what each class can do.

`python tools/estimator_tables.py` writes the table of the scikit-learn that is installed, from its own constraints and
from one small fit and conversion of each estimator; with `--check` it only tells whether the table is up to date (3).
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
import warnings
from collections.abc import Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import sklearn
from sklearn.utils import _param_validation as validation
from sklearn.utils import all_estimators, get_tags

Estimator: TypeAlias = Any
"""A class of scikit-learn or an instance of one: it ships no annotations."""
Constraint: TypeAlias = Any
Row = dict[str, object]

TABLES = Path(__file__).parent.parent / "compiler" / "mlc_compiler" / "estimators" / "tables"
KINDS = ("classifier", "regressor")
OPSETS = {"": 17, "ai.onnx.ml": 3}  # those of the local target's packages
CLOSE = 1e-3  # of scores: what is wrong by more is another model, not rounding
_SEED = 7
_PLAIN = {"boolean": ["bool"], "verbose": ["int [0, inf)", "bool"], "array-like": ["array"], "nan": ["object"]}
_COMPOUND = {
    "random_state": ["int [0, 4294967295]", "object", "null"],
    "cv_object": ["int [2, inf)", "object", "array", "null"],
    "sparse matrix": ["object"],
}
_TYPES = {Integral: "int", Real: "number", str: "text", dict: "mapping", list: "list", bool: "bool"}


def table() -> str:
    """Return the table's text: JSON with one estimator a line, so that one can be read without the others."""
    import skl2onnx

    head = {"scikit-learn": sklearn.__version__, "skl2onnx": skl2onnx.__version__}
    lines = [f"{json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    rows = [f"{json.dumps(path)}: {_json(row)}" for path, row in sorted(rows_by_path().items())]
    return "\n".join(["{", *lines, '"estimators": {', ",\n".join(rows), "}", "}"]) + "\n"


def table_path() -> Path:
    """Return where the table of the installed version stands."""
    return TABLES / f"scikit-learn-{'.'.join(sklearn.__version__.split('.')[:2])}.json"


def rows_by_path() -> dict[str, Row]:
    """Return a row for each estimator by the path that it is imported from."""
    found: dict[str, Row] = {}
    kinds = {"transformer": "transformer", "cluster": "clusterer", "regressor": "regressor", "classifier": "classifier"}
    for kind, word in kinds.items():  # classifiers last: what is both predicts
        for _, cls in all_estimators(type_filter=kind):
            found[public_path(cls)] = {"kind": word} if word not in KINDS else {"kind": word, **_row(cls, word)}
    return found


def public_path(cls: Estimator) -> str:
    """Return the shortest path that a class is imported from.

    >>> from sklearn.ensemble import HistGradientBoostingClassifier
    >>> public_path(HistGradientBoostingClassifier)
    'sklearn.ensemble.HistGradientBoostingClassifier'
    """
    parts = cls.__module__.split(".")
    modules = (".".join(parts[:length]) for length in range(2, len(parts) + 1))
    module = next(m for m in modules if getattr(importlib.import_module(m), cls.__name__, None) is cls)
    return f"{module}.{cls.__name__}"


def _row(cls: Estimator, kind: str) -> Row:
    parameters = {name: _parameter(cls, name, given) for name, given in inspect.signature(cls).parameters.items()}
    row: Row = {"parameters": parameters}
    if any("required" in p for p in parameters.values()):
        return row
    if kind == "classifier":
        row["probabilities"] = _probabilities(cls, parameters)
    if _takes_nulls(cls):
        row["nulls"] = True
    return row | _trial(cls, kind, _chosen(row))


def _chosen(row: Row) -> dict[str, object]:
    """Return parameters with which a classifier has probabilities, where there are any."""
    found = row.get("probabilities")
    return {name: values[0] for name, values in found.items()} if isinstance(found, dict) else {}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


# --- parameters ------------------------------------------------------------------------------------------------------
def _parameter(cls: Estimator, name: str, given: inspect.Parameter) -> Row:
    row: Row = {"allows": [], "options": []}
    if given.default is inspect.Parameter.empty:
        row["required"] = True
    else:
        row["default"] = _plain(given.default)
    constraints = cls._parameter_constraints.get(name, "no_validation")
    for constraint in [constraints] if isinstance(constraints, str) else constraints:
        _add(row, constraint)
    row["allows"] = list(dict.fromkeys(_listed(row["allows"])))
    row["options"] = sorted(set(_listed(row["options"])))
    if row.get("default") == "deprecated":
        row["deprecated"] = True
    return {key: value for key, value in row.items() if key not in ("allows", "options") or value}


def _listed(value: object) -> list[str]:
    return value if isinstance(value, list) else []


def _add(row: Row, constraint: Constraint) -> None:
    """Add what one constraint allows; options that are on their way out are listed as old ones too."""
    hidden = isinstance(constraint, validation.Hidden)
    constraint = constraint.constraint if hidden else constraint
    if isinstance(constraint, validation.Options):
        texts = sorted(o for o in constraint.options if isinstance(o, str))
        _listed(row["options"]).extend(texts)
        if len(texts) < len(constraint.options):
            _listed(row["allows"]).append("object")
        old = texts if hidden else sorted(constraint.deprecated)
        if old:
            row["old"] = sorted({*_listed(row.get("old")), *old})
    else:
        _listed(row["allows"]).extend(_allowed(constraint))


def _allowed(constraint: Constraint) -> list[str]:
    if constraint is None:
        return ["null"]
    if isinstance(constraint, validation.Interval):
        return [_interval(constraint)]
    if isinstance(constraint, validation.MissingValues):
        return ["number", "text", "null"]
    if isinstance(constraint, str):
        return ["anything"] if constraint == "no_validation" else {**_PLAIN, **_COMPOUND}[constraint]
    if isinstance(constraint, type) and constraint.__name__ == "MutableMapping":
        return ["mapping"]
    return [_TYPES.get(constraint, "object")] if isinstance(constraint, type) else ["object"]


def _interval(interval: Constraint) -> str:
    kind = {Integral: "int", Real: "number"}.get(interval.type, "float")
    left = "-inf" if interval.left is None else repr(interval.left)
    right = "inf" if interval.right is None else repr(interval.right)
    opening = "[" if interval.closed in {"left", "both"} else "("
    closing = "]" if interval.closed in {"right", "both"} else ")"
    return f"{kind} {opening}{left}, {right}{closing}"


def _plain(value: object) -> object:
    if isinstance(value, str | bool | int | None):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else str(value)
    return [_plain(item) for item in value] if isinstance(value, tuple | list | np.ndarray) else _shown(value)


def _shown(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else type(value).__name__


# --- what each can do ------------------------------------------------------------------------------------------------
def _probabilities(cls: Estimator, parameters: Mapping[str, Row]) -> object:
    """Return whether there is predict_proba, or with which values of one parameter there is."""
    if not hasattr(cls, "predict_proba"):
        return False
    if _has_probabilities(cls, {}):
        return True
    for name, row in parameters.items():
        options = [*_listed(row.get("options")), *([True] if "bool" in _listed(row.get("allows")) else [])]
        found = [value for value in options if _has_probabilities(cls, {name: value})]
        if found:
            return {name: found}
    return False


def _takes_nulls(cls: Estimator) -> bool:
    try:
        return bool(get_tags(cls()).input_tags.allow_nan)
    except AttributeError:  # one that asks its inner estimator, and has none by default
        return False


def _has_probabilities(cls: Estimator, parameters: Mapping[str, object]) -> bool:
    try:
        return hasattr(cls(**parameters), "predict_proba")
    except (TypeError, ValueError, AttributeError):
        return False


def _trial(cls: Estimator, kind: str, parameters: Mapping[str, object]) -> Row:
    """Fit the estimator on small tables of its kind and convert it; what fails says so in its own words."""
    row: Row = {}
    for classes in (2, 3) if kind == "classifier" else (0,):
        fitted, matrix, refused = _fitted(cls, parameters, classes)
        if refused:
            return {"unfit": refused}
        if hasattr(fitted, "predict_proba") or kind == "regressor":
            refused = _converted(fitted, matrix, kind)
        if refused:
            row["no_onnx_multiclass" if classes > 2 else "no_onnx"] = refused
    return row


def _fitted(cls: Estimator, parameters: Mapping[str, object], classes: int) -> tuple[Estimator, Estimator, str]:
    """Return an estimator fitted on fractions or, where it takes none, on whole numbers; or what it says of both."""
    words = ""
    for whole in (False, True):
        matrix, label = _table(classes, whole)
        try:
            estimator = cls(**parameters)
            if "random_state" in estimator.get_params():
                estimator.set_params(random_state=_SEED)
            return estimator.fit(matrix, label), matrix, ""
        except Exception as failure:  # noqa: BLE001  # whatever it is, it is what the table tells
            words = _words(failure)
    return None, None, words


def _table(classes: int, whole: bool) -> tuple[Estimator, Estimator]:
    """Return a matrix of small positive numbers, and a label of so many classes, or of numbers."""
    generator = np.random.default_rng(_SEED)
    drawn = generator.uniform(0, 4, (90, 4))
    matrix = (np.floor(drawn) if whole else drawn).astype(np.float32)
    score = matrix @ np.array([1.0, 0.5, -0.5, 0.25]) + generator.normal(0, 0.3, 90)
    if not classes:
        return matrix, np.exp(score / 4)
    return matrix, np.searchsorted(np.quantile(score, np.arange(1, classes) / classes), score)


def _converted(fitted: Estimator, matrix: Estimator, kind: str) -> str:
    """Return why a fitted estimator can't be packaged as ONNX, or nothing."""
    import onnxruntime
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType
    from skl2onnx.common.exceptions import MissingShapeCalculator

    options = {id(fitted): {"zipmap": False}} if kind == "classifier" else None
    try:
        graph = convert_sklearn(
            fitted, initial_types=[("X", FloatTensorType([None, matrix.shape[1]]))], options=options,
            target_opset=OPSETS,
        )  # fmt: skip
        onnxruntime.set_default_logger_severity(4)
        session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
        theirs = np.asarray(session.run(None, {"X": matrix})[-1]).reshape(len(matrix), -1)
        ours = fitted.predict_proba(matrix) if kind == "classifier" else fitted.predict(matrix).reshape(-1, 1)
    except MissingShapeCalculator:
        return "skl2onnx has no converter for it"
    except Exception as failure:  # noqa: BLE001  # skl2onnx's errors share no class below Exception
        return _words(failure)
    close = ours.shape == theirs.shape and float(np.abs(ours - theirs).max()) <= CLOSE
    return "" if close else "the converted model gives other scores than scikit-learn's"


def _words(failure: Exception) -> str:
    """Return the first sentence of an error, without the addresses and versions that change."""
    first = next((line for line in str(failure).splitlines() if line.strip()), type(failure).__name__)
    return first.split(". ")[0].split(" '<class")[0].split(" : Non-zero")[0].strip(" .")[:160]


def main(arguments: list[str]) -> int:
    """Write the table, or with `--check` tell whether it would change."""
    warnings.simplefilter("ignore")
    path, text = table_path(), table()
    if path.is_file() and path.read_text("utf-8") == text:
        return 0
    sys.stdout.write(f"{path.name}\n")
    if "--check" in arguments:
        return 3
    path.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
