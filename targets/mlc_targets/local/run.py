"""`mlc run`: plans the tasks of one model, runs what changed, and leaves evidence, a report and a realisation."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlc_compiler.backend.target import ExecutionError, Progress, RunOptions, RunResult
from mlc_compiler.conventions import RUNS_FOLDER
from mlc_compiler.diagnostics import Finding, Severity
from mlc_compiler.ir import Model, ProjectRelease
from mlc_compiler.records import dataclass
from mlc_targets.local import digests
from mlc_targets.local.champion import find_champion
from mlc_targets.local.data.files import dataset_digests, open_digests, with_reads
from mlc_targets.local.engine import Engine, Result, Task, keys_of
from mlc_targets.local.evidence import digest_of
from mlc_targets.local.findings import RefusedError, error, findings_of
from mlc_targets.local.freshness import stale
from mlc_targets.local.job import Run
from mlc_targets.local.steps import STEPS, Execution
from mlc_targets.local.store import Store, guarded, open_store, read_json, write_json, write_text
from mlc_targets.local.tasks import LIBRARIES, other_datasets, tasks_of

EVIDENCE_FILE, REPORT_FILE, STEPS_FILE = "evidence.json", "report.html", "steps.json"
PACKAGE_FOLDER = "package"


@dataclass(frozen=True, slots=True)
class Places:
    """Where a model's last run is found: the same paths whatever ran."""

    folder: Path

    @property
    def evidence(self) -> Path:
        return self.folder / EVIDENCE_FILE

    @property
    def report(self) -> Path:
        return self.folder / REPORT_FILE

    @property
    def steps(self) -> Path:
        return self.folder / STEPS_FILE


def run_model(project: ProjectRelease, model: Model, options: RunOptions, progress: Progress) -> RunResult:
    """Run a model's pipeline as far as `until`; what is wrong with its inputs is in the result's findings."""
    places = Places(options.root / RUNS_FOLDER / model.name)
    try:
        return _run_model(project, model, options, progress, places)
    except ExecutionError as failure:
        found = findings_of(failure)
        steps = (("plan", "failed", found[0].message),)
        return RunResult(
            model.name, model.version, False, None, places.evidence, places.report, steps, findings=found
        )  # fmt: skip


def _run_model(
    project: ProjectRelease, model: Model, options: RunOptions, progress: Progress, places: Places
) -> RunResult:  # fmt: skip
    # OpenMP threads spin while they wait, which on a busy machine costs four times the work; libgomp reads this once,
    # when scikit-learn loads it, here or in the worker processes.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    store = open_store(project.project, options.root)
    run, tasks = _planned(project, model, options, store)
    with guarded(store.root):
        store.sweep()
        (store.root / "scratch").mkdir(parents=True, exist_ok=True)
    engine = Engine(store, run.keys, (read_json(places.steps) or {}).get("tasks", {}), progress, options.force)
    results = engine.run(_until(tasks, options.until), Execution(run), options.jobs)
    with guarded(places.folder):
        _remember(places, tasks, run.keys, results)
        return _result(run, places, results, progress)


def _planned(
    project: ProjectRelease, model: Model, options: RunOptions, store: Store
) -> tuple[Run, tuple[Task, ...]]:  # fmt: skip
    champion = find_champion(project, model, store)
    datasets = {d.name: d for d in (*other_datasets(model, champion), *model.datasets)}
    data = dataset_digests(tuple(datasets.values()), options.root)
    _refuse_other_data(model, data)
    inputs = tuple((d.name, data[d.name]) for d in with_reads(model.features.datasets, model.datasets))
    run = Run(
        project.project, model, options.root, store, champion, max(1, int(model.train.resources.cpu)),
        library_versions(), tuple(sorted(inputs)),
    )  # fmt: skip
    tasks = tasks_of(run, data, _code_digest(model, options.root))
    return replace(run, keys=keys_of(tasks)), tasks


