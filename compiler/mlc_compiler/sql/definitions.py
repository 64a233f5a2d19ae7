"""What the feature compiler is given and what it gives back: plain values, independent of how specs are written."""

from __future__ import annotations

from typing import Literal

from mlc_compiler.diagnostics import Path
from mlc_compiler.ir import Dataset, FeatureQuery, Label
from mlc_compiler.records import dataclass
from mlc_compiler.sql.syntax import ExpressionProblem

FeatureKind = Literal["category", "number", "boolean", "timestamp", "text"]


@dataclass(frozen=True, slots=True)
class JoinDefinition:
    """Another dataset's columns beside each row; either `as_of` or `static`. `tolerance` is in seconds."""

    name: str
    dataset: Dataset
    on: tuple[str, ...]
    as_of: str | None = None
    tolerance: float | None = None
    static: bool = False


@dataclass(frozen=True, slots=True)
class AggregateDefinition:
    """An aggregate over rows of `over` that agree in `by`; `window` is in seconds."""

    text: str
    over: Dataset
    by: tuple[str, ...] = ()
    window: float | None = None
    window_on: Literal["knowledge_time", "event_time"] = "knowledge_time"
    where: str | None = None


@dataclass(frozen=True, slots=True)
class FeatureDefinition:
    """One feature: a row expression `expr`, or an `aggregate`. `kind` is None where the value's type decides."""

    name: str
    expr: str | None = None
    aggregate: AggregateDefinition | None = None
    kind: FeatureKind | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class ViewDefinition:
    """The features of one spine. `refresh` is in seconds; `timezone` is the project's."""

    name: str
    spine: Dataset
    predict_at: str
    request: tuple[str, ...]
    features: tuple[FeatureDefinition, ...]
    joins: tuple[JoinDefinition, ...] = ()
    where: str | None = None
    refresh: float = 900.0
    timezone: str = "UTC"

    @property
    def document(self) -> str:
        return f"FeatureView/{self.name}"

    @property
    def datasets(self) -> dict[str, Dataset]:
        """The datasets that the view reads, by name, its spine first."""
        aggregated = (feature.aggregate.over for feature in self.features if feature.aggregate is not None)
        return {d.name: d for d in (self.spine, *(join.dataset for join in self.joins), *aggregated)}

    def feature(self, name: str) -> FeatureDefinition | None:
        return next((feature for feature in self.features if feature.name == name), None)


@dataclass(frozen=True, slots=True)
class LabelDefinition:
    """What is predicted: `expr` over the spine's columns, or `aggregate` over what becomes known in [predict_at,
    predict_at + horizon). `horizon` is in seconds; the aggregate's own `window` is not used."""

    expr: str | None = None
    aggregate: AggregateDefinition | None = None
    horizon: float | None = None
    known_at: str | None = None


@dataclass(frozen=True, slots=True)
class ModelFeatures:
    """What one model takes: `select` holds `view.feature` patterns in which `*` stands for anything.

    `name` is the model's, `where` its own choice among the rows of its views. `slices` are columns of the spine kept
    beside the features. `label` is None where only features are wanted.
    """

    name: str
    views: tuple[ViewDefinition, ...]
    select: tuple[str, ...]
    label: LabelDefinition | None = None
    slices: tuple[str, ...] = ()
    where: str | None = None

    @property
    def document(self) -> str:
        return f"Model/{self.name}"


@dataclass(frozen=True, slots=True)
class ProblemPlace:
    """A spec field: document as Kind/name, path from the document's root, such as ("spec", "features", "x", "expr").

    `within` is a range of characters in the scalar found there; `key` means the field's name instead of its value.
    """

    document: str
    path: Path = ()
    within: tuple[int, int] | None = None
    key: bool = False

    def at(self, *path: str | int) -> ProblemPlace:
        """Return the place of a field below this one."""
        return ProblemPlace(self.document, self.path + path)

    def name(self) -> ProblemPlace:
        """Return the place of this field's key."""
        return ProblemPlace(self.document, self.path, None, True)

    def slice(self, span: tuple[int, int]) -> ProblemPlace:
        """Return the place of some characters of this scalar."""
        return ProblemPlace(self.document, self.path, span)


@dataclass(frozen=True, slots=True)
class ProblemRelated:
    """A second place that explains a problem."""

    label: str
    text: str
    at: ProblemPlace | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding without a file: the analysis adds the position."""

    code: str
    message: str
    at: ProblemPlace
    note: str = ""
    help: str = ""
    related: tuple[ProblemRelated, ...] = ()
    warning: bool = False
    fix: str = ""


def placed(problem: ExpressionProblem, at: ProblemPlace, subject: str = "") -> Problem:
    """Return an expression's problem as one of the field that holds it; `subject` starts the message."""
    message = f"{subject}{problem.message}"
    place = at.slice(problem.span)
    return Problem(problem.code, message, place, problem.note, problem.help, (), problem.warning, problem.fix)


@dataclass(frozen=True, slots=True)
class CompiledFeatures:
    """The compiled query and label (both None after an error), and every independent problem that was found."""

    query: FeatureQuery | None
    label: Label | None
    problems: tuple[Problem, ...] = ()
    label_type: str = ""

    @property
    def failed(self) -> bool:
        return any(not problem.warning for problem in self.problems)
