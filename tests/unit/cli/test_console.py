"""How many findings are shown: every error; of warnings as many as somebody reads, unless more are asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlc_compiler.cli.console import SHOWN, Console
from mlc_compiler.diagnostics import Finding, Place, Severity

MANY = SHOWN + 50


def console(format: str = "text", *, verbose: bool = False, judges: bool = False) -> Console:
    return Console(format, color=False, quiet=False, verbose=verbose, github=False, judges=judges)


def findings(root: Path, severity: Severity = Severity.WARNING) -> list[Finding]:
    for i in range(MANY):
        (root / f"{i:03}.yaml").write_text("kind: Model\n")
    return [Finding("MLC518", f"warning {i}", Place(f"{i:03}.yaml").at("kind"), severity=severity) for i in range(MANY)]


def test_warnings_beyond_the_first_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not console().findings(findings(tmp_path), tmp_path)
    said = capsys.readouterr().err
    assert said.count("warning[MLC518]") == SHOWN
    assert said.endswith(f"{SHOWN} warnings\nand 50 more warnings: --verbose shows all\n")


def test_first_are_those_of_the_first_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    console().findings(reversed(findings(tmp_path)), tmp_path)
    said = capsys.readouterr().err
    assert "099.yaml:1:7" in said
    assert "100.yaml" not in said


def test_warnings_of_one_file_are_bounded_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.yaml").write_text("kind: Model\n")
    console().findings(
        [Finding("MLC518", str(i), Place("a.yaml"), severity=Severity.WARNING) for i in range(MANY)], tmp_path
    )
    assert capsys.readouterr().err.endswith("and 50 more warnings: --verbose shows all\n")


def test_errors_are_all_shown_wherever_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    last = Finding("MLC803", "a secret", Place(f"{MANY - 1:03}.yaml").at("kind"))
    assert console().findings([*findings(tmp_path), last], tmp_path)
    assert f"{MANY - 1:03}.yaml:1:7" in capsys.readouterr().err
    assert console().findings(findings(tmp_path, Severity.ERROR), tmp_path)
    assert capsys.readouterr().err.endswith(f"\n{MANY} errors\n")


def test_verbose_and_json_show_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    console(verbose=True).findings(findings(tmp_path), tmp_path)
    assert capsys.readouterr().err.endswith(f"\n{MANY} warnings\n")
    console("json", judges=True).findings(findings(tmp_path), tmp_path)
    assert len(json.loads(capsys.readouterr().out)["findings"]) == MANY
