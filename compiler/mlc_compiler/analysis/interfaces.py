"""Interfaces while two versions are live: what callers send, what they get back, and what reads it afterwards.

During a rollout, and while the way back is open, the version that an environment runs and the one that follows it get
the same requests. A request that both accept must exist (an error otherwise), and those that are sent today should be
among them (a warning otherwise). A server refuses fields that it does not know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlc_compiler import ir
from mlc_compiler.conventions import number_text
from mlc_compiler.diagnostics import Place, Related, Sink
from mlc_compiler.frontend.project import BoundModel, Project
from mlc_compiler.records import dataclass

_WIDER = {
    "int32": ("int32", "int64", "float32", "float64", "decimal"),
    "int64": ("int64", "float64", "decimal"),
    "float32": ("float32", "float64"),
    "date": ("date", "timestamp"),
}
_NUMBERS = ("int32", "int64", "float32", "float64")
_EXPAND = (
    "expand, migrate, contract: list it without `required` and promote that; let callers send it; then require it and "
    "promote again"
)
_CONTRACT = (
    "contract in two promotions: keep it in `request`, with `required` taken from the column, and promote that; let "
    "callers stop sending it; then remove it"
)


@dataclass(frozen=True, slots=True)
class _Succession:
    """What environments run alike, and the version that would follow it, with where the latter stands."""

    bound: BoundModel
    pins: tuple[tuple[str, ir.Pin], ...]
    live: ir.Model
    next: ir.Model

    @property
    def environment(self) -> str:
        """Return the environment that is furthest on the way: most callers are there."""
        return self.pins[-1][0]

    def pinned(self) -> list[Related]:
        runs = f"runs {self.live.version[7:19]}"
        return [Related("live", f"{name} {runs}", Place(pin.path).at("version")) for name, pin in self.pins]

    def request(self, name: str) -> Place:
        """Return where a column stands in the views' `request`, or the first `request` where it does not."""
        for view in self.bound.views:
            if name in view.spec.request:
                return view.at("request", view.spec.request.index(name))
        return self.bound.views[0].at("request")

    def column(self, name: str, *field: str) -> Place:
        return self.bound.spine.at("columns", name, *field)


def check_interfaces(project: Project, releases: ir.ProjectRelease, sink: Sink) -> None:
    """Report what callers and readers of a live version would meet when the specs' version follows it."""
    for pair in _successions(project, releases):
        for check in _CHECKS:
            check(pair, sink)


def _successions(project: Project, releases: ir.ProjectRelease) -> Iterator[_Succession]:
    """Yield each live version once, with the environments that run it and serve it alike."""
    current = {model.name: model for model in releases.models}
    bound = {model.name: model for model in project.models}
    found: dict[tuple[str, str, str], tuple[ir.Model, list[tuple[str, ir.Pin]]]] = {}
    for release in releases.releases:
        for live in release.models:
            after = current.get(live.name)
            # A pin of what the specs say was lowered from the very same query: nothing to compare.
            if live.pin is None or after is None or live.features is after.features:
                continue
            served = live.serving
            key = (live.name, live.pin.snapshot, repr((served.mode, served.max_batch, served.batch, served.runtime)))
            found.setdefault(key, (live, []))[1].append((release.environment.name, live.pin))
    for live, pins in found.values():
        yield _Succession(bound[live.name], tuple(pins), live, current[live.name])


# --- requests --------------------------------------------------------------------------------------------------------
def _requests(pair: _Succession, sink: Sink) -> None:
    if "batch" in (pair.live.serving.mode, pair.next.serving.mode) or pair.live.serving.runtime:
        return
    old, new = _columns(pair.live), _columns(pair.next)
    for name in old.keys() - new.keys():
        _removed(pair, old[name], sink)
    for name in new.keys() - old.keys():
        _added(pair, new[name], sink)
    for name in old.keys() & new.keys():
        _changed(pair, old[name], new[name], sink)
    before, after = pair.live.serving.max_batch, pair.next.serving.max_batch
    if after < before:
        at = pair.bound.document.at("serving", "max_batch")
        message = f"requests of more than {after:,} rows are refused, and {pair.environment} takes {before:,}"
        _warn(pair, at, message, "let callers send fewer rows first, then lower it", sink)


