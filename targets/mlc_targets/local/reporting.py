"""Step report: the evidence and the HTML report of a run, from what its steps recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mlc_targets.local.evidence import evidence, text_of
from mlc_targets.local.gating import LATENCIES_FILE, evaluations, verdicts_of
from mlc_targets.local.job import Outcome, Run
from mlc_targets.local.report import DataCheckRow, Fold, Importance, Input, RunReport, Trial, write_report
from mlc_targets.local.store import write_text
from mlc_targets.local.train.evaluation import estimates_of
from mlc_targets.local.train.rows import load_rows

EVIDENCE_FILE, REPORT_FILE = "evidence.json", "report.html"


def report(run: Run, out: Path) -> Outcome:
    """Write evidence.json and report.html."""
    write_text(out / EVIDENCE_FILE, text_of(evidence(run)))
    write_report(out / REPORT_FILE, run_report(run))
    return Outcome({})


def run_report(run: Run) -> RunReport:
    """Return everything that the report shows."""
    import numpy as np

    latencies = run.folder("gate") / LATENCIES_FILE
    gate, explained = run.outputs("gate"), run.outputs("explain")
    champion = f"{run.champion.version}" if run.champion else None
    return RunReport(
        project=run.project.name,
        model=run.model,
        version=run.model.version,
        artifact=run.outputs("package")["artifact"],
        passed=gate["passed"],
        evaluations=evaluations(run, np.load(latencies) if latencies.is_file() else None),
        estimates=estimates_of(run),
        verdicts=verdicts_of(run),
        folds=_folds(run),
        checks=_checks(run),
        importances=tuple(Importance(i["feature"], i["value"], i["low"], i["high"]) for i in explained["importances"]),
        trials=tuple(_trial(t) for t in run.outputs("train estimator")["trials"]),
        inputs=tuple(_input(run, name, digest) for name, digest in run.inputs),
        importance_metric=explained["metric"],
        libraries=dict(run.libraries),
        seed=run.model.seed,
        threads=run.threads,
        champion=champion,
        notes=_notes(run),
    )


def _folds(run: Run) -> tuple[Fold, ...]:
    rows, split = load_rows(run), run.outputs("split")
    dropped = split["dropped"]
    folds = []
    for index, (name, found) in enumerate(sorted(split["folds"].items(), key=lambda i: _order(i[0]))):
        members = rows.y[rows.fold == index]
        mean = float(members.mean()) if len(members) and run.model.task != "multiclass_classification" else None
        folds.append(Fold(name, found["rows"], found["start"] or "", found["end"] or "", mean))
    left_out = dropped["immature"] + dropped["unknown"] + dropped["not_mature"] + dropped["gap"]
    return (*folds, Fold("left out", left_out + dropped["missing"], "", "", None, left_out, dropped["missing"]))


def _order(name: str) -> int:
    return ("train", "validation", "test").index(name)


def _checks(run: Run) -> tuple[DataCheckRow, ...]:
    return tuple(
        DataCheckRow(dataset.name, c["name"], c["status"], c["violations"], c["total"], _detail(c))
        for dataset in run.model.datasets
        for c in run.outputs(f"validate {dataset.name}")["checks"]
    )


def _detail(check: dict[str, Any]) -> str:
    return "" if check["value"] is None else f"{check['value']:,.6g}"


def _trial(trial: dict[str, Any]) -> Trial:
    params = ", ".join(f"{name}={value}" for name, value in trial["params"].items())
    return Trial(trial["number"], params, trial["score"], trial["chosen"], trial["note"])


def _input(run: Run, name: str, digest: str) -> Input:
    return Input(name, run.outputs(f"ingest {name}")["rows"], digest)


def _notes(run: Run) -> tuple[str, ...]:
    licences = [f"{d.name}: {d.license}" for d in run.model.datasets if d.license]
    refit = run.model.train.refit
    notes = [f"Licences of the data: {', '.join(licences)}."] if licences else []
    if refit == "all":
        notes.append("The package was fitted again on all rows; the metrics are of the fit on train alone.")
    return (
        *notes,
        *(() if refit != "train+validation" else ("The test metrics are of the fit on train and validation.",)),
    )
