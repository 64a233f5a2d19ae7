"""What specs, lock and pins know for each point of the Annex: sentences, each with the field that it comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from mlc_compiler import conventions
from mlc_compiler.conventions import number_text
from mlc_compiler.ir import Model, Origin, Pin, ProjectRelease, Resources
from mlc_targets.model_card.markdown import cell, code, link, prose

Facts = Iterator[tuple[str, Origin]]
ROOT = "../.."  # of the repository, seen from the card's folder
_MEBIBYTE = 2**20


def _general(project: ProjectRelease, model: Model) -> Facts:
    serving, document = model.serving, Origin(model.origin.document)
    yield f"Version of the specs: {code(conventions.short(model.version))}", model.origin
    yield f"Answers for it: {prose(model.owner)}" if model.owner else "No owner is named", document
    packages = ", ".join(cell(f"{name} {version}") for name, version in project.project.lock.packages)
    if packages:
        yield f"Software: Python {prose(project.project.python)}, {packages}", project.project.origin
    if serving.batch:
        yield f"Runs as a batch on {_machine(serving.resources)}", serving.origin.at("resources")
    else:
        servers = f"{serving.min_replicas} to {serving.max_replicas} servers"
        yield (
            f"Runs as {servers} in containers, each with {_machine(serving.resources)}",
            serving.origin.at("resources"),
        )


def _elements(project: ProjectRelease, model: Model) -> Facts:
    yield (
        f"Learned by {code(model.estimator.path)} from {len(model.features.features)} features",
        model.estimator.origin,
    )
    for dataset in model.datasets:
        rows = "rows not counted" if dataset.rows is None else f"{dataset.rows:,} rows"
        digest = conventions.short(dataset.digest) if dataset.digest else "not locked"
        licence = prose(dataset.license or "no licence stated")
        yield f"Data: {code(dataset.name)}, {rows}, {licence}, snapshot {code(digest)}", dataset.origin
    yield f"Trained on {_machine(model.train.resources)}", model.train.origin
    checks = [check for gate in model.gates for check in gate.checks]
    blocking = sum(not check.report_only for check in checks)
    if checks:
        yield (
            f"Validated and tested by {len(checks)} checks, {blocking} of which block a release",
            model.gates[0].origin,
        )
    for release in project.releases:
        pin = next((m.pin for m in release.models if m.name == model.name), None)
        if pin is not None and pin.evidence:
            yield (
                f"Results of {prose(release.environment.name)}: {_evidence(model, pin)}",
                Origin(release.environment.origin.document),
            )


def _control(_: ProjectRelease, model: Model) -> Facts:
    for check in (check for gate in model.gates for check in gate.checks if check.group or check.slices):
        effect = "reported" if check.report_only else "blocks a release"
        yield f"Compared between groups: {prose(check.title)} ({effect})", check.origin
    if model.serving.log_requests and not model.serving.batch:
        share, kept = number_text(model.serving.log_requests * 100), prose(model.serving.log_classification)
        yield (
            f"Logs {share} % of its requests; values above {kept} are redacted",
            model.serving.origin.at("log_requests"),
        )
    if model.rollout and model.rollout.automatic_rollback and model.rollout.analysis:
        within = conventions.duration_text(model.rollout.rollback_within)
        yield f"A version that does worse is taken back within {within}, without a person", model.rollout.origin


def _metrics(_: ProjectRelease, model: Model) -> Facts:
    for gate in model.gates:
        for check in gate.checks:
            if check.kind in ("metric", "fairness") and not check.versus:
                yield f"{prose(check.title)}, at {number_text(check.confidence * 100)} % confidence", check.origin


def _lifecycle(project: ProjectRelease, model: Model) -> Facts:
    for release in project.releases:
        pin = next((m.pin for m in release.models if m.name == model.name), None)
        if pin is not None and pin.path:
            version = link(conventions.short(pin.version), f"{ROOT}/{pin.path}")
            yield f"{prose(release.environment.name)} runs {version}", Origin(release.environment.origin.document)


def _after_market(_: ProjectRelease, model: Model) -> Facts:
    if model.monitor is None:
        return
    signals = ", ".join(cell(signal.name) for signal in model.monitor.signals)
    yield f"Watched: {signals}", model.monitor.origin
    if model.monitor.retrain:
        yield (
            "A new training is proposed as a pull request, which people accept or refuse",
            model.monitor.retrain.origin,
        )


def _none(_: ProjectRelease, __: Model) -> Facts:
    yield from ()


def _machine(resources: Resources) -> str:
    gpu = f" and {resources.gpu} GPU" if resources.gpu else ""
    return f"{number_text(resources.cpu)} CPU, {resources.memory // _MEBIBYTE:,} MiB of memory{gpu}"


def _evidence(model: Model, pin: Pin) -> str:
    return link("evidence", f"{ROOT}/{conventions.evidence_path(model.name, pin.version)}")


FACTS: Mapping[int, Callable[[ProjectRelease, Model], Facts]] = MappingProxyType(
    {
        1: _general,
        2: _elements,
        3: _control,
        4: _metrics,
        5: _none,
        6: _lifecycle,
        7: _none,
        8: _none,
        9: _after_market,
    }
)
"""By the number of the point."""
