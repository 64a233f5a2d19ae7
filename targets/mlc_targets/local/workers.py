"""Where tasks run: in this process one at a time, or in worker processes side by side.

Processes, not threads: native code in a thread can't be interrupted, and a worker whose parent is gone ends by itself.
"""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, Generic, TypeVar

_PATIENCE = 5.0  # seconds that a worker has to clean up
Item = TypeVar("Item")
Result = TypeVar("Result")


class Workers(Generic[Item, Result]):
    """Runs started items; `next` waits for one to end. Leaving the block ends all processes."""

    def __init__(self, run: Callable[[Item], Result], jobs: int) -> None:
        self._run = run
        self._jobs = max(1, jobs)
        self._queue: deque[Item] = deque()
        self._processes: list[tuple[Any, Connection]] = []
        self._running: dict[int, Item] = {}

    def __enter__(self) -> Workers[Item, Result]:
        return self

    def __exit__(self, *failure: object) -> None:
        for process, connection in self._processes:
            connection.close()
            process.terminate()
        for process, _ in self._processes:
            process.join(_PATIENCE)
            process.kill()
            process.join()

    @property
    def busy(self) -> int:
        """How many items are under way."""
        return len(self._queue) + len(self._running)

    @property
    def free(self) -> bool:
        """Whether another item may start."""
        return self.busy < self._jobs

    def start(self, item: Item) -> None:
        """Start an item."""
        if self._jobs == 1:
            self._queue.append(item)
            return
        index = self._idle()
        self._running[index] = item
        self._processes[index][1].send(item)

    def next(self) -> tuple[Item, Result]:
        """Return the next item that ended, with its result; what it raised is raised here."""
        if self._queue:
            item = self._queue.popleft()
            return item, self._run(item)
        from multiprocessing.connection import wait  # only runs with workers need it

        ready = wait([self._processes[index][1] for index in self._running])[0]
        index = next(i for i in self._running if self._processes[i][1] is ready)
        return self._running.pop(index), self._receive(index)

    def _receive(self, index: int) -> Result:
        process, connection = self._processes[index]
        try:
            result: Result | Exception = connection.recv()
        except EOFError:
            process.join()
            raise RuntimeError(f"a worker ended with exit code {process.exitcode}") from None
        if isinstance(result, Exception):
            raise result
        return result

    def _idle(self) -> int:
        for index in range(len(self._processes)):
            if index not in self._running:
                return index
        self._processes.append(_spawn(self._run))
        return len(self._processes) - 1


def _spawn(run: Callable[[Any], Any]) -> tuple[Any, Connection]:
    import multiprocessing  # only runs with workers need it

    context = multiprocessing.get_context("spawn")  # forking a process that holds native threads may lock up
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, run), daemon=True)
    process.start()
    theirs.close()
    return process, ours


def _work(connection: Connection, run: Callable[[Any], Any]) -> None:
    signal.signal(signal.SIGTERM, _leave)
    with suppress(EOFError, BrokenPipeError, KeyboardInterrupt):  # the parent has ended, or the user interrupts us all
        try:
            while True:
                connection.send(_guarded(run, connection.recv()))
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # we are leaving: no traceback on the way out


def _leave(number: int, frame: object) -> None:  # noqa: ARG001  the shape of a signal handler
    """End as an exception does, so that staging folders and semaphores are cleaned up."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def _guarded(run: Callable[[Any], Any], item: object) -> object:
    try:
        return run(item)
    except Exception as failure:  # noqa: BLE001  handed to the parent, which raises it
        return RuntimeError(f"{type(failure).__name__}: {failure}")
