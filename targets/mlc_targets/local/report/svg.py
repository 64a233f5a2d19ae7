"""The few elements of SVG that the plots need: escaped, styled by CSS classes, the same bytes for the same numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from markupsafe import Markup, escape

from mlc_compiler.records import dataclass

Point = tuple[float, float]


def element(tag: str, content: str | Markup = "", /, **attributes: object) -> Markup:
    """Return an element; `_` in attribute names becomes `-`, a trailing one is dropped. Plain content is escaped.

    >>> element("text", "a < b", class_="tick", x=1.25)
    Markup('<text class="tick" x="1.3">a &lt; b</text>')
    """
    texts = (f' {k.rstrip("_").replace("_", "-")}="{_attribute(v)}"' for k, v in attributes.items() if v is not None)
    opening = f"<{tag}{''.join(texts)}"
    return Markup(f"{opening}>{escape(content)}</{tag}>" if content else f"{opening}/>")  # noqa: S704  # escaped above


def _attribute(value: object) -> str:
    return coordinate(value) if isinstance(value, float) else str(escape(value))


def coordinate(value: float) -> str:
    """Return a number with one decimal: a tenth of a pixel, and no noise of the last digits in the bytes."""
    return f"{round(value + 1e-9, 1):g}" if abs(value) < 1e5 else f"{value:.0f}"


def join(parts: Iterable[Markup]) -> Markup:
    """Return elements one after the other."""
    return Markup("").join(parts)


def polyline(points: Iterable[Point], **attributes: object) -> Markup:
    """Return a line through points in pixels."""
    text = " ".join(f"{coordinate(x)},{coordinate(y)}" for x, y in points)
    return element("polyline", points=text, **attributes)


def polygon(points: Iterable[Point], **attributes: object) -> Markup:
    """Return a closed area around points in pixels."""
    text = " ".join(f"{coordinate(x)},{coordinate(y)}" for x, y in points)
    return element("polygon", points=text, **attributes)


def line(start: Point, end: Point, **attributes: object) -> Markup:
    """Return a straight line between two points in pixels."""
    return element("line", x1=float(start[0]), y1=float(start[1]), x2=float(end[0]), y2=float(end[1]), **attributes)


def rectangle(corner: Point, width: float, height: float, **attributes: object) -> Markup:
    """Return a rectangle from its upper left corner, in pixels."""
    return element(
        "rect", x=float(corner[0]), y=float(corner[1]), width=float(width), height=float(height), **attributes
    )


def text(at: Point, content: str, **attributes: object) -> Markup:
    """Return a text at a point in pixels."""
    return element("text", content, x=float(at[0]), y=float(at[1]), **attributes)


def picture(
    name: str, title: str, description: str, size: tuple[int, int], content: Markup, kind: str = "plot"
) -> Markup:
    """Return an image that screen readers can tell: `name` is unique on the page."""
    labels = element("title", title, id=f"{name}-title") + element("desc", description, id=f"{name}-desc")
    return element(
        "svg", labels + content, class_=kind, viewBox=f"0 0 {size[0]} {size[1]}", role="img",
        aria_labelledby=f"{name}-title {name}-desc",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear map from values to pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        span = self.high - self.low
        share = (value - self.low) / span if span else 0.5
        return self.start + min(max(share, -0.05), 1.05) * (self.end - self.start)

    def ticks(self, count: int = 5) -> tuple[float, ...]:
        """Return about `count` round values inside the scale."""
        step = _round_step((self.high - self.low) / count)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return tuple(round(k * step, 12) for k in range(first, last + 1))


def _round_step(rough: float) -> float:
    """Return the smallest of 1, 2, 2.5, 5 times a power of ten that is not below `rough`.

    >>> _round_step(0.17), _round_step(30)
    (0.2, 50.0)
    """
    if rough <= 0 or not math.isfinite(rough):
        return 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    return float(next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * (1 - 1e-9)))


def spanning(values: Iterable[float], pad: float = 0.05) -> tuple[float, float]:
    """Return the range of values with some air; (0, 1) where there are none."""
    known = [v for v in values if math.isfinite(v)]
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    air = (high - low) * pad or abs(high) * pad or 0.5
    return low - air, high + air


@dataclass(frozen=True, slots=True)
class Frame:
    """A plot's area between margins, with its two scales."""

    width: int
    height: int
    x: Scale
    y: Scale

    @classmethod
    def over(
        cls, x: tuple[float, float], y: tuple[float, float], size: tuple[int, int] = (380, 300), left: int = 48,
        bottom: int = 42,
    ) -> Frame:  # fmt: skip
        """Return a frame over two ranges of values, with room for a legend above and labels beside."""
        width, height = size
        return cls(width, height, Scale(*x, left, width - 14), Scale(*y, height - bottom, 34))

    def at(self, point: Point) -> Point:
        return self.x(point[0]), self.y(point[1])

    def axes(
        self, x_label: str, y_label: str, x_text: Callable[[float], str] = lambda v: f"{v:g}",
        y_text: Callable[[float], str] = lambda v: f"{v:g}",
    ) -> Markup:  # fmt: skip
        """Return grid lines, ticks and labels."""
        parts = []
        for value in self.x.ticks(9 if self.width > 600 else 5):
            parts.append(line((self.x(value), self.y.start), (self.x(value), self.y.end), class_="grid"))
            parts.append(text((self.x(value), self.y.start + 14), x_text(value), class_="tick", text_anchor="middle"))
        for value in self.y.ticks():
            parts.append(line((self.x.start, self.y(value)), (self.x.end, self.y(value)), class_="grid"))
            parts.append(text((self.x.start - 6, self.y(value) + 3.5), y_text(value), class_="tick", text_anchor="end"))
        middle = (self.x.start + self.x.end) / 2
        parts.append(text((middle, self.height - 8), x_label, class_="axis", text_anchor="middle"))
        turned = f"rotate(-90 12 {coordinate((self.y.start + self.y.end) / 2)})"
        across = (12.0, (self.y.start + self.y.end) / 2)
        parts.append(text(across, y_label, class_="axis", text_anchor="middle", transform=turned))
        return join(parts)


def legend(entries: Sequence[tuple[str, str]], width: float = 380.0) -> Markup:
    """Return swatches with names in one row above a plot: (class of the line, name); long names are cut to fit."""
    swatch, letter = 32.0, 6.35
    room = max(int(((width - 20) / max(len(entries), 1) - swatch) / letter), 4)
    fits = sum(len(name) for _, name in entries) * letter + swatch * len(entries) <= width - 20
    parts, x = [], 10.0
    for kind, name in entries:
        shown = name if fits else shortened(name, room)
        parts += [line((x, 16.0), (x + 20, 16.0), class_=f"curve {kind}"), text((x + 25, 20.0), shown, class_="legend")]
        x += swatch + letter * len(shown)
    return join(parts)


def shortened(name: str, room: int) -> str:
    """Return a name that has at most `room` characters.

    >>> shortened("versicolor", 6)
    'versi…'
    """
    return name if len(name) <= room else f"{name[: room - 1]}…"
