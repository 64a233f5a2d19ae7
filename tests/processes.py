"""Processes and servers that tests start themselves: they end with the test, or before it as they are told to."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path


def free_port() -> int:
    """Return a loopback port that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, seconds: float = 60.0) -> None:
    """Return once the URL answers 200; raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise TimeoutError(url)


@contextmanager
def a_process(command: Sequence[str | Path], log: Path, patience: float = 15) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program beside the test, its output in a file; it ends with the test, killed after so many seconds."""
    with log.open("wb") as output:
        process = subprocess.Popen([str(part) for part in command], stdout=output, stderr=subprocess.STDOUT)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def answering(server: HTTPServer) -> Iterator[int]:
    """Let a server answer beside the test; yield its port."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def http_server(answer: Callable[[BaseHTTPRequestHandler], bytes]) -> Iterator[int]:
    """Answer GET and POST on loopback with a body; yield the port."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = answer(self)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer  # noqa: N815  the names that http.server looks for

        def log_message(self, *_: object) -> None: ...

    with answering(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        yield port


def forked(action: Callable[[], int]) -> int:
    """Run `action` in a child process and return its id: it ends with the code that the action returns, or with 70."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # fork beside threads: the child runs only our code
        child = os.fork()
    if child == 0:
        code = 70
        with suppress(BaseException):
            code = action()
        os._exit(code)
    return child


def ended(child: int) -> int:
    """Return the code that a child ended with; a signal's is negative."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def was_killed(child: int) -> bool:
    """Return whether a child ended by kill -9, and not well."""
    code = ended(child)
    assert code in (0, -signal.SIGKILL), f"the child ended with {code}"
    return code != 0
