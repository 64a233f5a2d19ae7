"""After any edits, what is compiled again and what is remembered come to what a run without memory gives."""

from __future__ import annotations

import contextlib
import io
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fleet
from mlc_compiler.cli import outputs, unchanged
from mlc_compiler.cli.main import run
from mlc_compiler.cli.project import Workspace
from mlc_compiler.frontend.project import Project

SETTLED = unchanged.TICK / 1e9 + 0.015
Edit = tuple[str, str, str]
"""File, text in it, and what stands there instead; or RELEASE, a model and the environment that it is pinned in."""
RELEASE = "release"

CANARY = """strategy: canary
  traffic: {requests_per_second: 200}
  steps: [{weight: 5, hold: 30m}, {weight: 25, hold: 1h}, {weight: 100}]
  analysis:
    - {metric: error_rate, max: 1%, interval: 1m, failure_limit: 3}
"""
ROLLING = ("specs/score-1.yaml", CANARY, "strategy: rolling\n")
"""The workload goes from one controller to another."""

EDITS: tuple[Edit, ...] = (
    ("specs/score-0.yaml", "max: 10", "max: 12"),
    ("specs/score-0.yaml", "amount > 100", "amount > 250"),
    (RELEASE, "score-0", "staging"),
    (RELEASE, "score-0", "prod"),
    (RELEASE, "score-9", "staging"),
    ("specs/score-1.yaml", "weight: 25", "weight: 30"),
    ROLLING,
    ("specs/score-2.yaml", "min: 0.70", "min: 0.75"),
    ("specs/score-4.yaml", "happened_at: {type: timestamp, required: true}", "happened_at: {type: timestamp}"),
    ("specs/score-4.yaml", "method: psi", "method: ks"),
    ("specs/score-5.yaml", ", description: Scores payments.", ""),
    ("specs/score-5.yaml", "cpu: 500m", "cpu: 750m"),
    ("specs/score-6.yaml", "max_iter: 200", "max_iter: 300"),
    ("specs/score-7.yaml", "kind: Monitor", "# nothing\nkind: Monitor"),
    ("specs/score-8.yaml", "model: score-8", "model: score-9"),
    ("specs/score-8.yaml", "name: score-8, desc", "name: score-8a, desc"),
    ("specs/score-9.yaml", "from: events-9", "from: events-10"),
    ("specs/score-9.yaml", "expr: amount", "expr: amounts"),
    ("specs/score-9.yaml", "replicas: {min", "replica: {min"),
    ("specs/score-10.yaml", "features: [payments-10.*]", "features: [payments-10.*, payments-11.large]"),
    ("specs/score-11.yaml", "sum(amount)", "sum(amount"),
    ("specs/score-11.yaml", "kind: Gate", "kind: Gate\nx-allow: {MLC801: {until: 2999-01-01, reason: later}}"),
    ("specs/score-6.yaml", "  serving: {mode", "  train: {timeout: 3h}\n  serving: {mode"),
    ("specs/score-4.yaml", "path: data/events-4.parquet", "path: data/other/events.parquet"),
    (RELEASE, "score-1", "staging"),
    ("specs/shared.yaml", "min: 1000", "min: 2000"),
    ("specs/shared.yaml", "minimum: 0", "minimum: 1"),
    ("specs/everywhere.yaml", "min: 0.6", "min: 0.65"),
    ("specs/environments.yaml", "replicas.min: 3", "replicas.min: 2"),
    ("specs/environments.yaml", "gates: [everywhere]", "gates: []"),
    ("mlc.yaml", "owner: platform", "owner: ranking"),
    ("mlc.lock", '"rows": 100000', '"rows": 200000'),
    ("environments/staging/score-0.yaml", "artifact", "# seen\nartifact"),
    ("deploy/staging/score-0/rollout.yaml", "replicas", "replicass"),
    ("deploy/staging/score-0/kustomization.yaml", "resources", "resource"),
)
RELEASED = (RELEASE, "score-1", "staging")
FEW = tuple(edit for edit in EDITS[:14] if edit[0] != RELEASE and "happened_at" not in edit[1])
"""Edits of no other files than the model's, and of nothing that the workflows of all models are written from."""


