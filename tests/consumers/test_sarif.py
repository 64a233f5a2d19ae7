"""The logs that `mlc validate --format sarif` writes are what the standard and GitHub's code scanning take."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from consumers import tools
from specs_on_disk import ERRORS, a_project_on_disk, mlc

# Findings with a fix, with related places, of the YAML layer, of a query, and none at all.
CASES = (
    "MLC101-misspelt-field",
    "MLC302-known-later",
    "MLC001-unclosed-bracket",
    "MLC304-misspelt-column",
    "MLC503-bound-that-never-passes",
    "",
)


def _log(case: str, root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Path:
    project = a_project_on_disk(root / "tiny")
    if case:
        shutil.copytree(next(ERRORS.glob(f"{case}*")), project, dirs_exist_ok=True)
    path = root / "log.sarif"
    path.write_text(mlc("validate --format sarif", project, capsys, monkeypatch).out, "utf-8")
    return path


@pytest.mark.consumer
@pytest.mark.parametrize("case", CASES)
def test_the_validator_of_sarif_accepts_a_log(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = _log(case, tmp_path, capsys, monkeypatch)
    results = json.loads(log.read_text("utf-8"))["runs"][0]["results"]
    assert bool(results) == bool(case)
    judged = tools.sarif_multitool(log)
    assert judged.accepted, judged.output
    # It advises a home page (SARIF2005), which the project does not have.
    complaints = [line for line in judged.output.splitlines() if ": warning " in line]
    assert [line for line in complaints if "SARIF2005" not in line] == [], judged.output


@pytest.mark.consumer
def test_the_validator_of_sarif_refuses_a_log_without_a_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = _log("MLC302-known-later", tmp_path, capsys, monkeypatch)
    value = json.loads(log.read_text("utf-8"))
    del value["runs"][0]["results"][0]["message"]
    log.write_text(json.dumps(value), "utf-8")
    judged = tools.sarif_multitool(log)
    assert not judged.accepted
    assert "message" in judged.output
