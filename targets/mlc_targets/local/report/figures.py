"""Which plots a task has, and their words: titles, captions, and descriptions for those who can't see them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from mlc_compiler.metrics import BINARY, MULTICLASS
from mlc_compiler.records import dataclass
from mlc_targets.local.gates import Estimate, Evaluation, Source, measure, measure_slices
from mlc_targets.local.gates.evaluation import Array
from mlc_targets.local.gates.verdict import number
from mlc_targets.local.report import bars, curves, plots
from mlc_targets.local.report.plots import Curve, Words
from mlc_targets.local.report.run import Importance, RunReport

SLICE_METRIC = {BINARY: "roc_auc", MULTICLASS: "accuracy"}
SLICE_ROWS = 30
MOST_SLICES = 40
MOST_FEATURES = 25


@dataclass(frozen=True, slots=True)
class Figure:
    """A plot with its heading and one line below."""

    title: str
    caption: str
    svg: Markup
    wide: bool = False


def performance(run: RunReport, evaluation: Evaluation) -> tuple[Figure, ...]:
    """Return the plots of the task; none where labels or scores can't be used."""
    if evaluation.problem():
        return ()
    y = np.asarray(evaluation.y_true, dtype=np.float64)
    scores = np.asarray(evaluation.scores, dtype=np.float64)
    if evaluation.task == BINARY:
        return _binary(run, evaluation, y, scores)
    if evaluation.task == MULTICLASS:
        return _multiclass(evaluation, y, scores)
    return _numeric(evaluation, y, scores)


# --- binary ----------------------------------------------------------------------------------------------------------
def _binary(run: RunReport, evaluation: Evaluation, y: Array, scores: Array) -> tuple[Figure, ...]:
    made = [_roc(evaluation, y), _precision_recall(evaluation, y), _calibration(run, evaluation)]
    made += [_scores(evaluation, y), _thresholds(evaluation, y, scores)]
    made.append(_confusion(evaluation, y, scores >= evaluation.threshold_of("model"), _binary_names(evaluation)))
    if evaluation.block_unit == "days" and evaluation.blocks is not None:
        made.append(_shares_by_day(evaluation.blocks, y, scores))
    return tuple(figure for figure in made if figure is not None)


def _compared(evaluation: Evaluation, metric: str) -> list[tuple[Source, Array, str]]:
    """Return model, champion and baseline as far as they can be drawn, with their value."""
    sources: tuple[Source, ...] = ("model", "champion", "baseline")
    usable = [s for s in sources if not evaluation.problem(s)]
    values = [measure(evaluation, metric, source=s).value for s in usable]
    return [
        (s, np.asarray(evaluation.scores_of(s), dtype=np.float64), f"{s} {number(v)}")
        for s, v in zip(usable, values, strict=True)
        if v is not None
    ]


def _rates(evaluation: Evaluation) -> dict[str, float | None]:
    names = ("false_positive_rate", "recall", "precision")
    return {name: measure(evaluation, name).value for name in names}


def _roc(evaluation: Evaluation, y: Array) -> Figure | None:
    compared = _compared(evaluation, "roc_auc")
    if not compared:
        return None
    drawn = [Curve(kind, label, curves.roc(y, scores)) for kind, scores, label in compared]
    at = _rates(evaluation)
    mark = (
        None if at["recall"] is None or at["false_positive_rate"] is None else (at["false_positive_rate"], at["recall"])
    )
    areas = ", ".join(c.label for c in drawn)
    words = Words("roc", "ROC curve", f"Areas under the curve: {areas}.", "false-positive rate", "true-positive rate")
    return Figure("ROC", "Area under the curve beside each name.", plots.curves(words, drawn, mark, chance="diagonal"))


def _precision_recall(evaluation: Evaluation, y: Array) -> Figure | None:
    compared = _compared(evaluation, "average_precision")
    if not compared:
        return None
    drawn = [Curve(kind, label, curves.precision_recall(y, scores)) for kind, scores, label in compared]
    at = _rates(evaluation)
    mark = None if at["recall"] is None or at["precision"] is None else (at["recall"], at["precision"])
    share = float(y.mean())
    values = ", ".join(c.label for c in drawn)
    words = Words("pr", "Precision-recall curve", f"Average precision: {values}.", "recall", "precision")
    caption = f"Average precision beside each name; the dashed line is a guess ({100 * share:.1f} % are positive)."
    return Figure("Precision and recall", caption, plots.curves(words, drawn, mark, chance=f"{share:.6f}"))


