"""`python -m mlc_targets.local.serve`: the command of serving images."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from mlc_compiler.backend.target import ExecutionError
from mlc_compiler.conventions import CLASSIFICATIONS, SERVE_PORT
from mlc_targets.local.commands import tell
from mlc_targets.local.serve import ServeOptions, run


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m mlc_targets.local.serve", description="Serve a packaged model.")
    parser.add_argument("--package", type=Path, required=True, help="folder of the package")
    parser.add_argument("--host", default="0.0.0.0", help="address to listen on (default: %(default)s)")  # noqa: S104
    parser.add_argument("--port", type=int, default=SERVE_PORT, help="port, 0 for a free one (default: %(default)s)")
    parser.add_argument("--online", type=Path, help="folder of the online snapshots")
    parser.add_argument("--digest", help="digest that the package must have, sha256:...")
    defaults = ServeOptions()
    parser.add_argument("--max-batch", type=int, help="most rows of one request (default: the package's)")
    parser.add_argument(
        "--log-requests", type=float, default=defaults.log_requests, help="share that is logged, 0 to 1"
    )
    parser.add_argument(
        "--log-classification",
        choices=CLASSIFICATIONS,
        default=defaults.log_classification,
        help="most closely kept values that the log shows (default: %(default)s)",
    )
    parser.add_argument("--workers", type=int, default=defaults.workers, help="scoring threads (default: %(default)s)")
    parser.add_argument("--max-waiting", type=int, default=defaults.max_waiting, help="requests that may wait")
    parser.add_argument("--drain", type=float, default=defaults.drain, help="seconds of draining on SIGTERM")
    parser.add_argument("--poll", type=float, default=defaults.poll, help="seconds between looks for a new snapshot")
    parser.add_argument("--trust", nargs="+", default=(), metavar="TYPE", help="types of own code in a skops package")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop; exit code 0, or 1 after a finding."""
    given = _parser().parse_args(arguments)
    options = ServeOptions(
        log_requests=given.log_requests,
        log_classification=given.log_classification,
        max_batch=given.max_batch,
        workers=given.workers,
        max_waiting=given.max_waiting,
        drain=given.drain,
        poll=given.poll,
        digest=given.digest,
        trusted=tuple(given.trust),
    )
    try:
        run(given.package, given.host, given.port, given.online, options)
    except ExecutionError as error:
        return tell(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
