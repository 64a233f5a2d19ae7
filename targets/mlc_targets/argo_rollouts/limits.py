"""What Argo Rollouts can't do, said with numbers before anything is applied."""

from __future__ import annotations

from collections.abc import Iterator

from mlc_compiler import conventions
from mlc_compiler.backend.target import Unsupported
from mlc_compiler.ir import Analysis, Model, Origin, Release, Rollout, Step
from mlc_targets.argo_rollouts.analysis import measurements
from mlc_targets.argo_rollouts.capabilities import ROWS
from mlc_targets.argo_rollouts.durations import go_duration
from mlc_targets.argo_rollouts.options import Options, gateway
from mlc_targets.argo_rollouts.queries import reads_latency, unmapped, window
from mlc_targets.argo_rollouts.rollout import preview_seconds

LONGEST_WATCHED = 46  # Kubernetes cuts longer pod names, and with them the hash that tells versions apart
LONGEST_SERVICE = 63 - len(conventions.canary_service(""))

_OTHERS = {"shadow": "shadow", "ab_test": "ab-test", "bandit": "bandit", "rolling": "rolling"}


def check_model(release: Release, model: Model, options: Options) -> Iterator[Unsupported]:
    """Yield what can't be expressed of a model that a Rollout controls."""
    rollout = model.rollout
    if rollout is None:
        return
    if rollout.strategy not in ("canary", "blue_green"):
        yield _strategy(rollout)
        return
    yield from _check_name(model, options)
    yield from _check_gateway(release, rollout, options)
    yield from _check_rollback(rollout)
    for analysis in rollout.analysis:
        yield from _check_analysis(model, analysis)
    yield from _check_canary(model, rollout, options) if rollout.strategy == "canary" else _check_blue_green(rollout)


def _strategy(rollout: Rollout) -> Unsupported:
    row = ROWS[_OTHERS[rollout.strategy]]
    return Unsupported(_field(rollout, "strategy"), row.detail, row.alternative, row.source)


def _check_name(model: Model, options: Options) -> Iterator[Unsupported]:
    watched = model.rollout is not None and bool(model.rollout.analysis) and options.select == "pod"
    longest = LONGEST_WATCHED if watched else LONGEST_SERVICE
    if len(model.name) > longest:
        why = (
            "Kubernetes would cut the hash out of its pods' names, by which the analysis knows the new version"
            if watched
            else f"the Service `{conventions.canary_service(model.name)}` would be longer than 63"
        )
        yield Unsupported(
            Origin(model.origin.document, "metadata.name"),
            f"`{model.name}` has {len(model.name)} characters: {why}",
            f"choose a name of at most {longest} characters",
        )


def _check_gateway(release: Release, rollout: Rollout, options: Options) -> Iterator[Unsupported]:
    if options.routes and rollout.strategy == "canary" and gateway(release, options) is None:
        environment = release.environment
        yield Unsupported(
            Origin(environment.origin.document, "spec.ingress.gateway"),
            f"`traffic: gateway-api` splits requests at a Gateway, and environment {environment.name} names none",
            "write `ingress: {gateway: namespace/name}` in the environment, or `gateway:` in the target's options, "
            "or use `traffic: none`",
        )


def _check_rollback(rollout: Rollout) -> Iterator[Unsupported]:
    row = ROWS["manual-rollback"]
    if rollout.analysis and not rollout.automatic_rollback:
        yield Unsupported(_field(rollout, "rollback.automatic"), row.detail, row.alternative, row.source)


