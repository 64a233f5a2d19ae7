"""What the version that an environment runs still needs while another one follows it, and after a rollback: its data.

Versions that look up otherwise have an online snapshot each, and the job of the pinned version rewrites those of former
ones as well, with the secrets and files that it has itself. An abort leaves the pin.
"""

from __future__ import annotations

from mlc_compiler import ir
from mlc_compiler.backend.workload import looked_up, snapshot_folder
from mlc_compiler.conventions import duration_text
from mlc_compiler.diagnostics import Place, Related, Sink
from mlc_compiler.frontend.project import BoundModel, Project


def check_retained(project: Project, releases: ir.ProjectRelease, sink: Sink) -> None:
    """Report what a live version reads and no longer finds as it was once the specs' version follows it."""
    current = {model.name: model for model in releases.models}
    bound = {model.name: model for model in project.models}
    for release in releases.releases:
        for live in release.models:
            after = current.get(live.name)
            # A pin of what the specs say was lowered from the very same query: nothing is lost.
            if live.pin is None or after is None or live.features is after.features or live.name not in bound:
                continue
            _datasets(project, bound[live.name], release.environment.name, live, sink)
            if live.serving.mode == "online" and live.serving.runtime is None:
                _lookups(bound[live.name], release.environment.name, live, after, sink)


def _datasets(project: Project, bound: BoundModel, environment: str, live: ir.Model, sink: Sink) -> None:
    gone = sorted(d.name for d in live.datasets if d.name not in project.datasets)
    if gone:
        sink.warn(
            "MLC644",
            bound.document.place.at("metadata", "name"),
            f"the version that {environment} runs reads `{gone[0]}`, which no spec declares any more: a rollback to it "
            "computes features of data that nobody looks after",
            related=[_pinned(live, environment)],
            help=f"keep the Dataset `{gone[0]}` until no environment runs a version that reads it",
        )


def _lookups(bound: BoundModel, environment: str, live: ir.Model, after: ir.Model, sink: Sink) -> None:
    lost = _lost(live, after)
    if lost is None:
        return
    sink.warn(
        "MLC644",
        bound.views[0].at("features"),
        f"once the next version is pinned, {lost}: servers of the version that {environment} runs look up what grows "
        "older, through the rollout, and after an abort until the pin is rolled back",
        related=[_pinned(live, environment)],
        help="let the next version still read it, promote that, and leave it out after that",
    )


def _lost(live: ir.Model, after: ir.Model) -> str | None:
    """Return what keeps the next version's job from rewriting the live version's snapshot, None where nothing does."""
    if not live.features.lookups:
        return None
    if not after.features.lookups:
        return "it looks nothing up, and no job rewrites the online snapshot any more"
    if after.features.refresh > live.features.refresh:
        rare, often = duration_text(after.features.refresh), duration_text(live.features.refresh)
        return f"the online snapshot is rewritten every {rare}, not every {often}"
    return None if snapshot_folder(live) == snapshot_folder(after) else _unread(live, after)


def _unread(live: ir.Model, after: ir.Model) -> str | None:
    """Return what the live version's lookups are made of and the next one's job can't read."""
    read, then = looked_up(live), looked_up(after)
    known = {dataset.source.secret for dataset in then}
    for dataset in read:
        if dataset.source.secret not in known | {None}:
            return f"the job of the online snapshot has no secret `{dataset.source.secret}` to read `{dataset.name}` by"
    files = [dataset.name for dataset in read if dataset.source.path]
    if files and not any(dataset.source.path for dataset in then):
        return f"the job of the online snapshot has no data files to read `{files[0]}` from"
    return None


def _pinned(live: ir.Model, environment: str) -> Related:
    place = Place(live.pin.path).at("version") if live.pin and live.pin.path else None
    return Related("live", f"what {environment} runs", place)
