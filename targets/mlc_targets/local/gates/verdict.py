"""What a check came to, as data for evidence, reports and pull requests, and the arithmetic of its reason in words."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

from mlc_compiler.conventions import number_text
from mlc_compiler.ir import Origin
from mlc_compiler.records import dataclass

Status = Literal["passed", "failed", "undecided", "not_applicable", "reported"]
Limits = tuple[float | None, float | None]


NOWHERE = Origin("")


@dataclass(frozen=True, slots=True)
class Verdict:
    """One check judged. `value`, `low`, `high` are of the difference (model minus other) where it is `versus` another.

    `groups` are the verdicts by slice or the rates by group behind it; `would_be` is the status that a check that is
    only reported would have had.
    """

    gate: str
    title: str
    kind: str
    name: str
    status: Status
    value: float | None
    low: float | None
    high: float | None
    bound: str
    rows: int
    blocks: int
    unit: str
    confidence: float
    limits: Limits
    reason: str
    groups: tuple[Verdict, ...] = ()
    would_be: str = ""
    origin: Origin = NOWHERE

    def to_json(self) -> dict[str, object]:
        """Return plain JSON values, in the order of the fields; no NaN."""
        return {
            "gate": self.gate,
            "title": self.title,
            "kind": self.kind,
            "name": self.name,
            "status": self.status,
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "confidence": self.confidence,
            "bound": self.bound,
            "rows": self.rows,
            "blocks": self.blocks,
            "unit": self.unit,
            "reason": self.reason,
            **({"would_be": self.would_be} if self.would_be else {}),
            **({"groups": [group.to_json() for group in self.groups]} if self.groups else {}),
        }


def blocking(verdicts: Iterable[Verdict]) -> bool:
    """Return whether any check failed or could not be decided."""
    return any(v.status in {"failed", "undecided"} for v in verdicts)


def decide(low: float, high: float, limits: Limits) -> Status:
    """Return what an interval says about limits.

    Passed: the careful bound clears each limit. Failed: the whole interval lies beyond a limit, so that more rows would
    hardly help. Undecided: the interval holds a limit, or a bound that is needed is missing. Both of these block; they
    differ in what to do next.
    """
    lower, upper = limits
    beyond = (lower is not None and high < lower) or (upper is not None and low > upper)
    if beyond:
        return "failed"
    clear = (lower is None or low >= lower) and (upper is None or high <= upper)
    return "passed" if clear else "undecided"


def bound_text(limits: Limits) -> str:
    """Return limits in words.

    >>> bound_text((0.7, None)), bound_text((-0.1, 0.1))
    ('>= 0.7', '>= -0.1 and <= 0.1')
    """
    lower, upper = limits
    sides = ((">=", lower), ("<=", upper))
    return " and ".join(f"{sign} {number_text(limit)}" for sign, limit in sides if limit is not None)


def number(value: float | None, against: float | None = None, *, sign: bool = False) -> str:
    """Return a value for people: three decimals or four digits, more where fewer would cross a limit.

    >>> number(0.77512), number(1234.56), number(0.69996, 0.7), number(0.0021, sign=True)
    ('0.775', '1235', '0.69996', '+0.002')
    """
    if value is None or not math.isfinite(value):
        return "-" if value is None or math.isnan(value) else ("inf" if value > 0 else "-inf")
    plus = "+" if sign else ""
    texts = [f"{value:{plus}.3f}" if abs(value) < 10 else f"{value:{plus}.4g}"]
    texts += [f"{value:{plus}.{digits}g}" for digits in range(4, 18)]
    if not -1e15 < value < 1e15 or 0 < abs(value) < 5e-4:
        texts[0] = f"{value:{plus}.3g}"
    if against is None:
        return texts[0]
    side = (value > against) - (value < against)
    return next((t for t in texts if (float(t) > against) - (float(t) < against) == side), texts[-1])


def span(low: float, high: float, *, sign: bool = False) -> str:
    """Return an interval for people; an end that is small beside the other is not written with an exponent.

    >>> span(0.754, 0.797), span(4.7e-6, 0.03)
    ('0.754 to 0.797', '0.000 to 0.030')
    """
    near = 5e-4 * (max(abs(low), abs(high)) >= 1e-3)
    ends = (number(0.0 if abs(v) < near else v, sign=sign and abs(v) >= near) for v in (low, high))
    return " to ".join(ends)


def arithmetic(status: Status, low: float, high: float, limits: Limits) -> str:
    """Return the comparison that decided.

    >>> arithmetic("passed", 0.754, 0.797, (0.7, None))
    'lower bound 0.754 >= 0.7'
    """
    lower, upper = limits
    if status == "failed" and lower is not None and high < lower:
        return f"even the upper bound {number(high, lower)} < {number_text(lower)}"
    if status == "failed" and upper is not None:
        return f"even the lower bound {number(low, upper)} > {number_text(upper)}"
    parts = []
    if lower is not None and (status == "passed" or not low >= lower):
        parts.append(f"lower bound {number(low, lower)} {'>=' if low >= lower else '<'} {number_text(lower)}")
    if upper is not None and (status == "passed" or not high <= upper):
        parts.append(f"upper bound {number(high, upper)} {'<=' if high <= upper else '>'} {number_text(upper)}")
    return " and ".join(parts)


def outlook(value: float, low: float, high: float, limits: Limits, units: int, unit: str) -> str:
    """Return what would decide an undecided check: more rows where the value clears the limit, another model where not.

    The width of an interval shrinks with the root of the number of independent units.
    """
    lower, upper = limits
    sides = [(value - low, value - lower)] if lower is not None else []
    sides += [(high - value, upper - value)] if upper is not None else []
    if any(room < 0 for _, room in sides):
        return "the value itself misses it"
    needed = [units * (half / room) ** 2 if room > 0 else math.inf for half, room in sides]
    if not needed or max(needed) > 1000 * units:
        return f"no realistic number of {unit} would decide it: the value lies on the limit"
    return f"with this spread about {math.ceil(max(needed)):,} {unit} would decide it"
