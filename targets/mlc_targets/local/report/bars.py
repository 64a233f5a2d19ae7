"""Plots of one line an item: intervals of slices and gates, importances, the folds of a split."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from markupsafe import Markup

from mlc_compiler.records import dataclass
from mlc_targets.local.report.plots import Words
from mlc_targets.local.report.run import Fold
from mlc_targets.local.report.svg import Scale, element, join, line, picture, rectangle, shortened, spanning, text

ROW = 22.0


@dataclass(frozen=True, slots=True)
class Item:
    """A labelled value with an interval; `note` stands at the right edge."""

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""


def forest(words: Words, items: Sequence[Item], reference: float | None = None, *, bars: bool = False) -> Markup:
    """Return values with intervals, one below the other; `reference` is a dashed line, `bars` start at zero."""
    shown = [v for i in items for v in (i.value, i.low, i.high) if v is not None]
    low, high = spanning([*shown, *([reference] if reference is not None else []), *([0.0] if bars else [])])
    label_width = min(230.0, 12 + 6.4 * max((len(i.label) for i in items), default=1))
    note_width = 6.0 * max((len(i.note) for i in items), default=0) + 10
    x = Scale(low, high, label_width + 6, 780 - note_width)
    bottom = 12 + ROW * len(items)
    parts = [_ticks(x, bottom, words.x)]
    if reference is not None:
        parts.append(line((x(reference), 6.0), (x(reference), bottom), class_="limit"))
    parts += [_item(item, x, 12 + ROW * (k + 0.5), label_width, bars=bars) for k, item in enumerate(items)]
    return picture(words.name, words.title, words.description, (780, int(bottom + 40)), join(parts), "plot wide")


def _ticks(x: Scale, bottom: float, label: str) -> Markup:
    parts = []
    for value in x.ticks(6):
        parts.append(line((x(value), 8.0), (x(value), bottom), class_="grid"))
        parts.append(text((x(value), bottom + 14), f"{value:g}", class_="tick", text_anchor="middle"))
    parts.append(text(((x.start + x.end) / 2, bottom + 32), label, class_="axis", text_anchor="middle"))
    return join(parts)


def _item(item: Item, x: Scale, y: float, label_width: float, *, bars: bool) -> Markup:
    room = int(label_width / 6.4)
    parts = [text((label_width, y + 4), shortened(item.label, room), class_="label", text_anchor="end")]
    parts.append(text((774.0, y + 4), item.note, class_="tick", text_anchor="end"))
    if item.value is not None:
        if bars:
            left, right = sorted((x(0.0), x(item.value)))
            parts.append(rectangle((left, y - 6), max(right - left, 0.5), 12, class_="bar", rx=2))
        if item.low is not None and item.high is not None:
            parts.append(_whisker(x(item.low), x(item.high), y))
        if not bars:
            parts.append(element("circle", cx=x(item.value), cy=y, r=3.8, class_="dot"))
    return join(parts)


def _whisker(left: float, right: float, y: float) -> Markup:
    ends = join(line((end, y - 3.5), (end, y + 3.5), class_="whisker") for end in (left, right))
    return line((left, y), (right, y), class_="whisker") + ends


def gauge(
    words: Words, item: Item, limits: tuple[float | None, float | None], status: str, over: Sequence[float | None]
) -> Markup:  # fmt: skip
    """Return one interval against its limits on a scale over some values: the allowed side is shaded."""
    lower, upper = limits
    if item.value is None:
        return Markup("")
    x = Scale(*spanning((v for v in over if v is not None), 0.18), 4, 216)
    left, right = (x(lower) if lower is not None else 4.0), (x(upper) if upper is not None else 216.0)
    parts = [line((4.0, 15.0), (216.0, 15.0), class_="grid")]
    if lower is not None or upper is not None:
        parts.append(rectangle((left, 4.0), max(right - left, 0.0), 22, class_="allowed", rx=2))
    parts += [line((x(v), 2.0), (x(v), 28.0), class_="limit solid") for v in limits if v is not None]
    if item.low is not None and item.high is not None:
        parts.append(_whisker(x(item.low), x(item.high), 15.0))
    parts.append(element("circle", cx=x(item.value), cy=15.0, r=4.5, class_=f"dot {status}"))
    return picture(words.name, words.title, words.description, (220, 30), join(parts), "gauge")


def timeline(words: Words, folds: Sequence[Fold]) -> Markup:
    """Return the folds as spans of time; empty where they have no dates."""
    spans = [(f, _day(f.start), _day(f.end)) for f in folds]
    known = [(f, a, b) for f, a, b in spans if a is not None and b is not None]
    if not known:
        return Markup("")
    low, high = min(a for _, a, _ in known), max(b for _, _, b in known)
    x = Scale(low, max(high, low + 1), 100, 766)
    parts = []
    for k, (fold, start, end) in enumerate(known):
        y = 8 + 26.0 * k
        parts.append(text((92.0, y + 14), fold.name, class_="label", text_anchor="end"))
        parts.append(rectangle((x(start), y), max(x(end) - x(start), 2.0), 18, class_=f"fold f{k % 3}", rx=3))
        parts.append(_rows_beside(x(start), x(end), y + 13, f"{fold.rows:,} rows"))
    bottom = 8 + 26.0 * len(known)
    for share, anchor in ((0.0, "start"), (1.0, "end")):
        day = date.fromordinal(int(low + share * (high - low))).isoformat()
        parts.append(text((x.start + share * (x.end - x.start), bottom + 14), day, class_="tick", text_anchor=anchor))
    return picture(words.name, words.title, words.description, (780, int(bottom + 20)), join(parts), "plot wide")


def _rows_beside(left: float, right: float, y: float, words: str) -> Markup:
    """Return a bar's text inside it where it fits, else on the side that has room."""
    if right - left > 110:
        return text((left + 8, y), words, class_="onbar")
    if right < 680:
        return text((right + 6, y), words, class_="tick")
    return text((left - 6, y), words, class_="tick", text_anchor="end")


def _day(moment: str) -> float | None:
    """Return a moment as days with a fraction, None where the text is no date."""
    try:
        found = datetime.fromisoformat(moment)
    except ValueError:
        return None
    return found.toordinal() + (found.hour + found.minute / 60) / 24
