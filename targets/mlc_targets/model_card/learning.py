"""What a model learned from, and how: data, features, label, split, training."""

from __future__ import annotations

from mlc_compiler import conventions
from mlc_compiler.backend.target import Sourced
from mlc_compiler.conventions import duration_text, number_text
from mlc_compiler.ir import Column, Dataset, Estimator, Frozen, Model, Origin, Preprocessing, Search, Source
from mlc_targets.model_card.markdown import TO_BE_WRITTEN, Line, cell, code, prose, section, table


# --- data ------------------------------------------------------------------------------------------------------------
def data(model: Model) -> list[Line]:
    """Return the datasets, and the columns that are not public."""
    rows = [(_dataset_cells(dataset), dataset.origin) for dataset in model.datasets]
    heads = ("dataset", "description", "source", "rows", "snapshot", "licence", "owner")
    return section("Data", table(heads, rows), _classified(model))


def _dataset_cells(dataset: Dataset) -> tuple[str, ...]:
    return (
        cell(dataset.name),
        prose(dataset.description) or TO_BE_WRITTEN,
        cell(_source(dataset.source)),
        "not locked" if dataset.rows is None else f"{dataset.rows:,}",
        cell(conventions.short(dataset.digest)) if dataset.digest else "not locked",
        prose(dataset.license or "") or TO_BE_WRITTEN,
        prose(dataset.owner),
    )


def _source(source: Source) -> str:
    if source.format == "query":
        return f"query over {', '.join(source.reads)}"
    return source.path or source.url or source.format


def _classified(model: Model) -> list[Line]:
    found = [(d, c) for d in model.datasets for c in d.columns if c.classification != "public" or c.sensitive]
    if not found:
        return ["All columns are classified as public.", ""]
    used = {column.name for column in model.features.request}
    rows = [
        (
            (cell(f"{dataset.name}.{column.name}"), _kept(column), _asked(dataset, column, model, used)),
            dataset.origin.at(f"columns.{column.name}.classification"),
        )
        for dataset, column in found
    ]
    return ["Columns that are not public:", "", *table(("column", "classification", "in requests"), rows)]


def _kept(column: Column) -> str:
    return f"{prose(column.classification)}, sensitive" if column.sensitive else prose(column.classification)


def _asked(dataset: Dataset, column: Column, model: Model, used: set[str]) -> str:
    return "yes" if dataset.name == model.features.spine and column.name in used else "no"


# --- features --------------------------------------------------------------------------------------------------------
def features(model: Model) -> list[Line]:
    """Return the features in their order, and what a request holds."""
    query = model.features
    rows = [
        (
            (
                cell(feature.name),
                cell(feature.expression or feature.definition),
                cell(feature.rows),
                feature.kind,
                "looked up" if feature.online else "request",
                prose(feature.description),
            ),
            feature.origin,
        )
        for feature in query.features
    ]
    rows_are = f" The rows: {code(query.definition)}." if "; where " in query.definition else ""
    moment = f"One row of {code(query.spine)} is one prediction, made at {code(query.predict_at)}."
    request = f"A request holds {', '.join(code(c.name) for c in query.request) or 'nothing'}."
    stale = f" What is looked up is rewritten every {duration_text(query.refresh)}." if query.lookups else ""
    heads = ("feature", "expression", "of the rows", "kind", "from", "description")
    return section("Features", [f"{moment}{rows_are} {request}{stale}", ""], table(heads, rows), _looked_up(model))


def _looked_up(model: Model) -> list[Line]:
    """Return what the short expression of an aggregate or join leaves out: windows, keys, when values are known."""
    found = [feature for feature in model.features.features if feature.online and feature.definition]
    if not found:
        return []
    rows = [((cell(feature.name), cell(feature.definition)), feature.origin) for feature in found]
    return ["What is looked up, in full:", "", *table(("feature", "definition"), rows)]


