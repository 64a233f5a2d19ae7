"""The report's plots as SVG. Colours are CSS classes, so that light and dark read alike; lines differ by dashes too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta

import numpy as np
from markupsafe import Markup

from mlc_compiler.records import dataclass
from mlc_targets.local.report.curves import Interval
from mlc_targets.local.report.svg import (
    Frame,
    Point,
    element,
    join,
    legend,
    line,
    picture,
    polygon,
    polyline,
    rectangle,
    shortened,
    spanning,
    text,
)

UNIT = (0.0, 1.0)
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Curve:
    """A line of a plot: `kind` is its CSS class (model, baseline, champion, actual, low)."""

    kind: str
    label: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """What a plot says to those who can't see it, and along its axes."""

    name: str
    title: str
    description: str
    x: str
    y: str


def curves(
    words: Words, drawn: Sequence[Curve], mark: Point | None = None, *, chance: str = "", at: float | None = None
) -> Markup:  # fmt: skip
    """Return curves over the unit square; `mark` is the operating point, `chance` a guess, `at` a threshold."""
    frame = Frame.over(UNIT, UNIT)
    parts = [frame.axes(words.x, words.y), legend([(c.kind, c.label) for c in drawn])]
    if chance == "diagonal":
        parts.append(line(frame.at((0, 0)), frame.at((1, 1)), class_="chance"))
    elif chance:
        parts.append(line(frame.at((0, float(chance))), frame.at((1, float(chance))), class_="chance"))
    model = next((c for c in drawn if c.kind == "model"), None)
    if model is not None and model.points:
        floor = [(model.points[-1][0], 0.0), (model.points[0][0], 0.0)]
        parts.append(polygon([frame.at(p) for p in (*model.points, *floor)], class_="area"))
    parts += [polyline([frame.at(p) for p in c.points], class_=f"curve {c.kind}") for c in reversed(drawn)]
    if mark is not None:
        parts.append(_marked(frame, mark))
    if at is not None:
        parts.append(_threshold(frame, at))
    return picture(words.name, words.title, words.description, (frame.width, frame.height), join(parts))


def _marked(frame: Frame, mark: Point) -> Markup:
    x, y = frame.at(mark)
    right = x < (frame.x.start + frame.x.end) / 2
    label = text(
        (x + (9 if right else -9), y + 14), "operating point", class_="note", text_anchor="start" if right else "end"
    )
    return element("circle", cx=x, cy=y, r=4.5, class_="mark") + label


def _threshold(frame: Frame, value: float) -> Markup:
    x = frame.x(value)
    right = x < (frame.x.start + frame.x.end) / 2
    name = text(
        (x + (5 if right else -5), frame.y.end + 11), f"threshold {value:.3g}", class_="note",
        text_anchor="start" if right else "end",
    )  # fmt: skip
    return line((x, frame.y.start), (x, frame.y.end), class_="limit") + name


def calibration(words: Words, points: Sequence[Interval]) -> Markup:
    """Return observed shares against scores, with intervals; the diagonal is perfect."""
    frame = Frame.over(UNIT, UNIT)
    parts = [
        frame.axes(words.x, words.y),
        legend([("model", "model, with interval"), ("chance", "perfect")]),
    ]
    parts.append(line(frame.at((0, 0)), frame.at((1, 1)), class_="chance"))
    parts.append(polyline([frame.at((p.x, p.y)) for p in points], class_="curve model thin"))
    for p in points:
        x, y = frame.at((p.x, p.y))
        if p.low is not None and p.high is not None:
            parts.append(line((x, frame.y(p.low)), (x, frame.y(p.high)), class_="whisker"))
        parts.append(element("circle", cx=x, cy=y, r=3.5, class_="dot"))
    return picture(words.name, words.title, words.description, (frame.width, frame.height), join(parts))


def histograms(
    words: Words, drawn: Sequence[tuple[str, str, tuple[float, ...]]], over: tuple[float, float], mark: float | None
) -> Markup:
    """Return step outlines of shares over equal bins: (class, label, shares)."""
    top = max((max(shares) for _, _, shares in drawn if shares), default=1.0) or 1.0
    frame = Frame.over(over, (0.0, 1.08 * top))
    parts = [frame.axes(words.x, words.y, y_text=lambda v: f"{100 * v:g} %")]
    parts.append(legend([(kind, label) for kind, label, _ in drawn]))
    for kind, _, shares in drawn:
        steps = _steps(frame, over, shares)
        parts += [polygon(steps, class_=f"fill {kind}"), polyline(steps[1:-1], class_=f"curve {kind} thin")]
    if mark is not None:
        parts.append(_threshold(frame, mark))
    return picture(words.name, words.title, words.description, (frame.width, frame.height), join(parts))


