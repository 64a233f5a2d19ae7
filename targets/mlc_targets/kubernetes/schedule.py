"""Intervals as cron schedules: Kubernetes starts jobs by cron alone, which can't say every interval."""

from __future__ import annotations

MINUTE, HOUR, DAY = 60, 3600, 86_400


def cron_every(seconds: float) -> str | None:
    """Return the cron schedule of the longest even interval that is not longer than this one, None below a minute.

    Cron is even only for divisors of an hour or a day: every 45 minutes becomes every 30, never later than asked.

    >>> cron_every(900), cron_every(2700), cron_every(3600), cron_every(5 * 3600), cron_every(7 * 86400)
    ('*/15 * * * *', '*/30 * * * *', '0 * * * *', '0 */4 * * *', '0 0 * * *')
    """
    if seconds < MINUTE:
        return None
    if seconds >= DAY:
        return "0 0 * * *"
    if seconds >= HOUR:
        hours = _divisor(24, int(seconds // HOUR))
        return "0 * * * *" if hours == 1 else f"0 */{hours} * * *"
    minutes = _divisor(60, int(seconds // MINUTE))
    return "* * * * *" if minutes == 1 else f"*/{minutes} * * * *"


def _divisor(whole: int, at_most: int) -> int:
    return next(n for n in range(at_most, 0, -1) if whole % n == 0)
