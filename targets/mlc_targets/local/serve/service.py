"""One model being served: what requests need of it, whether it can answer, and its snapshot as that changes."""

from __future__ import annotations

import asyncio
from dataclasses import field
from pathlib import Path

from mlc_compiler.conventions import short
from mlc_compiler.records import dataclass
from mlc_targets.local.package.bundle import Package
from mlc_targets.local.serve.drift import ScoreWindow
from mlc_targets.local.serve.features import FeatureDatabase
from mlc_targets.local.serve.logs import Sampler, write_line
from mlc_targets.local.serve.metrics import Metrics
from mlc_targets.local.serve.options import ServeOptions
from mlc_targets.local.serve.request import RequestSchema
from mlc_targets.local.serve.scoring import Scorer
from mlc_targets.local.serve.snapshot import POINTER, SnapshotError, open_snapshot


@dataclass
class Life:
    """What changes while a server runs: told to stop or not, and the snapshot pointer that was last looked at."""

    draining: bool = False
    seen: tuple[int, int] | None = None


@dataclass(frozen=True)
class Service:
    """A package with all that serves it."""

    package: Package
    schema: RequestSchema
    scorer: Scorer
    metrics: Metrics
    options: ServeOptions
    online: Path | None
    sampler: Sampler
    life: Life = field(default_factory=Life)

    @property
    def name(self) -> str:
        """Return the model's name."""
        return self.package.manifest.model

    @property
    def version(self) -> str:
        """Return the short version, as metrics and answers name it."""
        return short(self.package.manifest.version)

    def waits_for(self) -> str | None:
        """Return what keeps the server from being ready, or None."""
        if self.life.draining:
            return "draining"
        return None if self.scorer.database else "no online snapshot is loaded"


def open_service(package: Package, online: Path | None, options: ServeOptions) -> Service:
    """Return the service of a loaded package; a missing snapshot is waited for, a broken one told in the log."""
    manifest = package.manifest
    scorer = Scorer(package, options.workers, options.max_waiting)
    window = ScoreWindow(manifest.reference, options.drift_window)

    def written() -> float | None:
        snapshot = scorer.database.snapshot if scorer.database else None
        return snapshot.written if snapshot else None

    schema = RequestSchema(manifest.request, options.max_batch or manifest.max_batch)
    metrics = Metrics(manifest, window, written)
    service = Service(package, schema, scorer, metrics, options, online, Sampler(options.log_requests))
    if not manifest.lookups:
        scorer.use(FeatureDatabase(manifest, None, options.workers))
    else:
        refresh(service)
    return service


def refresh(service: Service) -> None:
    """Load the current snapshot where it has changed since the last look; requests go on with the old one meanwhile."""
    if service.online is None or not service.package.manifest.lookups:
        return
    seen = _pointer(service.online)
    if seen == service.life.seen:
        return
    service.life.seen = seen
    try:
        snapshot = open_snapshot(service.online, service.package.manifest.lookups)
        if snapshot is None:
            return
        service.scorer.use(FeatureDatabase(service.package.manifest, snapshot, service.options.workers))
        write_line("snapshot", {"model": service.name, "version": service.version, "snapshot": snapshot.identifier})
    except SnapshotError as error:
        write_line("snapshot_refused", {"model": service.name, "version": service.version, "error": str(error)})


def _pointer(online: Path) -> tuple[int, int] | None:
    try:
        stat = (online / POINTER).stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_ino


async def watch(service: Service) -> None:
    """Look for a new snapshot at intervals, for ever; loading happens beside the event loop."""
    while True:
        await asyncio.sleep(service.options.poll)
        await asyncio.to_thread(refresh, service)