def _steps(frame: Frame, over: tuple[float, float], shares: tuple[float, ...]) -> list[Point]:
    """Return the outline of a histogram in pixels, from the axis and back to it."""
    width = (over[1] - over[0]) / len(shares)
    points: list[Point] = [(over[0], 0.0)]
    for k, share in enumerate(shares):
        points += [(over[0] + k * width, share), (over[0] + (k + 1) * width, share)]
    return [frame.at(p) for p in [*points, (over[1], 0.0)]]


def over_days(
    words: Words,
    drawn: Sequence[Curve],
    band: tuple[tuple[Point, ...], tuple[Point, ...]] | None = None,
    *,
    zero: bool = False,
) -> Markup:
    """Return daily values over dates, wide; `band` is a lower and an upper curve."""
    curves_shown = [p for c in drawn for p in c.points] + [p for edge in band or () for p in edge]
    days, values = spanning((p[0] for p in curves_shown), 0.01), spanning(p[1] for p in curves_shown)
    frame = Frame.over(days, values, size=(780, 250), bottom=24)
    day_text: Callable[[float], str] = lambda v: (EPOCH + timedelta(days=v)).strftime("%d %b")  # noqa: E731
    parts = [frame.axes(words.x, words.y, x_text=day_text), legend([(c.kind, c.label) for c in drawn])]
    if band is not None:
        parts.append(polygon([frame.at(p) for p in (*band[0], *reversed(band[1]))], class_="area"))
    if zero:
        parts.append(line((frame.x.start, frame.y(0)), (frame.x.end, frame.y(0)), class_="chance"))
    parts += [polyline([frame.at(p) for p in c.points], class_=f"curve {c.kind}") for c in reversed(drawn)]
    return picture(words.name, words.title, words.description, (frame.width, frame.height), join(parts), "plot wide")


def cloud(words: Words, counts: np.ndarray, over: tuple[float, float]) -> Markup:
    """Return the density of points around the diagonal: darker cells hold more rows (root scale)."""
    frame = Frame.over(over, over, left=56)
    cells = counts.shape[0]
    width = (frame.x.end - frame.x.start) / cells
    height = (frame.y.start - frame.y.end) / cells
    peak = float(counts.max()) or 1.0
    squares = [
        rectangle((frame.x.start + column * width, frame.y.start - (row + 1) * height), width + 0.2, height + 0.2,
                  class_="cell", fill_opacity=f"{0.08 + 0.92 * (counts[row, column] / peak) ** 0.5:.2f}")
        for row, column in np.argwhere(counts > 0).tolist()
    ]  # fmt: skip
    parts = [
        frame.axes(words.x, words.y),
        *squares,
        line(frame.at((over[0],) * 2), frame.at((over[1],) * 2), class_="chance"),
    ]
    return picture(words.name, words.title, words.description, (frame.width, frame.height), join(parts))


def matrix(words: Words, counts: np.ndarray, names: Sequence[str]) -> Markup:
    """Return a confusion matrix: counts and shares of the actual class, shaded by share."""
    size, left, top = len(names), 92.0, 40.0
    cell = min(96.0, 270.0 / size)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    parts = [text((left + size * cell / 2, 14.0), words.x, class_="axis", text_anchor="middle")]
    for k, name in enumerate(names):
        short = shortened(name, 13)
        parts.append(text((left + (k + 0.5) * cell, top - 8), short, class_="tick", text_anchor="middle"))
        parts.append(text((left - 8, top + (k + 0.5) * cell + 4), short, class_="tick", text_anchor="end"))
    for row in range(size):
        for column in range(size):
            corner = (left + column * cell, top + row * cell)
            parts.append(_matrix_cell(corner, cell, int(counts[row, column]), float(shares[row, column])))
    width, height = 380, int(top + size * cell + 14)
    return picture(words.name, words.title, words.description, (width, height), join(parts))


def _matrix_cell(corner: Point, cell: float, count: int, share: float) -> Markup:
    x, y = corner[0] + cell / 2, corner[1] + cell / 2
    shown = rectangle(corner, cell - 2, cell - 2, class_="cell", fill_opacity=f"{0.06 + 0.6 * share:.2f}", rx=4)
    large = cell > 44
    number = text((x, y + (0 if large else 4)), f"{count:,}", class_="count" if large else "tick", text_anchor="middle")
    return (
        shown
        + number
        + (text((x, y + 16), f"{100 * share:.1f} %", class_="tick", text_anchor="middle") if large else Markup(""))
    )
