"""Tasks run once, say why, and leave nothing half-done."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local_runs import Silent
from mlc_compiler import ir
from mlc_compiler.diagnostics import Severity
from mlc_targets.local.engine import Engine, Result, Task, keys_of
from mlc_targets.local.findings import error
from mlc_targets.local.job import Outcome
from mlc_targets.local.store import Store, write_json

READ = Task("read", "ingest", reads=(("file", "sha256:1"),))
FIT = Task("fit", "train", reads=(("params", "sha256:2"), ("library numpy", "2")), after=("read",))
CHECK = Task("check", "validate", after=("read",))
TASKS = (READ, CHECK, FIT)


def write_name(task: Task, out: Path) -> Outcome:
    (out / "name.txt").write_text(task.name, encoding="utf-8")
    return Outcome({"name": task.name})


def refuse_check(task: Task, out: Path) -> Outcome:
    if task.name == "check":
        return Outcome(findings=(error("MLC376", ir.Origin("Dataset/d", "spec.checks.0"), "it does not hold"),))
    return write_name(task, out)


def run(
    root: Path, tasks: tuple[Task, ...] = TASKS, execute: Any = write_name, previous: Any = None, **options: Any
) -> dict[str, Result]:
    engine = Engine(Store(root), keys_of(tasks), previous or {}, Silent(), options.get("force", False))
    return {r.task: r for r in engine.run(tasks, execute, options.get("jobs", 1))}


def remembered(tasks: tuple[Task, ...]) -> dict[str, Any]:
    keys = keys_of(tasks)
    return {t.name: {"key": keys[t.name], "reads": dict(t.reads)} for t in tasks}


def test_a_second_run_runs_nothing_and_says_what_is_unchanged(tmp_path: Path) -> None:
    assert {r.status for r in run(tmp_path).values()} == {"ran"}
    again = run(tmp_path, execute=None)
    assert {r.status for r in again.values()} == {"unchanged"}
    assert again["fit"].reason == "unchanged: params, libraries, read"


def test_a_changed_read_runs_what_depends_on_it_and_names_it(tmp_path: Path) -> None:
    run(tmp_path)
    changed = (READ, CHECK, replace(FIT, reads=(("params", "sha256:3"), ("library numpy", "2"))))
    results = run(tmp_path, changed, previous=remembered(TASKS))
    assert [r.status for r in results.values()] == ["unchanged", "unchanged", "ran"]
    assert results["fit"].reason == "changed: params"


def test_a_change_further_up_is_named_by_its_task(tmp_path: Path) -> None:
    changed = (replace(READ, reads=(("file", "sha256:9"),)), CHECK, FIT)
    results = run(tmp_path, changed, previous=remembered(TASKS))
    assert results["read"].reason == "changed: file"
    assert results["fit"].reason == "changed: read"


def test_a_failure_stops_what_waits_for_it_and_nothing_else(tmp_path: Path) -> None:
    report = Task("report", "report", waits=("check",))
    results = run(tmp_path, (*TASKS, report), refuse_check)
    assert {name: r.status for name, r in results.items()} == {"read": "ran", "check": "failed", "fit": "ran"}
    assert results["check"].findings[0].code == "MLC376"


def test_a_failed_task_is_not_kept(tmp_path: Path) -> None:
    run(tmp_path, execute=refuse_check)
    assert run(tmp_path)["check"].status == "ran"


def test_warnings_are_told_again_by_an_unchanged_task(tmp_path: Path) -> None:
    warning = replace(error("MLC378", ir.Origin("Dataset/d"), "stale"), severity=Severity.WARNING)
    run(tmp_path, (READ,), lambda _task, _out: Outcome(findings=(warning,)))
    assert run(tmp_path, (READ,))["read"].findings == (warning,)


def test_an_interrupted_task_leaves_no_folder(tmp_path: Path) -> None:
    def interrupted(task: Task, out: Path) -> Outcome:
        write_name(task, out)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, execute=interrupted)
    assert list((tmp_path / "steps").iterdir()) == []
    assert run(tmp_path)["read"].status == "ran"


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    dead, own = tmp_path / "steps" / ".tmp-999999999-x", tmp_path / "steps" / f".tmp-{os.getpid()}-x"
    dead.mkdir(parents=True)
    own.mkdir()
    Store(tmp_path).sweep()
    assert not dead.exists()
    assert own.exists()


def test_a_damaged_record_is_not_believed(tmp_path: Path) -> None:
    run(tmp_path, (READ,))
    (Store(tmp_path).step(keys_of((READ,))["read"]) / "record.json").write_text("{", encoding="utf-8")
    assert run(tmp_path, (READ,))["read"].status == "ran"
    assert run(tmp_path, (READ,))["read"].status == "unchanged"


def test_where_another_run_was_quicker_its_outputs_stay(tmp_path: Path) -> None:
    store, key = Store(tmp_path), keys_of((READ,))["read"]

    def overtaken(task: Task, out: Path) -> Outcome:
        store.keep(key, lambda folder: {"outputs": write_name(task, folder).outputs, "findings": [], "by": "other"})
        return write_name(task, out)

    assert run(tmp_path, (READ,), overtaken)["read"].status == "ran"
    record = store.record(key)
    assert record is not None
    assert record["by"] == "other"


def test_a_forced_run_runs_everything_again(tmp_path: Path) -> None:
    run(tmp_path)
    again = run(tmp_path, force=True)
    assert {(r.status, r.reason) for r in again.values()} == {("ran", "forced")}


def test_worker_processes_give_the_same_results(tmp_path: Path) -> None:
    results = run(tmp_path, execute=refuse_check, jobs=2)
    assert {name: r.status for name, r in results.items()} == {"read": "ran", "check": "failed", "fit": "ran"}
    assert (Store(tmp_path).step(keys_of(TASKS)["fit"]) / "name.txt").read_text(encoding="utf-8") == "fit"


def test_a_full_disk_is_a_finding(tmp_path: Path) -> None:
    def full(_task: Task, _out: Path) -> Outcome:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    found = run(tmp_path, (READ,), full)["read"].findings[0]
    assert found.code == "MLC483"
    assert "No space left on device" in found.message
    assert list((tmp_path / "steps").iterdir()) == []


def test_our_own_bug_is_no_finding(tmp_path: Path) -> None:
    def broken(_task: Task, _out: Path) -> Outcome:
        raise ZeroDivisionError("ours")

    with pytest.raises(ZeroDivisionError):
        run(tmp_path, (READ,), broken)


def test_a_file_with_the_same_bytes_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})
    before = path.stat().st_ino
    write_json(path, {"a": 1})
    assert path.stat().st_ino == before
