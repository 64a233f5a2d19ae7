"""A rollout drawn as a state machine: as text with what chance makes of each step, as Mermaid, as dot."""

from __future__ import annotations

from collections.abc import Iterator

from mlc_compiler.analysis.decisions import aborts, any_abort
from mlc_compiler.analysis.figures import about, amount, percent
from mlc_compiler.analysis.measurements import seconds_to_rollback
from mlc_compiler.analysis.rollback import AUTOMATIC, Edge, Machine, State, by_source, machine
from mlc_compiler.analysis.trials import Watch
from mlc_compiler.conventions import number_text
from mlc_compiler.frontend.project import BoundModel
from mlc_compiler.spec.rollout import Rollout


def draw(model: BoundModel, rollout: Rollout, style: str) -> str:
    """Return the rollout of a model in one of the styles text, mermaid, dot."""
    found = machine(rollout)
    if style == "mermaid":
        return _mermaid(found)
    return _dot(found) if style == "dot" else "\n".join(_text(found, rollout, _watches(model, rollout)))


def _watches(model: BoundModel, rollout: Rollout) -> tuple[Watch, ...]:
    availability = model.monitor.spec.slo.availability if model.monitor else None
    serving = model.document.spec.serving
    return tuple(Watch(rollout, analysis, serving, availability) for analysis in rollout.analysis)


def _text(found: Machine, rollout: Rollout, watches: tuple[Watch, ...]) -> Iterator[str]:
    edges = by_source(found)
    for state in found.states:
        yield f"{state.name}{_sent(state)}"
        if state.kind == "measured":
            yield from (f"  {line}" for watch in watches for line in _measured(watch, state))
        yield from (f"  -> {edge.target}: {edge.condition}{_by(edge)}" for edge in edges[state.name])
    if rollout.analysis and rollout.rollback.automatic:
        slowest = max(map(seconds_to_rollback, rollout.analysis))
        yield f"back within {about(slowest)} of a breach; allowed: {about(rollout.rollback.within)}"
    yield from (f"  {line}" for watch in watches for line in _total(watch))


def _sent(state: State) -> str:
    return f" ({number_text(state.weight)} % of the traffic)" if state.kind not in ("measured", "end") else ""


def _by(edge: Edge) -> str:
    return "" if edge.by in AUTOMATIC else f" [{edge.by}]"


def _measured(watch: Watch, state: State) -> Iterator[str]:
    """Yield what a step measures and how it decides, where the traffic is known."""
    if watch.rollout.traffic is None or not watch.judged:
        return
    for look, trial in zip(watch.looks, watch.trials(), strict=True):
        if look.step == state.step:
            limit, overlap = watch.analysis.failure_limit, watch.overlap
            parts = [f"{watch.arithmetic(look)}, {amount(look.count)} of them"]
            if trial.healthy is not None:
                parts.append(f"healthy: sent back {percent(aborts(trial.count, trial.healthy, limit, overlap).low)}")
            parts.append(f"harmful: missed {percent(1 - aborts(trial.count, trial.harmful, limit, overlap).low)}")
            seconds = seconds_to_rollback(watch.analysis)
            answered = watch.rollout.traffic.requests_per_second * look.weight / 100 * seconds
            parts.append(f"{amount(answered)} requests until a breach is back")
            yield f"{watch.analysis.metric}: {'; '.join(parts)}"


def _total(watch: Watch) -> Iterator[str]:
    if watch.rollout.traffic is None or not watch.judged:
        return
    trials = tuple(watch.trials())
    limit, overlap = watch.analysis.failure_limit, watch.overlap
    missed = 1 - any_abort([(t.count, t.harmful) for t in trials], limit, overlap).low
    healthy = "healthy: not known without `baseline`"
    if watch.healthy is not None:
        sent_back = any_abort([(t.count, t.healthy or 0.0) for t in trials], limit, overlap).low
        healthy = f"healthy: sent back {percent(sent_back)}"
    yield f"{watch.analysis.metric}, all steps: {healthy}; harmful: missed {percent(missed)}"


def _mermaid(found: Machine) -> str:
    """Return a Mermaid state diagram; a colon would end a name, so states have short ids."""
    ids = {state.name: f"s{number}" for number, state in enumerate(found.states)}
    rows = [f'  state "{_plain(name)}" as {short}' for name, short in ids.items()]
    rows += [f"  [*] --> {ids[found.states[0].name]}"]
    rows += [f"  {ids[e.source]} --> {ids[e.target]}: {_plain(e.condition + _by(e))}" for e in found.edges]
    return "\n".join(["stateDiagram-v2", *rows])


def _plain(text: str) -> str:
    """Return a text without the characters that end one in Mermaid."""
    return text.replace(":", ",").replace(";", ",").replace('"', "'")


def _dot(found: Machine) -> str:
    rows = [f'  "{e.source}" -> "{e.target}" [label="{e.condition}{_by(e)}"];' for e in found.edges]
    return "\n".join(["digraph rollout {", "  rankdir=LR;", "  node [shape=box];", *rows, "}"])
