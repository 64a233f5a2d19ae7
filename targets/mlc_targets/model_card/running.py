"""How a model runs: serving, rollout, what is watched and what asks for a new training."""

from __future__ import annotations

from collections.abc import Callable

from mlc_compiler.backend.objectives import availability_objective, latency_objective
from mlc_compiler.backend.target import Sourced
from mlc_compiler.conventions import duration_text, number_text
from mlc_compiler.ir import Analysis, Model, Monitor, Rollout, Serving, Signal, Step
from mlc_targets.model_card.markdown import Line, cell, code, prose, section, table


def rollout(model: Model) -> list[Line]:
    """Return how a version is served and brought in."""
    lines: list[Line] = [Sourced(_serving(model.serving), model.serving.origin), ""]
    if model.rollout:
        lines += _rollout(model.rollout)
    return section("Serving and rollout", lines)


def _serving(serving: Serving) -> str:
    if serving.batch:
        batch = serving.batch
        return (
            f"A batch ({code(batch.schedule)}, UTC) scores {code(batch.input)} into {code(batch.output)} "
            f"({batch.write.replace('_', ' ')})."
        )
    server = f" by {code(serving.runtime.image)}" if serving.runtime else ""
    return f"Requests are answered{server}, {serving.min_replicas} to {serving.max_replicas} servers."


def _rollout(found: Rollout) -> list[Line]:
    back = f"automatic, within {duration_text(found.rollback_within)}" if found.automatic_rollback else "by a person"
    words = found.strategy.replace("_", " ")
    steps = [Sourced(f"{index}. {_step(step)}", step.origin) for index, step in enumerate(found.steps, 1)]
    lines: list[Line] = [Sourced(f"A new version comes as {words}; the way back is {back}.", found.origin), ""]
    lines += [*steps, ""] if steps else []
    if found.analysis:
        rows = [(_analysis_cells(analysis), analysis.origin) for analysis in found.analysis]
        silence = "stops the rollout" if found.no_data == "fail" else "holds it where it is"
        lines += [Sourced(f"It is judged by these; no data {silence}.", found.origin.at("no_data")), ""]
        lines += table(("metric", "bound", "every", "failures allowed"), rows)
    return lines


def _step(step: Step) -> str:
    held = f" for {duration_text(step.hold)}" if step.hold else ""
    waits = ", then waits for an approval" if step.approval else ""
    return f"{number_text(step.weight)} % of the requests{held}{waits}"


def _analysis_cells(analysis: Analysis) -> tuple[str, ...]:
    words = duration_text if analysis.metric.startswith("latency_") else number_text
    bounds = _bounds(analysis.min, analysis.max, words)
    return cell(analysis.metric), bounds, duration_text(analysis.interval), str(analysis.failure_limit)


def _bounds(low: float | None, high: float | None, words: Callable[[float], str] = number_text) -> str:
    given = (("≥", low), ("≤", high))
    return " and ".join(f"{sign} {words(bound)}" for sign, bound in given if bound is not None) or "none"


# --- monitoring ------------------------------------------------------------------------------------------------------
def monitoring(model: Model) -> list[Line]:
    """Return objectives, signals and retraining."""
    monitor = model.monitor
    if monitor is None:
        return section("Monitoring", ["No Monitor is defined: drift and live performance are not watched.", ""])
    lines = [*_objectives(model)]
    if monitor.signals:
        rows = [(_signal_cells(signal), signal.origin) for signal in monitor.signals]
        lines += [Sourced(f"Compared with the {monitor.reference} fold:", monitor.origin.at("reference")), ""]
        lines += table(("signal", "what", "well", "over", "alert"), rows)
    return section("Monitoring", lines, _retraining(monitor))


def _objectives(model: Model) -> list[Line]:
    availability, origin = availability_objective(model)
    latency, stated = latency_objective(model)
    lines: list[Line] = []
    if availability is not None:
        share = number_text(round(availability * 100, 6))
        lines.append(Sourced(f"- {share} % of the requests of 30 days do not fail.", origin))
    if latency is not None and model.serving.mode == "online":
        lines.append(Sourced(f"- 99 % of the requests are answered within {duration_text(latency)}.", stated))
    return [*lines, ""] if lines else []


def _signal_cells(signal: Signal) -> tuple[str, ...]:
    measure = ", ".join(part for part in (signal.metric, signal.method) if part and part != "metric")
    of = f" of {', '.join(signal.features)}" if signal.features else ""
    what = prose(f"{signal.type.replace('_', ' ')} ({measure}){of}")
    return cell(signal.name), what, _bounds(signal.min, signal.max), duration_text(signal.window), signal.severity


def _retraining(monitor: Monitor) -> list[Line]:
    found = monitor.retrain
    if found is None:
        return ["Nothing asks for a new training by itself.", ""]
    causes = [f"an alert of {', '.join(map(code, found.on))}"] if found.on else []
    causes += [f"the schedule {code(found.schedule)}"] if found.schedule else []
    text = (
        f"A new training is asked for by {' or '.join(causes) or 'nobody'}, at most every "
        f"{duration_text(found.cooldown)}, as a pull request."
    )
    return [Sourced(text, found.origin), ""]