def _calibration(run: RunReport, evaluation: Evaluation) -> Figure:
    points = curves.calibration(evaluation, 0.95, run.seed)
    pairs = "; ".join(f"score {p.x:.2f}, share {p.y:.2f}" for p in points)
    words = Words("calibration", "Calibration", f"In bins of equal size: {pairs}.", "mean score", "share of positives")
    return Figure("Calibration", "Ten bins of equal size, 95 % intervals.", plots.calibration(words, points))


def _scores(evaluation: Evaluation, y: Array) -> Figure:
    names = _binary_names(evaluation)
    scores = np.asarray(evaluation.scores, dtype=np.float64)
    kinds = (("baseline", names[0], y == 0), ("model", names[1], y == 1))
    drawn = [(kind, label, curves.histogram(scores[mask], 0.0, 1.0, 40)) for kind, label, mask in kinds if mask.any()]
    means = ", ".join(f"{label}: mean score {scores[mask].mean():.3f}" for _, label, mask in kinds if mask.any())
    words = Words("scores", "Scores by class", f"{means}.", "score", "share of the class")
    caption = "How far the scores hold the classes apart."
    return Figure("Scores", caption, plots.histograms(words, drawn, (0.0, 1.0), evaluation.threshold))


def _thresholds(evaluation: Evaluation, y: Array, scores: Array) -> Figure | None:
    found = curves.thresholds(y, scores)
    if not found[0]:
        return None
    names = ("recall", "precision", "predicted positive")
    drawn = [Curve(f"c{k}", name, points) for k, (name, points) in enumerate(zip(names, found, strict=True))]
    said = ", ".join(f"{name} {number(value)}" for name, value in _rates(evaluation).items())
    at = evaluation.threshold_of("model")
    words = Words("thresholds", "Thresholds", f"At {at:.3g}: {said}.", "threshold", "share")
    return Figure("Thresholds", "What another operating point would give.", plots.curves(words, drawn, at=at))


def _binary_names(evaluation: Evaluation) -> tuple[str, str]:
    """Return the names of the negative and the positive class."""
    if len(evaluation.classes) != 2:
        return ("negative", "positive")
    positive = evaluation.classes[evaluation.positive]
    return (next((c for c in evaluation.classes if c != positive), "negative"), positive)


def _shares_by_day(days: np.ndarray, y: Array, scores: Array) -> Figure:
    drawn = [
        Curve("model", "mean score", curves.by_day(days, scores)),
        Curve("actual", "share of positives", curves.by_day(days, y)),
    ]
    gap = float(np.abs(np.array([p[1] for p in drawn[0].points]) - [p[1] for p in drawn[1].points]).mean())
    words = Words("days", "Scores and labels by day", f"The mean distance of both is {gap:.3f} a day.", "", "share")
    caption = "Where the lines part, the level of the scores was off on that day."
    return Figure("By day", caption, plots.over_days(words, drawn), wide=True)


# --- multiclass ------------------------------------------------------------------------------------------------------
def _confusion(evaluation: Evaluation, y: Array, guess: np.ndarray, names: Sequence[str]) -> Figure:
    counts = curves.confusion(y, guess, len(names))
    rows = "; ".join(
        f"actual {name}: " + ", ".join(f"{int(n):,} predicted {other}" for n, other in zip(row, names, strict=True))
        for name, row in zip(names, counts, strict=True)
    )
    words = Words("confusion", "Confusion matrix", f"{rows}.", "predicted", "actual")
    threshold = f" at the threshold {evaluation.threshold_of('model'):.3g}" if evaluation.task == BINARY else ""
    caption = f"Rows are actual classes, columns predicted ones{threshold}; shares are of the row."
    return Figure("Confusion", caption, plots.matrix(words, counts, names))


def _multiclass(evaluation: Evaluation, y: Array, scores: Array) -> tuple[Figure, ...]:
    names = evaluation.classes or tuple(str(k) for k in range(scores.shape[1]))
    made = [_confusion(evaluation, y, scores.argmax(axis=1), names)] if len(names) <= 12 else []
    drawn = [Curve(f"c{k}", name, curves.roc(1.0 * (y == k), scores[:, k])) for k, name in enumerate(names[:5])]
    drawn = [c for c in drawn if c.points]
    if drawn:
        said = f"Classes: {', '.join(c.label for c in drawn)}."
        words = Words("roc", "ROC curves by class", said, "false-positive rate", "true-positive rate")
        first = "" if len(names) <= 5 else " (the first five)"
        caption = f"Each class against the rest{first}."
        made.append(Figure("ROC", caption, plots.curves(words, drawn, chance="diagonal")))
    return tuple(made)


