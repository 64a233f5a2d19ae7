"""The release: the resolved model of one environment that every target reads. Frozen, complete, no defaults left open.

Durations are seconds, sizes bytes, rates 0 to 1, weights percent. Every node that an artifact may quote keeps its
`origin`, the spec field that it came from.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

Scalar = str | int | float | bool | None
Frozen = Scalar | tuple["Frozen", ...] | tuple[tuple[str, "Frozen"], ...]
"""Free-form values (parameters, options), made of scalars, tuples and pairs."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A spec field: document as Kind/name, path below it in dots."""

    document: str
    field: str = ""

    def at(self, path: str) -> Origin:
        """Return the origin of a field below this one."""
        return Origin(self.document, f"{self.field}.{path}" if self.field else path)


# --- data ------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type: str  # string int64 int32 float64 float32 bool timestamp date decimal
    required: bool = False
    unique: bool = False
    enum: tuple[Scalar, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None
    classification: str = "public"
    known_at: str | None = None  # SQL over the row; None: event time plus delay
    description: str = ""
    sensitive: bool = False  # a protected attribute


@dataclass(frozen=True, slots=True)
class DataCheck:
    """One check as a query: `violations_sql` counts what breaks it, `total_sql` what it was asked of."""

    name: str  # e.g. "row_count", "missing_rate(tailnum)", "distance > 0"
    kind: str  # row_count missing_rate unique range expression freshness
    columns: tuple[str, ...] = ()
    expression: str | None = None  # DuckDB SQL over the row; true is met
    statistic: str | None = None
    min: float | None = None
    max: float | None = None
    severity: Literal["error", "warning"] = "error"
    origin: Origin = Origin("")


@dataclass(frozen=True, slots=True)
class Source:
    format: Literal["parquet", "csv", "jsonl", "sql", "query"]
    path: str | None = None
    url: str | None = None
    query: str | None = None  # DuckDB SQL over other datasets
    reads: tuple[str, ...] = ()  # datasets that the query reads
    secret: str | None = None
    delimiter: str = ","
    header: bool = True


@dataclass(frozen=True, slots=True)
class Dataset:
    name: str
    source: Source
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    event_time: str | None = None
    delay: float = 0.0
    overwrite: bool = False
    checks: tuple[DataCheck, ...] = ()
    until: str | None = None
    freshness: float | None = None
    license: str | None = None
    owner: str = ""
    description: str = ""
    digest: str | None = None  # snapshot digest from the lock
    rows: int | None = None
    origin: Origin = Origin("")

    def column(self, name: str) -> Column | None:
        return next((c for c in self.columns if c.name == name), None)


# --- features --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Feature:
    """A feature as models take it; `kind` is what an encoder may do with it."""

    name: str
    view: str
    kind: Literal["category", "number", "boolean", "timestamp", "text"]
    type: str  # column type of the value: float64, int64, string, bool, timestamp
    definition: str  # canonical text: part of the version
    expression: str = ""  # as the user wrote it, for people
    description: str = ""
    online: bool = False  # looked up when serving, not computed from the request alone
    origin: Origin = Origin("")
    reaches: tuple[str, ...] = ()  # sensitive columns in its lineage, as dataset.column
    rows: str = ""  # of an aggregate, for people: over which dataset, by which keys, in which window


@dataclass(frozen=True, slots=True)
class Lookup:
    """A table of the online snapshot: `sql` builds it as of the parameter $now; one row a key.

    The SQL reads the datasets as relations of their names. `columns` are what the row query may use besides the keys.
    """

    name: str
    keys: tuple[str, ...]
    columns: tuple[str, ...]
    sql: str
    reads: tuple[str, ...]
    origin: Origin = Origin("")


@dataclass(frozen=True, slots=True)
class FeatureQuery:
    """The features of one model, compiled to DuckDB SQL with one meaning for training and serving.

    `training_sql` reads the datasets as relations of their names and returns the primary key, `__predict_at`
    (timestamp, UTC), `__label`, `__label_known_at` and the features in order; one row of the spine each, immature and
    unlabelled rows included (their label is null). `serving_sql` reads a relation `request` with the request's columns
    and the lookups as relations of their names; it returns the features in the same order, and for each lookup a
    boolean `__miss_<lookup>`; rows come back in order of `request.__row` (an integer that the caller adds).
    `row_sql` means the same, but reads `request` alone: the caller has looked up, and brings each lookup's columns as
    `<lookup>:<column>` and whether there was a row as the boolean `<lookup>:__hit`. `batch_sql` is training_sql without
    the label's columns.
    """

    spine: str
    primary_key: tuple[str, ...]
    predict_at: str
    request: tuple[Column, ...]
    features: tuple[Feature, ...]
    lookups: tuple[Lookup, ...]
    datasets: tuple[str, ...]  # read by training_sql
    training_sql: str
    batch_sql: str
    serving_sql: str
    refresh: float
    slices: tuple[str, ...] = ()  # spine columns kept beside the features, as `__slice_<name>`, for slices and groups
    definition: str = ""  # canonical text of the rows (spine, predict_at, filters): part of the version
    row_sql: str = ""


@dataclass(frozen=True, slots=True)
class FeatureTest:
    """Rows given, features expected; `sql` is the view's own feature query (batch form)."""

    view: str
    name: str
    given: tuple[tuple[str, tuple[tuple[tuple[str, Scalar], ...], ...]], ...]  # dataset -> rows
    expect: tuple[tuple[tuple[str, Scalar], ...], ...]
    tolerance: float
    sql: str
    primary_key: tuple[str, ...]
    datasets: tuple[Dataset, ...]
    origin: Origin = Origin("")


@dataclass(frozen=True, slots=True)
class ParityTest:
    """Features of one view whose golden vectors must come to the same in training and in serving."""

    view: str
    query: FeatureQuery
    datasets: tuple[Dataset, ...]
    timezone: str
    origin: Origin = Origin("")


# --- training --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Label:
    definition: str  # canonical text
    expression: str
    known_at: str
    horizon: float | None = None
    origin: Origin = Origin("")


@dataclass(frozen=True, slots=True)
class Split:
    strategy: Literal["time", "random", "group"]
    train: float
    validation: float
    test: float
    gap: float
    group: tuple[str, ...]
    origin: Origin = Origin("")


@dataclass(frozen=True, slots=True)
class Preprocessing:
    impute: Literal["median", "mean", "zero", "none"]
    scale: Literal["standard", "min_max", "robust", "none"]
    indicator: bool
    encode: Literal["one_hot", "ordinal"]
    min_frequency: int | float | None
    max_categories: int | None
    origin: Origin = Origin("")


@dataclass(frozen=True, slots=True)
class Estimator:
    """`path` is a class's dotted path, or module:function of the model's code."""

    path: str
    params: tuple[tuple[str, Frozen], ...] = ()
    entrypoint: bool = False
    preprocessing: Preprocessing | None = None  # resolved for this estimator
    origin: Origin = Origin("")


@dataclass(frozen=True, slots=True)
class SearchDimension:
    name: str
    kind: Literal["choice", "uniform", "log_uniform", "int_uniform"]
    values: tuple[Frozen, ...]


@dataclass(frozen=True, slots=True)
class Search:
    method: Literal["random", "grid"]
    trials: int
    metric: str
    space: tuple[SearchDimension, ...]
    origin: Origin = Origin("")


@dataclass(frozen=True, slots=True)
class Decision:
    """How the operating point of a classifier is chosen; a fixed threshold has rule `threshold`."""

    rule: Literal["threshold", "max_false_positive_rate", "min_precision", "min_recall", "f1", "youden"]
    value: float
    origin: Origin = Origin("")


@dataclass(frozen=True, slots=True)
class Resources:
    cpu: float
    memory: int
    gpu: int = 0


@dataclass(frozen=True, slots=True)
class Train:
    runner: str
    resources: Resources
    timeout: float
    requirements: tuple[str, ...]
    refit: Literal["train", "train+validation", "all"]
    origin: Origin = Origin("")


# --- gates -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class GateCheck:
    """One check. kind metric: `name` is the metric; fairness: the ratio; latency: the quantile; parity: the format."""

    kind: Literal["metric", "fairness", "latency", "parity"]
    name: str
    min: float | None = None
    max: float | None = None
    versus: Literal["champion", "baseline"] | None = None
    margin: float = 0.0
    slices: tuple[str, ...] = ()
    group: str | None = None
    min_rows: int = 1
    confidence: float = 0.95
    report_only: bool = False
    origin: Origin = Origin("")

    @property
    def title(self) -> str:
        """Return the check in words, the same in reports, evidence and pull requests."""
        subject = f"{self.kind} {self.name}" if self.kind != "metric" else self.name
        parts = [subject]
        if self.group:
            parts.append(f"over {self.group}")
        if self.slices:
            parts.append(f"by {', '.join(self.slices)}")
        if self.versus:
            parts.append(f"no worse than {self.versus} by more than {self.margin:g}")
        if self.min is not None:
            parts.append(f">= {self.min:g}")
        if self.max is not None:
            unit = " s" if self.kind == "latency" else ""
            parts.append(f"<= {self.max:g}{unit}")
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Gate:
    name: str
    split: Literal["test", "validation"]
    checks: tuple[GateCheck, ...]
    origin: Origin = Origin("")


# --- serving, rollout, monitor ---------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Batch:
    schedule: str
    input: str
    output: str
    path: str
    write: Literal["replace_partition", "append", "replace"]
    partition_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Runtime:
    image: str
    port: int
    metrics: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Serving:
    mode: Literal["online", "batch"]
    min_replicas: int
    max_replicas: int
    target_cpu: int
    resources: Resources
    latency_p99: float | None
    max_batch: int
    log_requests: float
    batch: Batch | None = None
    runtime: Runtime | None = None
    origin: Origin = Origin("")
    log_classification: str = "internal"


@dataclass(frozen=True, slots=True)
class Step:
    weight: float
    hold: float | None
    approval: bool = False
    origin: Origin = Origin("")


@dataclass(frozen=True, slots=True)
class Analysis:
    """`metric`: error_rate, latency_p50|p95|p99 (seconds), prediction_drift, prediction_mean."""

    metric: str
    min: float | None
    max: float | None
    baseline: float | None
    interval: float
    failure_limit: int
    method: str = "threshold"
    origin: Origin = Origin("")


@dataclass(frozen=True, slots=True)
class Rollout:
    name: str
    strategy: Literal["canary", "blue_green", "shadow", "ab_test", "bandit", "rolling"]
    steps: tuple[Step, ...]
    analysis: tuple[Analysis, ...]
    no_data: Literal["fail", "hold"]
    min_requests: int
    requests_per_second: float | None
    automatic_rollback: bool
    rollback_within: float
    keep: int
    mirror: float | None = None
    preview: float | None = None
    origin: Origin = Origin("")


@dataclass(frozen=True, slots=True)
class Signal:
    name: str
    type: Literal["feature_drift", "prediction_drift", "performance", "estimated_performance", "data_quality"]
    method: str
    metric: str | None
    features: tuple[str, ...]
    min: float | None
    max: float | None
    window: float
    severity: Literal["page", "ticket"]
    origin: Origin = Origin("")


@dataclass(frozen=True, slots=True)
class Retrain:
    on: tuple[str, ...]
    schedule: str | None
    cooldown: float
    origin: Origin = Origin("")


@dataclass(frozen=True, slots=True)
class Monitor:
    name: str
    reference: str
    alerts_per_week: float
    label_delay: float | None
    signals: tuple[Signal, ...]
    availability: float | None
    latency_p99: float | None
    retrain: Retrain | None
    origin: Origin = Origin("")


@dataclass(frozen=True, slots=True)
class Card:
    intended_use: str
    out_of_scope: tuple[str, ...]
    risk: Literal["minimal", "limited", "high"]
    limitations: tuple[str, ...]
    ethical_considerations: tuple[str, ...]
    human_oversight: str
    contacts: tuple[str, ...]
    references: tuple[str, ...]
    origin: Origin = Origin("")
    purpose: str = ""
    sensitive_inputs: tuple[tuple[str, str], ...] = ()  # column, why features may depend on it
    technical_documentation: tuple[tuple[str, str], ...] = ()  # topic, a text or where it stands


# --- the model, the environment, the release -------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Pin:
    """What runs: digests as `sha256:...`; `image` is name@sha256:..., or name:tag while no registry gave a digest."""

    version: str
    artifact: str
    image: str
    snapshot: str
    path: str
    evidence: str | None = None


@dataclass(frozen=True, slots=True)
class Model:
    name: str
    owner: str
    description: str
    task: Literal["binary_classification", "multiclass_classification", "regression", "forecast"]
    version: str  # sha256:... of the training inputs
    features: FeatureQuery
    label: Label
    split: Split
    estimator: Estimator
    baseline: Estimator | None
    search: Search | None
    decision: Decision | None
    seed: int
    code: tuple[str, ...]
    train: Train
    package: Literal["onnx", "skops"]
    serving: Serving
    gates: tuple[Gate, ...]
    rollout: Rollout | None
    monitor: Monitor | None
    card: Card
    datasets: tuple[Dataset, ...]
    labels: tuple[tuple[str, str], ...] = ()
    controller: Literal["deployment", "rollout", "cron_job"] = "deployment"
    pin: Pin | None = None
    origin: Origin = Origin("")
    retrain: Retrain | None = None  # its monitor's, apart: shared workflows follow from this much of monitors alone

    def dataset(self, name: str) -> Dataset:
        return next(d for d in self.datasets if d.name == name)


@dataclass(frozen=True, slots=True)
class Approval:
    team: str
    count: int


@dataclass(frozen=True, slots=True)
class Freeze:
    """Days, both included (ISO dates), in which nothing is promoted."""

    since: str
    until: str
    reason: str


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch on an emitted object: `merge` is a strategic merge, `operations` a JSON patch."""

    kind: str
    name: str
    merge: Frozen = None
    operations: tuple[Frozen, ...] = ()
    origin: Origin = Origin("")


@dataclass(frozen=True, slots=True)
class Environment:
    name: str
    namespace: str
    tracks: str | None
    promoted_from: str | None
    gates: tuple[str, ...]
    soak: float
    approvals: tuple[Approval, ...]
    gateway: str | None
    host: str | None
    patches: tuple[Patch, ...] = ()
    origin: Origin = Origin("")
    freezes: tuple[Freeze, ...] = ()
    signed: bool = False


@dataclass(frozen=True, slots=True)
class TargetOptions:
    name: str
    options: tuple[tuple[str, Frozen], ...] = ()
    origin: Origin = Origin("")

    def get(self, key: str, default: Frozen = None) -> Frozen:
        return dict(self.options).get(key, default)


@dataclass(frozen=True, slots=True)
class Action:
    """A pinned GitHub action."""

    name: str
    sha: str
    version: str


@dataclass(frozen=True, slots=True)
class Lock:
    """What the lock pins besides datasets."""

    actions: tuple[Action, ...] = ()
    images: tuple[tuple[str, str], ...] = ()  # image -> digest
    packages: tuple[tuple[str, str], ...] = ()  # package -> version
    mlc: str = ""

    def action(self, name: str) -> Action:
        return next(a for a in self.actions if a.name == name)


@dataclass(frozen=True, slots=True)
class Project:
    name: str
    owner: str
    timezone: str
    image_registry: str | None
    store_local: str
    store_ci: str | None
    mlflow: str | None
    default_branch: str
    app_token: str | None
    python: str
    runs_on: tuple[str, ...]
    ci_timeout: float
    alert_receiver: str
    alert_webhook: str | None
    runbooks: str | None
    targets: tuple[TargetOptions, ...]
    environments: tuple[str, ...]  # in order of promotion
    specs: tuple[str, ...] = ("specs",)
    signing_keys: tuple[str, ...] = ()  # files with public keys
    lock: Lock = field(default_factory=Lock)
    origin: Origin = Origin("")

    def options(self, target: str) -> TargetOptions:
        return next((t for t in self.targets if t.name == target), TargetOptions(target))

    def uses(self, target: str) -> bool:
        return any(t.name == target for t in self.targets)


@dataclass(frozen=True, slots=True)
class Release:
    """One environment, resolved. `models` are sorted by name; those without a pin render no workload."""

    project: Project
    environment: Environment
    models: tuple[Model, ...]

    def with_models(self, models: tuple[Model, ...]) -> Release:
        return replace(self, models=models)


@dataclass(frozen=True, slots=True)
class ProjectRelease:
    """All environments of a project, in order of promotion: for artifacts that belong to none of them."""

    project: Project
    releases: tuple[Release, ...]
    models: tuple[Model, ...]  # as the specs have them now, without pins