# --- analysis --------------------------------------------------------------------------------------------------------
def _check_analysis(model: Model, analysis: Analysis) -> Iterator[Unsupported]:
    if analysis.method != "threshold":
        yield Unsupported(
            analysis.origin.at("method"),
            ROWS["sequential"].detail,
            ROWS["sequential"].alternative,
            ROWS["sequential"].source,
        )
    if name := unmapped(model, analysis):
        yield Unsupported(
            model.serving.origin.at("runtime.metrics"),
            f"the analysis of {analysis.metric} reads `{name}`, for which the runtime names no metric",
            f"write `metrics: {{{name}: <the server's metric>}}`, or leave the analysis out",
        )
    top = conventions.LATENCY_BUCKETS[-1]
    if reads_latency(analysis) and model.serving.runtime is None and analysis.max is not None and analysis.max >= top:
        yield Unsupported(
            analysis.origin.at("max"),
            f"the server's latency histogram ends at {go_duration(top)}, so no quantile is ever above it: a bound of "
            f"{go_duration(analysis.max)} can't be broken",
            f"use a bound below {go_duration(top)}",
        )


def _check_hold(rollout: Rollout, hold: float, origin: Origin) -> Iterator[Unsupported]:
    for analysis in rollout.analysis:
        if hold < window(analysis):
            yield Unsupported(
                origin,
                f"{go_duration(hold)} is shorter than one measurement of {analysis.metric}, which looks back "
                f"{go_duration(window(analysis))}",
                f"hold for {go_duration(window(analysis))} or longer",
            )
        elif (count := measurements(analysis, hold)) <= analysis.failure_limit:
            yield Unsupported(
                analysis.origin.at("failure_limit"),
                f"{go_duration(hold)} at an interval of {go_duration(analysis.interval)} gives {count} "
                f"measurements of {analysis.metric}, and {analysis.failure_limit} may fail: it can't send the version "
                "back in that step",
                f"use `failure_limit: {count - 1}` or less, or hold longer",
            )


# --- strategies ------------------------------------------------------------------------------------------------------
def _check_canary(model: Model, rollout: Rollout, options: Options) -> Iterator[Unsupported]:
    for step in rollout.steps:
        yield from _check_weight(model, step, options)
        if step.hold and rollout.analysis:
            yield from _check_hold(rollout, step.hold, step.origin.at("hold"))


def _check_weight(model: Model, step: Step, options: Options) -> Iterator[Unsupported]:
    if options.routes:
        if step.weight != round(step.weight):
            yield Unsupported(
                step.origin.at("weight"),
                f"Argo Rollouts takes whole percents; {conventions.number_text(step.weight)} % is none",
                f"use `weight: {max(1, round(step.weight))}`",
                ROWS["gateway-api"].source,
            )
        return
    for replicas in sorted({model.serving.min_replicas, model.serving.max_replicas} - {0}):
        pods = step.weight * replicas / 100
        if abs(pods - round(pods)) > 1e-9:
            yield _coarse(step, replicas, pods)
            return


def _coarse(step: Step, replicas: int, pods: float) -> Unsupported:
    near = sorted({max(1, int(pods)), int(pods) + 1})
    shares = " or ".join(f"{conventions.number_text(round(100 * n / replicas, 1))} %" for n in near)
    weight, many = conventions.number_text(step.weight), conventions.counted(replicas, "replica")
    return Unsupported(
        step.origin.at("weight"),
        f"without traffic routing a weight is a share of the pods: {weight} % of {many} is "
        f"{conventions.number_text(round(pods, 2))} pods",
        f"{ROWS['pod-weights'].alternative}, or use a weight that {many} can show, such as {shares}",
        ROWS["pod-weights"].source,
    )


def _check_blue_green(rollout: Rollout) -> Iterator[Unsupported]:
    for step in rollout.steps:
        if 0 < step.weight < 100:
            yield Unsupported(
                step.origin.at("weight"),
                f"blue_green moves all requests at once; it can't give {conventions.number_text(step.weight)} %",
                "use `weight: 100`, or `strategy: canary`",
                ROWS["blue-green"].source,
            )
        if step.hold:
            yield Unsupported(
                step.origin.at("hold"),
                "a blue_green step does not hold; the time in which the way back is open is the rollout's `preview`",
                ROWS["blue-green"].alternative,
                ROWS["blue-green"].source,
            )
    yield from _check_hold(rollout, preview_seconds(rollout), _field(rollout, "preview"))


def _field(rollout: Rollout, field: str) -> Origin:
    return Origin(rollout.origin.document, f"spec.{field}")
