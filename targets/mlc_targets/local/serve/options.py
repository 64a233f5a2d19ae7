"""How a server runs: bounds, threads, logging. One frozen value, given at the start."""

from __future__ import annotations

from mlc_compiler.records import dataclass


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """Bounds of a server; times are seconds, sizes bytes.

    `log_requests` is the share of requests that are logged, `log_classification` the most closely kept values that the
    log shows; `max_batch` the rows of one request (None: the package's).
    `drain` is how long a server told to stop still answers while it says that it is not ready. `trusted` are types of
    the model's own code that a skops package may hold.
    """

    log_requests: float = 0.0
    log_classification: str = "internal"
    max_batch: int | None = None
    max_body: int = 8 * 1024 * 1024
    max_header: int = 16 * 1024
    max_waiting: int = 128
    workers: int = 1
    threads: int = 1
    read_timeout: float = 10.0
    timeout: float = 30.0
    keep_alive: int = 65
    drain: float = 2.0
    stop_timeout: int = 30
    poll: float = 2.0
    drift_window: int = 1000
    digest: str | None = None
    trusted: tuple[str, ...] = ()
