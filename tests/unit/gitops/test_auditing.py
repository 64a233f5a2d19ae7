"""Audit and status: what git history tells of versions, people, gates and data."""

from __future__ import annotations

import csv
import io
import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from promotions import PROMOTION, ROLLBACK, Clone, a_clone

SCHEMAS = Path(__file__).parents[3] / "schemas" / "mlc_schemas" / "output"
DAY, FIRST = 86_400, 1_777_593_600  # 2026-05-01


@pytest.fixture
def story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clone:
    """1 May: released; 2 May: promoted, approved; 3 May: another one; 4 May: rolled back."""

    def at(day: int) -> None:
        monkeypatch.setattr(time, "time", lambda: FIRST + day * DAY + 43_200.0)
        for who in ("AUTHOR", "COMMITTER"):
            monkeypatch.setenv(f"GIT_{who}_DATE", f"{FIRST + day * DAY + 43_200} +0000")

    at(0)
    clone = a_clone(tmp_path / "tiny", ", requires: {approvals: [{team: ops, count: 2}]}")
    clone.release()
    at(1)
    assert clone.promote() == 0
    clone.merge(PROMOTION, "Approved-by: Olga <olga@example.org>", "Approved-by: Petr <petr@example.org>")
    at(2)
    clone.change("specs/model.yaml", "estimator:", "seed: 3\n  estimator:")
    clone.release()
    assert clone.promote() == 0
    clone.merge(PROMOTION, "Reviewed-by: Olga <olga@example.org>")
    at(3)
    assert clone.mlc("rollback", "late", "-e", "prod") == 0
    clone.merge(ROLLBACK)
    at(5)
    return clone


