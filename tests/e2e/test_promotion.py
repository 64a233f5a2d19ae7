"""From a release to a promoted, audited and rolled-back production, with a bare remote, as one would type it."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

import pytest

from mlc_compiler.cli.main import run
from mlc_compiler.cli.project import Emission, LockUse, make, read_project
from mlc_compiler.diagnostics import Sink
from promotions import IDENTITY, MINIMAL, a_key, an_evidence, minimal_specs

EVIDENCE = next((MINIMAL / "environments" / "evidence" / "bad-day").glob("*.json"))
OF_THE_VERSION = ("version", "gates_digest", "test_snapshot", "inputs", "champion")
REQUIRES = ", requires: {gates: [better-than-chance], signed: true, approvals: [{team: airport-ops}]}"


class Team:
    """Two people's clones of one bare repository, `mlc` and `git` in them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.variables = {**os.environ, **IDENTITY, "GIT_TERMINAL_PROMPT": "0"}
        for name in ("GITHUB_ACTIONS", "GH_TOKEN", "GITHUB_TOKEN", "GITLAB_TOKEN", "CI", "COLUMNS"):
            self.variables.pop(name, None)

    def git(self, who: str, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder / who, env=self.variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def mlc(self, who: str, *arguments: str, code: int = 0) -> str:
        """Run a command in this process: starting one for each takes longer than what they do."""
        said = io.StringIO()
        with patch.dict(os.environ, self.variables, clear=True), redirect_stdout(said), redirect_stderr(said):
            ended = run([arguments[0], "-C", str(self.folder / who), *arguments[1:]])
        assert ended == code, f"{arguments}: exit {ended}\n{said.getvalue()}"
        return said.getvalue()

    def commit(self, who: str, subject: str) -> None:
        self.git(who, "add", "--all")
        self.git(who, "commit", "--quiet", "-m", subject)
        self.git(who, "push", "--quiet", "--set-upstream", "origin", "main")

    def merge(self, who: str, branch: str, *trailers: str) -> None:
        """Merge a pushed branch as a forge does, once its required check lets it pass."""
        self.git(who, "fetch", "--quiet", "origin")
        self.git(who, "switch", "--quiet", "--detach", f"origin/{branch}")
        assert "each is what a command writes" in self.mlc(who, "promote", "--verify")
        self.mlc(who, "build", "--check")
        self.git(who, "switch", "--quiet", "main")
        self.git(who, "merge", "--quiet", "--no-ff", "-m", "\n".join(["Merge", "", *trailers]), f"origin/{branch}")
        self.git(who, "push", "--quiet", "origin", "main")


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Team:
    team = Team(tmp_path_factory.mktemp("team"))
    ada = team.folder / "ada"
    shutil.copytree(MINIMAL, ada, ignore=shutil.ignore_patterns(".mlc", "deploy", "environments"))
    signed = "{kubernetes: {}}\n  signing: {keys: [keys/release.pub]}"
    (ada / "mlc.yaml").write_text(minimal_specs(REQUIRES).replace("{docker: {}, kubernetes: {}}", signed))
    secret, public = a_key()
    (ada / "keys").mkdir()
    (ada / "keys" / "release.pub").write_text(public)
    (ada / ".gitignore").write_text(".mlc/\n")
    (team.folder / "release.pem").write_text(secret)
    team.git(".", "init", "--quiet", "--bare", "--initial-branch=main", "remote.git")
    team.git("ada", "init", "--quiet", "--initial-branch=main")
    team.git("ada", "remote", "add", "origin", "../remote.git")
    team.commit("ada", "Start")
    team.git(".", "clone", "--quiet", "remote.git", "bob")
    team.variables["MLC_SIGNING_KEY_FILE"] = str(team.folder / "release.pem")
    return team


def evidence(root: Path, **fields: object) -> dict[str, object]:
    """Return the evidence of the example's run, of the version that the specs have here: a run takes 10 s."""
    sink = Sink()
    project = read_project(root, sink)
    made = make(root, project, sink, LockUse.REQUIRED, emission=Emission.NOTHING) if project else None
    assert made is not None, list(sink)
    of_the_version = an_evidence(made.compilation.models["bad-day"])
    return {**json.loads(EVIDENCE.read_text()), **{n: of_the_version[n] for n in OF_THE_VERSION}, **fields}


def release(team: Team) -> None:
    path = team.folder / "evidence.json"
    path.write_text(json.dumps(evidence(team.folder / "ada")))
    team.mlc("ada", "release", "bad-day", "-e", "staging", "--evidence", str(path))
    team.mlc("ada", "build")
    team.commit("ada", "Release bad-day to staging")


def test_a_version_goes_to_production_and_back(team: Team) -> None:
    release(team)
    said = team.mlc("ada", "promote", "bad-day", "--to", "prod", "--push")
    assert "pushed to origin as mlc/promote/prod/bad-day" in said
    team.git("bob", "pull", "--quiet")
    team.merge("bob", "mlc/promote/prod/bad-day", "Approved-by: Olga <olga@example.org>")

    # Serving changes, so the same version comes with another snapshot.
    team.git("ada", "pull", "--quiet")
    specs = team.folder / "ada" / "mlc.yaml"
    specs.write_text(specs.read_text().replace("max: 2}", "max: 3}"))
    release(team)
    assert "prod         bad-day  " in (said := team.mlc("ada", "status"))
    assert "staging by 1 (redeploy)" in said
    team.mlc("ada", "promote", "bad-day", "--to", "prod", "--push")
    text = (team.folder / "ada/.mlc/proposals/promote-prod-bad-day.md").read_text()
    assert "| redeploy | `serving.replicas.max` | `2 -> 3` | `mlc.yaml:" in text
    team.git("bob", "pull", "--quiet")
    team.merge("bob", "mlc/promote/prod/bad-day", "Approved-by: Petr <petr@example.org>")
    autoscaler = team.folder / "bob" / "deploy/prod/bad-day/horizontal-pod-autoscaler.yaml"
    assert "maxReplicas: 3" in autoscaler.read_text()

    # The newest specs no longer compile; production goes back all the same.
    team.git("ada", "pull", "--quiet")
    specs.write_text(specs.read_text().replace("task: binary_classification", "task: nonsense"))
    team.commit("ada", "Break the specs")
    team.mlc("ada", "validate", code=1)
    team.mlc("ada", "rollback", "bad-day", "-e", "prod", "--reason", "it scales too far", "--push")
    team.git("ada", "merge", "--quiet", "mlc/rollback/prod/bad-day")
    assert "maxReplicas: 2" in (team.folder / "ada/deploy/prod/bad-day/horizontal-pod-autoscaler.yaml").read_text()

    records = json.loads(team.mlc("ada", "audit", "bad-day", "-e", "prod", "--format", "json"))["records"]
    assert [r["action"] for r in records] == ["rollback", "promote", "promote"]
    assert [r["approved_by"] for r in records[1:]] == [["Petr <petr@example.org>"], ["Olga <olga@example.org>"]]
    assert all(r["signed"] and r["gates"] and r["data"] for r in records)
    specs.write_text(specs.read_text().replace("task: nonsense", "task: binary_classification"))
    team.commit("ada", "Mend the specs")
    assert "2 pins and what they name are whole" in team.mlc("ada", "verify")


def test_a_gate_that_failed_stops_it(team: Team, tmp_path: Path) -> None:
    verdict = {**json.loads(EVIDENCE.read_text())["verdicts"][0], "status": "failed", "reason": "roc_auc 0.41 < 0.5"}
    failed = evidence(team.folder / "ada", verdicts=[verdict], passed=False)
    (tmp_path / "evidence.json").write_text(json.dumps(failed))
    given = ("-e", "staging", "--evidence", str(tmp_path / "evidence.json"))
    assert "roc_auc 0.41 < 0.5" in team.mlc("ada", "release", "bad-day", *given, code=1)
    assert not team.git("ada", "status", "--porcelain")