# --- regression and forecast -----------------------------------------------------------------------------------------
def _numeric(evaluation: Evaluation, y: Array, scores: Array) -> tuple[Figure, ...]:
    errors = scores - y
    low, high = (float(v) for v in np.quantile(np.r_[y, scores], [0.005, 0.995]))
    over = (low, high) if high > low else (low - 0.5, high + 0.5)
    words = Words("cloud", "Predicted against actual", f"{len(y):,} rows.", "actual", "predicted")
    caption = "Stronger cells hold more rows; the outermost half percent lies on the edge."
    made = [Figure("Predicted and actual", caption, plots.cloud(words, curves.density(y, scores, *over), over))]
    made.append(_errors(errors))
    if evaluation.block_unit == "days" and evaluation.blocks is not None:
        made.append(_errors_by_day(evaluation.blocks, errors))
    return tuple(made)


def _errors(errors: Array) -> Figure:
    low, middle, high = (float(v) for v in np.quantile(errors, [0.01, 0.5, 0.99]))
    over = (low, high) if high > low else (low - 0.5, high + 0.5)
    shares = curves.histogram(errors, *over, 40)
    words = Words("errors", "Errors", f"The median error is {number(middle)}; 98 % lie between {number(low)} and "
                  f"{number(high)}.", "prediction minus actual", "share of rows")  # fmt: skip
    caption = "Prediction minus actual; the outermost percent on each side lies on the edge."
    return Figure("Errors", caption, plots.histograms(words, [("model", "errors", shares)], over, None))


def _errors_by_day(days: np.ndarray, errors: Array) -> Figure:
    low, middle, high = curves.bands_by_day(days, errors, (0.1, 0.5, 0.9))
    drawn = [Curve("model", "median error, band of the middle 80 %", middle)]
    words = Words("days", "Errors by day", "Median of each day, with its 10th and 90th percentile.", "", "error")
    caption = "A line that leaves zero means that the level of the predictions drifted."
    return Figure("By day", caption, plots.over_days(words, drawn, (low, high), zero=True), wide=True)


# --- slices and features ---------------------------------------------------------------------------------------------
def slices(run: RunReport, evaluation: Evaluation) -> tuple[Figure, ...]:
    """Return one plot a slice column: the metric in each group against the metric of all rows."""
    if evaluation.problem():
        return ()
    made = (_sliced(run, evaluation, column) for column in sorted(evaluation.slices))
    return tuple(figure for figure in made if figure is not None)


def _sliced(run: RunReport, evaluation: Evaluation, column: str) -> Figure | None:
    metric = SLICE_METRIC.get(evaluation.task, "mae")
    found = [
        g for g in measure_slices(evaluation, column, metric, 0.95, run.seed, SLICE_ROWS) if g[1].value is not None
    ]
    if not found:
        return None
    largest = sorted(found, key=lambda g: (-g[1].rows, g[0]))[:MOST_SLICES]
    ordered = sorted(largest, key=lambda g: (-(g[1].value or 0.0), g[0]))
    overall = measure(evaluation, metric, 0.95, run.seed).value
    worst = "; ".join(f"{name or '(missing)'} {_ends(e)}" for name, e in ordered)
    words = Words(f"slice-{column}", f"{metric} by {column}", f"{worst}.", metric, "")
    items = [bars.Item(n or "(missing)", e.value, e.low, e.high, f"{e.rows:,} rows") for n, e in ordered]
    kept = f"the {len(ordered)} largest groups" if len(found) > len(ordered) else "groups"
    caption = f"{metric} with 95 % intervals; {kept} of {SLICE_ROWS} rows or more; the dashed line is all rows."
    return Figure(f"By {column}", caption, bars.forest(words, items, overall), wide=True)


def _ends(estimate: Estimate) -> str:
    return f"{number(estimate.value)} [{number(estimate.low)}, {number(estimate.high)}]"


def importances(found: Sequence[Importance], metric: str) -> Figure | None:
    """Return the features by permutation importance, the most important first."""
    if not found:
        return None
    ordered = sorted(found, key=lambda i: (-i.value, i.feature))[:MOST_FEATURES]
    said = "; ".join(f"{i.feature} {number(i.value)}" for i in ordered)
    words = Words("importances", "Permutation importance", f"{said}.", f"loss of {metric or 'the metric'}", "")
    items = [bars.Item(i.feature, i.value, i.low, i.high, f"{i.value:.4f}") for i in ordered]
    rest = f" The {len(ordered)} most important of {len(found)}." if len(found) > len(ordered) else ""
    caption = f"How much {metric or 'the metric'} worsens when a feature's values are shuffled.{rest}"
    return Figure("Permutation importance", caption, bars.forest(words, items, bars=True), wide=True)
