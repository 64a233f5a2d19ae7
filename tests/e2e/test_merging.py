"""Two open pull requests on different models merge without a conflict, and what is merged is what a build writes."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import fleet
from mlc_compiler import __version__
from mlc_compiler.cli.console import Console
from mlc_compiler.cli.main import run
from mlc_compiler.cli.project import open_project
from mlc_compiler.codec import digest
from mlc_compiler.frontend.lock import LockFile, lock_text
from promotions import Clone, a_clone, an_evidence
from specs_on_disk import BASE

Edit = Callable[[Path], None]

EVERY_TARGET = """\
    {kubernetes: {}, argo-rollouts: {traffic: gateway-api}, docker: {}, github-actions: {organization: acme},
     prometheus: {objects: prometheus-rule}, grafana: {objects: config-map}, model-card: {},
     argo-cd: {repository: "https://git.example.com/fleet.git"}}
"""
ENVIRONMENTS = """\
kind: Environment
metadata: {name: staging}
spec: {tracks: main, namespace: ml-staging, ingress: {gateway: infra/public, host: staging.example.com}}
---
kind: Environment
metadata: {name: prod}
spec: {promoted_from: staging, namespace: ml, ingress: {gateway: infra/public, host: example.com}}
"""


def git(root: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "merge.conflictStyle=merge")
    return subprocess.run(["git", *who, *arguments], cwd=root, capture_output=True, text=True, check=check)


def committed(root: Path) -> Path:
    path = root / "mlc.yaml"
    head, _, _ = path.read_text().partition("    {kubernetes")
    path.write_text(head + EVERY_TARGET)
    assert run(["-C", str(root), "build", "-q"]) == 0
    (root / ".gitignore").write_text(".mlc/\n")
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "built"]):
        git(root, *command)
    return root


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of six models, of which three run in staging and one in prod."""
    return committed(fleet.a_fleet(tmp_path_factory.mktemp("fleet") / "project", models=6))


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a dataset and environments, and no model yet."""
    root = tmp_path_factory.mktemp("empty") / "project"
    (root / "specs").mkdir(parents=True)
    (root / "mlc.yaml").write_text(fleet.PROJECT)
    (root / "specs/environments.yaml").write_text(ENVIRONMENTS)
    (root / "specs/shared.yaml").write_text(fleet.DATASET.format(name="shared"))
    entry = {"digest": digest("shared"), "rows": 100_000, "columns": {}}
    (root / "mlc.lock").write_text(lock_text(LockFile(mlc=__version__, datasets={"shared": entry})))
    return committed(root)


# --- what a pull request does ----------------------------------------------------------------------------------------
def edited(number: int, old: str, new: str, *pinned: str) -> Edit:
    """Return an edit of one model, released to environments afterwards."""

    def change(root: Path) -> None:
        path = root / f"specs/score-{number}.yaml"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
        for environment in pinned:
            fleet.release(root, f"score-{number}", environment)

    return change


def trained(number: int, trees: int) -> Edit:
    return edited(number, "max_iter: 200", f"max_iter: {trees}", "staging")


def released(number: int, environment: str = "staging") -> Edit:
    return lambda root: fleet.release(root, f"score-{number}", environment)


def added(number: int, *pinned: str, dataset: str = "shared", change: tuple[str, str] = ("", "")) -> Edit:
    """Return the addition of a model, which differs from the others in one text of its specs."""

    def make(root: Path) -> None:
        text = fleet.MODEL.format(i=number, dataset=dataset).replace(*change)
        assert change[1] in text
        if dataset != "shared":
            text = f"{fleet.DATASET.format(name=dataset)}---\n{text}"
            relock(root, dataset, f"score-{number}")
        (root / f"specs/score-{number}.yaml").write_text(text)
        for environment in pinned:
            fleet.release(root, f"score-{number}", environment)

    return make


def owned(number: int, owner: str) -> Edit:
    return added(number, change=("description: ", f"owner: {owner}, description: "))


def retrained_weekly(number: int, day: int = 1) -> Edit:
    retrain = f'retrain: {{on: [inputs], schedule: "0 4 * * {day}", cooldown: 2d}}'
    return added(number, change=("  slo: ", f"  {retrain}\n  slo: "))


def removed(number: int) -> Edit:
    """Return the removal of a model: its specs, and all that `environments/` holds of it."""

    def change(root: Path) -> None:
        (root / f"specs/score-{number}.yaml").unlink()
        for path in list((root / "environments").rglob(f"score-{number}*")):
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    return change


def retrained(number: int) -> Edit:
    """Return what the retrain workflow proposes: newer data in the lock, and a version trained on it."""

    def change(root: Path) -> None:
        relock(root, f"events-{number}", f"score-{number}")
        fleet.release(root, f"score-{number}", "staging")

    return change


def relock(root: Path, dataset: str, model: str) -> None:
    """Write what `mlc lock -s model:...` does once the data has grown."""
    lock = json.loads((root / "mlc.lock").read_text())
    lock["datasets"][dataset] = {"digest": digest(f"newer {dataset}"), "rows": 120_000, "columns": {}}
    if model in lock["models"]:
        lock["models"][model]["rows"] = 120_000
    del lock["format"]
    (root / "mlc.lock").write_text(lock_text(LockFile(**lock)))


PAIRS: dict[str, tuple[Edit, Edit]] = {
    "training and training": (trained(0, 300), trained(1, 400)),
    "serving and gate": (
        edited(0, "max: 10", "max: 12", "staging", "prod"),
        edited(1, "min: 0.70", "min: 0.75", "staging"),
    ),
    "descriptions": (
        edited(2, "Scores payments.", "Scores."),
        edited(3, "Scores payments.", "Scores other payments."),
    ),
    "rollout and monitor": (
        edited(0, "weight: 25", "weight: 30", "staging"),
        edited(1, "method: psi", "method: ks", "staging"),
    ),
    "a first release and an edit": (released(3), edited(2, "max: 10", "max: 11", "staging")),
    "a new model and an edit": (added(7), trained(0, 300)),
    "two new models": (added(7), added(8)),
    "two new models, released at once": (added(7, "staging"), added(8, "staging")),
    "two first releases": (released(3), released(4)),
    "two first promotions": (released(1, "prod"), released(2, "prod")),
    "a removal and a new model": (removed(5), added(6)),
    "a removal of what runs and a first release": (removed(2), released(3)),
    "two removals": (removed(4), removed(5)),
    "new models of new owners": (owned(7, "growth"), owned(8, "risk")),
    "new models that are retrained on the same day": (retrained_weekly(7), retrained_weekly(8)),
    "retrainings on neighbouring datasets": (retrained(3), retrained(4)),
}
FIRSTS: dict[str, tuple[Edit, Edit]] = {
    "two new models": (added(0), added(1)),
    "two new models, released at once": (added(0, "staging", "prod"), added(1, "staging", "prod")),
    "models that are retrained": (retrained_weekly(0), retrained_weekly(1)),
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


def assert_merged(built: Path, root: Path, changes: tuple[Edit, Edit]) -> None:
    merged = two_pull_requests(built, root, changes)
    assert merged.returncode == 0, merged.stdout
    assert run(["-C", str(root), "build", "--check", "-q"]) == 0


@pytest.mark.parametrize("name", PAIRS)
def test_two_pull_requests_on_different_models_merge(built: Path, tmp_path: Path, name: str) -> None:
    assert_merged(built, tmp_path / "project", PAIRS[name])


@pytest.mark.parametrize("name", FIRSTS)
def test_the_first_models_of_a_project_merge(empty: Path, tmp_path: Path, name: str) -> None:
    assert_merged(empty, tmp_path / "project", FIRSTS[name])


@pytest.mark.parametrize("seed", range(6))
def test_any_two_pull_requests_on_different_models_merge(built: Path, tmp_path: Path, seed: int) -> None:
    def of(number: int) -> Edit:
        if number > 5:
            return chance.choice([added(number), added(number, "staging"), retrained_weekly(number)])
        known = [trained(number, 300), edited(number, "Scores payments.", "Scores.")]
        # The first models run already, and a patch and an override of the environment name them.
        return chance.choice(known if number < 3 else [*known, released(number), removed(number), retrained(number)])

    chance = random.Random(seed)
    first, second = chance.sample(range(9), 2)
    assert_merged(built, tmp_path / "project", (of(first), of(second)))


def test_what_comes_new_into_the_lock_side_by_side_meets_there_and_nowhere_else(built: Path, tmp_path: Path) -> None:
    root, changes = tmp_path / "project", (added(7, dataset="events-7"), added(8, dataset="events-8"))
    merged = two_pull_requests(built, root, changes)
    assert git(root, "diff", "--name-only", "--diff-filter=U").stdout.split() == ["mlc.lock"], merged.stdout
    assert run(["-C", str(root), "lock", "--merge"]) == 0
    assert {"events-7", "events-8"} < json.loads((root / "mlc.lock").read_text())["datasets"].keys()
    assert run(["-C", str(root), "build", "--check", "-q"]) == 0


@pytest.mark.parametrize(
    "changes",
    [
        (retrained_weekly(7, day=1), retrained_weekly(8, day=2)),
        tuple(
            added(n, change=("  baseline: ", f"  train: {{requirements: [lightgbm=={n}.0]}}\n  baseline: "))
            for n in (7, 8)
        ),
    ],
    ids=["schedules", "requirements"],
)
def test_what_comes_new_into_the_workflows_side_by_side_meets_there_and_nowhere_else(
    built: Path, tmp_path: Path, changes: tuple[Edit, Edit]
) -> None:
    root = tmp_path / "project"
    merged = two_pull_requests(built, root, changes)
    unmerged = git(root, "diff", "--name-only", "--diff-filter=U").stdout.split()
    assert unmerged, merged.stdout
    assert {str(Path(path).parent) for path in unmerged} == {".github/workflows"}
    git(root, "checkout", "-q", "--theirs", "--", ".github")
    assert run(["-C", str(root), "build", "--force", "-q"]) == 0
    assert run(["-C", str(root), "build", "--check", "-q"]) == 0


# --- what mlc itself proposes ----------------------------------------------------------------------------------------
def release_to_staging(clone: Clone, model: str) -> None:
    opened = open_project(clone.root, Console("text", False, True, False, False))
    assert opened is not None
    clone.write({".mlc/evidence.json": json.dumps(an_evidence(opened.compilation.models[model]))})
    given = ("--evidence", str(clone.root / ".mlc/evidence.json"))
    assert clone.mlc("release", model, "-e", "staging", *given) == 0
    assert clone.mlc("build") == 0
    clone.commit(f"Release {model}")


def test_two_promotions_that_were_proposed_at_once_merge(tmp_path: Path) -> None:
    every = "{kubernetes: {}, prometheus: {}, model-card: {}}"
    other = (BASE / "specs/model.yaml").read_text("utf-8").replace("{name: late}", "{name: later}")
    project = (BASE / "mlc.yaml").read_text("utf-8").replace("{kubernetes: {}}", every)
    clone = a_clone(tmp_path / "tiny", files={"specs/later.yaml": other, "mlc.yaml": project})
    for model in ("late", "later"):
        release_to_staging(clone, model)
    for model in ("late", "later"):
        assert clone.mlc("promote", model, "--to", "prod", "--no-push") == 0
    for model in ("late", "later"):
        clone.merge(f"mlc/promote/prod/{model}")
    assert clone.mlc("build", "--check") == 0
    assert sorted(path.parent.name for path in clone.root.glob("deploy/prod/*/kustomization.yaml")) == ["late", "later"]
