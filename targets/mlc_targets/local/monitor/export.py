"""What the monitor tells: Prometheus' text format to a file or a Pushgateway, and a JSON line a signal on stderr."""

from __future__ import annotations

import datetime as dt
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.error import HTTPError

from prometheus_client import CollectorRegistry, Gauge, generate_latest, push_to_gateway

from mlc_compiler import conventions as names
from mlc_compiler.backend.target import ExecutionError
from mlc_compiler.diagnostics import Finding, Span
from mlc_targets.local.monitor.readings import Reading
from mlc_targets.local.package.manifest import PackageManifest
from mlc_targets.local.placing import place_text, unwritable

JOB = "mlc-monitor"
_SECONDS = 30


def registry_of(manifest: PackageManifest, readings: Sequence[Reading], clock: dt.datetime) -> CollectorRegistry:
    """Return the readings as metrics; `clock` is when they were computed, whatever time they are of.

    A signal without any value is left out. Of one that has some, features without a value are NaN: left out they
    would hide behind the others.
    """
    registry = CollectorRegistry()
    identity = {"model": manifest.model, "version": names.short(manifest.version)}
    labels = (*identity, "signal")
    value = Gauge(
        names.METRIC_SIGNAL_VALUE, "A signal of the Monitor; NaN for a feature of which it could not be computed.",
        (*labels, "feature"), registry=registry,
    )  # fmt: skip
    time = Gauge(names.METRIC_SIGNAL_TIME, "When the signal was computed.", labels, registry=registry)
    for reading in readings:
        if reading.computed:
            signal = {**identity, "signal": reading.signal.name}
            time.labels(**signal).set(clock.timestamp())
            for feature in (*reading.values, *reading.reasons):
                value.labels(**signal, feature=feature).set(reading.values.get(feature, math.nan))
    return registry


def exposition(registry: CollectorRegistry) -> str:
    """Return the text format."""
    return generate_latest(registry).decode()


def write(registry: CollectorRegistry, path: Path) -> None:
    """Replace a file of the text format in one step, as node-exporter's textfile collector needs it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        place_text(exposition(registry), path)
    except OSError as error:
        raise unwritable(path, error) from error


def push(registry: CollectorRegistry, manifest: PackageManifest, url: str, namespace: str | None) -> None:
    """Replace what the Pushgateway holds of this model: signals and versions that are gone leave with it.

    Raises ExecutionError MLC489 where the gateway does not take it.
    """
    group = {"model": manifest.model, **({"namespace": namespace} if namespace else {})}
    try:
        push_to_gateway(url, JOB, registry, group, _SECONDS)
    except (OSError, ValueError) as error:
        reason = f"it answers {error.code}" if isinstance(error, HTTPError) else str(error)
        raise ExecutionError(Finding(
            "MLC489", f"the signals of `{manifest.model}` could not be pushed to {url}",
            Span(f"monitor of {manifest.model}", 1, 1, 1, 1), reason,
            help="see that the Pushgateway runs there, and that network policies let the job reach it",
        )) from error  # fmt: skip


# --- the log ---------------------------------------------------------------------------------------------------------
def tell(readings: Sequence[Reading]) -> None:
    """Write a line for each signal that was computed, and one for each reason why something was not."""
    for reading in readings:
        if reading.computed:
            _write({"event": "signal", **_fields(reading), "values": dict(reading.values)})
        for feature, reason in reading.reasons.items():
            only = {"feature": feature} if feature else {}
            _write({"event": "not_computed", **_fields(reading), **only, "reason": reason})


def _fields(reading: Reading) -> dict[str, object]:
    signal = reading.signal
    found: dict[str, object] = {"signal": signal.name, "type": signal.type, "method": signal.method}
    found |= {"metric": signal.metric} if signal.metric else {}
    found |= {"from": _moment(reading.start), "to": _moment(reading.end), "rows": reading.rows}
    return found | ({} if reading.unlabelled is None else {"unlabelled": reading.unlabelled})


def _moment(moment: dt.datetime | None) -> str | None:
    return moment.isoformat() + "Z" if moment else None


def _write(line: dict[str, object]) -> None:
    sys.stderr.write(json.dumps(line) + "\n")