@dataclass(frozen=True)
class Told:
    """What a command did: exit code, words, and the files below the root, but for mlc's own state."""

    code: int
    out: str
    err: str
    files: dict[str, str]


def told(root: Path, command: str) -> Told:
    arguments = ["-C", str(root), *command.split()]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = unchanged.answer(arguments)
        code = run(arguments) if code is None else code
    return Told(code, out.getvalue(), err.getvalue(), texts(root))


def texts(root: Path) -> dict[str, str]:
    files = (p for p in root.rglob("*") if p.is_file() and ".mlc" not in p.relative_to(root).parts)
    return {p.relative_to(root).as_posix(): p.read_text() for p in files}


def without_memory(root: Path, command: str) -> Told:
    """Run the command on a copy that remembers nothing."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy")
        shutil.copytree(root, copy, ignore=shutil.ignore_patterns(".mlc"))
        return told(copy, command)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = fleet.a_fleet(tmp_path_factory.mktemp("fleet") / "project")
    assert told(root, "build").code == 0
    return root


@pytest.fixture(autouse=True)
def _outside_of_workflows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)


@contextlib.contextmanager
def a_copy(built: Path) -> Iterator[Path]:
    """Yield the built project as a team finds it after a build of its own: with its memory."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "project")
        shutil.copytree(built, root, ignore=shutil.ignore_patterns(".mlc"))
        time.sleep(SETTLED)
        assert told(root, "build").code == 0
        yield root


def apply(root: Path, edit: Edit) -> None:
    """Make an edit, or take it back where it was made before."""
    path, old, new = edit
    if path == RELEASE:
        with contextlib.suppress(AssertionError):  # what has errors is not released
            fleet.release(root, old, new)
        time.sleep(SETTLED)
        return
    text = (root / path).read_text()
    (root / path).write_text(text.replace(old, new, 1) if new not in text or not new else text.replace(new, old, 1))
    time.sleep(SETTLED)


def same(root: Path, command: str) -> Told:
    expected = without_memory(root, command)
    found = told(root, command)
    assert found == expected
    return found


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(EDITS), st.sampled_from(("validate", "plan", "build", "build --check"))),
        min_size=1,
        max_size=4,
    )
)
@pytest.mark.usefixtures("_outside_of_workflows")
def test_any_edits_end_as_if_nothing_were_remembered(built: Path, steps: list[tuple[Edit, str]]) -> None:
    with a_copy(built) as root:
        for edit, command in steps:
            apply(root, edit)
            same(root, command)
            same(root, "build")


@pytest.mark.parametrize("edit", EDITS, ids=lambda e: f"{e[0]}: {e[2]}")
def test_an_edit_ends_as_if_nothing_were_remembered(built: Path, edit: Edit) -> None:
    with a_copy(built) as root:
        apply(root, edit)
        for command in ("validate", "plan --format json", "build", "plan"):
            same(root, command)
        apply(root, edit)
        same(root, "build")


def test_an_edit_and_its_release_end_as_if_nothing_were_remembered(built: Path) -> None:
    with a_copy(built) as root:
        for edit in (*EDITS[:3], ROLLING, RELEASED):
            apply(root, edit)
            same(root, "build")
        same(root, "plan")


@pytest.mark.parametrize("edit", FEW, ids=lambda e: f"{e[0]}: {e[2]}")
def test_an_edit_of_one_model_compiles_few(built: Path, edit: Edit, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[int] = []
    from mlc_compiler.cli.project import make

    def counting(root: Path, project: Project, *rest: Any, **options: Any) -> Workspace | None:
        compiled.append(len(project.models))
        return make(root, project, *rest, **options)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("everything was compiled")

    with a_copy(built) as root:
        apply(root, edit)
        monkeypatch.setattr(outputs, "make", counting)
        monkeypatch.setattr(outputs, "open_project", never)
        assert told(root, "build").code == 0
        assert told(root, "plan").code == 0
    assert compiled
    assert max(compiled) <= 6
