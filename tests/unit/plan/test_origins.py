"""`mlc show --origins`: each effective value with what set it: spec, override, snapshot or default."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import fleet
import specs_on_disk


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fleet.a_fleet(tmp_path_factory.mktemp("fleet") / "project", models=4)


@pytest.fixture
def values(project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    def call(arguments: str) -> dict[tuple[str, str], tuple[str, str, str]]:
        said = specs_on_disk.mlc(f"show score-0 --origins --format json {arguments}", project, capsys, monkeypatch)
        assert said.code == 0, said.err
        found = json.loads(said.out)["values"]
        return {(v["document"], v["field"]): (v["value"], v["set_by"], v["at"]) for v in found}

    return call


def line(project: Path, path: str, text: str) -> str:
    lines = (project / path).read_text().splitlines()
    return f"{path}:{next(n for n, row in enumerate(lines, 1) if text in row)}"


def test_each_value_names_the_file_and_line_that_set_it(project: Path, values: Any) -> None:
    found = values("-e prod")
    spec, environments = "specs/score-0.yaml", "specs/environments.yaml"
    model = "Model/score-0"
    assert found[model, "serving.replicas.min"] == ("3", "override", line(project, environments, "replicas.min"))
    assert found[model, "serving.replicas.max"] == ("10", "spec", line(project, spec, "serving:"))
    assert found[model, "serving.target_cpu"] == ("70", "default", "")
    assert found[model, "preprocessing.numeric.scale"] == ("none", "default", "")
    assert found["Rollout/score-0", "steps.0.weight"] == ("5", "spec", line(project, spec, "weight: 5"))
    assert found["Monitor/score-0", "signals.inputs.max"] == ("0.2", "default", "")


def test_an_override_is_of_its_environment_alone(values: Any) -> None:
    assert values("-e staging")["Model/score-0", "serving.replicas.min"][:2] == ("2", "spec")
    assert values("")["Model/score-0", "serving.replicas.min"][:2] == ("2", "spec")


def test_what_runs_otherwise_than_the_specs_say_comes_from_the_snapshot(project: Path, values: Any) -> None:
    path = project / "specs/score-0.yaml"
    text = path.read_text()
    path.write_text(text.replace("max: 10", "max: 12"))
    try:
        value, set_by, at = values("-e staging")["Model/score-0", "serving.replicas.max"]
    finally:
        path.write_text(text)
    assert (value, set_by) == ("10", "snapshot")
    assert (project / at).is_file()


def test_rows_are_aligned_and_fit_the_terminal(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "110")
    said = specs_on_disk.mlc("show score-0 -e prod --origins", project, capsys, monkeypatch).out
    rows = [row for row in said.splitlines() if row.startswith("  ")]
    assert max(map(len, rows)) <= 110
    assert "Model/score-0\n" in said
    assert f"{line(project, 'specs/environments.yaml', 'replicas.min')} (override)" in said
