"""`mlc plan`: against what runs and against git refs, saved and shown again, and built only while nothing moved."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import fleet
import specs_on_disk
from mlc_compiler.plan.as_json import parse_plan
from mlc_compiler.plan.as_markdown import COMMENT_LIMIT, MARKER
from specs_on_disk import Outcome

ESTIMATOR = "  estimator: {class: sklearn.ensemble.HistGradientBoostingClassifier, params: {max_iter: 300}}"
SCHEMA = Path(__file__).parents[3] / "schemas/mlc_schemas/output/plan.schema.json"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from mlc_compiler.cli.main import run

    root = fleet.a_fleet(tmp_path_factory.mktemp("fleet") / "project", models=6)
    assert run(["-C", str(root), "build", "-q"]) == 0
    (root / ".gitignore").write_text(".mlc/\n")
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "built"], ["tag", "v1"]):
        git(root, *command)
    return root


def git(root: Path, *arguments: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    done = subprocess.run(["git", *who, *arguments], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def project(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "project", ignore=shutil.ignore_patterns(".mlc")))


@pytest.fixture
def mlc(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    def call(command: str, root: Path) -> Outcome:
        return specs_on_disk.mlc(command, root, capsys, monkeypatch)

    return call


def edit(root: Path, path: str, old: str, new: str) -> None:
    text = (root / path).read_text()
    assert old in text
    (root / path).write_text(text.replace(old, new))


# --- against what runs -----------------------------------------------------------------------------------------------
def test_an_edit_tells_what_runs_its_class_its_line_and_what_it_drags_along(project: Path, mlc: Any) -> None:
    edit(project, "specs/score-0.yaml", "max_iter: 200", "max_iter: 300")
    said = mlc("plan", project)
    assert "score-0 in staging, prod: retrain" in said.out
    line = 1 + (project / "specs/score-0.yaml").read_text().splitlines().index(ESTIMATOR)
    assert f"specs/score-0.yaml:{line}  estimator.params.max_iter: 200 -> 300" in said.out
    assert "drags along gates everywhere, release-0; rollout score-0; alerts score-0/availability, " in said.out
    assert "1 to retrain" in said.out


def test_the_plan_stays_until_what_runs_is_what_the_specs_say(project: Path, mlc: Any) -> None:
    edit(project, "specs/score-1.yaml", "max_iter: 200", "max_iter: 300")
    assert mlc("build", project).code == 0
    assert "score-1 in staging: retrain" in mlc("plan", project).out, "a build trains nothing"
    fleet.release(project, "score-1", "staging")
    assert "score-1 in staging" not in mlc("plan", project).out


def test_one_environment_shows_what_concerns_it(project: Path, mlc: Any) -> None:
    edit(project, "specs/score-1.yaml", "max_iter: 200", "max_iter: 300")
    assert "no changes" in mlc("plan -e prod", project).out, "score-1 does not run in prod"
    assert "score-1 in staging: retrain" in mlc("plan -e staging", project).out


def test_the_exit_code_tells_whether_anything_changes(project: Path, mlc: Any) -> None:
    assert mlc("plan --detailed-exitcode", project).code == 0
    edit(project, "specs/score-1.yaml", "max_iter: 200", "max_iter: 300")
    assert mlc("plan --detailed-exitcode", project).code == 2
    assert mlc("plan", project).code == 0


# --- against a ref ---------------------------------------------------------------------------------------------------
def test_the_same_tree_has_no_changes_against_its_ref(project: Path, mlc: Any) -> None:
    said = mlc("plan --against v1 --detailed-exitcode", project)
    assert (said.code, said.out) == (0, "no changes against v1\n")


def test_a_ref_tells_specs_environments_pins_and_files(project: Path, mlc: Any) -> None:
    edit(project, "specs/environments.yaml", "replicas.min: 3", "replicas.min: 5")
    edit(project, "specs/everywhere.yaml", "min: 0.6", "min: 0.55")
    fleet.release(project, "score-4", "staging")
    said = json.loads(mlc("plan --against main --format json", project).out)
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(said)
    found = {(e["document"], i) for c in said["changes"] for e in c["edits"] for i in e["impacts"]}
    assert found == {
        ("Environment/prod", "redeploy"),
        ("Gate/everywhere", "re-evaluate"),
        ("environments/staging/score-4.yaml", "redeploy"),
    }
    assert [r["code"] for r in said["risks"]] == ["MLC960"]
    assert said["risks"][0]["at"] == "specs/everywhere.yaml:3"
    assert any(c["path"].startswith("deploy/staging/score-4/") for g in said["groups"] for c in g["changes"])
    assert "score-1" not in {m for c in said["changes"] for m in c["models"] if c["impacts"] == ["redeploy"]} - {
        "score-1"
    }


def test_what_is_gone_is_found_where_it_stood(project: Path, mlc: Any) -> None:
    text = (project / "specs/score-0.yaml").read_text()
    kept = [part for part in text.split("---\n") if "kind: Monitor" not in part]
    (project / "specs/score-0.yaml").write_text("---\n".join(kept))
    said = mlc("plan --against main", project)
    assert "specs/score-0.yaml:42 at main" in said.out
    assert "is no longer monitored" in said.out


def test_nothing_is_checked_out_and_no_file_is_touched(project: Path, mlc: Any) -> None:
    edit(project, "specs/score-0.yaml", "max_iter: 200", "max_iter: 300")
    before = git(project, "status", "--porcelain")
    index = (project / ".git/index").read_bytes()
    mlc("plan --against v1", project)
    assert git(project, "status", "--porcelain") == before
    assert (project / ".git/index").read_bytes() == index


def test_a_project_in_a_folder_of_its_repository_is_read_there(project: Path, tmp_path: Path, mlc: Any) -> None:
    shutil.rmtree(project / ".git")
    inner = Path(shutil.move(project, tmp_path / "mono" / "inner"))
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "one"]):
        git(inner.parent, *command)
    edit(inner, "specs/score-0.yaml", "max_iter: 200", "max_iter: 300")
    assert "score-0: retrain" in mlc("plan --against HEAD", inner).out


COMMIT = "git -c user.name=a -c user.email=a commit -q --allow-empty -am x"
ANOTHER_ROOT = f"git checkout -q --orphan o && git rm -rqf --cached . && {COMMIT}"
BROKEN_MAIN = f"sed -i 's/kind: Gate/kind: Gat/' specs/score-0.yaml && {COMMIT} && git checkout -q HEAD~1"


@pytest.mark.parametrize(
    ("make", "reference", "words"),
    [
        ("rm -rf .git", "main", "there is no history to compare with"),
        ("true", "nowhere", "git knows no commit `nowhere`"),
        ("true", "mian", "did you mean `main`?"),
        ("true", "--help", "git knows no commit `--help`"),
        ("true", "HEAD~5", "git knows no commit `HEAD~5`"),
        (ANOTHER_ROOT, "o", "holds no mlc.yaml"),
        (BROKEN_MAIN, "main", "the specs of `main` do not compile: specs/score-0.yaml:24: unknown kind `Gat` (MLC108)"),
    ],
)  # fmt: skip
def test_a_ref_that_cannot_be_compared_is_a_finding(
    project: Path, mlc: Any, make: str, reference: str, words: str
) -> None:
    subprocess.run(make, shell=True, cwd=project, check=True, capture_output=True)
    said = mlc(f"plan --against={reference}", project)
    assert said.code == 1
    assert "error[MLC969]" in said.err
    assert words in said.err
    assert "= help:" in said.err


def test_a_machine_without_git_is_told_so(project: Path, mlc: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    said = mlc("plan --against main", project)
    assert (said.code, "MLC969" in said.err, "no program `git`" in said.err) == (1, True, True)


def test_shallow_and_detached_clones_compare_with_refs_that_are_there(project: Path, tmp_path: Path, mlc: Any) -> None:
    git(project, "commit", "-q", "--allow-empty", "-m", "two")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{project}", str(clone))
    git(clone, "checkout", "-q", "--detach")
    assert "no changes against HEAD" in mlc("plan --against HEAD", clone).out
    said = mlc("plan --against v1", clone)
    assert said.code == 1
    assert "this clone is shallow: `git fetch --depth=1 origin v1`" in said.err


# --- saved plans -----------------------------------------------------------------------------------------------------
def test_a_saved_plan_shows_the_same_and_builds(project: Path, mlc: Any) -> None:
    edit(project, "specs/environments.yaml", "replicas.min: 3", "replicas.min: 5")
    shown = mlc("plan -o plan.json --detailed-exitcode", project)
    assert shown.code == 2
    assert mlc("show plan.json", project).out == shown.out
    assert mlc("show plan.json --detailed-exitcode", project).code == 2
    for format in ("json", "markdown", "html"):
        assert mlc(f"show plan.json --format {format}", project).out == mlc(f"plan --format {format}", project).out
    value = json.loads((project / "plan.json").read_text())
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(value)
    assert mlc("build --plan plan.json", project).code == 0
    again = mlc("build --plan plan.json", project)
    assert (again.code, "MLC968" in again.err) == (1, True), "what it shows is done"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("specs/score-2.yaml", "specs/score-2.yaml changed since"),
        ("mlc.lock", "mlc.lock changed since"),
        ("environments/staging/score-0.yaml", "environments/staging/score-0.yaml changed since"),
        ("specs/new.yaml", "specs/new.yaml changed since"),
    ],
)
def test_a_plan_whose_inputs_moved_is_refused_with_the_file(project: Path, mlc: Any, path: str, words: str) -> None:
    edit(project, "specs/environments.yaml", "replicas.min: 3", "replicas.min: 5")
    mlc("plan -o plan.json", project)
    before = {p: p.read_bytes() for p in (project / "deploy").rglob("*") if p.is_file()}
    with (project / path).open("a") as file:
        file.write("# seen\n" if path != "mlc.lock" else "\n")
    said = mlc("build --plan plan.json", project)
    assert said.code == 1
    assert "error[MLC968]" in said.err
    assert words in said.err
    assert {p: p.read_bytes() for p in (project / "deploy").rglob("*") if p.is_file()} == before


def test_a_plan_whose_outputs_moved_is_refused(project: Path, mlc: Any) -> None:
    edit(project, "specs/environments.yaml", "replicas.min: 3", "replicas.min: 5")
    mlc("plan -o plan.json", project)
    (project / "deploy/staging/score-0/kustomization.yaml").unlink()
    said = mlc("build --plan plan.json", project)
    assert (said.code, "on disk, deploy/staging/score-0/kustomization.yaml changed since" in said.err) == (1, True)


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"format_version": 9}', "\x00", '{"groups": ' + "[" * 5000])
def test_what_is_no_saved_plan_is_refused(project: Path, mlc: Any, content: str) -> None:
    (project / "plan.json").write_text(content)
    for command in ("show plan.json", "build --plan plan.json"):
        said = mlc(command, project)
        assert (said.code, "MLC968" in said.err) == (1, True)


@pytest.mark.parametrize("flags", ["--against main", "-e prod", "--preview"])
def test_only_a_plan_of_everything_is_built(project: Path, mlc: Any, flags: str) -> None:
    edit(project, "specs/environments.yaml", "replicas.min: 3", "replicas.min: 5")
    assert mlc(f"plan {flags} -o plan.json", project).code == 0
    said = mlc("build --plan plan.json", project)
    assert (said.code, "MLC968" in said.err) == (1, True)


# --- formats ---------------------------------------------------------------------------------------------------------
def test_markdown_is_one_comment_with_marker_graph_and_risks(project: Path, mlc: Any) -> None:
    edit(project, "specs/everywhere.yaml", "min: 0.6", "min: 0.5")
    text = mlc("plan --format markdown", project).out
    assert text.startswith(MARKER)
    assert "```mermaid\nflowchart LR" in text
    assert "> [!WARNING]" in text
    assert len(text.encode()) < COMMENT_LIMIT


def test_hostile_words_reach_neither_markdown_nor_html_as_markup(project: Path, mlc: Any) -> None:
    edit(project, "specs/score-0.yaml", "Scores payments.", "'<script>alert(1)</script> | `x` @everyone'")
    text = mlc("plan --against main --format markdown", project).out
    outside = re.sub(r"`[^`\n]*`", "", text.replace("```", ""))
    assert "<script" not in outside
    assert "@everyone" not in outside
    assert "<script" not in mlc("plan --against main --format html", project).out


def test_a_plan_read_back_is_the_same(project: Path, mlc: Any) -> None:
    edit(project, "specs/score-0.yaml", "max_iter: 200", "max_iter: 300")
    value = json.loads(mlc("plan --format json", project).out)
    from mlc_compiler.plan.as_json import plan_json

    assert json.loads(plan_json(parse_plan(value))) == value


def test_plan_imports_nothing_heavy_to_show_a_saved_plan(project: Path, mlc: Any) -> None:
    import sys

    mlc("plan -o plan.json", project)
    code = "import sys; from mlc_compiler.cli.main import run; run(['show', 'plan.json']); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=True)
    loaded = done.stdout.splitlines()[-1]
    assert not [m for m in ("'pydantic'", "'yaml'", "'sqlglot'", "'networkx'", "'jinja2'") if m in loaded]
