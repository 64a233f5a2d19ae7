"""Small projects for tests: the files of `tests/errors/_base` with some of them replaced, and mlc run on them."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from mlc_compiler import __version__
from mlc_compiler.cli.main import run
from mlc_compiler.conventions import LOCK_FILE
from mlc_compiler.frontend.lock import LockFile, lock_text

ERRORS = Path(__file__).parent / "errors"
BASE = ERRORS / "_base"
DATASETS = ("extra", "flights", "planes")
DIGEST = "sha256:" + "d" * 64


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.err + self.out


def a_project_on_disk(root: Path, files: Mapping[str, str | bytes] | None = None) -> Path:
    """Write the base project, with a lock that holds its datasets; `files` replaces or adds some of its files."""
    shutil.copytree(BASE, root, dirs_exist_ok=True)
    entry = {"digest": DIGEST, "rows": 1000, "files": {}, "columns": {}}
    (root / LOCK_FILE).write_text(lock_text(LockFile(__version__, dict.fromkeys(DATASETS, entry))), "utf-8")
    for path, content in (files or {}).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def changed(path: str, old: str, new: str) -> dict[str, str]:
    """Return a file of the base project in which one text stands for another."""
    text = (BASE / path).read_text("utf-8")
    assert old in text, f"{path} holds no {old!r}"
    return {path: text.replace(old, new, 1)}


def mlc(command: str, root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Outcome:
    """Run a command line in a folder, in this process, without colours and away from any CI's environment."""
    for variable in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "CI"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(root)
    capsys.readouterr()
    code = run(shlex.split(command))
    said = capsys.readouterr()
    return Outcome(code, said.out, said.err)
