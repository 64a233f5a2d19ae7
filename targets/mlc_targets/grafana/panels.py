"""Panels as values, and the JSON that Grafana reads of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Literal

from mlc_compiler.backend.target import Sourced
from mlc_compiler.backend.workload import Tree
from mlc_compiler.ir import Origin
from mlc_compiler.records import dataclass

SCHEMA_VERSION = 41  # of Grafana 12.0; later ones migrate it by themselves
DATASOURCE: Tree = {"type": "prometheus", "uid": "${datasource}"}
GREEN, RED = "green", "red"

_COLUMNS, _HEIGHT = 24, 8
_NEVER_NEGATIVE = ("percentunit", "reqps", "s", "short")


@dataclass(frozen=True, slots=True)
class Query:
    """A query and the legend of its series, `{{label}}` being a label's value."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel. `steps` are bounds in the order of their values, each with the colour that begins there.

    `unit` is Grafana's name of a unit; `width` of 24 columns; `stacked` shows parts of a whole.
    """

    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    origin: Origin
    kind: Literal["timeseries", "stat", "heatmap"] = "timeseries"
    steps: tuple[tuple[float, str], ...] = ()
    below: str = GREEN  # the colour under the first step
    width: int = 8
    stacked: bool = False
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a heading."""

    title: str
    panels: tuple[Panel, ...]


def upper_bound(bound: float | None) -> tuple[tuple[float, str], ...]:
    """Return the step of a value that must not exceed a bound."""
    return () if bound is None else ((bound, RED),)


def laid_out(rows: tuple[Row, ...]) -> list[object]:
    """Return all panels with their places: rows below one another, panels from left to right."""
    return list(_laid_out(rows))


def _laid_out(rows: tuple[Row, ...]) -> Iterator[object]:
    top = 0
    for row in rows:
        yield _row_tree(row, top)
        top, left = top + 1, 0
        for panel in row.panels:
            if left + panel.width > _COLUMNS:
                top, left = top + _HEIGHT, 0
            place: Tree = {"h": _HEIGHT, "w": panel.width, "x": left, "y": top}
            yield Sourced(_panel_tree(panel, f"{row.title}/{panel.title}", place), panel.origin)
            left += panel.width
        top += _HEIGHT


def stable_id(text: str) -> int:
    """Return a panel's number: it follows from its name, so that links to a panel outlive the panels around it."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:7], 16) + 1


def _row_tree(row: Row, top: int) -> Tree:
    return {
        "id": stable_id(row.title),
        "type": "row",
        "title": row.title,
        "collapsed": False,
        "gridPos": {"h": 1, "w": _COLUMNS, "x": 0, "y": top},
        "panels": [],
    }


def _panel_tree(panel: Panel, path: str, place: Tree) -> Tree:
    return {
        "id": stable_id(path),
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": dict(DATASOURCE),
        "gridPos": place,
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _OPTIONS[panel.kind](panel),
        "targets": [_target(panel, query, chr(ord("A") + index)) for index, query in enumerate(panel.queries)],
    }


def _target(panel: Panel, query: Query, letter: str) -> Tree:
    tree: Tree = {"refId": letter, "expr": query.expr, "legendFormat": query.legend}
    if panel.kind == "heatmap":
        tree["format"] = "heatmap"
    return {**tree, "instant": True} if panel.kind == "stat" else tree


def _defaults(panel: Panel) -> Tree:
    """Return how values are shown; what is not stated is as Grafana has it, gaps among it: nothing is known there."""
    tree: Tree = {"unit": panel.unit, "noValue": "no data"}
    if panel.kind != "heatmap" and panel.unit in _NEVER_NEGATIVE:
        tree["min"] = 0
    if panel.most is not None:
        tree["max"] = panel.most
    if panel.steps or panel.kind == "stat":
        steps: list[Tree] = [{"color": panel.below, "value": None}]
        steps += [{"color": color, "value": value} for value, color in panel.steps]
        tree["thresholds"] = {"mode": "absolute", "steps": steps}
    if panel.kind == "stat":
        tree["color"] = {"mode": "thresholds"}
    if panel.kind == "timeseries" and (panel.stacked or panel.steps):
        tree["custom"] = _curve(panel)
    return tree


def _curve(panel: Panel) -> Tree:
    tree: Tree = {}
    if panel.stacked:
        tree |= {"fillOpacity": 20, "stacking": {"mode": "normal", "group": "A"}}
    if panel.steps:
        tree["thresholdsStyle"] = {"mode": "line"}
    return tree


def _curve_options(panel: Panel) -> Tree:  # noqa: ARG001  one shape for all kinds
    legend = {"displayMode": "table", "placement": "bottom", "showLegend": True, "calcs": ["lastNotNull", "max"]}
    return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}


def _stat_options(panel: Panel) -> Tree:  # noqa: ARG001
    return {"colorMode": "value", "graphMode": "none", "reduceOptions": {"calcs": ["lastNotNull"]}}


def _heatmap_options(panel: Panel) -> Tree:
    return {
        "calculate": False,
        "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64},
        "tooltip": {"mode": "single", "yHistogram": True},
        "yAxis": {"axisPlacement": "left", "unit": panel.unit},
    }


_OPTIONS = {"heatmap": _heatmap_options, "stat": _stat_options, "timeseries": _curve_options}