def _columns(model: ir.Model) -> Mapping[str, ir.Column]:
    return {column.name: column for column in model.features.request}


def _removed(pair: _Succession, column: ir.Column, sink: Sink) -> None:
    at = pair.request(column.name)
    if column.required:
        message = f"no request fits both versions: {pair.environment} requires `{column.name}`, the next one refuses it"
        sink.error("MLC430", at, message, related=pair.pinned(), help=_CONTRACT)
        return
    message = f"`{column.name}` is no field of the next version, which refuses the requests that still carry it"
    _warn(pair, at, message, "let callers stop sending it before this is promoted", sink)


def _added(pair: _Succession, column: ir.Column, sink: Sink) -> None:
    at = pair.request(column.name)
    if column.required:
        message = (
            f"no request fits both versions: the next one requires `{column.name}`, which {pair.environment} does not "
            "know and refuses"
        )
        required = Related("required", column.name, pair.column(column.name))
        sink.error("MLC430", at, message, related=[*pair.pinned(), required], help=_EXPAND)
        return
    message = f"callers may send `{column.name}` once {pair.environment} has moved on: the version that runs refuses it"
    sink.info("MLC432", at, message, help="send it after the rollout, when the way back is no longer needed")


def _changed(pair: _Succession, old: ir.Column, new: ir.Column, sink: Sink) -> None:
    if not _takes(old.type, new.type):
        at = pair.column(new.name, "type")
        if _disjoint(old.type, new.type) and (old.required or new.required):
            message = (
                f"no request fits both versions: {pair.environment} takes `{new.name}` as {old.type}, not {new.type}"
            )
            help = f"send it under another name: add a column of type {new.type} that is not required, then remove this"
            sink.error("MLC430", at, message, related=pair.pinned(), help=help)
            return
        message = f"`{new.name}` was {old.type} and becomes {new.type}: values that callers send now may be refused"
        help = f"let callers send only values that are {new.type} too, and promote it then"
        _warn(pair, at, message, help, sink)
    for field, said in _narrowed(old, new):
        _warn(pair, pair.column(new.name, field), f"{said}: what callers send now may be refused", _LATER, sink)


_LATER = "let callers comply first, then narrow it; or widen it again"


def _narrowed(old: ir.Column, new: ir.Column) -> Iterator[tuple[str, str]]:
    """Yield the constraints by which a column takes fewer values than before."""
    if new.required and not old.required:
        yield "required", f"`{new.name}` is required from the next version on"
    if new.enum and (lost := [v for v in old.enum if v not in new.enum] if old.enum else ["others"]):
        yield "enum", f"`{new.name}` no longer takes {', '.join(map(str, lost[:5]))}"
    if new.minimum is not None and (old.minimum is None or old.minimum < new.minimum):
        yield "minimum", f"`{new.name}` has a higher minimum, {number_text(new.minimum)}"
    if new.maximum is not None and (old.maximum is None or old.maximum > new.maximum):
        yield "maximum", f"`{new.name}` has a lower maximum, {number_text(new.maximum)}"
    if new.pattern is not None and new.pattern != old.pattern:
        yield "pattern", f"`{new.name}` follows another pattern"


def _takes(old: str, new: str) -> bool:
    return new in _WIDER.get(old, (old,))


def _disjoint(old: str, new: str) -> bool:
    return not (old in _NUMBERS and new in _NUMBERS)


def _warn(pair: _Succession, at: Place, message: str, help: str, sink: Sink) -> None:
    sink.warn("MLC431", at, message, related=pair.pinned(), help=help)