def audit(clone: Clone, capsys: pytest.CaptureFixture[str], *flags: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert clone.mlc("audit", "--format", "json", *flags) == 0
    value = json.loads(capsys.readouterr().out)
    Draft202012Validator(json.loads((SCHEMAS / "audit.schema.json").read_text())).validate(value)
    records: list[dict[str, Any]] = value["records"]
    return records


def test_every_tenure_is_told_with_people_gates_and_data(story: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    records = audit(story, capsys, "-e", "prod")
    assert [r["action"] for r in records] == ["rollback", "promote", "promote"]
    assert [r["from"][:10] for r in records] == ["2026-05-04", "2026-05-03", "2026-05-02"]
    assert [r["until"] and r["until"][:10] for r in records] == [None, "2026-05-04", "2026-05-03"]
    assert records[2]["approved_by"] == ["Olga <olga@example.org>", "Petr <petr@example.org>"]
    assert records[0]["version"] == records[2]["version"] != records[1]["version"]
    assert records[0]["gates"][0]["value"] == 0.75
    assert list(records[0]["data"]) == ["flights", "planes"]


@pytest.mark.parametrize(
    ("day", "count"), [("2026-04-30", 0), ("2026-05-01", 0), ("2026-05-02", 1), ("2026-05-03", 2), ("2026-06-01", 1)]
)
def test_what_ran_on_a_day(story: Clone, day: str, count: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(audit(story, capsys, "-e", "prod", "--on", day)) == count


def test_the_audit_reads_no_spec(story: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    before = audit(story, capsys)
    shutil.rmtree(story.root / "specs")
    (story.root / "mlc.yaml").write_text("kind: [\n")
    story.commit("Break everything")
    assert audit(story, capsys) == before


def test_evidence_that_was_rewritten_since_is_told_as_it_was(story: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (story.root / "environments/evidence/late").glob("*.json"):
        path.write_text(path.read_text().replace("0.75", "0.99"))
    story.commit("Better numbers")
    assert {r["gates"][0]["value"] for r in audit(story, capsys)} == {0.75}


def test_csv_has_a_row_a_tenure(story: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert story.mlc("audit", "--format", "csv") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == 5
    assert json.loads(rows[0]["gates"])[0]["gate"] == "release"


def test_no_cell_is_a_formula(story: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    from mlc_compiler.cli.audit_command import _cell

    assert [_cell(text) for text in ("=1+1", "@a", "a", None, ["=a"])] == ["'=1+1", "'@a", "a", "", '["=a"]']


def test_the_table_is_for_people(story: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert story.mlc("audit", "late", "-e", "prod") == 0
    said = capsys.readouterr().out
    assert "Olga, Petr" in said
    assert "1 of 1 passed" in said


def test_a_shallow_clone_says_what_it_does_not_know(story: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    shallow = Clone(story.root.parent / "shallow")
    story.git("clone", "--quiet", "--depth=1", f"file://{story.root}", str(shallow.root))
    records = audit(shallow, capsys, "-e", "prod")
    assert [r["cut"] for r in records] == [True]
    assert shallow.mlc("audit", "--on", "2026-05-02") == 1
    assert "MLC938" in capsys.readouterr().err


@pytest.mark.parametrize("flags", [("-e", "prd"), ("lat",)])
def test_what_was_never_pinned_is_told(
    story: Clone, flags: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert story.mlc("audit", *flags) == 2


def test_a_pin_that_is_damaged_today_is_warned_of(story: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    pin = story.root / "environments/prod/late.yaml"
    pin.write_text(f"<<<<<<< HEAD\n{pin.read_text()}=======\n>>>>>>> other\n")
    story.commit("Merge badly")
    assert len(audit(story, capsys, "-e", "prod")) == 3
    assert story.mlc("audit") == 0
    said = capsys.readouterr().err
    assert "warning[MLC904]: the pin holds conflict markers" in said
    assert "environments/prod/late.yaml:1:1" in said


def test_without_git_there_is_no_audit(story: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(story.root / ".git")
    for command in ("audit", "status", "verify"):
        assert story.mlc(command) == 1
        assert "MLC935" in capsys.readouterr().err


# --- status ----------------------------------------------------------------------------------------------------------
def status(clone: Clone, capsys: pytest.CaptureFixture[str], *flags: str) -> dict[str, dict[str, Any]]:
    capsys.readouterr()
    assert clone.mlc("status", "--format", "json", *flags) == 0
    value = json.loads(capsys.readouterr().out)
    Draft202012Validator(json.loads((SCHEMAS / "status.schema.json").read_text())).validate(value)
    return {row["environment"]: row for row in value["rows"]}


def test_status_tells_what_runs_and_what_lags(story: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    rows = status(story, capsys)
    assert rows["staging"]["behind"] is None
    assert rows["prod"]["since"] == "2026-05-04T12:00:00Z"
    assert rows["prod"]["behind"]["of"] == "staging"
    assert rows["prod"]["behind"]["changes"] == 1
    assert rows["prod"]["behind"]["by"] == ["retrain"]
    assert rows["prod"]["awaiting"] == ["approval: 2 of ops"]
    story.change("specs/model.yaml", "seed: 3", "seed: 4")
    behind = status(story, capsys, "-e", "staging")["staging"]["behind"]
    assert (behind["of"], behind["by"]) == ("specs", ["retrain"])


def test_status_tells_by_what_specs_are_ahead_whose_version_is_the_same(
    story: Clone, capsys: pytest.CaptureFixture[str]
) -> None:
    story.change("specs/gate.yaml", "min: 0.7", "min: 0.6")
    story.change("specs/monitor.yaml", "type: feature_drift", "type: feature_drift, window: 2d")
    row = status(story, capsys, "-e", "staging")["staging"]
    assert (row["behind"]["version"], row["behind"]["by"]) == (row["version"], ["re-evaluate", "monitor"])
    assert story.mlc("status", "-e", "staging") == 0
    assert f"specs by 1 (re-evaluate, monitor): {row['version'][7:19]}" in capsys.readouterr().out
    story.change("specs/model.yaml", "estimator:", "# a remark\n  estimator:")
    story.change("specs/gate.yaml", "min: 0.6", "min: 0.70")
    story.change("specs/monitor.yaml", ", window: 2d", "")
    assert status(story, capsys, "-e", "staging")["staging"]["behind"] is None


@pytest.mark.parametrize("columns", [40, 80, 300])
def test_status_fits_the_terminal(
    story: Clone, columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    capsys.readouterr()
    assert story.mlc("status") == 0
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= columns
    for word in ("prod", "2026-05-04T12:00:00Z", "retrain", "approval"):
        assert word in said
    assert ("rollout" in said) == (columns == 300), "a block leaves out what there is nothing to say of"


def test_status_names_open_proposals_and_rollouts(story: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    assert story.mlc("release", "late", "-e", "staging", "--rolled-out", "succeeded", "--source", "Olga") == 0
    story.commit("Rolled out")
    story.git("branch", "-D", PROMOTION)
    assert story.promote() == 0
    rows = status(story, capsys)
    assert rows["staging"]["rollout"] == "succeeded"
    assert rows["prod"]["rollout"] is None
    assert rows["prod"]["open"] == [PROMOTION]
    assert story.mlc("status") == 0
    assert f"open: {PROMOTION}" in capsys.readouterr().out


def test_status_waits_for_soak_and_says_when_the_clock_is_off(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_800_000_000
    monkeypatch.setattr(time, "time", lambda: now)
    clone = a_clone(tmp_path / "tiny", ", requires: {soak: 24h}")
    clone.release(at=now - 3600)

    def awaited(seconds: int) -> list[str]:
        monkeypatch.setattr(time, "time", lambda: now + seconds)
        awaiting: list[str] = status(clone, capsys)["prod"]["awaiting"]
        return awaiting

    assert awaited(0) == ["soak: 23h of 1d left"]
    assert awaited(-3660) == ["soak: 1d of 1d left"]
    assert awaited(-10 * 86_400) == ["soak: the clock is off: its commit is dated 9d 23h from now"]
    assert awaited(86_400) == []


def test_status_of_what_was_never_released(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = status(a_clone(tmp_path / "tiny"), capsys)
    assert [row["version"] for row in rows.values()] == [None, None]
    assert rows["staging"]["behind"]["of"] == "specs"
