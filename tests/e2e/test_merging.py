"""Two open pull requests on different models merge without a conflict, and what is merged is what a build writes."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import fleet
from mlc_compiler.cli.main import run

Edit = Callable[[Path], None]


def git(root: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "merge.conflictStyle=merge")
    return subprocess.run(["git", *who, *arguments], cwd=root, capture_output=True, text=True, check=check)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = fleet.a_fleet(tmp_path_factory.mktemp("fleet") / "project", models=6)
    assert run(["-C", str(root), "build", "-q"]) == 0
    (root / ".gitignore").write_text(".mlc/\n")
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "built"]):
        git(root, *command)
    return root


def edited(model: str, old: str, new: str, *pinned: str) -> Edit:
    """Return an edit of one model, released to environments afterwards."""

    def change(root: Path) -> None:
        path = root / f"specs/{model}.yaml"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
        for environment in pinned:
            fleet.release(root, model, environment)

    return change


def released(model: str, environment: str) -> Edit:
    return lambda root: fleet.release(root, model, environment)


def added(number: int) -> Edit:
    def change(root: Path) -> None:
        text = fleet.MODEL.format(i=number, dataset="shared")
        (root / f"specs/score-{number}.yaml").write_text(text)

    return change


PAIRS: dict[str, tuple[Edit, Edit]] = {
    "training and training": (
        edited("score-0", "max_iter: 200", "max_iter: 300", "staging"),
        edited("score-1", "max_iter: 200", "max_iter: 400", "staging"),
    ),
    "serving and gate": (
        edited("score-0", "max: 10", "max: 12", "staging", "prod"),
        edited("score-1", "min: 0.70", "min: 0.75", "staging"),
    ),
    "descriptions": (
        edited("score-2", "Scores payments.", "Scores."),
        edited("score-3", "Scores payments.", "Scores other payments."),
    ),
    "first release and edit": (released("score-3", "staging"), edited("score-2", "max: 10", "max: 11", "staging")),
    "a new model and an edit": (added(7), edited("score-0", "max_iter: 200", "max_iter: 300", "staging")),
    "rollout and monitor": (
        edited("score-0", "weight: 25", "weight: 30", "staging"),
        edited("score-1", "method: psi", "method: ks", "staging"),
    ),
}


def two_pull_requests(built: Path, root: Path, changes: tuple[Edit, Edit]) -> subprocess.CompletedProcess[str]:
    """Merge two pull requests that were opened from the same commit; return what the second merge said."""
    shutil.copytree(built, root, ignore=shutil.ignore_patterns(".mlc"))
    for number, change in enumerate(changes):
        git(root, "checkout", "-q", "-b", f"pr-{number}", "main")
        change(root)
        assert run(["-C", str(root), "build", "-q"]) == 0
        git(root, "add", "-A")
        git(root, "commit", "-qm", f"pull request {number}")
        shutil.rmtree(root / ".mlc")
    git(root, "checkout", "-q", "main")
    git(root, "merge", "-q", "--no-ff", "pr-0", "-m", "first")
    return git(root, "merge", "-q", "--no-ff", "pr-1", "-m", "second", check=False)


@pytest.mark.parametrize("name", PAIRS)
def test_two_pull_requests_on_different_models_merge(built: Path, tmp_path: Path, name: str) -> None:
    root = tmp_path / "project"
    merged = two_pull_requests(built, root, PAIRS[name])
    assert merged.returncode == 0, merged.stdout
    assert run(["-C", str(root), "build", "--check", "-q"]) == 0


@pytest.mark.parametrize(
    "changes",
    [(released("score-3", "staging"), released("score-4", "staging")), (added(7), added(8))],
    ids=["first releases of neighbours", "two new models"],
)
def test_what_comes_new_side_by_side_meets_only_in_lists_that_a_build_writes_anew(
    built: Path, tmp_path: Path, changes: tuple[Edit, Edit]
) -> None:
    root = tmp_path / "project"
    merged = two_pull_requests(built, root, changes)
    unmerged = git(root, "diff", "--name-only", "--diff-filter=U").stdout.split()
    assert {Path(path).name for path in unmerged} <= {".mlc-manifest", "kustomization.yaml"}, merged.stdout
    for path in unmerged:
        git(root, "checkout", "-q", "--theirs", "--", path)
    assert run(["-C", str(root), "build", "--force", "-q"]) == 0
    assert run(["-C", str(root), "build", "--check", "-q"]) == 0
