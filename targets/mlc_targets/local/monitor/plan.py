"""What the monitor is to compute: the signals of a Monitor, as the job's arguments carry them."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import get_args, get_type_hints

from mlc_compiler.codec import from_json
from mlc_compiler.ir import Signal
from mlc_compiler.records import dataclass

DRIFTS = ("psi", "jensen_shannon", "ks", "wasserstein", "chi_square")
METHODS = MappingProxyType({
    "feature_drift": DRIFTS,
    "prediction_drift": DRIFTS,
    "performance": ("metric",),
    "estimated_performance": ("cbpe",),
    "data_quality": ("missing_rate",),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """The signals; the fold that features are compared with; seconds until labels are known, None: as observed."""

    signals: tuple[Signal, ...]
    reference: str = "train"
    label_delay: float | None = None


def signals_of(text: str) -> tuple[Signal, ...]:
    """Return the signals of a JSON list of objects with the fields of `ir.Signal`; raises ValueError for another."""
    found = json.loads(text)
    if not isinstance(found, list) or not found:
        raise ValueError("not a list of signals")
    return tuple(_signal(item) for item in found)


def _signal(item: object) -> Signal:
    try:
        signal = from_json(Signal, item)
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a signal: {item!r}") from error
    types = get_args(get_type_hints(Signal)["type"])
    if signal.type not in types:
        raise ValueError(f"signal {signal.name} is of type {signal.type}, none of {', '.join(types)}")
    if signal.method not in METHODS[signal.type]:
        raise ValueError(f"signal {signal.name}: {signal.method} can't compute {signal.type}")
    if signal.window <= 0:
        raise ValueError(f"signal {signal.name} has a window of {signal.window:g} s")
    return signal
