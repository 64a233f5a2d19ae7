"""Runs tasks that are known by what they read: what is in the store is not run again, and every task says why.

A task's key is the digest of its reads and of the keys before it, so all keys are known before anything runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlc_compiler.backend.target import ExecutionError, Progress
from mlc_compiler.diagnostics import Finding
from mlc_compiler.records import dataclass
from mlc_targets.local import digests, findings
from mlc_targets.local.job import Outcome
from mlc_targets.local.store import Store
from mlc_targets.local.workers import Workers

SEMANTICS = 1
"""Rises when a step's results change for the same inputs."""
LIBRARY = "library "
"""How the label of a library's version starts."""


@dataclass(frozen=True, slots=True)
class Task:
    """One piece of work of a step. It reads the outputs of `after`; `waits` must only have passed."""

    name: str
    step: str
    subject: str = ""
    reads: tuple[tuple[str, str], ...] = ()  # label -> digest
    after: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a task: ran, unchanged or failed; one that its forerunners kept from running is not listed."""

    task: str
    status: str
    reason: str
    findings: tuple[Finding, ...] = ()


Execute = Callable[[Task, Path], Outcome]
"""Runs one task, filling a folder."""


def keys_of(tasks: Sequence[Task]) -> dict[str, str]:
    """Return each task's key: 64 hexadecimal digits. Tasks come after those that they read."""
    keys: dict[str, str] = {}
    for task in tasks:
        before = {name: keys[name] for name in task.after}
        keys[task.name] = digests.digest((SEMANTICS, task.name, task.reads, before)).removeprefix("sha256:")
    return keys


@dataclass(frozen=True, slots=True)
class Engine:
    """Runs tasks against a store; `previous` is what the model's last run recorded of each task."""

    store: Store
    keys: Mapping[str, str]
    previous: Mapping[str, Any]
    progress: Progress
    force: bool = False

    def run(self, tasks: Sequence[Task], execute: Execute, jobs: int) -> tuple[Result, ...]:
        """Run what is not in the store, `jobs` at a time, and return the results in the order of the tasks.

        A failure keeps only the tasks after it from running, so that all independent findings come out.
        """
        results: dict[str, Result] = {}
        waiting = list(tasks)
        runner: Callable[[Task], Outcome] = Runner(execute, self.store, self.keys, self.force)
        with Workers(runner, jobs) as workers:
            while waiting or workers.busy:
                waiting = self._start(waiting, results, workers)
                if not workers.busy:
                    break
                task, outcome = workers.next()
                results[task.name] = self._finish(task, outcome)
        return tuple(results[t.name] for t in tasks if t.name in results)

    def _start(self, waiting: list[Task], results: dict[str, Result], workers: Workers[Task, Outcome]) -> list[Task]:
        """Settle or start every task whose forerunners have passed; return those that still wait."""
        left = []
        for task in waiting:
            states = [results[n].status if n in results else "" for n in (*task.after, *task.waits)]
            if "failed" in states or not all(states) or not workers.free:
                left.append(task)
            elif (record := self._stored(task)) is not None:
                results[task.name] = self._unchanged(task, record)
            else:
                self.progress.step(task.name, self._why(task))
                workers.start(task)
        return left

    def _stored(self, task: Task) -> Mapping[str, Any] | None:
        return None if self.force else self.store.record(self.keys[task.name])

    def _unchanged(self, task: Task, record: Mapping[str, Any]) -> Result:
        reason = f"unchanged: {', '.join(_words(task))}"
        self.progress.done(task.name, reason, cached=True)
        return Result(task.name, "unchanged", reason, tuple(map(findings.from_json, record["findings"])))

    def _finish(self, task: Task, outcome: Outcome) -> Result:
        if errors := outcome.errors:
            self.progress.done(task.name, f"failed: {errors[0].message}")
            return Result(task.name, "failed", errors[0].message, outcome.findings)
        self.progress.done(task.name, outcome.detail)
        return Result(task.name, "ran", self._why(task), outcome.findings)

    def _why(self, task: Task) -> str:
        """Return why a task runs: the first run, or what is not as it was in the last one."""
        if self.force:
            return "forced"
        before = self.previous.get(task.name)
        if not isinstance(before, Mapping):
            return "first run"
        changed = list(_changes(before.get("reads", {}), dict(task.reads)))
        changed += [name for name in task.after if self._changed(name)]
        return f"changed: {', '.join(changed)}" if changed else "its outputs are not in the store"

    def _changed(self, name: str) -> bool:
        before = self.previous.get(name)
        return not isinstance(before, Mapping) or before.get("key") != self.keys[name]


def _words(task: Task) -> list[str]:
    """Return in a few words what a task reads: its own fields, the libraries as one, the tasks before it."""
    fields = [label for label, _ in task.reads if not label.startswith(LIBRARY)]
    libraries = ["libraries"] if len(fields) < len(task.reads) else []
    return fields + libraries + list(task.after)


def _changes(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for label in sorted({*before, *now}):
        if before.get(label) != now.get(label):
            yield label


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs one task into the store; what refuses it becomes an outcome, since exceptions don't travel well."""

    execute: Execute
    store: Store
    keys: Mapping[str, str]
    force: bool = False

    def __call__(self, task: Task) -> Outcome:
        """Run a task; an outcome with an error is not kept."""
        outcomes: list[Outcome] = []
        try:
            self.store.keep(self.keys[task.name], lambda folder: self._write(task, folder, outcomes))
        except ExecutionError as failure:
            return Outcome(findings=findings.findings_of(failure))
        return outcomes[0]

    def _write(self, task: Task, folder: Path, outcomes: list[Outcome]) -> Mapping[str, object]:
        outcome = self.execute(task, folder)
        outcomes.append(outcome)
        if errors := outcome.errors:
            raise findings.RefusedError((*errors, *(f for f in outcome.findings if f not in errors)))
        if self.force:
            self.store.drop(self.keys[task.name])
        return {
            "task": task.name,
            "outputs": outcome.outputs,
            "findings": [findings.to_json(f) for f in outcome.findings],
        }
