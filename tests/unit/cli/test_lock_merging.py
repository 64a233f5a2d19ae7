"""`mlc lock --merge` finishes a merge of the lock that git could not, and says where it can't either."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mlc_compiler import __version__
from mlc_compiler.codec import digest
from mlc_compiler.frontend.lock import LockFile, lock_text
from specs_on_disk import Outcome, a_project_on_disk, mlc

Run = Callable[[str], Outcome]


def a_lock(**rows: int) -> str:
    entries = {name: {"digest": digest(n), "rows": n, "columns": {}} for name, n in rows.items()}
    return lock_text(LockFile(mlc=__version__, datasets=entries))


def git(root: Path, *arguments: str, check: bool = True) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    subprocess.run(["git", *who, *arguments], cwd=root, capture_output=True, check=check)


def a_merge(repository: Path, root: Path, base: str, sides: Mapping[str, str]) -> None:
    """Leave the repository in a merge of two branches that both wrote the lock."""
    (root / "mlc.lock").write_text(base)
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "base"]):
        git(repository, *command)
    for name, text in sides.items():
        git(repository, "checkout", "-q", "-b", name, "main")
        (root / "mlc.lock").write_text(text)
        git(repository, "commit", "-qam", name)
    for name in list(sides)[:1]:
        git(repository, "merge", "-q", name, check=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return a_project_on_disk(tmp_path / "repository/services/tiny")


@pytest.fixture
def run(root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    return lambda command: mlc(command, root, capsys, monkeypatch)


def test_entries_that_stand_side_by_side_are_all_kept(root: Path, run: Run, tmp_path: Path) -> None:
    a_merge(tmp_path / "repository", root, a_lock(a=1), {"one": a_lock(a=1, b=2), "two": a_lock(a=1, c=3)})
    assert "<<<<<<<" in (root / "mlc.lock").read_text()
    assert "run `mlc lock --merge`" in run("validate").err
    assert run("lock --merge").code == 0
    assert (root / "mlc.lock").read_text() == a_lock(a=1, b=2, c=3)


def test_an_entry_that_both_changed_is_left_to_its_owner(root: Path, run: Run, tmp_path: Path) -> None:
    a_merge(tmp_path / "repository", root, a_lock(a=1), {"one": a_lock(a=2), "two": a_lock(a=3)})
    before = (root / "mlc.lock").read_text()
    said = run("lock --merge")
    assert (said.code, "`datasets/a`" in said.err, "mlc lock -s dataset:a" in said.err) == (1, True, True)
    assert (root / "mlc.lock").read_text() == before


def test_where_nothing_is_merged_it_says_so(root: Path, run: Run, tmp_path: Path) -> None:
    assert "MLC935" in run("lock --merge").err
    a_merge(tmp_path / "repository", root, a_lock(a=1), {})
    said = run("lock --merge")
    assert (said.code, "no merge under way" in said.err) == (1, True)


def test_a_side_that_is_no_lock_is_told(root: Path, run: Run, tmp_path: Path) -> None:
    a_merge(tmp_path / "repository", root, a_lock(a=1), {"one": a_lock(a=2), "two": "{\n"})
    said = run("lock --merge")
    assert (said.code, "MLC902" in said.err) == (1, True)
