"""Step train: fits encoder and estimator, searches parameters, chooses the operating point, refits."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mlc_compiler.backend.target import ExecutionError
from mlc_compiler.diagnostics import Finding, Severity
from mlc_compiler.ir import Estimator, Frozen, Preprocessing
from mlc_compiler.records import dataclass
from mlc_targets.local.findings import error, refuse
from mlc_targets.local.job import Outcome, Run
from mlc_targets.local.train import estimators, fitted, points
from mlc_targets.local.train.decision import UnmetRuleError, choose_threshold
from mlc_targets.local.train.encoding import fit_encoder
from mlc_targets.local.train.fitted import Fitted
from mlc_targets.local.train.rows import Rows, load_rows
from mlc_targets.local.train.search import trials
from mlc_targets.local.train.thresholds import round_thresholds

CHOSEN_FILE, FINAL_FILE, SCORES_FILE = "chosen.skops", "final.skops", "scores.npz"
_PLAIN = Preprocessing("median", "standard", False, "one_hot", None, None)
_REFIT = {"train": ("train",), "train+validation": ("train", "validation"), "all": ("train", "validation", "test")}


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted model, the parameters that differ from the spec's, and what scikit-learn warned of."""

    model: Fitted
    changes: Mapping[str, Frozen]
    warnings: tuple[str, ...] = ()


def train(run: Run, spec: Estimator, searched: bool, out: Path) -> Outcome:
    """Fit a model and write it, with its scores of validation and test; `searched` says whether `search` is for it.

    What is packaged is fitted on `refit`'s folds. Test rows are never scored by a model that has seen them.
    """
    rows = load_rows(run)
    with fitted.fixed_threads(run.threads):
        changes, tried = _search(run, spec, rows) if searched and run.model.search else ({}, ())
        chosen = fit(run, spec, rows.of("train"), changes)
        scores = {name: chosen.model.scores(rows.of(name).columns) for name in ("validation", "test")}
        threshold = _threshold(run, rows, scores["validation"])
        final = _final(run, spec, rows, chosen)
        if run.model.train.refit == "train+validation":
            scores["test"] = final.model.scores(rows.of("test").columns)
    fitted.save(chosen.model, out / CHOSEN_FILE)
    fitted.save(final.model, out / FINAL_FILE)
    save_scores(out, scores)
    outputs = {
        "threshold": threshold,
        "trials": tried,
        "custom_types": _custom_types(spec, final.model),
        "params": {name: estimators.thaw(value) for name, value in changes.items()},
    }
    return Outcome(outputs, _warned(spec, final), _detail(run, rows, scores))


def save_scores(out: Path, scores: Mapping[str, np.ndarray]) -> None:
    """Write the scores of each split, in the rows' order."""
    np.savez(out / SCORES_FILE, allow_pickle=False, **scores)


def custom_types(run: Run) -> tuple[str, ...]:
    """Return the types of the model's own code that its fitted model may hold."""
    kept: tuple[str, ...] = tuple(run.outputs("train estimator")["custom_types"])
    return kept


def fit(run: Run, spec: Estimator, rows: Rows, changes: Mapping[str, Frozen]) -> Fit:
    """Fit encoder and estimator on these rows; raises ExecutionError for what scikit-learn refuses."""
    encoder = fit_encoder(run.model.features.features, spec.preprocessing or _PLAIN, rows.columns)
    estimator = estimators.build(spec, run.model, run.root, run.threads, changes)
    if "class_weight" in estimator.get_params():
        estimator.set_params(class_weight=estimators.class_weights(estimator.class_weight, rows.classes))
    if rows.classes and not hasattr(estimator, "predict_proba"):
        raise refuse(
            "MLC456",
            spec.origin,
            f"`{spec.path}` gives no probabilities, which thresholds, gates and monitors need",
            help="choose a classifier with predict_proba, such as sklearn.linear_model.LogisticRegression",
        )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            estimator.fit(encoder.matrix(rows.columns), rows.y)
        except (ValueError, TypeError, ArithmeticError, MemoryError) as failure:
            raise _refused(spec, failure) from failure
    round_thresholds(estimator)
    return Fit(Fitted(encoder, estimator, run.model.task), changes, _concerns(caught))


def _refused(spec: Estimator, failure: Exception) -> ExecutionError:
    return refuse(
        "MLC455",
        spec.origin,
        f"`{spec.path}` could not be fitted",
        note=(str(failure).splitlines() or [type(failure).__name__])[0],
        help="see `preprocessing` where values are missing, and the estimator's parameters",
    )


