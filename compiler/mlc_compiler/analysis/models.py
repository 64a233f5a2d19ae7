"""Models: what can be said of estimator, search, split and serving before anything is trained."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from mlc_compiler.conventions import number_text
from mlc_compiler.diagnostics import Related, Sink, nearest
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.project import BoundModel, Project
from mlc_compiler.metrics import metric, metrics_of
from mlc_compiler.spec.model import Estimator, Model, SearchDimension, Split

ALLOWED = ("sklearn.",)
CLASSIFIER_TASKS = ("binary_classification", "multiclass_classification")
FOLDS = ("train", "validation", "test")


def check_models(project: Project, sink: Sink) -> None:
    """Report what no run of these models could mend."""
    for model in project.models:
        document = model.document
        _estimators(document, sink)
        _search(document, sink)
        _split(document, sink)
        _split_columns(model, sink)
        _decision(document, sink)
        _serving(model, sink)


def _estimators(document: Document[Model], sink: Sink) -> None:
    for field, estimator in (("estimator", document.spec.estimator), ("baseline", document.spec.baseline)):
        if estimator is not None:
            _estimator(document, field, estimator, sink)


def _estimator(document: Document[Model], field: str, estimator: Estimator, sink: Sink) -> None:
    if estimator.entrypoint:
        module = estimator.entrypoint.partition(":")[0].replace(".", "/")
        known = any(fnmatchcase(f"{module}.py", g.removeprefix("src/")) or module in g for g in document.spec.code)
        if not known:
            sink.error(
                "MLC409",
                document.at(field, "entrypoint"),
                f"`{estimator.entrypoint}` is not in the model's `code`, so it is in no image",
                help=f"add its files, e.g. `code: [{module}.py]`",
            )
    elif estimator.class_ and not estimator.class_.startswith(ALLOWED):
        sink.error(
            "MLC401",
            document.at(field, "class"),
            f"`{estimator.class_}` is from no allowed library",
            help=f"take a class of {', '.join(a.rstrip('.') for a in ALLOWED)}, or an `entrypoint` in `code`",
        )


def _search(document: Document[Model], sink: Sink) -> None:
    search = document.spec.search
    if search is None:
        return
    if search.metric:
        check_metric(document, search.metric, document.spec.task, ("search", "metric"), "MLC402", sink)
    for name, dimension in search.space.items():
        _dimension(document, name, dimension, sink)


def _dimension(document: Document[Model], name: str, dimension: SearchDimension, sink: Sink) -> None:
    form = next(f for f in dimension.forms if getattr(dimension, f) is not None)
    values = getattr(dimension, form)
    at = document.at("search", "space", name, form)
    if form != "choice" and values[0] >= values[1]:
        sink.error(
            "MLC404",
            at,
            f"the range of `{name}` goes from {number_text(values[0])} to {number_text(values[1])}",
            help=f"write `[{number_text(values[1])}, {number_text(values[0])}]`: the smaller bound first"
            if values[0] > values[1]
            else f"write `choice: [{number_text(values[0])}]`, or a range",
            fix=f"[{number_text(values[1])}, {number_text(values[0])}]" if values[0] > values[1] else "",
        )
    elif form == "log_uniform" and values[0] <= 0:
        sink.error(
            "MLC404",
            at,
            f"the logarithmic range of `{name}` starts at {number_text(values[0])}",
            help=f"start above zero, e.g. `[{number_text(values[1] / 10_000)}, {number_text(values[1])}]`",
        )


def check_metric(
    document: Document[Any], name: str, task: str, path: tuple[str | int, ...], code: str, sink: Sink
) -> None:
    """Report a metric that is not defined for the task, with the nearest that is."""
    found, of_task = metric(name), [m.name for m in metrics_of(task)]
    if found is not None and task in found.tasks:
        return
    near = nearest(name, of_task)
    said = f"`{name}` is not a metric" if found is None else f"`{name}` is not defined for {task}"
    help = f"did you mean `{near}`?" if near else f"metrics of {task}: {', '.join(of_task)}"
    sink.error(code, document.at(*path), said, help=help, fix=near or "")


def _split(document: Document[Model], sink: Sink) -> None:
    split = document.spec.split
    total = split.train + split.validation + split.test
    if abs(total - 1.0) > 1e-9:
        shares = " + ".join(f"{100 * getattr(split, f):.4g} %" for f in FOLDS)
        sink.error(
            "MLC403",
            document.at("split"),
            f"the folds add up to {100 * total:.4g} %: {shares}",
            help=_mended_split(split),
        )
    for fold in FOLDS:
        if getattr(split, fold) == 0.0:
            sink.error(
                "MLC403",
                document.at("split", fold),
                f"the {fold} fold is empty",
                help=f"say e.g. `{fold}: 15%`, and less of another: validation chooses, test judges",
            )
    if split.group and split.strategy == "time":
        sink.error(
            "MLC405",
            document.at("split", "group").name(),
            "`group` has no effect on a time split",
            help="remove it, or use `strategy: group`",
        )
    if split.strategy == "group" and not split.group:
        sink.error(
            "MLC102",
            document.at("split"),
            "a group split needs `group`",
            help="add `group: [...]` with the columns whose rows keep together",
        )


def _mended_split(split: Split) -> str:
    """Return the share that makes the folds add up, of the fold that has the room for it."""
    for fold in reversed(FOLDS):
        rest = 1.0 - sum(getattr(split, other) for other in FOLDS if other != fold)
        if 0 < rest < 1:
            return f"say e.g. `{fold}: {100 * rest:.4g}%`, for them to add up to 100 %"
    return "let train, validation and test add up to 100 %, e.g. 70%, 15% and 15%"


def _split_columns(model: BoundModel, sink: Sink) -> None:
    columns, document = model.spine.spec.columns, model.document
    for index, name in enumerate(document.spec.split.group):
        if name not in columns:
            near = nearest(name, columns)
            help = f"did you mean `{near}`?" if near else f"its columns are {', '.join(columns)}"
            message = f"there is no column `{name}` in dataset `{model.spine.name}` to split by"
            sink.error("MLC304", document.at("split", "group", index), message, help=help, fix=near or "")


def _decision(document: Document[Model], sink: Sink) -> None:
    decision = document.spec.decision
    given = [n for n in type(decision).model_fields if getattr(decision, n) is not None]
    if given and document.spec.task != "binary_classification":
        sink.error(
            "MLC405",
            document.at("decision", given[0]).name(),
            f"a {document.spec.task} has no threshold to choose",
            help="remove `decision`",
        )
    if len(given) > 1:
        sink.error(
            "MLC408",
            document.at("decision", given[1]).name(),
            f"the decision has {len(given)} rules: {', '.join(given)}",
            related=[Related("rule", given[0], document.at("decision", given[0]))],
            help=f"keep one of them, and remove `{given[1]}` or `{given[0]}`",
        )


def _serving(model: BoundModel, sink: Sink) -> None:
    document, serving = model.document, model.document.spec.serving
    if serving.replicas.min > serving.replicas.max:
        sink.error(
            "MLC407",
            document.at("serving", "replicas"),
            f"at least {serving.replicas.min} replicas, at most {serving.replicas.max}",
            help=f"say `max: {serving.replicas.min}` or more, or `min: {serving.replicas.max}` or less",
        )
    if serving.mode == "batch":
        _batch(document, sink)
        return
    for field in ("schedule", "input", "output"):
        if getattr(serving, field) is not None:
            sink.error(
                "MLC405",
                document.at("serving", field).name(),
                f"`{field}` has no effect on online serving",
                help="remove it, or say `mode: batch`",
            )
    for view in model.views:
        if not view.spec.request:
            sink.error(
                "MLC406",
                view.at("request"),
                f"model `{model.name}` is served online, but the view has no `request`",
                help="add `request: [...]` with the columns that the caller sends",
            )


def _batch(document: Document[Model], sink: Sink) -> None:
    for field, what in (("schedule", "when it runs"), ("output", "where the scores go")):
        if getattr(document.spec.serving, field) is None:
            sink.error(
                "MLC406",
                document.at("serving"),
                f"batch serving does not say {what}",
                help=f"add `{field}:`; `mlc explain model.serving.{field}` tells how",
            )
