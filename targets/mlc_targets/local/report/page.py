"""The report of a run: one self-contained HTML file, same run, same bytes. Plots are inline SVG; nothing is fetched."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from mlc_compiler.conventions import short
from mlc_compiler.metrics import BINARY, MULTICLASS, metric
from mlc_compiler.records import dataclass
from mlc_targets.local.gates import Estimate, Evaluation, Source, Verdict, measure
from mlc_targets.local.gates.verdict import number, span
from mlc_targets.local.report import bars, figures
from mlc_targets.local.report.plots import Words
from mlc_targets.local.report.run import RunReport

TEMPLATES = Path(__file__).parent / "templates"
WORDS = {
    "passed": ("✓", "passed"),
    "failed": ("✗", "failed"),
    "undecided": ("?", "undecided"),
    "not_applicable": ("○", "not applicable"),
    "reported": ("i", "reported"),
    "blocked": ("✗", "not passed"),
    "warned": ("!", "warning"),
    "ran": ("▸", "ran"),
    "unchanged": ("=", "unchanged"),
}
WOULD = {"passed": "would pass", "failed": "would fail", "undecided": "would be undecided"}
HEADLINE = {
    BINARY: ("roc_auc", "average_precision", "brier", "recall"),
    MULTICLASS: ("accuracy", "macro_f1", "log_loss", "roc_auc_ovr"),
    "regression": ("rmse", "mae", "r2", "bias"),
    "forecast": ("wape", "rmse", "mae", "bias"),
}


def write_report(path: Path, run: RunReport) -> None:
    """Write the report of a run; parents are made, the file appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".report-", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(report_html(run))
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def report_html(run: RunReport) -> str:
    """Return the report of a run as HTML."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters["number"] = number
    environment.filters["short"] = short
    environment.globals.update(mark=WORDS, would=WOULD)
    css = Markup((TEMPLATES / "report.css").read_text(encoding="utf-8"))  # noqa: S704  # our own file
    return environment.get_template("report.html.j2").render(css=css, **_context(run))


def _context(run: RunReport) -> dict[str, object]:
    split = "test" if "test" in run.evaluations else next(iter(sorted(run.evaluations)), "")
    evaluation = run.evaluations.get(split)
    return {
        "run": run,
        "split": split,
        "summary": summary(run),
        "tiles": _tiles(run, split),
        "gates": gate_rows(run.verdicts),
        "metrics": _metric_table(run, evaluation),
        "figures": () if evaluation is None else figures.performance(run, evaluation),
        "problem": "" if evaluation is None else evaluation.problem(),
        "slices": () if evaluation is None else figures.slices(run, evaluation),
        "importances": figures.importances(run.importances, run.importance_metric),
        "timeline": bars.timeline(Words("folds", "Folds over time", _folds_said(run), "", ""), run.folds),
        "trials": sorted(run.trials, key=lambda t: (not t.chosen, t.number)),
        "decision": _decision(run, evaluation),
        "classes": _classes(evaluation),
    }


def summary(run: RunReport) -> str:
    """Return in one sentence what the gates came to."""
    counts = {
        s: sum(v.status == s for v in run.verdicts)
        for s in ("passed", "failed", "undecided", "not_applicable", "reported")
    }
    judged = counts["passed"] + counts["failed"] + counts["undecided"]
    if not run.verdicts:
        return "No gate judges this model."
    said = [f"{counts['passed']} of {judged} checks passed"]
    said += [f"{counts[s]} {WORDS[s][1]}" for s in ("failed", "undecided", "not_applicable", "reported") if counts[s]]
    return f"{', '.join(said)}."


@dataclass(frozen=True, slots=True)
class Tile:
    """A number of the headline."""

    name: str
    value: str
    interval: str
    meaning: str


def _tiles(run: RunReport, split: str) -> tuple[Tile, ...]:
    found = run.estimates.get(split, {})
    wanted = (found[name] for name in HEADLINE.get(run.model.task, ()) if name in found)
    return tuple(Tile(e.metric, number(e.value), _interval(e), _meaning(e.metric)) for e in wanted)


def _meaning(name: str) -> str:
    known = metric(name)
    if known is None:
        return ""
    better = {"higher": "higher is better", "lower": "lower is better", "zero": "0 is best"}[known.better]
    return f"{known.summary}; {better}"


def _interval(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return estimate.reason
    return span(estimate.low, estimate.high)


@dataclass(frozen=True, slots=True)
class GateRow:
    """A check as the table shows it."""

    verdict: Verdict
    gauge: Markup
    value: str
    interval: str
    groups: tuple[GateRow, ...]


def gate_rows(verdicts: Sequence[Verdict]) -> tuple[GateRow, ...]:
    """Return the rows of the gate table, each on its own scale, groups inside on a common one."""
    return tuple(_gate_row(v, f"check-{k}", _numbers(v)) for k, v in enumerate(verdicts, start=1))


def _numbers(verdict: Verdict) -> tuple[float | None, ...]:
    return (verdict.value, verdict.low, verdict.high, *verdict.limits)


def _gate_row(verdict: Verdict, name: str, over: Sequence[float | None]) -> GateRow:
    words = Words(name, verdict.title, f"{WORDS[verdict.status][1]}: {verdict.reason}", "", "")
    item = bars.Item("", verdict.value, verdict.low, verdict.high)
    sign = verdict.bound.startswith("difference")
    scale, unit = (1000.0, " ms") if verdict.kind == "latency" else (1.0, "")
    low, value, high = (None if v is None else scale * v for v in (verdict.low, verdict.value, verdict.high))
    shown = (
        "-" if value is None else f"{value:.2g}" if verdict.kind == "parity" else f"{number(value, sign=sign)}{unit}"
    )
    ends = "" if low is None or high is None or verdict.kind == "parity" else span(low, high, sign=sign)
    gauge = bars.gauge(words, item, verdict.limits, verdict.would_be or verdict.status, over)
    common = [number for group in verdict.groups for number in _numbers(group)]
    groups = (_gate_row(group, f"{name}-{k}", common) for k, group in enumerate(verdict.groups, start=1))
    return GateRow(verdict, gauge, shown, ends, tuple(groups))


@dataclass(frozen=True, slots=True)
class MetricTable:
    """Every metric of the task: a column a split, then the baseline and the champion on the plotted split."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...]  # name, meaning, (value, interval) a column


