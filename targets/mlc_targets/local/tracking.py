"""Reports a run to MLflow, where the project names a tracking server. Evidence stays the record; this is a copy."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from mlc_compiler.backend.target import Progress
from mlc_compiler.diagnostics import Finding, Severity
from mlc_targets.local.findings import error
from mlc_targets.local.job import Run


def track(run: Run, evidence: Path, report: Path, progress: Progress) -> list[Finding]:
    """Log parameters, metrics, tags and files; what can't be tracked is a warning, since the run itself is done."""
    progress.step("track", str(run.project.mlflow))
    try:
        _log(run, evidence, report)
    except ImportError:
        return [_finding(run, "MLflow is not installed", "pip install 'mlc-compiler[mlflow]'")]
    except Exception as failure:  # noqa: BLE001  MLflow's errors share no class with its transports'
        return [_finding(run, str(failure).splitlines()[0], "see that the server answers at this address")]
    progress.done("track", str(run.project.mlflow))
    return []


def _log(run: Run, evidence: Path, report: Path) -> None:
    import mlflow

    facts = json.loads(evidence.read_text(encoding="utf-8"))
    mlflow.set_tracking_uri(str(run.project.mlflow))
    mlflow.set_experiment(f"{run.project.name}/{run.model.name}")
    with mlflow.start_run(run_name=run.model.version.removeprefix("sha256:")[:12]):
        mlflow.set_tags({name: str(facts[name]) for name in ("version", "artifact", "passed", "gates_digest")})
        mlflow.log_params(
            {"estimator": run.model.estimator.path, "seed": run.model.seed, **dict(run.model.estimator.params)}
        )
        for split, metrics in facts["metrics"].items():
            values = {f"{split}_{name}": m["value"] for name, m in metrics.items() if m["value"] is not None}
            mlflow.log_metrics(values)
        mlflow.log_artifact(str(evidence))
        mlflow.log_artifact(str(report))


def _finding(run: Run, reason: str, help: str) -> Finding:
    found = error(
        "MLC468", run.project.origin.at("tracking.mlflow"), f"the run could not be reported to {run.project.mlflow}",
        note=reason, help=help,
    )  # fmt: skip
    return replace(found, severity=Severity.WARNING)
