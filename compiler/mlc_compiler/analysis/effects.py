"""Fields that say nothing where they stand: what another strategy, mode, type or format would read.

Each row of a table names fields, when nothing reads them, and what to do instead. A test walks through every field of
rollouts, serving, monitors and environments, and holds that each changes what is made, or is told here or by a target.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from mlc_compiler.diagnostics import Path, Place, Sink
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.project import Project
from mlc_compiler.records import dataclass
from mlc_compiler.spec.dataset import Dataset, Source
from mlc_compiler.spec.environment import Environment
from mlc_compiler.spec.feature_view import Feature
from mlc_compiler.spec.gate import GateCheck
from mlc_compiler.spec.model import Label, Serving, Split
from mlc_compiler.spec.monitor import Signal
from mlc_compiler.spec.rollout import Rollout
from mlc_compiler.spec.types import SpecModel

S = TypeVar("S", bound=SpecModel)


@dataclass(frozen=True, slots=True)
class Idle(Generic[S]):
    """Fields that nothing reads when `when` holds of the mapping that they stand in; `why` follows "`field`"."""

    fields: tuple[str, ...]
    when: Callable[[S], bool]
    why: str
    help: str


ROLLOUT: tuple[Idle[Rollout], ...] = (
    Idle(("mirror",), lambda r: r.strategy != "shadow", "is the share of requests that a shadow gets", "remove it"),
    Idle(
        ("preview",),
        lambda r: r.strategy != "blue_green",
        "is how long both versions of a blue_green stay up",
        "remove it; steps of a canary have `hold`",
    ),
    Idle(
        ("steps", "analysis", "no_data", "min_requests"),
        lambda r: r.strategy == "rolling",
        "has no effect on a rolling update, which replaces pods without steps or analysis",
        "remove it, or use `strategy: canary`",
    ),
    Idle(
        ("no_data", "min_requests"),
        lambda r: not r.analysis and r.strategy != "rolling",
        "is about measurements, and there is no analysis",
        "remove it, or add `analysis`",
    ),
)
SIGNAL: tuple[Idle[Signal], ...] = (
    Idle(
        ("metric",),
        lambda s: s.type not in ("performance", "estimated_performance"),
        "has no effect on drift and data quality, which have a `method`",
        "remove it, or watch it as `type: performance`",
    ),
    Idle(
        ("features",),
        lambda s: s.type not in ("feature_drift", "data_quality"),
        "has no effect on signals of predictions",
        "remove it, or watch them as `type: feature_drift`",
    ),
    Idle(
        ("min",),
        lambda s: s.type in ("feature_drift", "prediction_drift", "data_quality"),
        "has no meaning here: the smaller the distance or the share of missing values, the better",
        "use `max`",
    ),
)
SERVING: tuple[Idle[Serving], ...] = (
    Idle(
        ("replicas", "target_cpu", "latency_p99", "log_requests", "runtime"),
        lambda s: s.mode == "batch",
        "has no effect on a batch, which serves no requests",
        "remove it, or say `mode: online`",
    ),
    Idle(
        ("target_cpu",),
        lambda s: s.mode == "online" and s.replicas.max <= s.replicas.min,
        "is what the autoscaler aims at, and there is none: `replicas.max` is not above `replicas.min`",
        "remove it, or raise `replicas.max`",
    ),
    Idle(
        ("max_batch", "log_requests"),
        lambda s: s.runtime is not None,
        "is an option of mlc's own server, and `runtime` names another",
        "remove it, and configure the other server",
    ),
)
SPLIT: tuple[Idle[Split], ...] = (
    Idle(("gap",), lambda s: s.strategy != "time", "lies between folds in time", "remove it, or use `strategy: time`"),
)
FEATURE: tuple[Idle[Feature], ...] = (
    Idle(
        ("over", "by", "window", "window_on", "where"),
        lambda f: f.aggregate is None,
        "is about the rows of an aggregate",
        "remove it, or write `aggregate` instead of `expr`",
    ),
)
LABEL: tuple[Idle[Label], ...] = (
    Idle(
        ("over", "by", "where"),
        lambda f: f.aggregate is None,
        "is about the rows of an aggregate",
        "remove it, or write `aggregate` instead of `expr`",
    ),
)
CHECK: tuple[Idle[GateCheck], ...] = (
    Idle(("margin",), lambda c: c.versus is None, "goes with `versus`", "remove it, or add `versus: champion`"),
    Idle(
        ("min_rows",),
        lambda c: not c.slices and not c.group,
        "is about groups of rows, and the check has none",
        "remove it, or add `slices`",
    ),
)
SOURCE: tuple[Idle[Source], ...] = (
    Idle(("path", "url"), lambda s: s.format in ("query", "sql"), "is where files lie", "remove it, or name a format"),
    Idle(("url",), lambda s: s.path is not None, "has no effect beside `path`", "keep one of the two"),
    Idle(
        ("query",), lambda s: s.format not in ("query", "sql"), "is read with `format: query`", "say so, or remove it"
    ),
    Idle(("connection",), lambda s: s.format != "sql", "goes with `format: sql`", "remove it"),
    Idle(("delimiter", "header"), lambda s: s.format != "csv", "is about CSV files", "remove it"),
)
DATASET: tuple[Idle[Dataset], ...] = (
    Idle(
        ("freshness",),
        lambda d: d.history is not None and d.history.until is not None,
        "has no effect on a table that is closed by `history.until`",
        "keep one of the two",
    ),
    Idle(
        ("delay",), lambda d: d.event_time is None, "counts from `event_time`, and there is none", "name the event time"
    ),
)
ENVIRONMENT: tuple[Idle[Environment], ...] = (
    Idle(
        ("freezes",),
        lambda e: e.tracks is not None,
        "stops promotions, and this environment follows the branch",
        "remove it, or freeze the environments that versions are promoted to",
    ),
)


def check_effects(project: Project, sink: Sink) -> None:
    """Report fields that are given where nothing reads them."""
    for rollout in project.rollouts.values():
        _told(rollout, (), rollout.spec, ROLLOUT, sink)
    for monitor in project.monitors.values():
        for index, signal in enumerate(monitor.spec.signals):
            _told(monitor, ("signals", index), signal, SIGNAL, sink)
    for gate in project.gates.values():
        for index, check in enumerate(gate.spec.checks):
            _told(gate, ("checks", index), check, CHECK, sink)
    for document in (model.document for model in project.models):
        spec = document.spec
        _told(document, ("serving",), spec.serving, SERVING, sink)
        _told(document, ("split",), spec.split, SPLIT, sink)
        _told(document, ("label",), spec.label, LABEL, sink)
    _check_data(project, sink)
    for environment in project.environments:
        _told(environment, (), environment.spec, ENVIRONMENT, sink)
        _told_environment(environment.spec, environment.at(), sink)


def _check_data(project: Project, sink: Sink) -> None:
    for dataset in project.datasets.values():
        _told(dataset, (), dataset.spec, DATASET, sink)
        _told(dataset, ("source",), dataset.spec.source, SOURCE, sink)
    for view in project.views.values():
        for name, feature in view.spec.features.items():
            _told(view, ("features", name), feature, FEATURE, sink)


def _told(document: Document[Any], path: Path, spec: S, idle: Iterable[Idle[S]], sink: Sink) -> None:
    """Report the fields of a mapping, which stands at a path below the spec, that nothing reads; each once."""
    told: set[str] = set()
    for row in idle:
        if spec.model_fields_set.isdisjoint(row.fields) or not row.when(spec):
            continue
        defaults = _defaults(type(spec))
        for name in row.fields:
            if name in spec.model_fields_set and name not in told and getattr(spec, name) != defaults[name]:
                told.add(name)
                at = document.at(*path, name).name()
                sink.error("MLC918", at, f"`{name}` {row.why}", help=row.help)


@functools.cache
def _defaults(kind: type[SpecModel]) -> Mapping[str, Any]:  # values of any field
    return {name: field.get_default(call_default_factory=True) for name, field in kind.model_fields.items()}


def _told_environment(spec: Environment, at: Place, sink: Sink) -> None:
    requires, ingress = spec.requires, spec.ingress
    if spec.tracks is not None:
        for name in ("soak", "approvals"):
            if getattr(requires, name):
                sink.error(
                    "MLC918",
                    at.at("requires", name).name(),
                    f"`{name}` is asked of promotions, and the release workflow pins here by itself",
                    help="ask it of the environments that versions are promoted to",
                )
    if ingress.host and not ingress.gateway:
        sink.error(
            "MLC918",
            at.at("ingress", "host").name(),
            "`host` is what a route answers to, and without a `gateway` no route is made",
            help="add `gateway: namespace/name`, or remove the host",
        )
