"""Lowering: a resolved model in one environment becomes an `ir.Model` with every default filled in."""

from __future__ import annotations

from typing import Any, Literal

from mlc_compiler import ir
from mlc_compiler.codec import freeze
from mlc_compiler.middle import defaults
from mlc_compiler.middle.resolved import Named, ResolvedModel
from mlc_compiler.spec.gate import Gate, GateCheck
from mlc_compiler.spec.model import Decision, Estimator, Model, Search, Serving
from mlc_compiler.spec.monitor import Monitor
from mlc_compiler.spec.rollout import Rollout

Controller = Literal["deployment", "rollout", "cron_job"]


def lower_model(resolved: ResolvedModel, controllers: frozenset[str], pin: ir.Pin | None) -> ir.Model:
    """Return the model as the targets read it. `controllers` are the workload controllers that targets offer."""
    spec, origin = resolved.spec, ir.Origin(f"Model/{resolved.name}", "spec")
    rollout = _rollout(resolved.rollout) if resolved.rollout else None
    monitor = _monitor(resolved.monitor) if resolved.monitor else None
    return ir.Model(
        name=resolved.name,
        owner=resolved.owner,
        description=resolved.description,
        task=spec.task,
        version=resolved.version,
        features=resolved.features,
        label=resolved.label,
        split=_split(spec, origin.at("split")),
        estimator=_estimator(spec, spec.estimator, origin.at("estimator")),
        baseline=_estimator(spec, spec.baseline, origin.at("baseline")) if spec.baseline else None,
        search=_search(spec, spec.search, origin.at("search")) if spec.search else None,
        decision=_decision(spec, origin.at("decision")),
        seed=spec.seed,
        code=tuple(spec.code),
        train=_train(spec, origin.at("train")),
        package=spec.package.format,
        serving=_serving(spec.serving, origin.at("serving")),
        gates=tuple(_gate(g) for g in resolved.gates),
        rollout=rollout,
        monitor=monitor,
        card=_card(spec, origin.at("card")),
        datasets=resolved.datasets,
        labels=resolved.labels,
        controller=_controller(spec, rollout, controllers),
        pin=pin,
        origin=origin,
        retrain=monitor.retrain if monitor else None,
    )


def _controller(spec: Model, rollout: ir.Rollout | None, offered: frozenset[str]) -> Controller:
    """Pick the one controller of the workload: a batch runs by schedule, a progressive rollout where a target can."""
    if spec.serving.mode == "batch":
        return "cron_job"
    return "rollout" if rollout and rollout.strategy != "rolling" and "rollout" in offered else "deployment"


# --- training --------------------------------------------------------------------------------------------------------
def _split(spec: Model, origin: ir.Origin) -> ir.Split:
    split = spec.split
    return ir.Split(split.strategy, split.train, split.validation, split.test, split.gap, tuple(split.group), origin)


def _estimator(spec: Model, estimator: Estimator, origin: ir.Origin) -> ir.Estimator:
    path = estimator.class_ or estimator.entrypoint or ""
    return ir.Estimator(
        path=path,
        params=tuple((k, freeze(v)) for k, v in sorted(estimator.params.items())),
        entrypoint=estimator.entrypoint is not None,
        preprocessing=defaults.preprocessing(spec, path, ir.Origin(origin.document, "spec.preprocessing")),
        origin=origin,
    )


def _search(spec: Model, search: Search, origin: ir.Origin) -> ir.Search:
    dimensions = []
    for name, dimension in sorted(search.space.items()):
        kind = next(k for k in dimension.forms if getattr(dimension, k) is not None)
        values = tuple(freeze(v) for v in getattr(dimension, kind))
        dimensions.append(ir.SearchDimension(name, kind, values))  # type: ignore[arg-type]  # a form is a kind
    return ir.Search(search.method, search.trials, defaults.search_metric(spec), tuple(dimensions), origin)


def _decision(spec: Model, origin: ir.Origin) -> ir.Decision | None:
    if spec.task != "binary_classification":
        return None
    rule, value = _decision_rule(spec.decision)
    return ir.Decision(rule, value, origin)


def _decision_rule(decision: Decision) -> tuple[Any, float]:
    for rule in ("threshold", "max_false_positive_rate", "min_precision", "min_recall"):
        if (value := getattr(decision, rule)) is not None:
            return rule, value
    return (decision.maximize, 0.0) if decision.maximize else ("threshold", 0.5)


def _train(spec: Model, origin: ir.Origin) -> ir.Train:
    train = spec.train
    resources = defaults.resources(train.resources, cpu=2.0, memory_mib=4096)
    return ir.Train(train.runner, resources, train.timeout, tuple(sorted(train.requirements)), train.refit, origin)


