"""kind: Model, what is learned, how it is trained, packaged and served."""

from typing import Annotated, Any, Literal

from pydantic import Field

from mlc_compiler.spec.dataset import Classification
from mlc_compiler.spec.types import (
    Cpu,
    Cron,
    Duration,
    Expression,
    Identifier,
    Name,
    OneOf,
    Rate,
    RelativePath,
    Size,
    SpecModel,
    Text,
    defaults,
)

Task = Literal["binary_classification", "multiclass_classification", "regression", "forecast"]


class Label(OneOf):
    """What is predicted; exactly one of `expr`, `aggregate`."""

    forms = ("expr", "aggregate")
    expr: Expression | None = None
    """An expression over the spine's columns."""
    aggregate: Expression | None = None
    """An aggregate over rows that lie ahead."""
    over: Name | None = None
    by: list[Identifier] = []
    where: Expression | None = None
    horizon: Duration | None = None
    """How far ahead the aggregated rows reach."""
    known_at: Expression | None = None
    """When the label is known; rows that are not mature are left out and counted."""


class Split(SpecModel):
    """How rows are parted into folds."""

    strategy: Literal["time", "random", "group"] = "time"
    train: Rate = 0.7
    validation: Rate = 0.15
    test: Rate = 0.15
    gap: Duration = 0.0
    """Time left out between folds, on top of label maturity."""
    group: list[Identifier] = []
    """Columns whose equal values stay in one fold."""


class NumericPreprocessing(SpecModel):
    impute: Literal["median", "mean", "zero", "none"] | None = None
    """How nulls are replaced; by default as the estimator needs it."""
    scale: Literal["standard", "min_max", "robust", "none"] | None = None
    indicator: bool = False
    """Adds a column that tells which values were null."""


class CategoryPreprocessing(SpecModel):
    encode: Literal["one_hot", "ordinal"] | None = None
    min_frequency: Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0, lt=1)] | None = None
    """Categories seen less often in training are pooled."""
    max_categories: Annotated[int, Field(ge=2)] | None = None


class Preprocessing(SpecModel):
    """Encoding inside the packaged pipeline, so that training, package and server agree."""

    numeric: NumericPreprocessing = defaults(NumericPreprocessing)
    category: CategoryPreprocessing = defaults(CategoryPreprocessing)


class Estimator(OneOf):
    """A scikit-learn estimator, by class or as an entrypoint in the model's own code."""

    forms = ("class_", "entrypoint")
    class_: Annotated[Text | None, Field(alias="class")] = None
    """Dotted path, e.g. sklearn.linear_model.LogisticRegression."""
    entrypoint: Text | None = None
    """module:function in `code` that returns an estimator."""
    params: dict[str, Any] = {}


class SearchDimension(OneOf):
    """Values that one parameter may take; exactly one form."""

    forms = ("choice", "uniform", "log_uniform", "int_uniform")
    choice: Annotated[list[Any], Field(min_length=1)] | None = None
    uniform: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None
    log_uniform: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None
    int_uniform: Annotated[list[int], Field(min_length=2, max_length=2)] | None = None


class Search(SpecModel):
    """Search for parameters, scored on the validation fold."""

    method: Literal["random", "grid"] = "random"
    trials: Annotated[int, Field(ge=1, le=10_000)] = 20
    metric: Text | None = None
    """By default roc_auc, or rmse for regressions."""
    space: Annotated[dict[str, SearchDimension], Field(min_length=1)]


class Decision(SpecModel):
    """The operating point of a classifier: a threshold, or the rule that chooses it on validation."""

    threshold: Rate | None = None
    max_false_positive_rate: Rate | None = None
    min_precision: Rate | None = None
    min_recall: Rate | None = None
    maximize: Literal["f1", "youden"] | None = None


class Resources(SpecModel):
    cpu: Cpu | None = None
    memory: Size | None = None
    gpu: Annotated[int, Field(ge=0)] = 0


class Train(SpecModel):
    """Where training runs."""

    runner: Literal["ci", "kubernetes-job", "argo-workflows"] = "ci"
    resources: Resources = defaults(Resources)
    timeout: Duration = 7200.0
    requirements: list[Text] = []
    """Further Python packages, with versions; they are part of the model's version."""
    refit: Literal["train", "train+validation", "all"] = "train"
    """What the final fit uses after the choices are made."""


class Package(SpecModel):
    format: Literal["onnx", "skops"] = "onnx"


class Replicas(SpecModel):
    min: Annotated[int, Field(ge=0)] = 1
    max: Annotated[int, Field(ge=1)] = 1


class BatchOutput(SpecModel):
    dataset: Name
    """Name of the dataset that is written."""
    path: RelativePath | None = None
    write: Literal["replace_partition", "append", "replace"] = "replace_partition"
    partition_by: list[Identifier] = []


