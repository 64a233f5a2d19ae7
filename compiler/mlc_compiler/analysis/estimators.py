"""Estimators: class, parameters and what each can do, against the table of the scikit-learn that the lock pins."""

from __future__ import annotations

from collections.abc import Iterator

from mlc_compiler.analysis.parameters import check_unknown_parameter, check_value, yaml_text
from mlc_compiler.analysis.search import check_search
from mlc_compiler.analysis.subject import Subject
from mlc_compiler.diagnostics import Place, Related, Sink, nearest
from mlc_compiler.estimators.table import PREDICTORS, EstimatorRow, Table, estimator_row, table
from mlc_compiler.frontend.project import BoundModel
from mlc_compiler.middle.resolved import ResolvedModel
from mlc_compiler.records import dataclass
from mlc_compiler.spec.model import Estimator, Model

CHECKED = "sklearn."
CLASSIFICATIONS = ("binary_classification", "multiclass_classification")
HISTOGRAM_GRADIENT_BOOSTING = "sklearn.ensemble.HistGradientBoosting"
IN_CODE = "build it in the model's own code instead: `entrypoint: module:function`, with its files in `code`"
_SKOPS = "choose `package: {format: skops}`, or another estimator"


@dataclass(frozen=True, slots=True)
class Choice:
    """An estimator as a model names it: in `field`, which is `estimator` or `baseline`."""

    model: BoundModel
    field: str
    spec: Estimator
    row: EstimatorRow
    table: Table

    @property
    def task(self) -> str:
        return self.model.document.spec.task

    @property
    def fields(self) -> Model:
        return self.model.document.spec

    def at(self, *path: str | int) -> Place:
        return self.model.document.at(self.field, *path)

    def place(self, *path: str | int) -> Place:
        return self.model.document.at(*path)

    def package(self) -> Related:
        """Return the place that chooses ONNX, which is also what there is by default."""
        given = "package" in self.fields.model_fields_set
        return Related(
            "package", "format: onnx" + ("" if given else ", by default"), self.place("package") if given else None
        )


def check_estimators(subject: Subject, sink: Sink) -> None:
    """Report what scikit-learn or the package format would refuse when the model is trained, with the parameter."""
    of = table(subject.lock.packages.get("scikit-learn"))
    for model in subject.project.models:
        for choice in _choices(model, of, sink):
            _check(choice, subject.models.get(model.name), sink)


def _choices(model: BoundModel, of: Table, sink: Sink) -> Iterator[Choice]:
    """Yield the estimators whose class is in the table; one that is not is reported. Other libraries have no table."""
    spec = model.document.spec
    for field, estimator in (("estimator", spec.estimator), ("baseline", spec.baseline)):
        if estimator is None or not estimator.class_ or not estimator.class_.startswith(CHECKED):
            continue
        row = estimator_row(of, estimator.class_)
        if row is None:
            _unknown_class(model.document.at(field, "class"), estimator.class_, of, sink)
        else:
            yield Choice(model, field, estimator, row, of)


def _unknown_class(at: Place, path: str, of: Table, sink: Sink) -> None:
    names = {p.rpartition(".")[2]: p for p in of.paths()}
    name = path.rpartition(".")[2]
    near = names.get(name) or names.get(nearest(name, names) or "") or ""
    sink.error(
        "MLC450",
        at,
        f"scikit-learn {of.version} has no estimator `{path}`",
        help=f"did you mean `{near}`?" if near else "take one of its classifiers or regressors",
        fix=near,
    )


def _check(choice: Choice, resolved: ResolvedModel | None, sink: Sink) -> None:
    if not _fits_task(choice, sink):
        return
    _check_parameters(choice, sink)
    _check_probabilities(choice, sink)
    _check_package(choice, sink)
    _check_names(choice, sink)
    _check_nulls(choice, resolved, sink)
    if choice.field == "estimator" and choice.fields.search is not None:
        check_search(choice.model.document, choice.row, choice.table.version, sink)


# --- the class -------------------------------------------------------------------------------------------------------
def _fits_task(choice: Choice, sink: Sink) -> bool:
    """Tell whether the class predicts what the task asks for, from a table and one label."""
    wanted = PREDICTORS[choice.task not in CLASSIFICATIONS]
    if choice.row.kind != wanted:
        related = Related("task", choice.task, choice.place("task"))
        near = _counterpart(choice, wanted)
        help = f"did you mean `{near}`?" if near else f"name a {wanted}, or change the task"
        message = f"`{choice.row.name}` is a {choice.row.kind}, and a {choice.task} needs a {wanted}"
        sink.error("MLC463", choice.at("class"), message, help=help, fix=near, related=(related,))
        return False
    return _can_be_fitted(choice, sink)


def _counterpart(choice: Choice, wanted: str) -> str:
    """Return the class of the same name for the other task, or nothing."""
    endings = {"classifier": ("Regressor", "Classifier"), "regressor": ("Classifier", "Regressor")}[wanted]
    path = choice.spec.class_ or ""
    for other in (path.replace(*endings), path.replace("SVR", "SVC") if wanted == "classifier" else path):
        row = estimator_row(choice.table, other)
        if row is not None and row.kind == wanted:
            return other
    return ""


def _of_one_label(choice: Choice) -> str:
    """Return the class of the same method for a single label, or nothing."""
    path = (choice.spec.class_ or "").replace("MultiTask", "")
    row = estimator_row(choice.table, path)
    return path if row is not None and row.kind == choice.row.kind and not row.unfit else ""


