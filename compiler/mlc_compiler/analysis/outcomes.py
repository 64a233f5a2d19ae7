"""Outcomes: the type of the label fits the task, and what is said of its classes names classes that it has."""

from __future__ import annotations

from mlc_compiler.analysis.subject import Subject
from mlc_compiler.diagnostics import Related, Sink
from mlc_compiler.frontend.project import BoundModel

_NUMBERS = ("int64", "int32", "float64", "float32", "decimal")
_CLASSES = ("bool", "string", "int64", "int32")
TAKEN = {
    "binary_classification": (_CLASSES, "true or false, or a text or integer of two values"),
    "multiclass_classification": (_CLASSES, "a text or an integer"),
    "regression": (_NUMBERS, "a number"),
    "forecast": (_NUMBERS, "a number"),
}
_BOOLEANS = ("true", "false")


def check_outcomes(subject: Subject, sink: Sink) -> None:
    """Report labels of a type that no run of their task could learn, and weights of classes that there are not."""
    for model, resolved in subject.pairs():
        if resolved.label_type:
            _check_type(model, resolved.label_type, sink)
            _check_weights(model, resolved.label_type, sink)


def _check_type(model: BoundModel, type_: str, sink: Sink) -> None:
    spec, document = model.document.spec, model.document
    types, words = TAKEN[spec.task]
    form = "expr" if spec.label.expr is not None else "aggregate"
    related = (Related("task", spec.task, document.at("task")),)
    if type_ not in types:
        message = f"the label is of type {type_}, and a {spec.task} learns {words}"
        help = _mended(spec.task, type_, spec.label.expr or "")
        sink.error("MLC462", document.at("label", form), message, help=help, related=related)
    elif spec.task == "multiclass_classification" and type_ == "bool":
        message = "the label is true or false: two classes, which make this a binary classification"
        sink.warn("MLC462", document.at("task"), message, help="say `task: binary_classification`")


def _mended(task: str, type_: str, expression: str) -> str:
    if type_ in _NUMBERS:
        text = expression if expression.isidentifier() else f"({expression})" if expression else "..."
        return f"write a condition, such as `{text} > 0`, or say `task: regression`"
    if type_ in ("timestamp", "date"):
        return "predict the time until then, e.g. `minutes_between(predicted_at, it)`, or whether it comes in time"
    if type_ == "bool":
        return "say `task: binary_classification`, or cast the label: `cast(... as int64)`"
    return f"say `task: multiclass_classification`, or make the label a number for this {task}"


def _check_weights(model: BoundModel, type_: str, sink: Sink) -> None:
    """Report a weight for a class that a boolean label can't have: it would be left out in silence."""
    if type_ != "bool":
        return
    spec = model.document.spec
    for field, estimator in (("estimator", spec.estimator), ("baseline", spec.baseline)):
        weights = estimator.params.get("class_weight") if estimator is not None else None
        for name in weights if isinstance(weights, dict) else ():
            if str(name) not in _BOOLEANS:
                at = model.document.at(field, "params", "class_weight", name).name()
                message = f"there is no class `{name}`: the label is true or false"
                help = 'name the classes: `class_weight: {"true": 5, "false": 1}`'
                sink.error("MLC417", at, message, help=help)
