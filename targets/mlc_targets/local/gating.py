"""Step gate: measures the package's latency where a gate asks for it, and judges every check."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mlc_compiler.ir import Model
from mlc_compiler.metrics import TIMINGS
from mlc_targets.local.gates import Evaluation, Verdict, blocking, judge
from mlc_targets.local.job import Outcome, Run
from mlc_targets.local.package.bundle import Package, load_package
from mlc_targets.local.package.packaging import PACKAGE_FOLDER
from mlc_targets.local.train.evaluation import load_evaluations
from mlc_targets.local.train.rows import load_rows
from mlc_targets.local.train.training import custom_types

LATENCIES_FILE = "latencies.npy"
_WARM_UP = 50


def gate(run: Run, out: Path) -> Outcome:
    """Judge the gates; verdicts that fail or can't be decided block the release, not the run."""
    latencies = latencies_of(run) if wants_latency(run.model) else None
    if latencies is not None:
        np.save(out / LATENCIES_FILE, latencies)
    verdicts = judge(run.model.gates, evaluations(run, latencies), run.model.seed)
    outputs = {"passed": not blocking(verdicts), "verdicts": [verdict.to_json() for verdict in verdicts]}
    blocked = sum(verdict.status in {"failed", "undecided"} for verdict in verdicts)
    held = f"{len(verdicts) - blocked} of {len(verdicts)} checks hold" if verdicts else "no gates"
    return Outcome(outputs, detail=held)


def verdicts_of(run: Run) -> tuple[Verdict, ...]:
    """Return the verdicts of a finished gate step, judged again from the same measurements."""
    path = run.folder("gate") / LATENCIES_FILE
    return judge(run.model.gates, evaluations(run, np.load(path) if path.is_file() else None), run.model.seed)


def evaluations(run: Run, latencies: np.ndarray | None) -> dict[str, Evaluation]:
    """Return the evaluations with what the package was measured at."""
    parity = run.outputs("package")["parity"]
    return {
        split: replace(evaluation, latencies=latencies, parity_difference=parity)
        for split, evaluation in load_evaluations(run).items()
    }


def wants_latency(model: Model) -> bool:
    """Return whether a gate limits latency."""
    return any(check.kind == "latency" for gate in model.gates for check in gate.checks)


def latencies_of(run: Run) -> np.ndarray:
    """Return seconds of single-row predictions with the loaded package, features given, one thread."""
    package = load_package(run.folder("package") / PACKAGE_FOLDER, trusted=custom_types(run))
    rows = load_rows(run)
    judged = rows.of("test") if (rows.fold == 2).any() else rows
    singles = [
        {name: column[position : position + 1] for name, column in judged.columns.items()}
        for position in np.arange(_WARM_UP + TIMINGS) % len(judged)
    ]
    return np.array([_seconds(package, single) for single in singles][_WARM_UP:])


def _seconds(package: Package, row: Mapping[str, Any]) -> float:
    start = time.perf_counter()
    package.predict(row)
    return time.perf_counter() - start
