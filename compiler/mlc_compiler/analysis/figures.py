"""Numbers as findings show them: two digits where more would only look exact."""

from __future__ import annotations

from mlc_compiler.conventions import duration_text, number_text, plural


def percent(share: float) -> str:
    """Return a probability or share in percent.

    >>> percent(0.2592), percent(0.00501), percent(0.99996), percent(1e-9), percent(0)
    ('26 %', '0.5 %', '>99.9 %', '<0.1 %', '0 %')
    """
    if 0 < share < 0.0005:
        return "<0.1 %"
    if 0.999 < share < 1:
        return ">99.9 %"
    return f"{number_text(float(f'{share * 100:.2g}'))} %" if share < 1 else "100 %"


def rate(share: float) -> str:
    """Return a stated rate in percent, with all of its digits.

    >>> rate(0.005), rate(0.00025)
    ('0.5 %', '0.025 %')
    """
    return f"{number_text(float(f'{share * 100:.10g}'))} %"


def amount(value: float) -> str:
    """Return a count with thousands, rounded; small ones with two digits.

    >>> amount(59.96), amount(1200.4), amount(0.25), amount(1e30)
    ('60', '1,200', '0.25', '1e+30')
    """
    if value >= 1e12:
        return f"{value:.2g}"
    return f"{round(value):,}" if value >= 9.95 else number_text(float(f"{value:.2g}"))


def about(seconds: float) -> str:
    """Return a duration as whole seconds, minutes, hours or days, whichever says it in two digits or more.

    >>> about(23100), about(270), about(59.5), about(0.4)
    ('6.4h', '4.5m', '60s', '400ms')
    """
    if seconds < 1:
        return duration_text(seconds)
    unit, size = next(((u, s) for u, s in (("d", 172_800.0), ("h", 7200.0), ("m", 120.0)) if seconds >= s), ("s", 2.0))
    value = seconds / (size / 2)
    return f"{number_text(round(value, 1 if unit != 's' else 0))}{unit}"


def count(number: float, noun: str) -> str:
    """Return a number with its noun in the right form.

    >>> count(1, "measurement"), count(10, "measurement")
    ('1 measurement', '10 measurements')
    """
    return f"{amount(number)} {plural(number, noun)}"