def library_versions() -> tuple[tuple[str, str], ...]:
    """Return the versions of the libraries that results depend on, Python's included; not installed: absent."""
    found = [("python", platform.python_version())]
    for name in LIBRARIES:
        try:
            found.append((name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            continue
    return tuple(sorted(found))


def _code_digest(model: Model, root: Path) -> str:
    """Return the digest of the model's own code: paths and contents."""
    known = open_digests(root)
    files = sorted({path for pattern in model.code for path in root.glob(pattern) if path.is_file()})
    return digests.digest([(path.relative_to(root).as_posix(), known.file(path)) for path in files])


def _refuse_other_data(model: Model, data: Mapping[str, str]) -> None:
    """Refuse data that is not what the lock says, since the version would then name another model."""
    changed = [d for d in model.datasets if d.digest and d.digest != data[d.name]]
    if changed:
        raise RefusedError(tuple(
            error(
                "MLC377", d.origin.at("source"), f"dataset `{d.name}` is not what the lock says",
                note=f"locked {d.digest}, found {data[d.name]}",
                help=f"run `mlc lock -s dataset:{d.name}` to train on the new data, or restore the files",
            )
            for d in changed
        ))  # fmt: skip


def _until(tasks: Sequence[Task], until: str | None) -> tuple[Task, ...]:
    if until is None:
        return tuple(tasks)
    names = [step.name for step in STEPS]
    last = names.index(until)
    return tuple(task for task in tasks if names.index(task.step) <= last)


def _remember(places: Places, tasks: Sequence[Task], keys: Mapping[str, str], results: Sequence[Result]) -> None:
    """Keep what each finished task read, for the next run to say what changed."""
    before = (read_json(places.steps) or {}).get("tasks", {})
    finished = {r.task for r in results if r.status != "failed"}
    now = {t.name: {"key": keys[t.name], "reads": dict(t.reads)} for t in tasks if t.name in finished}
    kept = {name: value for name, value in before.items() if name in keys}
    write_json(places.steps, {"format_version": 1, "tasks": {**kept, **now}})


# --- results ---------------------------------------------------------------------------------------------------------
def _result(run: Run, places: Places, results: Sequence[Result], progress: Progress) -> RunResult:
    statuses = {r.task: r.status for r in results}
    findings = [f for r in results for f in r.findings]
    findings += stale(run, [r.task for r in results if r.status != "failed"])
    finished = statuses.get("report", "failed") != "failed"
    gate = run.outputs("gate") if statuses.get("gate", "failed") != "failed" else {}
    if finished:
        findings += _publish(run, places, bool(gate.get("passed")))
        findings += _track(run, places, ran=statuses["report"] == "ran", progress=progress)
    failed = "failed" in statuses.values() or any(f.severity is Severity.ERROR for f in findings)
    verdicts: Sequence[Mapping[str, Any]] = gate.get("verdicts", ())
    return RunResult(
        model=run.model.name,
        version=run.model.version,
        passed=not failed and bool(gate.get("passed", True)),
        artifact=run.outputs("package")["artifact"] if statuses.get("package", "failed") != "failed" else None,
        evidence=places.evidence,
        report=places.report,
        steps=tuple((r.task, r.status, r.reason) for r in results),
        gates=tuple(verdicts),
        findings=tuple(findings),
    )


def _publish(run: Run, places: Places, passed: bool) -> list[Finding]:
    """Copy evidence and report to where people look, and say which package the version came to."""
    folder = run.folder("report")
    text = (folder / EVIDENCE_FILE).read_text(encoding="utf-8")
    write_text(places.evidence, text)
    _copy(folder / REPORT_FILE, places.report)
    artifact = run.outputs("package")["artifact"]
    run.store.publish(run.folder("package") / PACKAGE_FOLDER, artifact)
    path = run.store.realisation(run.model.version)
    before = read_json(path) or {}
    write_json(
        path, {"version": run.model.version, "artifact": artifact, "evidence": digest_of(text), "passed": passed}
    )
    if before.get("artifact") in {None, artifact}:
        return []
    return [_realised_before(run, str(before["artifact"]), artifact)]


def _copy(source: Path, target: Path) -> None:
    if not target.is_file() or target.read_bytes() != source.read_bytes():
        staged = target.with_name(f".{target.name}.tmp")
        shutil.copyfile(source, staged)
        staged.replace(target)


def _realised_before(run: Run, before: str, now: str) -> Finding:
    found = error(
        "MLC461", run.model.origin, f"version {run.model.version} of `{run.model.name}` came to another package before",
        note=f"{before}, and now {now}: libraries, time zone, serving query or batch size differ",
        help="release this one, or run with the libraries of the lock to get the former again",
    )  # fmt: skip
    return replace(found, severity=Severity.WARNING)


def _track(run: Run, places: Places, ran: bool, progress: Progress) -> list[Finding]:
    if run.project.mlflow is None or not ran:
        return []
    from mlc_targets.local.tracking import track  # MLflow is optional, and slow to import

    return track(run, places.evidence, places.report, progress)
