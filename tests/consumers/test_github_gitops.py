"""Workflows that open pull requests, really run by act: a release is promoted, retrained on newer data, rolled back."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from consumers import tools
from consumers.forge import REPOSITORY, Forge, a_copy, a_forge
from promotions import MINIMAL, a_key, minimal_specs

pytestmark = [pytest.mark.consumer, pytest.mark.slow]

REQUIRES = ", requires: {gates: [better-than-chance], signed: true, approvals: [{team: airport-ops}]}"
WATCHED = """\
---
kind: Monitor
metadata: {name: bad-day}
spec:
  model: bad-day
  signals: [{name: inputs, type: feature_drift, method: psi, window: 14d}]
  retrain: {on: [inputs], schedule: "0 4 * * 1", cooldown: 2d}
"""
SETTINGS = """\
  store: {ci: "s3://acme-mlc/minimal"}
  image_registry: ghcr.io/acme
  ci: {app_token: {secret: mlc-app/token}}
  signing: {keys: [keys/release.pub]}
  targets: {docker: {base_image: acme/python:3.11}, github-actions: {organization: acme}, kubernetes: {}}
"""
PROMOTION, ROLLBACK, RETRAINING = "mlc/promote/prod/bad-day", "mlc/rollback/prod/bad-day", "mlc/retrain/bad-day"


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The private key in a file, and the public one."""
    private, public = a_key()
    path = tmp_path_factory.mktemp("key") / "release.pem"
    path.write_text(private, "utf-8")
    return path, public


@pytest.fixture(scope="module")
def released(secret: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Forge:
    """A governed project after its first release to staging. It is copied, never changed."""
    folder = tmp_path_factory.mktemp("project") / "minimal"
    generated = (".mlc*", "deploy", "docs", "environments", "mlc.lock", ".github")
    shutil.copytree(MINIMAL, folder, ignore=shutil.ignore_patterns(*generated))
    text = re.sub(r"^  targets: .*\n", SETTINGS, minimal_specs(REQUIRES), count=1, flags=re.MULTILINE)
    (folder / "mlc.yaml").write_text(text + WATCHED, "utf-8")
    (folder / "keys").mkdir()
    (folder / "keys" / "release.pub").write_text(secret[1], "utf-8")
    forge = a_forge(tmp_path_factory.mktemp("released"), folder)
    forge.mlc("lock")
    forge.mlc("build")
    forge.commit("Start")
    forge.secret.write_text(secret[0].read_text("utf-8"), "utf-8")
    outcome = release(forge)
    assert outcome.accepted, outcome.output
    assert forge.pull() == "Release staging/bad-day"
    return forge


@pytest.fixture(scope="module")
def promoted(released: Forge, tmp_path_factory: pytest.TempPathFactory) -> tuple[Forge, tools.Outcome]:
    """The same with the promotion to production proposed, checked and merged, and what proposing it said."""
    forge = a_copy(released, tmp_path_factory.mktemp("promoted"))
    outcome = dispatch(forge, "promote", model="bad-day", environment="prod")
    assert outcome.accepted, outcome.output
    merge(forge, PROMOTION)
    return forge, outcome


@pytest.fixture
def forge(promoted: tuple[Forge, tools.Outcome], tmp_path: Path) -> Forge:
    return a_copy(promoted[0], tmp_path / "forge")


def told(forge: Forge) -> tuple[str, ...]:
    """The secrets: act takes them from a file, since a key has many lines."""
    key = forge.secret.read_text("utf-8").replace("\n", "\\n")
    file = forge.folder / "secrets"
    file.write_text(f'MLC_APP_TOKEN=app-token-of-the-test\nGITHUB_TOKEN=its-own\nMLC_SIGNING_KEY="{key}"\n', "utf-8")
    return ("--secret-file", str(file))


def release(forge: Forge) -> tools.Outcome:
    payload = {"ref": "refs/heads/main", "after": forge.git("rev-parse", "HEAD")}
    return forge.run("push", payload, "mlc-release.yml", *told(forge))


def dispatch(forge: Forge, workflow: str, **inputs: str) -> tools.Outcome:
    """Start a workflow by hand."""
    payload = {"ref": "refs/heads/main", "inputs": inputs}
    return forge.run("workflow_dispatch", payload, f"mlc-{workflow}.yml", *told(forge))


def check(forge: Forge, branch: str) -> tools.Outcome:
    """Check a pushed branch as a pull request, merged as GitHub merges for its checks."""
    forge.git("fetch", "--quiet", "origin")
    base, head = forge.git("rev-parse", "main"), forge.git("rev-parse", f"origin/{branch}")
    forge.git("checkout", "--quiet", "--detach", "main")
    forge.git("merge", "--quiet", "--no-ff", "--message", "Merge", head)
    sides: Mapping[str, object] = {
        "base": {"ref": "main", "sha": base, "repo": {"full_name": REPOSITORY}},
        "head": {"ref": branch, "sha": head, "repo": {"full_name": REPOSITORY}},
    }
    payload = {"action": "opened", "number": 7, "pull_request": {"number": 7, **sides}}
    outcome = forge.run("pull_request", payload, "mlc-pull-request.yml", *told(forge))
    forge.git("checkout", "--quiet", "--force", "main")
    return outcome


def merge(forge: Forge, branch: str) -> None:
    """Merge a pushed branch whose checks pass."""
    outcome = check(forge, branch)
    assert outcome.accepted, outcome.output
    forge.git("merge", "--quiet", "--no-ff", "--message", f"Merge {branch}", f"origin/{branch}")
    forge.git("push", "--quiet", "origin", "main", f":{branch}")


def pin(forge: Forge, environment: str) -> dict[str, str]:
    path = forge.work / f"environments/{environment}/bad-day.yaml"
    found: dict[str, str] = yaml.safe_load(path.read_text("utf-8"))
    return found


def newer_data(forge: Forge) -> None:
    """Commit a table of other rows."""
    path = forge.work / "data" / "days.csv"
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join(lines[:-30]) + "\n", "utf-8")
    forge.commit("The data moves on")