def _metric_table(run: RunReport, evaluation: Evaluation | None) -> MetricTable:
    order = ("test", "validation", "train")
    splits = sorted(run.estimates, key=lambda s: (order.index(s) if s in order else len(order), s))
    columns: dict[str, Mapping[str, Estimate]] = {split: run.estimates[split] for split in splits}
    names = sorted({name for found in columns.values() for name in found})
    sources: tuple[Source, ...] = ("champion", "baseline")
    for source in sources:
        if evaluation is not None and not evaluation.problem(source):
            columns[f"{source}, {evaluation.split}"] = {
                n: measure(evaluation, n, 0.95, run.seed, source) for n in names
            }
    rows = tuple((name, _meaning(name), tuple(_cell(found.get(name)) for found in columns.values())) for name in names)
    return MetricTable(tuple(columns), rows)


def _cell(estimate: Estimate | None) -> tuple[str, str]:
    return ("-", "") if estimate is None else (number(estimate.value), _interval(estimate))


def _folds_said(run: RunReport) -> str:
    return "; ".join(f"{f.name}: {f.rows:,} rows, {f.start} to {f.end}" for f in run.folds)


def _decision(run: RunReport, evaluation: Evaluation | None) -> str:
    """Return how the operating point was chosen, in words; empty for regressions."""
    if run.model.task != BINARY or evaluation is None:
        return ""
    at = f"positive from a score of {evaluation.threshold_of('model'):.4g}"
    rule = run.model.decision
    if rule is None or evaluation.threshold is None:
        return f"{at}, as nothing else was chosen"
    words = rule.rule.replace("_", " ")
    if rule.rule == "threshold":
        return f"{at}, as specified"
    if rule.rule in {"f1", "youden"}:
        return f"{at}, which maximizes {words} on validation"
    return f"{at}, chosen on validation for {words} {rule.value:g}"


def _classes(evaluation: Evaluation | None) -> tuple[tuple[str, int, str, str], ...]:
    """Return for each class of a multiclass model: name, rows, precision, recall."""
    if evaluation is None or evaluation.task != MULTICLASS or evaluation.problem():
        return ()
    y, guess = np.asarray(evaluation.y_true).astype(int), np.asarray(evaluation.scores).argmax(axis=1)
    count = np.asarray(evaluation.scores).shape[1]
    names = evaluation.classes or tuple(str(k) for k in range(count))
    hits = [int(((y == k) & (guess == k)).sum()) for k in range(count)]
    sizes = [(int((y == k).sum()), int((guess == k).sum())) for k in range(count)]
    return tuple(
        (name, actual, number(hit / chosen if chosen else None), number(hit / actual if actual else None))
        for name, hit, (actual, chosen) in zip(names, hits, sizes, strict=True)
    )
