"""Small projects for tests: the files of `tests/errors/_base` with some of them replaced, on disk and in memory."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from mlc_compiler import __version__
from mlc_compiler.cli.main import run
from mlc_compiler.conventions import LOCK_FILE, PROJECT_FILE
from mlc_compiler.diagnostics import Finding, Severity, Sink
from mlc_compiler.frontend.lock import LockFile, lock_text
from mlc_compiler.frontend.project import Project
from mlc_compiler.frontend.workspace import SpecFile
from mlc_compiler.middle.models import resolve_models
from mlc_compiler.middle.pins import Pins
from mlc_compiler.middle.resolved import ResolvedModel
from mlc_compiler.middle.statistics import statistics_digest
from mlc_compiler.pipeline import Compilation, Inputs, compile_project, load_project

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
    (root / LOCK_FILE).write_text(lock_text(a_lock()), "utf-8")
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


def statistics(
    rows: int = 10_000, positives: int | None = 2_000, days: int = 100, groups: Mapping[str, Any] | None = None,
    **values: Any,
) -> dict[str, Any]:  # fmt: skip
    """Return a model's entry of the lock, apart from what it is of: three folds alike."""
    fold = {"rows": rows, "days": days, **({} if positives is None else {"positives": positives}), **values}
    return {
        "rows": 3 * rows, "mature": 3 * rows, "per_day": rows / days if days else 0.0,
        "label_delay": {"p50": 3600, "p95": 7200},
        "folds": dict.fromkeys(("train", "validation", "test"), fold), "groups": groups or {},
    }  # fmt: skip


# --- without a disk --------------------------------------------------------------------------------------------------
def spec_files(files: Mapping[str, str] | None = None) -> tuple[SpecFile, ...]:
    """Return the base project's files in memory, mlc.yaml first; `files` replaces or adds some."""
    base = {path.relative_to(BASE).as_posix(): path.read_text("utf-8") for path in sorted(BASE.rglob("*.yaml"))}
    texts = {**base, **(files or {})}
    return tuple(SpecFile(path, texts[path].encode()) for path in sorted(texts, key=lambda p: (p != PROJECT_FILE, p)))


def a_lock(**fields: Any) -> LockFile:
    entry = {"digest": DIGEST, "rows": 1000, "files": {}, "columns": {}}
    return replace(LockFile(__version__, dict.fromkeys(DATASETS, entry)), **fields)


def bound(files: Mapping[str, str] | None = None) -> tuple[Project | None, list[Finding]]:
    """Load and bind a project in memory."""
    sink = Sink()
    return load_project(spec_files(files), sink), list(sink)


def compiled(
    files: Mapping[str, str] | None = None, pins: Pins | None = None, lock: LockFile | None = None
) -> tuple[Compilation | None, list[Finding]]:
    """Compile a project in memory for no target, as far as it goes; findings are not located.

    A lock's statistics without an `of` are of the project as it is.
    """
    sink = Sink()
    project = load_project(spec_files(files), sink)
    if project is None:
        return None, list(sink)
    inputs = Inputs(_of(lock or a_lock(), project), pins or Pins({}, {}), {}, ())
    return compile_project(project, inputs, sink), list(sink)


def _of(lock: LockFile, project: Project) -> LockFile:
    if not lock.models:
        return lock
    found = resolve_models(project, lock, {}, Sink())
    digests = {name: statistics_digest(model, project.spec.timezone) for name, model in found.items()}
    return replace(lock, models={n: {"of": digests.get(n, ""), **e} for n, e in lock.models.items()})


def a_model_of(files: Mapping[str, str] | None = None, lock: LockFile | None = None) -> ResolvedModel:
    """Return the model `late` of a project without errors."""
    compilation, findings = compiled(files, lock=lock)
    assert compilation is not None, findings
    return compilation.models["late"]


def codes(findings: Iterable[Finding]) -> list[str]:
    """Return the findings' codes; infos, which tell of what is not pinned, aside."""
    return sorted(f.code for f in findings if f.severity is not Severity.INFO)
