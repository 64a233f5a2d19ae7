"""Bounds that a model without any skill clears: what one constant answer scores on the test fold, by the lock's counts.

A gate that passes the constant predictor lets through a model that has learned nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from mlc_compiler.analysis.gate_samples import Case, fold_rows, rows_text
from mlc_compiler.analysis.standard_errors import Rows
from mlc_compiler.analysis.subject import Subject
from mlc_compiler.conventions import number_text
from mlc_compiler.diagnostics import Sink
from mlc_compiler.metrics import BINARY, MULTICLASS, NUMERIC, metric

_ANSWERS = {
    "accuracy": "the more frequent class for every row",
    "average_precision": "one score for every row",
    "balanced_accuracy": "one class for every row",
    "brier": "the base rate for every row",
    "f1": "positive for every row",
    "log_loss": "the base rate for every row",
    "mae": "the mean label for every row",
    "precision": "positive for every row",
    "r2": "the mean label for every row",
    "rmse": "the mean label for every row",
    "roc_auc": "one score for every row",
    "roc_auc_ovr": "one score for every row",
}


def prove_skill(subject: Subject, sink: Sink) -> None:
    """Report bounds of a model's own gates that a constant predictor clears."""
    for bound, model in subject.pairs():
        entry = subject.lock.models.get(bound.name)
        for gate in bound.gates if entry else ():
            if gate.spec.model != bound.name:
                continue  # a floor for every model that its pattern picks
            rows = fold_rows(model.spec, entry or {}, gate.spec.split)
            classes = (entry or {})["folds"][gate.spec.split].get("classes", {})
            for index, check in enumerate(gate.spec.checks):
                case = Case(bound, gate, index, check, rows, model.spec, entry or {})
                if check.metric and not check.slices and not check.report_only:
                    _check(case, _constant(check.metric, model.spec.task, rows, classes), sink)


def _check(case: Case, constant: float | None, sink: Sink) -> None:
    check, found = case.check, metric(case.check.metric or "")
    if constant is None or found is None:
        return
    field, limit = ("min", check.min) if found.better == "higher" else ("max", check.max)
    if limit is None or (limit >= constant if field == "min" else limit <= constant):
        return
    sign = ">=" if field == "min" else "<="
    shown = number_text(float(f"{constant:.3g}"))
    sink.warn(
        "MLC518",
        case.at(field),
        f"a model that answers {_ANSWERS[found.name]} passes {found.name} {sign} {number_text(limit)}",
        note=f"it scores {'at most ' * (found.name == 'mae')}{shown} on {rows_text(case.rows)}",
        help=f"set `{field}` well {'above' if field == 'min' else 'below'} {shown}, or compare `versus: baseline`",
    )


def _constant(name: str, task: str, rows: Rows, classes: Mapping[str, Any]) -> float | None:
    """Return what a constant answer scores, None where it has none or counts don't tell."""
    if not rows.rows:
        return None
    if task in NUMERIC:
        return _numeric(name, rows.std)
    if task == MULTICLASS:
        shares = [count / rows.rows for count in classes.values()]
        known = {"accuracy": max(shares), "log_loss": _entropy(shares), "roc_auc_ovr": 0.5} if shares else {}
        return known.get(name)
    return _binary(name, rows.prevalence) if task == BINARY and rows.positives else None


def _numeric(name: str, std: float | None) -> float | None:
    """Return what the mean scores; its mean absolute error is at most the standard deviation, 0.8 of it where normal.

    The mean of the test fold itself is the best there is, so that the constant of training scores no better.
    """
    if std is None:
        return None
    return {"rmse": std, "mae": std, "r2": 0.0}.get(name)


def _binary(name: str, prevalence: float) -> float | None:
    shares = (prevalence, 1 - prevalence)
    return {
        "accuracy": max(shares),
        "average_precision": prevalence,
        "balanced_accuracy": 0.5,
        "brier": prevalence * (1 - prevalence),
        "f1": 2 * prevalence / (1 + prevalence),
        "log_loss": _entropy(shares),
        "precision": prevalence,
        "roc_auc": 0.5,
    }.get(name)


def _entropy(shares: Iterable[float]) -> float:
    return -math.fsum(p * math.log(p) for p in shares if p > 0)
