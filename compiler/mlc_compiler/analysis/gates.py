"""Gates: each check has a bound, on the side that can fail, on a metric that the task has."""

from __future__ import annotations

from mlc_compiler.analysis.models import check_metric
from mlc_compiler.conventions import number_text
from mlc_compiler.diagnostics import Sink, nearest
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.project import BoundModel, Project
from mlc_compiler.metrics import Metric, metric
from mlc_compiler.spec.gate import Gate, GateCheck

# Fields that belong to some forms of a check only.
FORMS = {
    "versus": ("metric",),
    "group": ("fairness",),
    "slices": ("metric", "fairness"),
    "max_difference": ("parity",),
    "min": ("metric", "fairness"),
    "max": ("metric", "latency"),
    "expect": ("metric", "fairness"),
}


def check_gates(project: Project, sink: Sink) -> None:
    """Report checks that can't fail, can't pass, or can't be computed."""
    for model in project.models:
        for gate in model.gates:
            for index, check in enumerate(gate.spec.checks):
                _check(model, gate, index, check, sink)


def _check(model: BoundModel, gate: Document[Gate], index: int, check: GateCheck, sink: Sink) -> None:
    form = next(f for f in check.forms if getattr(check, f) is not None)
    _forms(gate, index, check, form, sink)
    _bound(gate, index, check, form, sink)
    if form == "metric":
        check_metric(gate, check.metric or "", model.document.spec.task, ("checks", index, "metric"), "MLC402", sink)
        found = metric(check.metric or "")
        if found is not None:
            _side(gate, index, check, found, sink)
            _range(gate, index, check, found, sink)
    if check.versus == "baseline" and model.document.spec.baseline is None:
        sink.error(
            "MLC504",
            gate.at("checks", index, "versus"),
            f"model `{model.name}` has no baseline",
            help="add `baseline: {class: sklearn.linear_model.LogisticRegression}` to the model",
        )
    _columns(model, gate, index, check, sink)


def _forms(gate: Document[Gate], index: int, check: GateCheck, form: str, sink: Sink) -> None:
    for field, forms in FORMS.items():
        if getattr(check, field) not in (None, []) and form not in forms:
            sink.error(
                "MLC506",
                gate.at("checks", index, field).name(),
                f"`{field}` does not belong to a {form} check",
                help=f"remove it: it goes with {' or '.join(forms)} checks",
            )


def _bound(gate: Document[Gate], index: int, check: GateCheck, form: str, sink: Sink) -> None:
    wanted = {
        "metric": "`min`, `max` or `versus`",
        "fairness": "`min`",
        "latency": "`max`",
        "parity": "`max_difference`",
    }
    given = (check.min, check.max, check.versus, check.max_difference)
    if check.report_only or any(g is not None for g in given):
        return
    sink.error(
        "MLC501",
        gate.at("checks", index),
        "the check has no bound, so it can't fail",
        help=f"add {wanted[form]}, or say `report_only: true`",
    )


def _side(gate: Document[Gate], index: int, check: GateCheck, found: Metric, sink: Sink) -> None:
    wrong = {"higher": "max", "lower": "min"}.get(found.better)
    if wrong and getattr(check, wrong) is not None:
        right = "min" if wrong == "max" else "max"
        more = "larger" if found.better == "higher" else "smaller"
        sink.error(
            "MLC502",
            gate.at("checks", index, wrong).name(),
            f"{more} values of {found.name} are better, so `{wrong}` passes every bad model",
            help=f"write `{right}: {number_text(getattr(check, wrong))}`",
        )


def _range(gate: Document[Gate], index: int, check: GateCheck, found: Metric, sink: Sink) -> None:
    for field in ("min", "max"):
        value = getattr(check, field)
        if value is None:
            continue
        below = found.low is not None and (value < found.low or (field == "min" and value == found.low))
        above = found.high is not None and (value > found.high or (field == "max" and value == found.high))
        if below or above:
            always = "passes" if (field == "min") == below else "fails"
            sink.error(
                "MLC503",
                gate.at("checks", index, field),
                f"`{field}: {number_text(value)}` always {always}: {found.name} {_lies(found)}",
                help="set the bound from a run's report",
            )


def _lies(found: Metric) -> str:
    low, high = (None if bound is None else number_text(bound) for bound in (found.low, found.high))
    if low is not None and high is not None:
        return f"lies between {low} and {high}"
    return f"is at least {low}" if high is None else f"is at most {high}"


def _columns(model: BoundModel, gate: Document[Gate], index: int, check: GateCheck, sink: Sink) -> None:
    known = model.spine.spec.columns
    wanted = [(("slices", i), s) for i, s in enumerate(check.slices)]
    wanted += [(("group",), check.group)] if check.group else []  # type: ignore[list-item]  # paths of two lengths
    for path, name in wanted:
        if name not in known:
            near = nearest(name, known)
            is_feature = any(f.name == name for f in model.features)
            what = f"a feature of `{model.name}`, and not" if is_feature else "not"
            sink.error(
                "MLC505",
                gate.at("checks", index, *path),
                f"`{name}` is {what} a column of `{model.spine.name}`, whose columns are kept for slices and groups",
                help=f"did you mean `{near}`?" if near else f"take one of its columns: {', '.join(sorted(known))}",
                fix=near or "",
            )
    if check.fairness and not check.group:
        sink.error(
            "MLC102",
            gate.at("checks", index),
            "a fairness check needs `group`",
            help="add `group:` with the column whose values are compared",
        )
