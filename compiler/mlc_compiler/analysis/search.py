"""Search spaces: each value that a trial may draw is one that the estimator takes, and no trial is wasted."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from mlc_compiler.analysis.parameters import check_unknown_parameter, check_value, yaml_text
from mlc_compiler.conventions import number_text
from mlc_compiler.diagnostics import Related, Sink
from mlc_compiler.estimators.table import EstimatorRow, Parameter
from mlc_compiler.estimators.values import Range, ranges, taken
from mlc_compiler.frontend.document import Document
from mlc_compiler.spec.model import Model, Search, SearchDimension

GRID_POINTS = 5
"""How many points of a range a grid takes; the meaning of `grid`, whoever runs it."""
_FRACTIONS, _INTEGERS = ("number", "float"), ("number", "int")


def check_search(document: Document[Model], row: EstimatorRow, version: str, sink: Sink) -> None:
    """Report names, values and bounds that the class refuses, and trials that would try nothing new."""
    search = document.spec.search
    if search is None:
        return
    for name, dimension in search.space.items():
        parameter = row.parameters.get(name)
        if parameter is None:
            at = document.at("search", "space", name).name()
            check_unknown_parameter(row, name, at, version, sink)
        else:
            _check_values(document, parameter, dimension, version, sink)
        _check_repeated(document, name, dimension, sink)
        _check_given_twice(document, name, sink)
    _check_trials(document, search, sink)


# --- one dimension ---------------------------------------------------------------------------------------------------
def _check_values(
    document: Document[Model], parameter: Parameter, dimension: SearchDimension, version: str, sink: Sink
) -> None:
    form, values = _form(dimension)
    at = document.at("search", "space", parameter.name, form)
    if form == "choice":
        for index, value in enumerate(values):
            check_value(parameter, value, at.at(index), version, sink)
        return
    low, high = float(values[0]), float(values[1])
    # Drawn at random, an end comes up once in 10^16 draws; a grid begins and ends there.
    ends = form == "int_uniform" or (document.spec.search is not None and document.spec.search.method == "grid")
    if low < high and not _within(parameter, form, low, high, ends=ends):
        kind = "ints" if form == "int_uniform" else "fractions"
        sink.error(
            "MLC452",
            at,
            f"`{parameter.name}` is drawn from the {kind} in [{number_text(low)}, {number_text(high)}]",
            note=f"scikit-learn {version} takes {taken(parameter)}",
            help=_narrower(parameter, form, low, high),
        )


def _form(dimension: SearchDimension) -> tuple[str, Sequence[Any]]:
    form = next(f for f in dimension.forms if getattr(dimension, f) is not None)
    return form, getattr(dimension, form)


def _within(parameter: Parameter, form: str, low: float, high: float, *, ends: bool) -> bool:
    types = _INTEGERS if form == "int_uniform" else _FRACTIONS
    if any(allowed in (*types, "anything") for allowed in parameter.allows):
        return True
    return any(r.type in types and _holds_all(r, low, high, ends=ends) for r in ranges(parameter))


def _holds_all(within: Range, low: float, high: float, *, ends: bool) -> bool:
    if ends:
        return within.holds(low) and within.holds(high)
    return within.least <= low and high <= within.most


def _narrower(parameter: Parameter, form: str, low: float, high: float) -> str:
    types = _INTEGERS if form == "int_uniform" else _FRACTIONS
    if form != "int_uniform" and not any(r.type in types for r in ranges(parameter)):
        whole = any(r.type == "int" for r in ranges(parameter)) or "int" in parameter.allows
        text = f"int_uniform: [{number_text(math.ceil(low))}, {number_text(math.floor(high))}]"
        return f"draw ints: `{text}`" if whole else "list its values: `choice: [...]`"
    overlapping = [r for r in ranges(parameter) if r.type in types and r.least < high and low < r.most]
    return f"keep the range within {overlapping[0]}" if overlapping else f"give values of {taken(parameter)}"


def _check_repeated(document: Document[Model], name: str, dimension: SearchDimension, sink: Sink) -> None:
    """Report a choice that has one value only, or the same one twice."""
    values = dimension.choice
    if values is None:
        return
    at = document.at("search", "space", name, "choice")
    texts = [json.dumps(value, sort_keys=True, default=str) for value in values]
    twice = next((i for i, text in enumerate(texts) if text in texts[:i]), None)
    if twice is not None:
        message = f"`{name}` lists {yaml_text(values[twice])} twice, so trials repeat one another"
        sink.warn("MLC415", at.at(twice), message, help="remove it")
    elif len(values) == 1:
        message = f"the search has one value for `{name}`, {yaml_text(values[0])}: there is nothing to find"
        help = f"move it to the estimator's `params: {{{name}: {yaml_text(values[0])}}}`, or add values"
        sink.warn("MLC415", at, message, help=help)


def _check_given_twice(document: Document[Model], name: str, sink: Sink) -> None:
    if name in document.spec.estimator.params:
        sink.warn(
            "MLC405",
            document.at("estimator", "params", name).name(),
            f"`{name}` has no effect here: the search sets it in each trial",
            help="remove it, or take it out of the search's space",
            related=(Related("space", name, document.at("search", "space", name).name()),),
        )


# --- all of them -----------------------------------------------------------------------------------------------------
def _check_trials(document: Document[Model], search: Search, sink: Sink) -> None:
    """Report a grid that ends before its first dimension has moved on, and draws from fewer points than trials."""
    sizes = {name: _size(dimension, search.method) for name, dimension in search.space.items()}
    points = math.prod(sizes.values())
    at = document.at("search", "trials" if "trials" in search.model_fields_set else "method")
    if search.method == "grid" and points > search.trials:
        first, rest = next(iter(sizes)), points / sizes[next(iter(sizes))]
        tried = math.ceil(search.trials / rest)
        message = f"the grid has {points:,} points, and {search.trials} trials end it early"
        product = " x ".join(f"{size} of {name}" for name, size in sizes.items())
        note = f"{product}: `{first}` is tried at {tried} of its {sizes[first]} values"
        sink.warn("MLC416", at, message, note=note, help=f"say `trials: {points}`, or `method: random`")
    elif search.method == "random" and points < search.trials:
        message = f"{search.trials} trials are drawn from {points} points, so that some repeat others"
        sink.warn("MLC416", at, message, help=f"say `method: grid` with `trials: {points}`")


def _size(dimension: SearchDimension, method: str) -> int | float:
    """Return how many values a dimension has: in a grid at most five of a range, else without end for fractions."""
    form, values = _form(dimension)
    if form == "choice":
        return len({json.dumps(value, sort_keys=True, default=str) for value in values})
    counted = form == "int_uniform" and values[0] < values[1]
    whole = int(values[1]) - int(values[0]) + 1 if counted else math.inf
    return min(whole, GRID_POINTS) if method == "grid" else whole
