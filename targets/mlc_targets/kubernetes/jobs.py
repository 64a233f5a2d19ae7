"""Objects of what runs on a schedule: batch scoring, the online snapshot, the monitor."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import replace

from mlc_compiler import conventions
from mlc_compiler.backend.emitter import yaml_text
from mlc_compiler.backend.target import Sourced
from mlc_compiler.backend.workload import (
    Claim,
    JobPod,
    Tree,
    datasets_read,
    job_pod,
    metadata,
    namespace,
    pinned,
    snapshot_claim,
    snapshot_folder,
    workload_metadata,
)
from mlc_compiler.codec import to_json
from mlc_compiler.ir import Batch, Model, Monitor, Origin, Release
from mlc_targets.kubernetes.options import Options
from mlc_targets.kubernetes.schedule import DAY, HOUR, MINUTE, cron_every
from mlc_targets.kubernetes.server import REVISIONS

BATCH, ONLINE, MONITOR = "batch", "online", "monitor"
_MODULES = {
    BATCH: conventions.BATCH_MODULE,
    ONLINE: conventions.ONLINE_MODULE,
    MONITOR: conventions.MONITOR_MODULE,
}
_LATE_SECONDS = 600  # a start that was missed is made up for this long, then skipped: the next one is near
_SHORTEST_DEADLINE = 600
_RETRIES = 2
_SPINE = "dataset"  # what a batch scores by default


# --- what each job is ------------------------------------------------------------------------------------------------
def batch_job(release: Release, model: Model, options: Options) -> Tree:
    """Return the CronJob that scores a dataset into a dataset."""
    batch = model.serving.batch
    if batch is None:
        raise ValueError(f"model {model.name} is a batch without a schedule")
    pod = JobPod(
        component=BATCH,
        command=_command(BATCH, *_digest(model), *_batch_arguments(model, batch)),
        resources=model.serving.resources,
        resources_origin=model.serving.origin.at("resources"),
        # Scores are written below the project's root, as a local run writes them.
        claims=(Claim(options.data_claim, conventions.DATA_MOUNT, read_only=False),),
        secrets=_secrets(model, model.features.datasets),
    )
    schedule = Sourced(batch.schedule, model.serving.origin.at("schedule"))
    return _cron_job(release, model, pod, (model.name, schedule, DAY))


def online_job(release: Release, model: Model, pod: JobPod) -> Tree:
    """Return the CronJob that rewrites the online snapshot every `online.refresh`."""
    schedule = Sourced(cron_every(model.features.refresh) or "* * * * *", refresh_origin(model))
    deadline = _deadline(model.features.refresh, model)
    return _cron_job(release, model, pod, (f"{model.name}-online", schedule, deadline))


def first_online_job(release: Release, model: Model, pod: JobPod) -> Tree:
    """Return the Job that writes a snapshot as soon as a version arrives, so that no server waits for the schedule.

    A Job can't be changed, so its name follows from what it runs: another image is another Job.
    """
    spec = _job_spec(release, model, pod, _deadline(model.features.refresh, model))
    name = f"{model.name}-online-{hashlib.sha256(yaml_text(spec)[0].encode()).hexdigest()[:8]}"
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(release, model, name, ONLINE),
        "spec": spec,
    }


def online_claim(release: Release, model: Model, options: Options) -> Tree:
    """Return the volume claim that the job writes and every server reads."""
    spec: Tree = {
        "accessModes": [Sourced(options.snapshot_access, options.origin.at("snapshot_access"))],
        "resources": {"requests": {"storage": Sourced(options.snapshot_size, options.origin.at("snapshot_size"))}},
    }
    if options.storage_class:
        spec["storageClassName"] = Sourced(options.storage_class, options.origin.at("storage_class"))
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata(release, model, snapshot_claim(model), ONLINE),
        "spec": spec,
    }


def monitor_job(release: Release, model: Model, options: Options) -> Tree:
    """Return the CronJob that computes the signals: four times in the smallest window, hourly at most."""
    if model.monitor is None:
        raise ValueError(f"model {model.name} has no monitor")
    pod = JobPod(
        component=MONITOR,
        command=_command(MONITOR, *_digest(model), *_monitor_arguments(release, model.monitor, options)),
        resources=model.train.resources,
        resources_origin=model.train.origin.at("resources"),
        claims=_data_claims(model, options, model.features.datasets),
        secrets=_secrets(model, model.features.datasets),
    )
    schedule = Sourced(cron_every(monitor_interval(model)) or "* * * * *", model.monitor.origin)
    return _cron_job(release, model, pod, (f"{model.name}-monitor", schedule, math.ceil(monitor_interval(model))))


def computes_signals(model: Model) -> bool:
    """Return whether the model's Monitor has signals: objectives alone need no job."""
    return model.monitor is not None and bool(model.monitor.signals)


