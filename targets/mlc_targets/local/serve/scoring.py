"""Scoring off the event loop: requests wait in a bounded queue, and a worker scores all that wait in one go.

Planning the row query costs about as much for one row as for fifty, so requests that arrive together share it.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Mapping, Sequence

import numpy as np

from mlc_compiler.records import dataclass
from mlc_targets.local.package.bundle import Package
from mlc_targets.local.serve.answer import Decided, decide
from mlc_targets.local.serve.features import FeatureCursor, FeatureDatabase, FeatureError
from mlc_targets.local.serve.request import RequestError, Rows

_MOST_TOGETHER = 256


class SaturatedError(Exception):
    """As many requests wait as may wait."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What became of one request's rows: decided scores, and how many rows missed each lookup."""

    decided: Decided
    misses: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Job:
    rows: Rows
    future: asyncio.Future[Scored]
    loop: asyncio.AbstractEventLoop

    def settle(self, result: Scored | Exception) -> None:
        self.loop.call_soon_threadsafe(self._settle, result)

    def _settle(self, result: Scored | Exception) -> None:
        if self.future.done():
            return  # the caller gave up
        if isinstance(result, Exception):
            self.future.set_exception(result)
        else:
            self.future.set_result(result)


class Scorer:
    """Worker threads over one package; the database is exchanged whole when a new snapshot comes."""

    def __init__(self, package: Package, workers: int, waiting: int) -> None:
        self._package = package
        self._database: FeatureDatabase | None = None
        self._queue: queue.Queue[_Job | None] = queue.Queue(waiting)
        self._threads = [threading.Thread(target=self._work, args=(i,), daemon=True) for i in range(workers)]

    @property
    def database(self) -> FeatureDatabase | None:
        """Return the database that scores, or None while a snapshot is missing."""
        return self._database

    def use(self, database: FeatureDatabase) -> None:
        """Score with this database from the next batch on; batches under way finish with the one they began with."""
        self._database = database

    def start(self) -> None:
        """Start the workers."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let the workers finish what waits, and end them."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    async def score(self, rows: Rows) -> Scored:
        """Score rows; raises SaturatedError when too many requests wait, RequestError for rows that can't be scored."""
        loop = asyncio.get_running_loop()
        job = _Job(rows, loop.create_future(), loop)
        try:
            self._queue.put_nowait(job)
        except queue.Full as error:
            raise SaturatedError from error
        return await job.future

    # --- worker threads ----------------------------------------------------------------------------------------------
    def _work(self, number: int) -> None:
        while (job := self._queue.get()) is not None:
            jobs, ended = self._gather(job)
            database = self._database
            if database is None:
                raise RuntimeError("a request was accepted before a database was there")
            self._score_jobs(jobs, database.cursors[number])
            if ended:
                return

    def _gather(self, job: _Job) -> tuple[list[_Job], bool]:
        """Return this job with those that wait behind it, and whether the end of all jobs was among them."""
        jobs, count = [job], job.rows.count
        while count < _MOST_TOGETHER:
            try:
                following = self._queue.get_nowait()
            except queue.Empty:
                break
            if following is None:
                return jobs, True
            jobs.append(following)
            count += following.rows.count
        return [job for job in jobs if not job.future.done()], False

    def _score_jobs(self, jobs: Sequence[_Job], cursor: FeatureCursor) -> None:
        if not jobs:
            return
        try:
            results = self._score_rows([job.rows for job in jobs], cursor)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is the request's answer; the worker lives on
            if len(jobs) == 1:
                jobs[0].settle(error)
            else:  # one request must not fail the others that it was scored with
                for job in jobs:
                    self._score_jobs([job], cursor)
            return
        for job, result in zip(jobs, results, strict=True):
            job.settle(result)

    def _score_rows(self, requests: Sequence[Rows], cursor: FeatureCursor) -> list[Scored]:
        try:
            features = cursor.compute(_together(requests))
        except FeatureError as error:
            raise RequestError(422, f"the features of these values cannot be computed: {error}") from error
        scores = self._package.predict(features.columns)
        if not np.isfinite(scores).all():
            raise RequestError(422, "the model's prediction for these values is not a finite number")
        results, start = [], 0
        for rows in requests:
            part = slice(start, start + rows.count)
            misses = {name: int(missed[part].sum()) for name, missed in features.misses.items()}
            results.append(Scored(decide(self._package.manifest, scores[part]), misses))
            start += rows.count
        return results


def _together(requests: Sequence[Rows]) -> Rows:
    if len(requests) == 1:
        return requests[0]
    columns = {name: [value for rows in requests for value in rows.columns[name]] for name in requests[0].columns}
    return Rows(sum(rows.count for rows in requests), columns)
