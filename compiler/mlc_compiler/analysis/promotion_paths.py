"""The ways into each environment, and whether a way avoids what an environment requires.

The graph is what the commands enforce, no more: `mlc release` writes a pin where an environment tracks main and judges
every gate of the model; `mlc promote` takes over the pin of the environment before and asks only that the required
gates were judged in its evidence. A gate added since has judged no version that already runs there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlc_compiler.diagnostics import Place, Related, Sink, nearest
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.project import BoundModel, Project
from mlc_compiler.frontend.resolve import matching
from mlc_compiler.records import dataclass
from mlc_compiler.spec.environment import Environment
from mlc_compiler.spec.gate import Gate

MAIN = "main"
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Way:
    """One step of a version towards production, and what is enforced on it: gates and approvals."""

    source: str
    target: str
    enforced: frozenset[str]


def avoiding(ways: Iterable[Way], start: str, goal: str, wanted: str) -> tuple[Way, ...] | None:
    """Return a shortest path from start to goal on which nothing enforces what is wanted; None where all paths do.

    That is dominance: `wanted` holds on every path just when leaving out the steps that enforce it cuts the goal off.
    """
    open_ways = [way for way in ways if wanted not in way.enforced]
    paths: list[tuple[str, tuple[Way, ...]]] = [(start, ())]
    seen = {start}
    for at, path in paths:
        if at == goal:
            return path
        for way in open_ways:
            if way.source == at and way.target not in seen:
                seen.add(way.target)
                paths.append((way.target, (*path, way)))
    return None


def ways_of(project: Project, model: BoundModel) -> tuple[Way, ...]:
    """Return the steps that a version of a model may take."""
    found = []
    for environment in project.environments:
        spec = environment.spec
        if not matching_model(environment, model):
            continue
        if spec.tracks:
            found.append(Way(MAIN, environment.name, frozenset(_blocking(model)) | _approvals(environment)))
        if spec.promoted_from:
            required = frozenset(_blocking(model)) & frozenset(spec.requires.gates)
            found.append(Way(spec.promoted_from, environment.name, required | _approvals(environment)))
    return tuple(found)


def matching_model(environment: Document[Environment], model: BoundModel) -> bool:
    """Tell whether a model runs in an environment."""
    return any(matching(pattern, [model.name]) for pattern in environment.spec.models)


def check_promotion(project: Project, sink: Sink) -> None:
    """Report gates that judge nothing on the way to an environment, and ways on which nobody decides."""
    last = _last(project)
    for model in project.models:
        for environment in project.environments:
            if matching_model(environment, model):
                _required(environment, model, sink)
        _first_version(model, sink)
        for environment in last:
            if matching_model(environment, model) and model.document.spec.card.risk == "high":
                _high_risk(project, environment, model, sink)
    for gate in sorted({g for e in project.environments for g in e.spec.requires.gates} & set(project.gates)):
        _never_blocks(project, project.gates[gate], sink)


def _last(project: Project) -> tuple[Document[Environment], ...]:
    """Return the environments that nothing is promoted from: production, as far as the project says."""
    sources = {e.spec.promoted_from for e in project.environments}
    return tuple(e for e in project.environments if e.name not in sources)


def _blocking(model: BoundModel) -> Iterator[str]:
    """Yield the gates of a model that can hold a release up."""
    return (gate.name for gate in model.gates if any(not c.report_only for c in gate.spec.checks))


def _approvals(environment: Document[Environment]) -> frozenset[str]:
    return frozenset({"approval"}) if environment.spec.requires.approvals else frozenset()


# --- required gates --------------------------------------------------------------------------------------------------
def _required(environment: Document[Environment], model: BoundModel, sink: Sink) -> None:
    """Report a required gate that does not judge a model that runs there: the model never gets in."""
    judging = {gate.name for gate in model.gates}
    for index, name in enumerate(environment.spec.requires.gates):
        if name not in judging:
            near = nearest(name, judging)
            command = "mlc release" if environment.spec.tracks else "mlc promote"
            sink.error(
                "MLC519",
                environment.at("requires", "gates", index),
                f"`{environment.name}` requires gate `{name}`, which does not judge `{model.name}`",
                note=f"`{command}` refuses every version of it",
                help=f"did you mean `{near}`?"
                if near
                else f"let the gate's `model:` pick {model.name}, or leave the model out of the environment's `models`",
            )


def _never_blocks(project: Project, gate: Document[Gate], sink: Sink) -> None:
    if all(check.report_only for check in gate.spec.checks):
        wanted = [e for e in project.environments if gate.name in e.spec.requires.gates]
        index = wanted[0].spec.requires.gates.index(gate.name)
        sink.warn(
            "MLC520",
            gate.place.at("metadata", "name"),
            f"gate `{gate.name}` is required and passes every version: all of its checks are only reported",
            related=(Related("required by", wanted[0].name, wanted[0].at("requires", "gates", index)),),
            help="let one of its checks block, or require another gate",
        )


def _first_version(model: BoundModel, sink: Sink) -> None:
    """Report gates that compare with a champion alone: the first version, which has none, passes unjudged."""
    checks = [(gate, i, c) for gate in model.gates for i, c in enumerate(gate.spec.checks) if not c.report_only]
    if checks and all(c.versus == "champion" for _, _, c in checks):
        gate, index, _ = checks[0]
        sink.warn(
            "MLC522",
            gate.at("checks", index, "versus"),
            f"the first version of `{model.name}` passes its gates unjudged: there is no champion to compare it with",
            note="a comparison without a champion does not apply, and does not block",
            help="add a bound of its own, e.g. `{metric: ..., min: ...}`, or `versus: baseline`",
        )


# --- high risk -------------------------------------------------------------------------------------------------------
def _high_risk(project: Project, environment: Document[Environment], model: BoundModel, sink: Sink) -> None:
    """Report ways of a high-risk model into production that no gate or nobody decides on."""
    ways, risk = ways_of(project, model), model.document.at("card", "risk")
    because = Related("risk", "high", risk)
    path = avoiding(ways, MAIN, environment.name, "approval")
    if path:
        sink.warn(
            "MLC523",
            _needs(environment, "approvals"),
            f"`{model.name}` is of high risk and reaches `{environment.name}` without anybody's approval",
            note=_text(path),
            related=(because,),
            help="add `requires: {approvals: [{team: ..., count: 1}]}`",
        )
    gates = sorted(_blocking(model))
    if not gates and any(way.target == environment.name for way in ways):
        sink.warn(
            "MLC521",
            model.document.place.at("metadata", "name"),
            f"`{model.name}` is of high risk and no gate decides on its way to `{environment.name}`",
            related=(because,),
            help=f"write a Gate with `model: {model.name}` whose checks block",
        )
    stale = [gate for gate in gates if _since(ways, environment.name, gate)]
    if stale:
        shown = ", ".join(f"`{gate}`" for gate in stale[:_SHOWN])
        sink.warn(
            "MLC521",
            _needs(environment, "gates"),
            f"a version of `{model.name}` can reach `{environment.name}` without {shown}: it is not required there",
            note="promotion asks for required gates only; a version released before the gate was written was never "
            "judged by it",
            related=(because,),
            help=f"add `requires: {{gates: [{', '.join(stale)}]}}`",
        )


def _since(ways: tuple[Way, ...], goal: str, gate: str) -> bool:
    """Tell whether a version that already runs somewhere can get to the goal past a gate: by promotion alone."""
    promotions = [way for way in ways if way.source != MAIN]
    return any(avoiding(promotions, start, goal, gate) for start in {way.source for way in promotions})


def _needs(environment: Document[Environment], field: str) -> Place:
    said = "requires" in environment.spec.model_fields_set
    inner = said and field in environment.spec.requires.model_fields_set
    place = environment.at("requires", field) if inner else environment.at("requires")
    return place.name() if said else environment.place.at("metadata", "name")


def _text(path: tuple[Way, ...]) -> str:
    return " -> ".join([path[0].source, *(way.target for way in path)])