def _can_be_fitted(choice: Choice, sink: Sink) -> bool:
    row = choice.row
    required = [p.name for p in row.parameters.values() if p.required]
    if required:
        message = f"`{row.name}` needs `{required[0]}`, other estimators, which a spec can't write"
        sink.error("MLC411", choice.at("class"), message, help=IN_CODE)
        return False
    if row.unfit:
        report = sink.warn if choice.spec.params else sink.error
        message = f"`{row.name}` can't be fitted to several features and one label"
        near = _of_one_label(choice)
        help = f"did you mean `{near}`?" if near else "take a class that learns one label from several features"
        report("MLC411", choice.at("class"), message, note=f"scikit-learn says: {row.unfit}", help=help, fix=near)
    return True


# --- what it can do --------------------------------------------------------------------------------------------------
def _check_parameters(choice: Choice, sink: Sink) -> None:
    for name, value in choice.spec.params.items():
        at, parameter = choice.at("params", name), choice.row.parameters.get(name)
        if parameter is None:
            check_unknown_parameter(choice.row, name, at.name(), choice.table.version, sink)
        else:
            check_value(parameter, value, at, choice.table.version, sink)


def _check_probabilities(choice: Choice, sink: Sink) -> None:
    found = choice.row.probabilities
    if choice.task not in CLASSIFICATIONS or found == {}:
        return
    note = "thresholds, gates, calibration and drift monitors work on probabilities"
    if found is None:
        message = f"`{choice.row.name}` gives no probabilities"
        help = "take a classifier with predict_proba, such as sklearn.linear_model.LogisticRegression"
        sink.error("MLC456", choice.at("class"), message, note=note, help=help)
        return
    for name, values in found.items():
        given = choice.spec.params.get(name, choice.row.parameters[name].default)
        if given not in values and not _searched(choice, name):
            shown = " or ".join(yaml_text(value) for value in values)
            message = f"`{choice.row.name}` gives no probabilities with {name}: {yaml_text(given)}"
            at = choice.at("params", name) if name in choice.spec.params else choice.at("class")
            sink.error(
                "MLC456", at, message, note=note, help=f"say `params: {{{name}: {yaml_text(values[0])}}}` ({shown})"
            )


def _searched(choice: Choice, name: str) -> bool:
    search = choice.fields.search
    return search is not None and choice.field == "estimator" and name in search.space


def _check_package(choice: Choice, sink: Sink) -> None:
    """Report an estimator that skl2onnx can't convert, as a trial of its defaults told. Only the model is packaged."""
    refused = choice.row.no_onnx
    if choice.task == "multiclass_classification":
        refused = refused or choice.row.no_onnx_multiclass
    if not refused or choice.field == "baseline" or choice.fields.package.format != "onnx":
        return
    certain = not choice.spec.params or "no converter" in refused
    report = sink.error if certain else sink.warn
    message = f"`{choice.row.name}` can't be converted to ONNX"
    said = "" if certain else ", with its default parameters"
    related = choice.package()
    note = f"tried with scikit-learn {choice.table.version}{said}: {refused}"
    report("MLC457", choice.at("class"), message, note=note, help=_SKOPS, related=(related,))


def _check_names(choice: Choice, sink: Sink) -> None:
    """Report features named to an estimator that sees a matrix, and categories of its own that ONNX would lose."""
    if not choice.row.path.startswith(HISTOGRAM_GRADIENT_BOOSTING):
        return
    params = choice.spec.params
    for name in ("categorical_features", "monotonic_cst"):
        value = params.get(name)
        names = [*value] if isinstance(value, list | dict) else []
        named = next((n for n in names if isinstance(n, str)), None)
        if named is not None:
            message = f"`{name}` names `{named}`, and the estimator sees a matrix without names"
            help = "remove it: `preprocessing.category` encodes categories inside the package"
            sink.error("MLC412", choice.at("params", name), message, help=help)
        elif name == "categorical_features" and any(names) and choice.field == "estimator":
            _lost_categories(choice, sink)


def _lost_categories(choice: Choice, sink: Sink) -> None:
    if choice.fields.package.format != "onnx":
        return
    sink.error(
        "MLC413",
        choice.at("params", "categorical_features"),
        "categories that the estimator splits by itself are not in the ONNX graph: it would give other scores",
        note="skl2onnx converts such a split as a comparison of numbers, without a word",
        help="remove it, for `preprocessing.category` encodes inside the package, or choose `package: {format: skops}`",
        related=(choice.package(),),
    )


def _check_nulls(choice: Choice, resolved: ResolvedModel | None, sink: Sink) -> None:
    """Report that nulls would reach an estimator that takes none."""
    numeric = choice.fields.preprocessing.numeric
    if numeric.impute != "none" or choice.row.nulls or resolved is None:
        return
    numbers = sorted(f.name for f in resolved.features.features if f.kind not in ("category", "text"))
    if numbers:
        sink.warn(
            "MLC414",
            choice.place("preprocessing", "numeric", "impute"),
            f"`{choice.row.name}` takes no nulls, and `impute: none` leaves them in",
            note=f"the fit fails at the first null in {_few(numbers)}",
            help="say `impute: median`, or take an estimator that learns from nulls",
            related=(Related(choice.field, choice.spec.class_ or "", choice.at("class")),),
        )


def _few(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown
