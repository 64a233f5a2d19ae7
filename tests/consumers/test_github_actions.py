"""Workflows by their consumers: linters and schema read them, and act really runs them against a repository here."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import ci_cases as cases
from consumers import tools
from consumers.forge import REPOSITORY, Forge, a_copy, a_forge, done
from mlc_compiler import ir
from mlc_targets.github_actions import TARGET

pytestmark = pytest.mark.consumer

CASES = {**cases.GITHUB_ACTIONS, "code": cases.code}
EVERY = sorted(CASES)


def written(release: ir.ProjectRelease, folder: Path) -> list[Path]:
    paths: list[Path] = []
    for artifact in (a for a in TARGET.emit_project(release) if a.path.endswith(".yml")):
        paths.append(folder / artifact.path)
        paths[-1].parent.mkdir(parents=True, exist_ok=True)
        paths[-1].write_text(artifact.text, "utf-8")
    return paths


@pytest.mark.parametrize("case", EVERY)
def test_actionlint_finds_nothing(case: str, tmp_path: Path) -> None:
    outcome = tools.actionlint(*written(CASES[case](), tmp_path))
    assert outcome.accepted, outcome.output


@pytest.mark.parametrize("case", EVERY)
def test_zizmor_finds_nothing(case: str, tmp_path: Path) -> None:
    outcome = tools.zizmor(*written(CASES[case](), tmp_path))
    assert outcome.accepted, outcome.output


@pytest.mark.parametrize("case", EVERY)
def test_the_workflows_fit_their_schema(case: str, tmp_path: Path) -> None:
    paths = written(CASES[case](), tmp_path)
    command: list[str | Path] = [
        tools.require("check-jsonschema"),
        "--builtin-schema",
        "vendor.github-workflows",
        *paths,
    ]
    outcome = tools.run(command, tmp_path)
    assert outcome.accepted, outcome.output


def scripts(release: ir.ProjectRelease, folder: Path) -> Iterator[str]:
    for path in written(release, folder):
        for job in yaml.safe_load(path.read_text("utf-8"))["jobs"].values():
            yield from (step["run"] for step in job["steps"] if "run" in step)


@pytest.mark.parametrize("case", EVERY)
def test_shellcheck_finds_nothing_in_any_script(case: str, tmp_path: Path) -> None:
    found = sorted(set(scripts(CASES[case](), tmp_path)))
    assert len(found) > 10
    for script in found:
        outcome = tools.shellcheck(script, tmp_path)
        assert outcome.accepted, f"{script}\n{outcome.output}"


def test_only_code_that_git_knows_comes_into_the_image(tmp_path: Path) -> None:
    script = next(s for s in scripts(cases.code(), tmp_path) if "ls-files" in s and "context/code" in s)
    repository = tmp_path / "repository"
    for name in ("src/delays/a.py", "src/delays/deep/b.py", "src/other/c.py", "src/delays/untracked.py"):
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text("")
    done(["git", "init", "--quiet"], repository)
    done(["git", "add", "src/delays/a.py", "src/delays/deep", "src/other"], repository)
    for model in ("late-arrival", "another"):
        told = [f"RUNNER_TEMP={tmp_path / model}", f"MODEL={model}"]
        done(["env", *told, "bash", "-eo", "pipefail", "-c", script], repository)
    copied = [p.relative_to(tmp_path).as_posix() for p in tmp_path.glob("*/context/code/**/*.py")]
    assert sorted(copied) == [f"late-arrival/context/code/src/delays/{name}" for name in ("a.py", "deep/b.py")]


# --- a repository, and what happens to it ----------------------------------------------------------------------------
@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest example, with the CI targets."""
    folder = tmp_path_factory.mktemp("project") / "minimal"
    generated = (".mlc*", "deploy", "docs", "environments", "mlc.lock", ".github")
    shutil.copytree(tools.ROOT / "examples" / "minimal", folder, ignore=shutil.ignore_patterns(*generated))
    text = (folder / "mlc.yaml").read_text("utf-8")
    settings = (
        '  store: {ci: "s3://acme-mlc/minimal"}\n  image_registry: ghcr.io/acme\n'
        "  ci: {app_token: {secret: mlc-app/token}}\n"
        "  targets: {docker: {base_image: acme/python:3.11}, github-actions: {}, kubernetes: {}}\n"
    )
    replaced = re.sub(r"^  targets: .*\n", settings, text, count=1, flags=re.MULTILINE)
    assert replaced != text
    (folder / "mlc.yaml").write_text(replaced, "utf-8")
    return folder


@pytest.fixture(scope="module")
def merged(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Forge:
    """The first commit of a new project: locked and built, nothing released. It is copied, never changed."""
    forge = a_forge(tmp_path_factory.mktemp("merged"), project)
    forge.mlc("lock")
    forge.mlc("build")
    forge.commit("Start")
    return forge


@pytest.fixture(scope="module")
def first(merged: Forge, tmp_path_factory: pytest.TempPathFactory) -> tuple[Forge, tools.Outcome]:
    """The same after its first release, with what the workflow said. It is copied, never changed."""
    forge = a_copy(merged, tmp_path_factory.mktemp("released"))
    outcome = push(forge)
    assert outcome.accepted, outcome.output
    forge.pull()
    return forge, outcome


@pytest.fixture
def released(first: tuple[Forge, tools.Outcome], tmp_path: Path) -> Forge:
    forge = a_copy(first[0], tmp_path / "forge")
    (forge.folder / "docker.log").unlink()
    return forge


def push(forge: Forge, workflow: str = "mlc-release.yml") -> tools.Outcome:
    """Run the release workflow for the last commit of the clone."""
    payload = {"ref": "refs/heads/main", "after": forge.git("rev-parse", "HEAD")}
    tokens = ("-s", "MLC_APP_TOKEN=app-token-of-the-test", "-s", "GITHUB_TOKEN=token-of-the-test")
    return forge.run("push", payload, workflow, *tokens)


def edit(forge: Forge, old: str, new: str, build: bool = True) -> None:
    """Change the specs, and build what follows from them."""
    path = forge.work / "mlc.yaml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    if build:
        forge.mlc("build")


def pin(forge: Forge) -> dict[str, str]:
    found: dict[str, str] = yaml.safe_load((forge.work / "environments/prod/bad-day.yaml").read_text("utf-8"))
    return found


def docker(forge: Forge) -> list[str]:
    """The docker commands that were run, by their first words."""
    log = forge.folder / "docker.log"
    return [line.split()[1] for line in log.read_text("utf-8").splitlines()] if log.exists() else []


def plan(outcome: tools.Outcome) -> dict[str, str]:
    """What the first job decided."""
    return dict(re.findall(r"::set-output:: (train|image|pin)=(.*)", outcome.output))


SEED = (
    "  estimator: {class: sklearn.linear_model.LogisticRegression}",
    "  estimator: {class: sklearn.linear_model.LogisticRegression, params: {C: 0.5}}",
)
REPLICAS = ("replicas: {min: 1, max: 2}", "replicas: {min: 1, max: 3}")


@pytest.mark.slow
def test_the_first_release_is_trained_packed_and_pinned_on_main(first: tuple[Forge, tools.Outcome]) -> None:
    forge, outcome = first
    assert plan(outcome) == {"train": '["bad-day"]', "image": '["bad-day"]', "pin": '["prod/bad-day"]'}
    assert forge.git("log", "-1", "--format=%s %an") == "Release prod/bad-day github-actions[bot]"
    assert re.fullmatch(r"ghcr\.io/acme/minimal/bad-day@sha256:[0-9a-f]{64}", pin(forge)["image"])
    assert (forge.work / "deploy/prod/bad-day/deployment.yaml").exists()
    assert forge.mlc("build", "--check") == "everything is as built"
    changed = forge.git("show", "--name-only", "--format=", "HEAD").splitlines()
    assert all(path.startswith(("deploy/prod/", "environments/")) for path in changed), changed
    assert docker(forge) == ["login", "logout", "login", "build", "push", "inspect"]
    assert "app-token-of-the-test" not in outcome.output


@pytest.mark.slow
def test_what_is_released_is_not_released_again(released: Forge) -> None:
    before = released.git("rev-parse", "HEAD")
    outcome = push(released)
    assert outcome.accepted, outcome.output
    assert plan(outcome) == {"train": "[]", "image": "[]", "pin": "[]"}
    released.pull()
    assert released.git("rev-parse", "HEAD") == before
    assert docker(released) == []


@pytest.mark.slow
def test_a_change_of_serving_is_pinned_without_training_or_packing(released: Forge) -> None:
    before = pin(released)
    edit(released, *REPLICAS)
    released.commit("Serve more")
    outcome = push(released)
    assert outcome.accepted, outcome.output
    assert plan(outcome) == {"train": "[]", "image": "[]", "pin": '["prod/bad-day"]'}
    assert released.pull() == "Release prod/bad-day"
    assert pin(released)["snapshot"] != before["snapshot"]
    assert {k: v for k, v in pin(released).items() if k != "snapshot"} == {
        k: v for k, v in before.items() if k != "snapshot"
    }
    assert "maxReplicas: 3" in (released.work / "deploy/prod/bad-day/horizontal-pod-autoscaler.yaml").read_text("utf-8")
    assert docker(released) == []


@pytest.mark.slow
def test_a_new_base_is_packed_with_the_package_that_is_pinned(released: Forge) -> None:
    before = pin(released)
    edit(released, "acme/python:3.11", "acme/python:3.11.16")
    released.commit("Move the base")
    outcome = push(released)
    assert outcome.accepted, outcome.output
    assert plan(outcome) == {"train": "[]", "image": '["bad-day"]', "pin": '["prod/bad-day"]'}
    released.pull()
    assert pin(released)["image"] != before["image"]
    assert (pin(released)["artifact"], pin(released)["version"]) == (before["artifact"], before["version"])
    assert docker(released) == ["login", "create", "cp", "rm", "build", "push", "inspect"]


@pytest.mark.slow
def test_a_new_version_is_judged_against_the_one_that_is_pinned(released: Forge) -> None:
    before = pin(released)
    edit(released, *SEED)
    released.commit("Regularise")
    outcome = push(released)
    assert outcome.accepted, outcome.output
    assert plan(outcome)["train"] == '["bad-day"]'
    released.pull()
    after = pin(released)
    assert after["version"] != before["version"]
    evidence = released.work / f"environments/evidence/bad-day/{after['version'][7:19]}.json"
    assert yaml.safe_load(evidence.read_text("utf-8"))["champion"]["version"] == before["version"]
    assert docker(released)[:5] == ["login", "create", "cp", "rm", "logout"]


@pytest.mark.slow
def test_a_version_that_fails_its_gate_is_not_pinned(released: Forge) -> None:
    before = released.git("rev-parse", "HEAD")
    edit(released, "min: 0.5}", "min: 0.99}")
    after = released.commit("Ask for more")
    outcome = push(released)
    assert not outcome.accepted
    assert "FAIL better-than-chance: roc_auc" in outcome.output
    assert "error::prod/bad-day is not pinned" in outcome.output
    released.pull()
    assert released.git("rev-parse", "HEAD") == after != before
    assert "build" not in docker(released)


@pytest.mark.slow
@pytest.mark.parametrize("same", [False, True], ids=["of-something-else", "of-the-same-model"])
def test_a_commit_that_comes_between_is_kept(released: Forge, tmp_path: Path, same: bool) -> None:
    """Another person pushes while the image is built: what does not concern the model goes below the release."""
    edit(released, "acme/python:3.11", "acme/python:3.11.16")
    released.commit("Move the base")
    other = tmp_path / "other"
    lines = [
        "#!/usr/bin/env bash",
        "set -e",
        f'rm -f "{released.folder}/meanwhile"',
        f'git clone --quiet "{released.origin}" "{other}" && cd "{other}"',
        "echo more >> README.md",
        "sed -i s/python:3.11.16/python:3.11.17/ mlc.yaml && mlc -q build" if same else "true",
        "git add --all && git -c user.name=Other -c user.email=o@example.com commit --quiet -m Between",
        "git push --quiet origin HEAD:main",
    ]
    (released.folder / "meanwhile").write_text("\n".join(lines), "utf-8")
    (released.folder / "meanwhile").chmod(0o755)
    outcome = push(released)
    assert outcome.accepted, outcome.output
    released.pull()
    subjects = released.git("log", "-2", "--format=%s").splitlines()
    assert subjects == (["Between", "Move the base"] if same else ["Release prod/bad-day", "Between"])
    assert ("has changed since" in outcome.output) is same


# --- pull requests ---------------------------------------------------------------------------------------------------
def propose(
    forge: Forge, from_repository: str = REPOSITORY, workflow: str = "mlc-pull-request.yml"
) -> tools.Outcome:  # fmt: skip
    """Commit the work as a pull request, merged as GitHub merges for its checks, and run its workflow."""
    base = forge.git("rev-parse", "main")
    forge.git("checkout", "--quiet", "-B", "proposal")
    forge.git("add", "--all")
    forge.git("commit", "--quiet", "--allow-empty", "--message", "Propose")
    head = forge.git("rev-parse", "HEAD")
    forge.git("checkout", "--quiet", "--detach", "main")
    forge.git("merge", "--quiet", "--no-ff", "--message", "Merge", "proposal")
    payload = {
        "action": "synchronize",
        "number": 7,
        "pull_request": {
            "number": 7,
            "base": {"ref": "main", "sha": base, "repo": {"full_name": REPOSITORY}},
            "head": {"ref": "proposal", "sha": head, "repo": {"full_name": from_repository}},
        },
    }
    return forge.run("pull_request", payload, workflow, "-s", "GITHUB_TOKEN=token-of-the-test")


def jobs(outcome: tools.Outcome) -> dict[str, bool]:
    """The jobs that ran, and whether they succeeded."""
    found = re.findall(r"\[mlc pull request/(\w+) *\] 🏁 +Job (succeeded|failed)", outcome.output)
    return {name: word == "succeeded" for name, word in found}


@pytest.mark.slow
def test_a_project_in_a_folder_is_checked_and_released_there(project: Path, tmp_path: Path) -> None:
    """GitHub reads the workflows of the repository's root only, so those of the project are copied there."""
    folder = "services/minimal"
    shutil.copytree(project, tmp_path / "repository" / folder)
    (tmp_path / "forge").mkdir()
    forge = a_forge(tmp_path / "forge", tmp_path / "repository")
    specs = forge.work / folder / "mlc.yaml"
    options = f"github-actions: {{working_directory: {folder}}}"
    specs.write_text(specs.read_text("utf-8").replace("github-actions: {}", options), "utf-8")
    forge.mlc("-C", folder, "lock")
    forge.mlc("-C", folder, "build")
    shutil.copytree(forge.work / folder / ".github", forge.work / ".github")
    forge.commit("Start")
    outcome = push(forge, "minimal-mlc-release.yml")
    assert outcome.accepted, outcome.output
    assert forge.pull() == "Release prod/bad-day"
    assert (forge.work / folder / "environments/prod/bad-day.yaml").exists()
    specs.write_text(specs.read_text("utf-8").replace("label: {expr:", "lable: {expr:"), "utf-8")
    outcome = propose(forge, workflow="minimal-mlc-pull-request.yml")
    assert not outcome.accepted
    assert re.search(rf"::error.*file={folder}/mlc\.yaml,line=\d+", outcome.output)
    specs.write_text(specs.read_text("utf-8").replace("lable: {expr:", "label: {expr:"), "utf-8")
    outcome = propose(forge, workflow="minimal-mlc-pull-request.yml")
    assert outcome.accepted, outcome.output


@pytest.fixture
def forge(merged: Forge, tmp_path: Path) -> Forge:
    return a_copy(merged, tmp_path / "forge")


@pytest.mark.slow
def test_a_good_pull_request_passes_and_says_what_it_changes(forge: Forge) -> None:
    edit(forge, "acme/python:3.11", "acme/python:3.11.16")
    outcome = propose(forge)
    assert outcome.accepted, outcome.output
    assert jobs(outcome) == {"validate": True, "plan": True, "comment": True, "check": True, "pins": True}
    comment = (forge.folder / "comments" / "1").read_text("utf-8")
    assert comment.startswith("<!-- mlc plan of minimal -->\n")
    assert "Dockerfile" in comment or "bad-day" in comment
    assert "No changes" not in comment


@pytest.mark.slow
def test_the_next_push_writes_the_same_comment_anew(forge: Forge) -> None:
    assert propose(forge).accepted
    first = (forge.folder / "comments" / "1").read_text("utf-8")
    forge.git("checkout", "--quiet", "proposal")
    edit(forge, "acme/python:3.11", "acme/python:3.11.16")
    assert propose(forge).accepted
    assert [path.name for path in (forge.folder / "comments").iterdir()] == ["1"]
    assert (forge.folder / "comments" / "1").read_text("utf-8") != first
    assert "PATCH" in (forge.folder / "gh.log").read_text("utf-8")


@pytest.mark.slow
def test_a_broken_spec_fails_where_it_stands(forge: Forge) -> None:
    edit(forge, "label: {expr:", "lable: {expr:", build=False)
    outcome = propose(forge)
    assert not outcome.accepted
    assert jobs(outcome) == {"validate": False, "pins": False}
    assert re.search(r"::error.*file=mlc\.yaml,line=\d+", outcome.output)
    assert not (forge.folder / "gh.log").exists()


@pytest.mark.slow
def test_what_is_not_built_fails_the_check_and_is_still_planned(forge: Forge) -> None:
    edit(forge, "acme/python:3.11", "acme/python:3.11.16", build=False)
    outcome = propose(forge)
    assert not outcome.accepted
    assert jobs(outcome) == {"validate": True, "plan": True, "comment": True, "check": False, "pins": True}
    assert "differs: deploy/images/bad-day/Dockerfile" in outcome.output


@pytest.mark.slow
def test_the_pull_request_of_a_fork_gets_no_comment(forge: Forge) -> None:
    outcome = propose(forge, "somebody/minimal")
    assert outcome.accepted, outcome.output
    assert jobs(outcome) == {"validate": True, "plan": True, "check": True, "pins": True}
    assert not (forge.folder / "gh.log").exists()
