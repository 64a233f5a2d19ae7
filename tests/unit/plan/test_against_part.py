"""`mlc plan --against REF` of the part that differs says what it says of the whole project, both ways round."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import fleet
import specs_on_disk
from mlc_compiler.cli.against_part import Since
from mlc_compiler.cli.main import run

PIN = "environments/staging/score-1.yaml"
GATE = "---\nkind: Gate\nmetadata: {name: more}\nspec: {model: score-5, checks: [{metric: brier, max: 0.2}]}\n"
EDITS = [
    ("specs/score-5.yaml", "max: 10}", "max: 12}"),
    ("specs/score-5.yaml", "max_iter: 200", "max_iter: 150"),
    ("specs/score-1.yaml", "max: 10}", "max: 12}"),
    ("specs/score-1.yaml", "hold: 30m", "hold: 45m"),
    ("specs/score-5.yaml", "    large: {expr: \"amount > 100\"}\n", ""),
    ("specs/score-5.yaml", "    country: {type: string}\n", "    country: {type: string}\n    city: {type: string}\n"),
    ("specs/score-5.yaml", "  slo: {availability: 99.9%, latency_p99: 50ms}\n", ""),
    ("specs/score-5.yaml", "method: psi", "method: wasserstein"),
    ("specs/score-5.yaml", "---\nkind: Monitor", f"{GATE}---\nkind: Monitor"),
    ("specs/shared.yaml", "amount: {type: float64, minimum: 0}", "amount: {type: float64, minimum: 1}"),
    ("specs/score-6.yaml", "from: events-6", "from: events-7"),
    (PIN, "image: ", "image: other-"),
    ("mlc.lock", '"rows": 100000', '"rows": 100001'),
]  # fmt: skip
WHOLE = [
    ("specs/environments.yaml", "replicas.min: 3", "replicas.min: 5"),
    ("mlc.yaml", "owner: platform", "owner: payments"),
    ("specs/everywhere.yaml", "min: 0.6", "min: 0.5"),
]


class Project:
    """A fleet under git, built and remembered, in which files are edited in place: copies are not remembered."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self.root, self._capsys, self._patch = root, capsys, patch
        self.parts: list[bool] = []

    def git(self, *arguments: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        subprocess.run(["git", *who, *arguments], cwd=self.root, capture_output=True, check=True)

    def plans(self, reference: str) -> tuple[specs_on_disk.Outcome, specs_on_disk.Outcome]:
        """Return what is said of the part and of the whole."""
        command = f"plan --against {reference} --format json"
        with self._patch.context() as patch:
            accepts = Since.accepts

            def spied(since: Since, *arguments: Any) -> bool:
                self.parts.append(accepts(since, *arguments))
                return self.parts[-1]

            patch.setattr(Since, "accepts", spied)
            part = specs_on_disk.mlc(command, self.root, self._capsys, patch)
        with self._patch.context() as patch:
            patch.setattr(Since, "marked", lambda since, memory: None)
            return part, specs_on_disk.mlc(command, self.root, self._capsys, patch)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = fleet.a_fleet(tmp_path_factory.mktemp("fleet") / "project", models=8)
    (root / ".gitignore").write_text(".mlc/\n")
    project = Project(root, None, None)  # type: ignore[arg-type]  # for git alone
    assert run(["-C", str(root), "build", "-q"]) == 0
    project.git("init", "-q", "-b", "main")
    project.git("add", "-A")
    project.git("commit", "-qm", "built")
    project.git("tag", "v1")
    return root


@pytest.fixture
def project(root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    time.sleep(0.05)  # what changed while mlc looks is not remembered
    assert run(["-C", str(root), "plan", "-q"]) == 0
    yield Project(root, capsys, monkeypatch)
    subprocess.run("git reset -q --hard v1 && git clean -qfd", cwd=root, shell=True, check=True)


def replaced(root: Path, path: str, old: str, new: str) -> str:
    """Edit a file; return its text before."""
    text = (root / path).read_text("utf-8")
    assert old in text, f"{path} holds no {old!r}"
    (root / path).write_text(text.replace(old, new, 1), "utf-8")
    return text


def alike(part: specs_on_disk.Outcome, whole: specs_on_disk.Outcome) -> bool:
    return (part.code, part.out) == (whole.code, whole.out) and sorted(part.err.split("\n\n")) == sorted(
        whole.err.split("\n\n")
    )


@pytest.mark.parametrize(("path", "old", "new"), EDITS, ids=lambda text: " ".join(text.split())[:30])
def test_the_part_says_what_the_whole_says(project: Project, path: str, old: str, new: str) -> None:
    before = replaced(project.root, path, old, new)
    part, whole = project.plans("v1")
    assert part.code == 0, part.err
    assert alike(part, whole), f"{part.text}\n\n{whole.text}"
    project.git("commit", "-qam", "edited")
    (project.root / path).write_text(before, "utf-8")
    part, whole = project.plans("main")
    assert alike(part, whole), f"{part.text}\n\n{whole.text}"


@pytest.mark.parametrize(("path", "old", "new"), EDITS[:4], ids=lambda text: " ".join(text.split())[:30])
def test_an_edit_of_one_model_is_compared_by_part(project: Project, path: str, old: str, new: str) -> None:
    replaced(project.root, path, old, new)
    assert project.plans("v1")[0].code == 0
    assert project.parts == [True]


@pytest.mark.parametrize(("path", "old", "new"), WHOLE, ids=lambda text: " ".join(text.split())[:30])
def test_what_concerns_all_models_is_compared_whole(project: Project, path: str, old: str, new: str) -> None:
    replaced(project.root, path, old, new)
    part, whole = project.plans("v1")
    assert alike(part, whole)
    assert project.parts == []


def test_models_and_pins_that_come_and_go_are_seen(project: Project) -> None:
    (project.root / "specs/score-7.yaml").unlink()
    (project.root / PIN).unlink()
    added = fleet.DATASET.format(name="events-8") + "---\n" + fleet.MODEL.format(i=8, dataset="events-3")
    (project.root / "specs/score-8.yaml").write_text(added.partition("---\n")[2])
    part, whole = project.plans("v1")
    assert alike(part, whole)
    for said in ("Model/score-7", "Model/score-8", PIN):
        assert said in part.out


def test_a_tree_that_is_the_same_has_no_changes_and_compiles_nothing(project: Project) -> None:
    os.utime(project.root / "specs/score-5.yaml")
    part, whole = project.plans("HEAD")
    assert alike(part, whole)
    assert '"edits"' not in part.out
