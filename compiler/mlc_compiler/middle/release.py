"""A project and what is pinned become releases, one for each environment in order of promotion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from mlc_compiler import codec, ir
from mlc_compiler.codec import freeze
from mlc_compiler.diagnostics import Place, Sink
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.project import Project
from mlc_compiler.frontend.resolve import matching
from mlc_compiler.middle.lower import lower_model
from mlc_compiler.middle.overrides import apply_overrides
from mlc_compiler.middle.pins import Pins
from mlc_compiler.middle.resolved import ResolvedModel, is_snapshot_of, parse_snapshot
from mlc_compiler.spec.environment import Environment, Patch

Lower = Callable[[ResolvedModel, ir.Pin | None], ir.Model]
SHOWN = 8
"""Models that one finding names."""


def project_ir(project: Project, lock: ir.Lock) -> ir.Project:
    """Return the project's own part of every release."""
    spec, document = project.spec, project.document
    return ir.Project(
        name=document.name,
        owner=document.metadata.owner or "",
        timezone=spec.timezone,
        image_registry=spec.image_registry,
        store_local=spec.store.local,
        store_ci=spec.store.ci,
        mlflow=spec.tracking.mlflow,
        default_branch=spec.ci.default_branch,
        app_token=spec.ci.app_token.secret if spec.ci.app_token else None,
        python=spec.ci.python,
        runs_on=tuple(spec.ci.runs_on),
        ci_timeout=spec.ci.timeout,
        alert_receiver=spec.alerting.receiver,
        alert_webhook=spec.alerting.webhook.secret if spec.alerting.webhook else None,
        runbooks=spec.alerting.runbooks,
        targets=tuple(_target(name, options, document) for name, options in sorted(spec.targets.items())),
        environments=tuple(e.name for e in project.environments),
        specs=tuple(spec.specs),
        signing_keys=tuple(spec.signing.keys),
        lock=lock,
        origin=document.from_(""),
    )


def _target(name: str, options: Mapping[str, Any] | None, document: Document[Any]) -> ir.TargetOptions:
    values = tuple((k, freeze(v)) for k, v in sorted((options or {}).items()))
    return ir.TargetOptions(name, values, document.from_(f"targets.{name}"))


def promoted(
    environment: Document[Environment], current: Mapping[str, ResolvedModel], pins: Pins, sink: Sink
) -> dict[str, ResolvedModel]:
    """Return what the pins of an environment say runs there, for models of which the specs say something else now."""
    found = {}
    for name in _names(environment, current):
        pin = pins.pins.get((environment.name, name))
        resolved = _pinned(pin, current[name], pins.snapshots, sink) if pin else current[name]
        if resolved is not current[name]:
            found[name] = resolved
    return found


def _names(environment: Document[Environment], current: Mapping[str, ResolvedModel]) -> list[str]:
    """Return the models that run in an environment, sorted."""
    return sorted({n for pattern in environment.spec.models for n in matching(pattern, current)})


def lowering(controllers: frozenset[str]) -> Lower:
    """Return what lowers models, each once: without overrides, what environments run differs in the pins alone."""
    made: dict[int, tuple[ResolvedModel, ir.Model]] = {}

    def lower(resolved: ResolvedModel, pin: ir.Pin | None) -> ir.Model:
        known = made.get(id(resolved))
        if known is None:
            known = made[id(resolved)] = resolved, lower_model(resolved, controllers, None)
        return known[1] if pin is None else replace(known[1], pin=pin)

    return lower


def release(
    base: ir.Project,
    environment: Document[Environment],
    models: Mapping[str, ResolvedModel],
    pins: Pins,
    lower: Lower,
    sink: Sink,
) -> ir.Release:
    """Return the release of one environment, of models as it runs them."""
    names = _names(environment, models)
    _report_unpinned(environment, [n for n in names if (environment.name, n) not in pins.pins], sink)
    lowered = (
        lower(apply_overrides(models[name], environment, sink), pins.pins.get((environment.name, name)))
        for name in names
    )
    return ir.Release(base, _environment(environment), tuple(lowered))


def _report_unpinned(environment: Document[Environment], names: list[str], sink: Sink) -> None:
    if names:
        listed = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
        how = "mlc release MODEL -e" if environment.spec.tracks else "mlc promote MODEL --to"
        sink.info(
            "MLC906",
            environment.place.at("metadata", "name"),
            f"{environment.name} has no version yet of {listed}",
            help=f"`{how} {environment.name}` pins one; `mlc build --preview` shows what it would be",
        )


def _pinned(pin: ir.Pin, current: ResolvedModel, snapshots: Mapping[str, str], sink: Sink) -> ResolvedModel:
    promoted = _promoted(snapshots[pin.snapshot], pin, current)
    if isinstance(promoted, str):
        said = f"the snapshot of {current.name} is not what was promoted: {promoted}"
        help = "restore it from git: it holds what was promoted"
        sink.error("MLC905", Place(pin.path).at("snapshot"), said, help=help)
        return current
    if (promoted.name, promoted.version) != (current.name, pin.version):
        found = f"{promoted.name} {promoted.version[7:19]}"
        said = f"the pin names version {pin.version[7:19]}, and its snapshot is of {found}"
        help = "restore the pin from git; release, promote and rollback write pins"
        sink.error("MLC904", Place(pin.path).at("version"), said, help=help)
    return promoted


def _promoted(text: str, pin: ir.Pin, current: ResolvedModel) -> ResolvedModel | str:
    """Return the model that a snapshot keeps, or what is wrong with it."""
    if codec.text_digest(text) != pin.snapshot:
        return "its digest differs"
    if is_snapshot_of(text, current):
        return current  # the usual case: nothing to check again
    try:
        return parse_snapshot(text)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "another mlc wrote it, or it was edited by hand"


def _environment(document: Document[Environment]) -> ir.Environment:
    spec = document.spec
    return ir.Environment(
        name=document.name,
        namespace=spec.namespace,
        tracks=spec.tracks,
        promoted_from=spec.promoted_from,
        gates=tuple(spec.requires.gates),
        soak=spec.requires.soak,
        approvals=tuple(ir.Approval(a.team, a.count) for a in spec.requires.approvals),
        gateway=spec.ingress.gateway,
        host=spec.ingress.host,
        patches=tuple(_patch(p, document.from_(f"patches.{i}")) for i, p in enumerate(spec.patches)),
        origin=document.from_(""),
        freezes=tuple(ir.Freeze(f.from_, f.until, f.reason) for f in spec.freezes),
        signed=spec.requires.signed,
    )


def _patch(patch: Patch, origin: ir.Origin) -> ir.Patch:
    operations = tuple(
        freeze(o.model_dump(mode="json", by_alias=True, exclude_unset=True)) for o in patch.json_patch or ()
    )
    merge = codec.canonical(patch.patch) if patch.patch is not None else None
    return ir.Patch(patch.target.kind, patch.target.name, merge, operations, origin)


def preview(release: ir.Release) -> ir.Release:
    """Return the release with every model pinned to what its specs say now, for looking at before anything is run."""
    return release.with_models(tuple(m if m.pin else replace(m, pin=_preview_pin(m)) for m in release.models))


def _preview_pin(model: ir.Model) -> ir.Pin:
    unknown = "sha256:" + "0" * 64
    return ir.Pin(model.version, unknown, f"{model.name}:preview", unknown, "")
