"""The monitor job: `python -m mlc_targets.local.monitor --package DIR --data-root DIR --signals JSON --push URL`."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Sequence
from pathlib import Path

from mlc_compiler.backend.target import ExecutionError
from mlc_compiler.ir import Signal
from mlc_targets.local import commands
from mlc_targets.local.monitor import export
from mlc_targets.local.monitor.plan import Plan, signals_of
from mlc_targets.local.monitor.readings import read_signals
from mlc_targets.local.package.bundle import load_package


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m mlc_targets.local.monitor", description="Compute and export signals.")
    parser.add_argument("--package", type=Path, required=True, help="folder of the package")
    parser.add_argument("--data-root", type=Path, required=True, help="folder that the datasets' paths start at")
    parser.add_argument("--signals", type=_signals, required=True, metavar="JSON", help="the Monitor's signals")
    parser.add_argument("--reference", default="train", help="fold that features are compared with")
    parser.add_argument("--label-delay", type=float, metavar="SECONDS", help="until labels are known (default: seen)")
    parser.add_argument("--now", type=dt.datetime.fromisoformat, help="end of the windows (ISO 8601; UTC if bare)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write Prometheus' text format to this file")
    parser.add_argument("--push", metavar="URL", help="put the metrics on this Pushgateway")
    parser.add_argument("--namespace", help="namespace of the model, a label of what is pushed")
    parser.add_argument("--trust", nargs="+", default=(), metavar="TYPE", help="types of own code in a skops package")
    parser.add_argument("--digest", help="digest that the package must have, sha256:...")
    return parser


def _signals(text: str) -> tuple[Signal, ...]:
    try:
        return signals_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Compute and export; exit code 0, also where signals could not be computed (an alert tells of it), or 1."""
    given = _parser().parse_args(arguments)
    clock = dt.datetime.now(dt.UTC)
    try:
        package = load_package(given.package, digest=given.digest, trusted=given.trust)
        plan = Plan(given.signals, given.reference, given.label_delay)
        readings = read_signals(plan, package, given.data_root, clock, given.now)
        export.tell(readings)
        registry = export.registry_of(package.manifest, readings, clock)
        if given.out:
            export.write(registry, given.out)
        if given.push:
            export.push(registry, package.manifest, given.push, given.namespace)
    except ExecutionError as error:
        return commands.tell(error)
    if not given.out and not given.push:
        sys.stdout.write(export.exposition(registry))
    return 0


if __name__ == "__main__":
    sys.exit(main())
