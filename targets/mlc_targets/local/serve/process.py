"""The server's process: it listens, says so, answers until it is told to stop, and leaves nothing half answered."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from mlc_compiler.backend.target import ExecutionError
from mlc_compiler.diagnostics import Finding, Span
from mlc_targets.local.package.bundle import load_package
from mlc_targets.local.serve.app import create_app
from mlc_targets.local.serve.logs import write_line
from mlc_targets.local.serve.options import ServeOptions
from mlc_targets.local.serve.service import Service, open_service

HEADER_SECONDS = 10.0

if TYPE_CHECKING:
    from starlette.applications import Starlette


def run(
    package: Path, host: str, port: int, online: Path | None = None, options: ServeOptions | None = None
) -> None:  # fmt: skip
    """Serve a package until SIGTERM or SIGINT; port 0 takes a free one, which the startup line names.

    On SIGTERM /readyz says 503 for `options.drain` seconds while requests are still answered, then what is under way
    is finished. Raises ExecutionError: MLC480..482 for the package, MLC484 for the address.
    """
    options = options or ServeOptions()
    with contextlib.closing(listen(host, port)) as listener:
        loaded = load_package(package, digest=options.digest, threads=options.threads, trusted=options.trusted)
        service = open_service(loaded, online, options)
        asyncio.run(_serve(service, listener))
        write_line("stopped", {"model": service.name, "version": service.version})


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; raises ExecutionError MLC484 where the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=1024)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ExecutionError(Finding(
            "MLC484", f"cannot listen on {host}:{port}: {reason}", Span(f"{host}:{port}", 1, 1, 1, 1),
            help="stop the process that has the port, or choose another with --port (0 takes a free one)",
        )) from error  # fmt: skip
    # asyncio sets this only on sockets that name their protocol, which this one does not: answers would wait 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _startup(service: Service, listener: socket.socket) -> dict[str, object]:
    host, port = listener.getsockname()[:2]
    snapshot = service.scorer.database.snapshot if service.scorer.database else None
    return {
        "model": service.name,
        "version": service.version,
        "url": f"http://{f'[{host}]' if ':' in host else host}:{port}",
        "lookups": [lookup.name for lookup in service.package.manifest.lookups],
        "snapshot": snapshot.identifier if snapshot else None,
        "waits_for": service.waits_for(),
    }


async def _serve(service: Service, listener: socket.socket) -> None:
    server = GracefulServer(create_app(service), service)
    await server.serve(sockets=[listener])


class GracefulServer(uvicorn.Server):
    """uvicorn's server with a drain before it stops; it ends with exit code 0, since being told to stop is no fault."""

    def __init__(self, app: Starlette, service: Service) -> None:
        options = service.options
        config = uvicorn.Config(
            app,
            http=TimedProtocol,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            h11_max_incomplete_event_size=options.max_header,
            timeout_keep_alive=options.keep_alive,
            timeout_graceful_shutdown=options.stop_timeout,
        )
        super().__init__(config)
        self._service = service

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so once signals are heard and connections are taken."""
        await super().startup(sockets)
        for listener in sockets or ():
            write_line("serving", _startup(self._service, listener))

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGTERM and SIGINT for the time of serving; uvicorn's own way raises them again at the end."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._drain)
        loop.add_signal_handler(signal.SIGINT, self._stop)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGTERM)
            loop.remove_signal_handler(signal.SIGINT)

    def _drain(self) -> None:
        if self._service.life.draining:
            return
        self._service.life.draining = True
        write_line("draining", {"model": self._service.name, "version": self._service.version})
        asyncio.get_running_loop().call_later(self._service.options.drain, self._stop)

    def _stop(self) -> None:
        self._service.life.draining = True
        self.force_exit = self.should_exit  # told twice: do not wait for connections
        self.should_exit = True


class TimedProtocol(H11Protocol):
    """A connection whose requests must send their headers in time; uvicorn waits for ever for the rest of a header."""

    _clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Start the clock with the connection."""
        super().connection_made(transport)
        self._clock = self.loop.call_later(HEADER_SECONDS, transport.close)

    def data_received(self, data: bytes) -> None:
        """Stop the clock once the headers are whole; start it for the rest of a header that came in part."""
        super().data_received(data)
        waits = self.conn.their_state is h11.IDLE and bool(self.conn.trailing_data[0])
        if self._clock is not None and not waits:
            self._clock.cancel()
            self._clock = None
        elif self._clock is None and waits:
            self._clock = self.loop.call_later(HEADER_SECONDS, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the clock with the connection."""
        if self._clock is not None:
            self._clock.cancel()
        super().connection_lost(exc)