# --- label, split ----------------------------------------------------------------------------------------------------
def target(model: Model) -> list[Line]:
    """Return the label and how rows are parted."""
    label, split = model.label, model.split
    known = f", known at {code(label.known_at)}" if label.known_at else ""
    ahead = f", {duration_text(label.horizon)} ahead" if label.horizon else ""
    shares = " / ".join(f"{_percent(share)} %" for share in (split.train, split.validation, split.test))
    by = f" by {', '.join(map(code, split.group))}" if split.group else ""
    gap = f", {duration_text(split.gap)} left out between folds" if split.gap else ""
    text = f"{split.strategy.capitalize()}{by}: {shares} of the rows train, validate and test{gap}."
    return [
        *section("Label", [Sourced(f"{code(label.expression)}{known}{ahead}.", label.origin), ""]),
        *section("Split", [Sourced(text, split.origin), ""]),
    ]


# --- training --------------------------------------------------------------------------------------------------------
def training(model: Model) -> list[Line]:
    """Return how the model is fitted, with every parameter that the specs state."""
    decision, train = model.decision, model.train
    facts: list[tuple[str, str, Origin]] = [
        ("Estimator", cell(model.estimator.path), model.estimator.origin),
        ("Parameters", _parameters(model.estimator), model.estimator.origin.at("params")),
        ("Preprocessing", _preprocessing(model.estimator.preprocessing), model.origin.at("preprocessing")),
        ("Search", _search(model.search), model.search.origin if model.search else model.origin),
        ("Baseline", cell(model.baseline.path) if model.baseline else "", model.origin.at("baseline")),
        ("Operating point", _decision(decision.rule, decision.value) if decision else "", model.origin.at("decision")),
        ("Fitted on", prose(train.refit), train.origin.at("refit")),
        ("Seed", str(model.seed), model.origin.at("seed")),
        ("Own code", ", ".join(map(cell, model.code)), model.origin.at("code")),
        ("Package", model.package, model.origin.at("package")),
    ]  # fmt: skip
    return section("Training", table(("", ""), [((name, text), origin) for name, text, origin in facts if text]))


def _parameters(estimator: Estimator) -> str:
    return ", ".join(cell(f"{name} = {shown(value)}") for name, value in estimator.params) or "the library's defaults"


def _preprocessing(given: Preprocessing | None) -> str:
    if given is None:
        return ""
    rare = f", rarer than {given.min_frequency} together" if given.min_frequency is not None else ""
    most = f", at most {given.max_categories} values" if given.max_categories is not None else ""
    marked = ", missing values marked" if given.indicator else ""
    missing = "missing values as they are" if given.impute == "none" else f"missing values by {given.impute}"
    scaled = "not scaled" if given.scale == "none" else f"scaled by {given.scale.replace('_', ' ')}"
    encoded = given.encode.replace("_", " ")
    return f"numbers: {missing}{marked}, {scaled}; categories: {encoded}{rare}{most}"


def _search(search: Search | None) -> str:
    if search is None:
        return ""
    space = ", ".join(cell(f"{d.name}: {d.kind} {shown(d.values)}") for d in search.space)
    return f"{search.method}, {search.trials} trials, by {cell(search.metric)} over {space}"


def _decision(rule: str, value: float) -> str:
    words = rule.replace("_", " ")
    if rule in ("f1", "youden"):
        return f"greatest {words} on validation"
    return f"threshold {number_text(value)}" if rule == "threshold" else f"{words} {number_text(value)}, on validation"


def shown(value: Frozen) -> str:
    """Return a free-form value as people write it.

    >>> shown((1, "a", (("b", None),)))
    '[1, a, {b: null}]'
    """
    if not isinstance(value, tuple):
        return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    if value and all(isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str) for item in value):
        pairs = (item for item in value if isinstance(item, tuple))
        return "{" + ", ".join(f"{pair[0]}: {shown(pair[1])}" for pair in pairs) + "}"
    return f"[{', '.join(map(shown, value))}]"


def _percent(share: float) -> str:
    return number_text(round(share * 100, 6))