def monitor_interval(model: Model) -> float:
    """Return the seconds between two monitor runs."""
    windows = [signal.window for signal in model.monitor.signals] if model.monitor else []
    return max(MINUTE, min([HOUR, *(window / 4 for window in windows)]))


def refresh_origin(model: Model) -> Origin:
    """Return where `online.refresh` stands: on the view of the first lookup."""
    first = next(iter(model.features.lookups), None)
    return Origin(first.origin.document, "spec.online.refresh") if first else model.origin


def online_pod(model: Model, options: Options) -> JobPod:
    """Return what writes the online snapshot, on the schedule and when a version arrives."""
    read = tuple(name for lookup in model.features.lookups for name in lookup.reads)
    return JobPod(
        component=ONLINE,
        # Servers of former versions still read theirs, while this version is rolled out and after an abort.
        command=_command(ONLINE, "--out", snapshot_folder(model), "--keep", _former(model)),
        resources=model.train.resources,
        resources_origin=model.train.origin.at("resources"),
        claims=(
            Claim(snapshot_claim(model), conventions.ONLINE_MOUNT, read_only=False),
            *_data_claims(model, options, read),
        ),
        secrets=_secrets(model, read),
    )


def _former(model: Model) -> object:
    """Return of how many former versions the snapshots stay: as many as can be gone back to."""
    rollout = model.rollout
    if rollout is None:
        return str(REVISIONS)
    return Sourced(str(rollout.keep), Origin(rollout.origin.document, "spec.rollback.keep"))


def _command(kind: str, *arguments: object) -> tuple[object, ...]:
    own = ("--package", conventions.PACKAGE_MOUNT, "--data-root", conventions.DATA_MOUNT)
    return ("python", "-m", _MODULES[kind], *own, *arguments)


def _digest(model: Model) -> tuple[str, ...]:
    """Return the flag that holds a job to the package that was released."""
    return ("--digest", pinned(model).artifact)


def _batch_arguments(model: Model, batch: Batch) -> Iterator[object]:
    origin = model.serving.origin
    if batch.input != _SPINE:
        yield from ("--input", Sourced(batch.input, origin.at("input")))
    yield from ("--out", Sourced(f"{conventions.DATA_MOUNT}/{batch.path}", origin.at("output")))
    yield from ("--write", Sourced(batch.write, origin.at("output.write")))
    for column in batch.partition_by:
        yield from ("--partition-by", Sourced(column, origin.at("output.partition_by")))


def _monitor_arguments(release: Release, monitor: Monitor, options: Options) -> Iterator[object]:
    # Where a signal was written is nothing that the job can use.
    signals = [to_json(replace(signal, origin=Origin(""))) for signal in monitor.signals]
    yield from ("--signals", Sourced(json.dumps(signals, separators=(",", ":")), monitor.origin.at("signals")))
    yield from ("--reference", Sourced(monitor.reference, monitor.origin.at("reference.split")))
    if monitor.label_delay is not None:
        delay = conventions.number_text(monitor.label_delay)
        yield from ("--label-delay", Sourced(delay, monitor.origin.at("label_delay")))
    yield from ("--push", Sourced(options.pushgateway, options.origin.at("pushgateway")))
    yield from ("--namespace", namespace(release))


# --- what the jobs read ----------------------------------------------------------------------------------------------
def _data_claims(model: Model, options: Options, names: tuple[str, ...]) -> tuple[Claim, ...]:
    if any(dataset.source.path for dataset in datasets_read(model, names)):
        return (Claim(options.data_claim, conventions.DATA_MOUNT),)
    return ()


def _secrets(model: Model, names: tuple[str, ...]) -> tuple[tuple[str, Origin], ...]:
    found = {
        dataset.source.secret: Origin(dataset.origin.document, "spec.source.secret")
        for dataset in datasets_read(model, names)
        if dataset.source.secret
    }
    return tuple(sorted(found.items(), key=lambda item: item[0]))


# --- objects ---------------------------------------------------------------------------------------------------------
def _cron_job(release: Release, model: Model, pod: JobPod, run: tuple[str, Sourced, object]) -> Tree:
    """Return a CronJob; `run` is its name, its schedule and the seconds after which a run is given up."""
    name, schedule, deadline = run
    own = workload_metadata(release, model, pod.component)
    own["name"] = name
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": own,
        "spec": {
            "schedule": schedule,
            "timeZone": "Etc/UTC",
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": _LATE_SECONDS,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 3,
            "jobTemplate": {"spec": _job_spec(release, model, pod, deadline)},
        },
    }


def _deadline(seconds: float, model: Model) -> Sourced:
    """Return when a snapshot's run is given up: a run that hangs keeps the next ones from starting."""
    return Sourced(max(_SHORTEST_DEADLINE, math.ceil(seconds)), refresh_origin(model))


def _job_spec(release: Release, model: Model, pod: JobPod, deadline: object) -> Tree:
    return {
        "backoffLimit": _RETRIES,
        "activeDeadlineSeconds": deadline,
        "template": job_pod(release, model, pod),
    }