def _concerns(caught: Sequence[warnings.WarningMessage]) -> tuple[str, ...]:
    from sklearn.exceptions import ConvergenceWarning

    concerning = (w for w in caught if issubclass(w.category, ConvergenceWarning))
    return tuple(dict.fromkeys(str(w.message).splitlines()[0] for w in concerning))


def _warned(spec: Estimator, final: Fit) -> tuple[Finding, ...]:
    return tuple(
        replace(
            error("MLC464", spec.origin, f"the fit of `{spec.path}` did not converge", note=text,
                  help="allow more iterations (`max_iter`), or scale the numbers"),
            severity=Severity.WARNING,
        )
        for text in final.warnings
    )  # fmt: skip


def _custom_types(spec: Estimator, model: Fitted) -> list[str]:
    """Return what skops has to be told to trust: only types that an entrypoint's own code brings."""
    if not spec.entrypoint:
        return []
    import skops.io

    return sorted(skops.io.get_untrusted_types(data=skops.io.dumps(model.estimator)))


def _final(run: Run, spec: Estimator, rows: Rows, chosen: Fit) -> Fit:
    folds = _REFIT[run.model.train.refit]
    return chosen if folds == ("train",) else fit(run, spec, rows.of(*folds), chosen.changes)


# --- search ----------------------------------------------------------------------------------------------------------
def _search(run: Run, spec: Estimator, rows: Rows) -> tuple[Mapping[str, Frozen], tuple[dict[str, object], ...]]:
    """Return the best trial's parameters and the table of all trials; the first of equals wins."""
    search = run.model.search
    if search is None:
        return {}, ()
    validation, training = rows.of("validation"), rows.of("train")
    candidates = trials(search, run.model.seed)
    table: list[dict[str, object]] = []
    goodness = []
    for number, changes in enumerate(candidates):
        score, note = _trial(run, spec, training, validation, changes)
        table.append(
            {"number": number, "params": estimators.thaw(tuple(changes.items())), "score": score, "note": note}
        )
        goodness.append(points.goodness(search.metric, score))
    if max(goodness) == -np.inf:
        raise refuse(
            "MLC460",
            search.origin,
            f"none of {len(table)} trials could be scored by {search.metric}",
            note=str(table[0]["note"]) if table else "",
            help="see the space: each point must be one that the estimator accepts",
        )
    best = goodness.index(max(goodness))
    for row in table:
        row["chosen"] = row["number"] == best
    return candidates[best], tuple(table)


def _trial(
    run: Run, spec: Estimator, training: Rows, validation: Rows, changes: Mapping[str, Frozen]
) -> tuple[float | None, str]:
    """Return a trial's score on the validation fold, or None and why it has none."""
    search = run.model.search
    try:
        model = fit(run, spec, training, changes).model
    except ExecutionError as failure:
        if failure.finding.code == "MLC455":
            return None, failure.finding.note
        raise
    name = search.metric if search else points.main_metric(run.model.task)
    score = points.point(run.model.task, name, validation.y, model.scores(validation.columns))
    return score, "" if score is not None else f"{name} is undefined on the validation fold"


# --- operating point -------------------------------------------------------------------------------------------------
def _threshold(run: Run, rows: Rows, scores: np.ndarray) -> float | None:
    decision = run.model.decision
    if decision is None or run.model.task != "binary_classification":
        return None
    y = rows.of("validation").y
    if decision.rule != "threshold" and len(set(y.tolist())) < 2:
        raise refuse(
            "MLC459",
            decision.origin,
            f"`{decision.rule}` is chosen on the validation fold, which has {len(y):,} rows of one class or none",
            help="give the validation fold a share with rows of both classes, or name a `threshold`",
        )
    try:
        return choose_threshold(decision, y, scores)
    except UnmetRuleError as failure:
        raise refuse(
            "MLC459",
            decision.origin,
            f"no threshold has {decision.rule} {decision.value:g}",
            note=str(failure),
            help="ask for what the model can reach, or improve the model",
        ) from failure


def _detail(run: Run, rows: Rows, scores: Mapping[str, np.ndarray]) -> str:
    """Return how many rows were learned from and the main metric of the test fold, for progress."""
    name = points.main_metric(run.model.task)
    value = points.point(run.model.task, name, rows.of("test").y, scores["test"])
    tested = "" if value is None else f", {name} {value:.3f} on test"
    return f"{len(rows.of('train')):,} rows{tested}"
