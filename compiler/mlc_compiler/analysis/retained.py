"""What the version that an environment runs still needs while another one follows it, and after a rollback: its data.

Versions that look up otherwise have an online snapshot each, and the job of the pinned version rewrites those of former
ones as well, with the secrets and files that it has itself. An abort leaves the pin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from mlc_compiler import ir
from mlc_compiler.backend.workload import looked_up, snapshot_folder
from mlc_compiler.conventions import duration_text
from mlc_compiler.diagnostics import Place, Related, Sink
from mlc_compiler.frontend.project import BoundModel, Project
from mlc_compiler.records import dataclass


@dataclass(frozen=True, slots=True)
class _Live:
    """A version that an environment runs, beside the version of the specs that follows it."""

    environment: str
    model: ir.Model
    after: ir.Model
    bound: BoundModel


def check_retained(project: Project, releases: ir.ProjectRelease, sink: Sink) -> None:
    """Report what live versions read and no longer find as it was once the specs' version follows them."""
    for named, lives in _together(_live(project, releases), lambda live: _gone(project, live)):
        _report_dataset(named, lives, sink)
    for lost, lives in _together(_live(project, releases), lambda live: _lost(live.model, live.after)):
        _report_lookups(lost, lives, sink)


def _live(project: Project, releases: ir.ProjectRelease) -> Iterator[_Live]:
    current = {model.name: model for model in releases.models}
    bound = {model.name: model for model in project.models}
    for release in releases.releases:
        for live in release.models:
            after = current.get(live.name)
            # A pin of what the specs say was lowered from the very same query: nothing is lost.
            if live.pin is None or after is None or live.features is after.features or live.name not in bound:
                continue
            yield _Live(release.environment.name, live, after, bound[live.name])


def _together(found: Iterable[_Live], why: Callable[[_Live], str | None]) -> Iterator[tuple[str, list[_Live]]]:
    """Yield each reason once a model, with the environments that it holds in."""
    groups: dict[tuple[str, str], list[_Live]] = {}
    for live in found:
        reason = why(live)
        if reason is not None:
            groups.setdefault((live.model.name, reason), []).append(live)
    yield from ((reason, lives) for (_, reason), lives in groups.items())


def _gone(project: Project, live: _Live) -> str | None:
    return min((d.name for d in live.model.datasets if d.name not in project.datasets), default=None)


def _report_dataset(name: str, lives: list[_Live], sink: Sink) -> None:
    sink.warn(
        "MLC644",
        lives[0].bound.document.place.at("metadata", "name"),
        f"the version that {_environments(lives)} reads `{name}`, which no spec declares any more: a rollback to it "
        "computes features of data that nobody looks after",
        related=_pins(lives),
        help=f"keep the Dataset `{name}` until no environment runs a version that reads it",
    )


def _report_lookups(lost: str, lives: list[_Live], sink: Sink) -> None:
    sink.warn(
        "MLC644",
        lives[0].bound.views[0].at("features"),
        f"once the next version is pinned, {lost}: servers of the version that {_environments(lives)} look up what "
        "grows older, through the rollout, and after an abort until the pin is rolled back",
        related=_pins(lives),
        help="let the next version still read it, promote that, and leave it out after that",
    )


def _lost(live: ir.Model, after: ir.Model) -> str | None:
    """Return what keeps the next version's job from rewriting the live version's snapshot, None where nothing does."""
    if live.serving.mode != "online" or live.serving.runtime is not None or not live.features.lookups:
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


def _environments(lives: list[_Live]) -> str:
    names = [live.environment for live in lives]
    return f"{names[0]} runs" if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]} run"


def _pins(lives: list[_Live]) -> list[Related]:
    return [_pinned(live) for live in lives]


def _pinned(live: _Live) -> Related:
    pin = live.model.pin
    place = Place(pin.path).at("version") if pin and pin.path else None
    return Related("live", f"what {live.environment} runs", place)