class Runtime(SpecModel):
    """Another server than mlc's own."""

    image: Text
    port: Annotated[int, Field(ge=1, le=65535)] = 8080
    metrics: dict[str, str] = {}
    """mlc's metric names to the server's."""


class Serving(SpecModel):
    """How predictions are given: online by a server, or batch on a schedule."""

    mode: Literal["online", "batch"] = "online"
    replicas: Replicas = defaults(Replicas)
    target_cpu: Annotated[int, Field(ge=10, le=95)] = 70
    """CPU utilisation, percent, that the autoscaler aims at."""
    resources: Resources = defaults(Resources)
    latency_p99: Duration | None = None
    """The latency that the service promises."""
    max_batch: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """Rows that one request may carry."""
    schedule: Cron | None = None
    """When a batch runs."""
    input: Literal["dataset"] | Name | None = None
    """Dataset that a batch scores; `dataset` is the spine."""
    output: BatchOutput | None = None
    runtime: Runtime | None = None
    log_requests: Rate = 0.0
    """Share of requests that are logged, redacted by classification."""
    log_classification: Classification = "internal"
    """Most closely kept values that the log shows; what lies above is redacted."""


class TechnicalDocumentation(SpecModel):
    """What only people can write of a high-risk model: each a text, a URL, or a path of the repository."""

    provider: Text | None = None
    """The provider, and how this version relates to earlier ones."""
    interaction: Text | None = None
    """Hardware, software and other AI systems that it interacts with."""
    forms: Text | None = None
    """The forms in which it is placed on the market or put into service."""
    interface: Text | None = None
    """The user interface for the deployer."""
    instructions: Text | None = None
    """The instructions for use."""
    design_choices: Text | None = None
    """The design choices, with their reasons and assumptions about persons or groups."""
    data_collection: Text | None = None
    """How the data was obtained, selected, labelled and cleaned."""
    oversight_assessment: Text | None = None
    """The assessment of the human oversight measures."""
    predetermined_changes: Text | None = None
    """Pre-determined changes, and how conformity is kept through them."""
    test_reports: Text | None = None
    """Test logs and reports, dated and signed."""
    cybersecurity: Text | None = None
    """The cybersecurity measures."""
    accuracy_for_groups: Text | None = None
    """The accuracy to expect for the persons or groups that it is meant for."""
    unintended_outcomes: Text | None = None
    """Foreseeable unintended outcomes, and risks to health, safety and rights."""
    input_specifications: Text | None = None
    """What deployers must know of the input data."""
    metric_choice: Text | None = None
    """Why the metrics and bounds fit the use."""
    risk_management: Text | None = None
    """The risk management system."""
    changes: Text | None = None
    """The relevant changes, in words."""
    standards: Text | None = None
    """The standards applied, or the solutions adopted instead."""
    declaration: Text | None = None
    """A copy of the EU declaration of conformity."""
    post_market_plan: Text | None = None
    """The post-market monitoring plan."""


class Card(SpecModel):
    """What the model card says beyond what is computed."""

    intended_use: Text | None = None
    """What it is for, and for whom."""
    purpose: Name | None = None
    """One word for it, compared with the `purposes` of the data."""
    out_of_scope: list[Text] = []
    """Uses that it was not made for."""
    risk: Literal["minimal", "limited", "high"] = "minimal"
    """Tier of the EU AI Act; `high` adds the headings of its Annex IV to the card."""
    sensitive_inputs: dict[Identifier, Text] = {}
    """Why features may depend on a sensitive column: its name, and the reason."""
    limitations: list[Text] = []
    ethical_considerations: list[Text] = []
    human_oversight: Text | None = None
    technical_documentation: TechnicalDocumentation = defaults(TechnicalDocumentation)
    """What people write under the headings of the EU AI Act's Annex IV."""
    contacts: list[Text] = []
    references: list[Text] = []


class Model(SpecModel):
    """A model from features to serving."""

    task: Task
    features: Annotated[list[Text], Field(min_length=1)]
    """`view.*` or `view.feature`."""
    exclude: list[Text] = []
    """Features that `view.*` would bring, left out."""
    label: Label
    where: Expression | None = None
    """Which rows of the spine this model is about."""
    split: Split = defaults(Split)
    preprocessing: Preprocessing = defaults(Preprocessing)
    estimator: Estimator
    baseline: Estimator | None = None
    search: Search | None = None
    decision: Decision = defaults(Decision)
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    code: list[RelativePath] = []
    """Globs of the model's own code: in its version, and in its image."""
    train: Train = defaults(Train)
    package: Package = defaults(Package)
    serving: Serving = defaults(Serving)
    card: Card = defaults(Card)