# --- answers ---------------------------------------------------------------------------------------------------------
def _answers(pair: _Succession, sink: Sink) -> None:
    """Report answers in which callers, or readers of scored rows, don't find what they read."""
    document, before, after = pair.bound.document, pair.live, pair.next
    if before.serving.mode != after.serving.mode:
        what = "its endpoint is gone" if before.serving.mode == "online" else "nothing writes its scored rows any more"
        message = f"{pair.environment} serves `{before.name}` {before.serving.mode}: once this is promoted, {what}"
        help = "add a model of another name beside it, move its callers, then remove this one"
        sink.error("MLC433", document.at("serving", "mode"), message, related=pair.pinned(), help=help)
        return
    if _answer(before.task) != _answer(after.task):
        message = (
            f"callers of {pair.environment} read {_answer(before.task)} ({before.task}), and the next version answers "
            f"with {_answer(after.task)}"
        )
        help = "add a model of another name beside it, move its callers, then remove this one"
        sink.error("MLC433", document.at("task"), message, related=pair.pinned(), help=help)
    lost = [c for c in _classes(before) if c not in _classes(after)] if _classes(after) else []
    gained = [c for c in _classes(after) if c not in _classes(before)] if _classes(before) else []
    if lost or gained:
        named = ", ".join(map(str, [*lost, *gained][:5]))
        message = f"answers name other classes than those of {pair.environment}: {named}"
        sink.warn(
            "MLC433", document.at("label"), message, related=pair.pinned(), help="tell callers before it is promoted"
        )


def _answer(task: str) -> str:
    answers = {"binary_classification": "probability and label", "multiclass_classification": "probabilities and label"}
    return answers.get(task, "a number")


def _classes(model: ir.Model) -> tuple[ir.Scalar, ...]:
    """Return the classes of a label that is a column with an enum; none where only the data tells."""
    if model.task != "multiclass_classification":
        return ()
    column = model.dataset(model.features.spine).column(model.label.expression)
    return column.enum if column else ()


def _scored(pair: _Succession, sink: Sink) -> None:
    """Report scored rows that go elsewhere, or lie in a table beside rows of another shape."""
    before, after = pair.live.serving.batch, pair.next.serving.batch
    if before is None or after is None:
        return
    at = pair.bound.document.at("serving", "output")
    if (before.output, before.path) != (after.output, after.path):
        message = f"scored rows go to {after.path}, and readers of {before.path} ({before.output}) see no more of them"
        sink.warn("MLC434", at, message, related=pair.pinned(), help="write both until the readers have moved")
        return
    shapes = [
        ("primary key", pair.live.features.primary_key, pair.next.features.primary_key),
        ("partitions", before.partition_by, after.partition_by),
        ("columns", (_answer(pair.live.task),), (_answer(pair.next.task),)),
    ]
    different = [(name, old, new) for name, old, new in shapes if old != new]
    if different and after.write != "replace":
        name, old, new = different[0]
        message = (
            f"{after.output} holds rows whose {name} are {', '.join(old) or 'none'}, and the next version writes "
            f"{', '.join(new) or 'none'} beside them"
        )
        help = "write to another dataset and move its readers, or say `write: replace`"
        sink.error("MLC434", at, message, related=pair.pinned(), help=help)


# --- what watches both -----------------------------------------------------------------------------------------------
def _watched(pair: _Succession, sink: Sink) -> None:
    """Tell of signals on features that the live version lacks."""
    monitor, known = pair.bound.monitor, {f.name for f in pair.live.features.features}
    for index, signal in enumerate(monitor.spec.signals if monitor else ()):
        missing = [name for name in signal.features if name not in known]
        if monitor and missing:
            message = (
                f"`{signal.name}` watches `{missing[0]}`, of which the version in {pair.environment} has no values"
            )
            at = monitor.at("signals", index, "features", signal.features.index(missing[0]))
            sink.info("MLC435", at, message, help="expect no reading until the rollout has ended")


def _champion(pair: _Succession, sink: Sink) -> None:
    """Report a comparison with a live version whose columns the data no longer has."""
    columns = {column.name for column in pair.next.dataset(pair.next.features.spine).columns}
    missing = [c.name for c in pair.live.features.request if c.name not in columns]
    if not missing or pair.live.features.spine != pair.next.features.spine:
        return
    for gate in pair.bound.gates:
        for index, check in enumerate(gate.spec.checks):
            if check.versus == "champion":
                message = (
                    f"the champion can't be scored on these rows: it reads `{missing[0]}`, which they have no more"
                )
                related = [*pair.pinned(), Related("columns", missing[0], pair.bound.spine.at("columns"))]
                help = f"keep `{missing[0]}` in the dataset until no environment runs a version that reads it"
                sink.error("MLC436", gate.at("checks", index, "versus"), message, related=related, help=help)


_CHECKS = (_requests, _answers, _scored, _watched, _champion)