def branches(forge: Forge) -> list[str]:
    listed = forge.git("ls-remote", "--heads", "origin")
    return sorted(line.rpartition("refs/heads/")[2] for line in listed.splitlines())


def test_a_promotion_is_one_commit_that_the_required_check_accepts(promoted: tuple[Forge, tools.Outcome]) -> None:
    forge, outcome = promoted
    assert pin(forge, "prod") == pin(forge, "staging")
    text = (forge.folder / "pulls" / PROMOTION.replace("/", "_")).read_text("utf-8")
    assert "better-than-chance" in text
    assert "acme/airport-ops" in (forge.folder / "gh.log").read_text("utf-8")
    assert "app-token-of-the-test" not in outcome.output
    assert "PRIVATE KEY" not in outcome.output
    assert "2 pins and what they name are whole" in forge.mlc("verify")
    audit = forge.mlc("audit", "bad-day", "-e", "prod", "--format", "json")
    assert '"action": "promote"' in audit


def test_what_is_promoted_already_is_not_proposed_again(forge: Forge) -> None:
    outcome = dispatch(forge, "promote", model="bad-day", environment="prod")
    assert outcome.accepted, outcome.output
    assert "is pinned in prod already" in outcome.output
    assert branches(forge) == ["main"]


def test_a_pin_written_by_hand_fails_the_required_check(forge: Forge) -> None:
    path = forge.work / "environments/prod/bad-day.yaml"
    path.write_text(path.read_text("utf-8").replace("artifact: sha256:", "artifact: sha256:00"), "utf-8")
    forge.git("checkout", "--quiet", "-b", "by-hand")
    forge.commit("Run something else")
    forge.git("checkout", "--quiet", "main")
    outcome = check(forge, "by-hand")
    assert not outcome.accepted
    assert re.search(r"mlc pull request/pins *\] 🏁 +Job failed", outcome.output)


def test_newer_data_is_trained_on_proposed_and_merged_without_training_again(forge: Forge) -> None:
    before = pin(forge, "staging")
    newer_data(forge)
    outcome = dispatch(forge, "retrain", model="bad-day")
    assert outcome.accepted, outcome.output
    assert branches(forge) == ["main", RETRAINING]
    text = (forge.folder / "pulls" / RETRAINING.replace("/", "_")).read_text("utf-8")
    assert "| better-than-chance | passed |" in text
    assert "retrain" in text
    merge(forge, RETRAINING)
    assert pin(forge, "staging")["version"] != before["version"]
    assert pin(forge, "prod") == before
    outcome = release(forge)
    assert outcome.accepted, outcome.output
    assert dict(re.findall(r"::set-output:: (train|image|pin)=(.*)", outcome.output))["train"] == "[]"

    # The newer version goes to production, and back.
    outcome = dispatch(forge, "promote", model="bad-day", environment="prod")
    assert outcome.accepted, outcome.output
    merge(forge, PROMOTION)
    assert pin(forge, "prod") == pin(forge, "staging")
    given = {"model": "bad-day", "environment": "prod", "version": "", "reason": 'it\'s "worse"; $(id)'}
    outcome = dispatch(forge, "rollback", **given)
    assert outcome.accepted, outcome.output
    merge(forge, ROLLBACK)
    assert pin(forge, "prod") == before


@pytest.mark.parametrize("event", ["schedule", "repository_dispatch"])
def test_what_was_trained_lately_is_left_alone_by_clocks_and_alerts(forge: Forge, event: str) -> None:
    newer_data(forge)
    payload = {"schedule": "0 4 * * 1", "client_payload": {"model": "bad-day", "signal": "inputs"}}
    outcome = forge.run(event, payload, "mlc-retrain.yml", *told(forge))
    assert outcome.accepted, outcome.output
    assert "bad-day was trained less than 172800 seconds ago" in outcome.output
    assert branches(forge) == ["main"]


def test_a_signal_that_nobody_named_starts_nothing(forge: Forge) -> None:
    payload = {"client_payload": {"model": "bad-day", "signal": "live-auc"}}
    outcome = forge.run("repository_dispatch", payload, "mlc-retrain.yml", *told(forge))
    assert outcome.accepted, outcome.output
    assert "no model asks to be trained for this" in outcome.output


def test_the_same_data_is_not_trained_on_again(forge: Forge) -> None:
    outcome = dispatch(forge, "retrain", model="bad-day")
    assert outcome.accepted, outcome.output
    assert "the data of bad-day has not changed since it was locked" in outcome.output
    assert branches(forge) == ["main"]