# --- gates, rollout, monitor -----------------------------------------------------------------------------------------
def _gate(named: Named[Gate]) -> ir.Gate:
    origin = ir.Origin(f"Gate/{named.name}", "spec")
    checks = tuple(_check(c, named.spec.confidence, origin.at(f"checks.{i}")) for i, c in enumerate(named.spec.checks))
    return ir.Gate(named.name, named.spec.split, checks, origin)


def _check(check: GateCheck, confidence: float, origin: ir.Origin) -> ir.GateCheck:
    kind = next(k for k in check.forms if getattr(check, k) is not None)
    return ir.GateCheck(
        kind=kind,  # type: ignore[arg-type]  # a form is a kind
        name=getattr(check, kind),
        min=check.min,
        max=check.max_difference if kind == "parity" else check.max,
        versus=check.versus,
        margin=check.margin,
        slices=tuple(check.slices),
        group=check.group,
        min_rows=check.min_rows,
        confidence=check.confidence or confidence,
        report_only=check.report_only,
        origin=origin,
    )


def _rollout(named: Named[Rollout]) -> ir.Rollout:
    spec, origin = named.spec, ir.Origin(f"Rollout/{named.name}", "spec")
    return ir.Rollout(
        name=named.name,
        strategy=spec.strategy,
        steps=tuple(ir.Step(s.weight, s.hold, s.approval, origin.at(f"steps.{i}")) for i, s in enumerate(spec.steps)),
        analysis=tuple(
            ir.Analysis(
                a.metric, a.min, a.max, a.baseline, a.interval, a.failure_limit, a.method, origin.at(f"analysis.{i}")
            )
            for i, a in enumerate(spec.analysis)
        ),
        no_data=spec.no_data,
        min_requests=spec.min_requests,
        requests_per_second=spec.traffic.requests_per_second if spec.traffic else None,
        automatic_rollback=spec.rollback.automatic,
        rollback_within=spec.rollback.within,
        keep=spec.rollback.keep,
        mirror=spec.mirror,
        preview=spec.preview,
        origin=origin,
    )


def _monitor(named: Named[Monitor]) -> ir.Monitor:
    spec, origin = named.spec, ir.Origin(f"Monitor/{named.name}", "spec")
    signals = tuple(
        ir.Signal(
            name=s.name,
            type=s.type,
            method=defaults.signal_method(s),
            metric=s.metric,
            features=tuple(s.features),
            min=s.min,
            max=defaults.signal_max(s),
            window=s.window,
            severity=s.severity,
            origin=origin.at(f"signals.{i}"),
        )
        for i, s in enumerate(spec.signals)
    )
    retrain = spec.retrain
    return ir.Monitor(
        name=named.name,
        reference=spec.reference.split,
        alerts_per_week=spec.alert_budget.per_week,
        label_delay=spec.label_delay,
        signals=signals,
        availability=spec.slo.availability,
        latency_p99=spec.slo.latency_p99,
        retrain=ir.Retrain(tuple(retrain.on), retrain.schedule, retrain.cooldown, origin.at("retrain"))
        if retrain
        else None,
        origin=origin,
    )


# --- serving, card ---------------------------------------------------------------------------------------------------
def _serving(serving: Serving, origin: ir.Origin) -> ir.Serving:
    runtime = serving.runtime
    return ir.Serving(
        mode=serving.mode,
        min_replicas=serving.replicas.min,
        max_replicas=max(serving.replicas.min, serving.replicas.max),
        target_cpu=serving.target_cpu,
        resources=defaults.resources(serving.resources, cpu=0.5, memory_mib=512),
        latency_p99=serving.latency_p99,
        max_batch=serving.max_batch,
        log_requests=serving.log_requests,
        log_classification=serving.log_classification,
        batch=_batch(serving) if serving.mode == "batch" else None,
        runtime=ir.Runtime(runtime.image, runtime.port, tuple(sorted(runtime.metrics.items()))) if runtime else None,
        origin=origin,
    )


def _batch(serving: Serving) -> ir.Batch | None:
    output = serving.output
    if output is None or serving.schedule is None:
        return None  # the models' analysis has said so
    return ir.Batch(
        schedule=serving.schedule,
        input=serving.input or "dataset",
        output=output.dataset,
        path=output.path or f"data/{output.dataset}",
        write=output.write,
        partition_by=tuple(output.partition_by),
    )


def _card(spec: Model, origin: ir.Origin) -> ir.Card:
    card = spec.card
    return ir.Card(
        intended_use=card.intended_use or "",
        out_of_scope=tuple(card.out_of_scope),
        risk=card.risk,
        limitations=tuple(card.limitations),
        ethical_considerations=tuple(card.ethical_considerations),
        human_oversight=card.human_oversight or "",
        contacts=tuple(card.contacts),
        references=tuple(card.references),
        origin=origin,
        purpose=card.purpose or "",
        sensitive_inputs=tuple(sorted(card.sensitive_inputs.items())),
        technical_documentation=tuple((name, text) for name, text in card.technical_documentation if text),
    )
