"""What the version that an environment runs still needs while another one follows it, and after a rollback: its data.

A model has one online snapshot in an environment. The job that rewrites it runs the lookups of the pinned version, so
from the merge on every server, whichever version it runs, finds those of the next version. An abort leaves the pin.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlc_compiler import ir
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
    lost = next(_lost(live, after), None)
    if lost is None:
        return
    sink.warn(
        "MLC644",
        bound.views[0].at("features"),
        f"{environment} has one online snapshot for both versions, and once the next one is pinned {lost}; that "
        "lasts through the rollout, and after an abort until the pin is rolled back",
        related=[_pinned(live, environment)],
        help="put what changes beside the old one under another name, promote, and remove the old one after that",
    )


def _lost(live: ir.Model, after: ir.Model) -> Iterator[str]:
    """Yield what servers of the live version lose: columns that they miss, then values that mean another thing."""
    following = {lookup.name: lookup for lookup in after.features.lookups}
    for lookup in live.features.lookups:
        found = following.get(lookup.name)
        held = (*found.keys, *found.columns) if found else ()
        missing = [column for column in (*lookup.keys, *lookup.columns) if column not in held]
        if missing:
            yield (
                f"it holds no `{missing[0]}` in `{lookup.name}`: servers of the version that runs now refuse it, keep "
                "an old one, and have none when they restart"
            )
    changed = _redefined(live, after)
    for lookup in live.features.lookups:
        found = following.get(lookup.name)
        other = [column for column in lookup.columns if column in changed]
        if found is not None and found.sql != lookup.sql and other:
            yield f"servers of the version that runs now look up `{other[0]}` as the next one means it"


def _redefined(live: ir.Model, after: ir.Model) -> frozenset[str]:
    """Return the features of both versions that are defined otherwise in the next one.

    A lookup that merely gains a column has another query too, and takes nothing away.
    """
    now = {feature.name: feature.definition for feature in live.features.features}
    return frozenset(f.name for f in after.features.features if now.get(f.name, f.definition) != f.definition)


def _pinned(live: ir.Model, environment: str) -> Related:
    place = Place(live.pin.path).at("version") if live.pin and live.pin.path else None
    return Related("live", f"what {environment} runs", place)
