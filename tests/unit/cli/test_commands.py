"""Commands as a user types them: what they print where, and their exit codes."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from mlc_compiler.__main__ import main
from mlc_compiler.cli.main import COMMANDS, run

EXAMPLES = Path(__file__).parents[3] / "examples"
SCHEMAS = Path(__file__).parents[3] / "schemas" / "mlc_schemas"


@pytest.fixture
def flights(tmp_path: Path) -> Path:
    """A copy of the tutorial's specs and lock, without data or what was built."""
    ignored = shutil.ignore_patterns(".mlc", "data", "deploy", "docs", ".github")
    return Path(shutil.copytree(EXAMPLES / "flights", tmp_path / "flights", ignore=ignored))


@pytest.fixture
def unpinned(flights: Path) -> Path:
    shutil.rmtree(flights / "environments", ignore_errors=True)
    return flights


Streams = pytest.CaptureFixture[str]


def test_every_command_has_a_module_that_says_what_it_does() -> None:
    from importlib import import_module

    for name, _ in COMMANDS:
        assert (import_module(f"mlc_compiler.cli.{name}_command").__doc__ or "").strip(), name


@pytest.mark.parametrize(
    "arguments", [["frobnicate"], ["validate", "--nonsense"], ["completion", "tcsh"], ["schema", "Modle"]]
)
def test_wrong_usage_exits_with_2(arguments: list[str], capsys: Streams) -> None:
    assert run(arguments) == 2
    assert capsys.readouterr().err


def test_a_refusal_is_said_even_when_quiet_and_keeps_control_characters_off_the_terminal(
    flights: Path, capsys: Streams
) -> None:
    assert run(["-C", str(flights), "-q", "lineage", "a\n\x1b[31m"]) == 2
    assert capsys.readouterr().err == "mlc lineage: there is no name `a\\n\\x1b[31m`\n"


def test_a_misspelt_code_is_suggested_as_it_is_written(capsys: Streams) -> None:
    assert run(["explain", "MLC999"]) == 2
    assert "did you mean `MLC969`?" in capsys.readouterr().err


def test_a_project_that_does_not_parse_is_not_blamed_for_its_folders(tmp_path: Path, capsys: Streams) -> None:
    (tmp_path / "mlc.yaml").write_text("")
    assert run(["validate", "-C", str(tmp_path)]) == 1
    assert "MLC213" not in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the device is Linux's")
def test_a_full_disk_is_no_bug_of_ours(monkeypatch: pytest.MonkeyPatch, capsys: Streams) -> None:
    with Path("/dev/full").open("w", buffering=1) as full:
        monkeypatch.setattr("sys.stdout", full)
        assert run(["explain", "MLC302"]) == 1
        monkeypatch.undo()
        with contextlib.suppress(OSError):
            full.close()
    assert "the output can't be written" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["validate"], ["build", "-C", "p"], ["fmt"], ["init"], ["status"], ["run"]])
def test_a_working_directory_that_is_gone_is_no_bug_of_ours(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Streams
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    monkeypatch.setattr("sys.argv", ["mlc", *arguments])
    assert main() == 1
    said = capsys.readouterr().err
    assert said == "mlc: the folder that this was started in no longer exists: change into another, or name one by -C\n"


def test_from_a_working_directory_that_is_gone_a_project_elsewhere_is_reached(
    flights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    monkeypatch.setattr("sys.argv", ["mlc", "validate", "-C", str(flights)])
    assert main() == 0


def test_a_closed_standard_output_is_no_bug_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", None)
    assert run(["explain", "MLC302"]) == 0
    sys.stdout.close()


def test_a_misspelt_command_is_suggested(capsys: Streams) -> None:
    assert run(["bulid"]) == 2
    assert "did you mean `mlc build`?" in capsys.readouterr().err


def test_shared_flags_may_stand_before_the_command(flights: Path, capsys: Streams) -> None:
    assert run(["-C", str(flights), "-q", "graph"]) == 0
    assert "Model/late-arrival" in capsys.readouterr().out


def test_a_folder_without_a_project_is_a_finding(tmp_path: Path, capsys: Streams) -> None:
    assert run(["validate", "-C", str(tmp_path)]) == 1
    streams = capsys.readouterr()
    assert "error[MLC201]" in streams.err
    assert streams.out == ""


def test_findings_as_json_meet_their_published_schema(flights: Path, capsys: Streams) -> None:
    model = flights / "specs" / "model.yaml"
    model.write_text(model.read_text().replace("max_false_positive_rate", "max_false_positive_rat"))
    assert run(["validate", "-C", str(flights), "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    jsonschema.validate(found, json.loads((SCHEMAS / "output" / "findings.schema.json").read_text()))
    assert found["findings"][0]["code"] == "MLC101"


def test_actions_get_annotations_and_a_summary(
    flights: Path, tmp_path: Path, capsys: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = flights / "specs" / "model.yaml"
    model.write_text(model.read_text().replace("seed: 7", "sed: 7"))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    assert run(["plan", "-C", str(flights)]) == 1
    assert "::error file=specs/model.yaml" in capsys.readouterr().err
    assert "| `MLC101` |" in (tmp_path / "summary.md").read_text()


def test_plan_previews_what_a_pin_would_bring(unpinned: Path, capsys: Streams) -> None:
    assert run(["plan", "-C", str(unpinned), "--preview", "-e", "staging", "--format", "json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert {g["environment"] for g in plan["groups"]} == {"staging"}
    assert plan["summary"]["created"] > 10


def test_plan_as_markdown_is_one_comment_that_can_be_found_again(unpinned: Path, capsys: Streams) -> None:
    assert run(["plan", "-C", str(unpinned), "--preview", "--format", "markdown"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("<!-- mlc-plan -->")
    assert len(text) < 65_536


def test_a_model_without_a_pin_renders_no_workload_and_plan_says_how_to_get_one(
    unpinned: Path, capsys: Streams
) -> None:
    assert run(["build", "-C", str(unpinned)]) == 0
    assert not (unpinned / "deploy" / "staging" / "late-arrival").exists()
    assert run(["plan", "-C", str(unpinned)]) == 0
    assert "mlc release MODEL -e staging" in capsys.readouterr().err


def test_an_unknown_environment_is_usage_and_suggests_the_nearest(flights: Path, capsys: Streams) -> None:
    assert run(["plan", "-C", str(flights), "-e", "stagin"]) == 2
    assert "did you mean `staging`?" in capsys.readouterr().err


def test_an_unknown_model_is_usage_and_suggests_the_nearest(flights: Path, capsys: Streams) -> None:
    assert run(["show", "late-arival", "-C", str(flights)]) == 2
    assert "did you mean `late-arrival`?" in capsys.readouterr().err


def test_overrides_show_in_their_environment_alone(flights: Path, capsys: Streams) -> None:
    replicas = {}
    for environment in ("staging", "prod"):
        assert run(["show", "late-arrival", "-C", str(flights), "-e", environment, "--format", "json"]) == 0
        serving = json.loads(capsys.readouterr().out)["serving"]
        replicas[environment] = (serving["min_replicas"], serving["max_replicas"])
    assert replicas == {"staging": (2, 3), "prod": (4, 10)}


def test_show_prints_the_compiled_query_of_a_feature(flights: Path, capsys: Streams) -> None:
    assert run(["show", "late-arrival", "-C", str(flights), "--sql", "dep_hour", "--rows", "0"]) == 0
    assert "AT TIME ZONE 'America/New_York'" in capsys.readouterr().out


@pytest.mark.parametrize(
    "subject", ["MLC302", "mlc101", "model", "model.serving.replicas", "gate.checks", "feature_view", "kubernetes"]
)
def test_explain_knows_codes_kinds_and_fields(subject: str, capsys: Streams) -> None:
    assert run(["explain", subject]) == 0
    assert len(capsys.readouterr().out) > 40


def test_explain_suggests_the_nearest_field(capsys: Streams) -> None:
    assert run(["explain", "model.serving.replcas"]) == 2
    assert "did you mean `model.serving.replicas`?" in capsys.readouterr().err


@pytest.mark.parametrize("style", ["text", "mermaid", "dot"])
def test_the_graph_names_every_document(flights: Path, style: str, capsys: Streams) -> None:
    assert run(["graph", "-C", str(flights), "--format", style]) == 0
    text = capsys.readouterr().out
    assert all(n in text for n in ("Dataset/weather", "FeatureView/departures", "Gate/release", "Environment/prod"))


@pytest.mark.parametrize("style", ["text", "mermaid", "dot"])
def test_the_graph_of_a_rollout_draws_the_ways_back(flights: Path, style: str, capsys: Streams) -> None:
    assert run(["graph", "rollout", "late-arrival", "-C", str(flights), "--format", style]) == 0
    text = capsys.readouterr().out
    assert all(state in text for state in ("step 1 at 5 %, without data", "promoted", "aborted", "rolled back"))
    assert ("200 requests/s x 5 % x 1m = 600 requests a measurement" in text) == (style == "text")


def test_the_graph_of_a_rollout_that_there_is_not(flights: Path, capsys: Streams) -> None:
    assert run(["graph", "rollout", "late-arival", "-C", str(flights)]) == 2
    assert "`late-arival` has no rollout; did you mean late-arrival?" in capsys.readouterr().err


def test_fmt_changes_layout_only_and_is_done_once(flights: Path, capsys: Streams) -> None:
    path = flights / "specs" / "environments.yaml"
    before = path.read_text()
    path.write_text(before.replace("  tracks: main\n", "  tracks: main   \n\n\n\n"))
    assert run(["fmt", "-C", str(flights), "--check"]) == 3
    assert run(["fmt", "-C", str(flights)]) == 0
    assert run(["fmt", "-C", str(flights), "--check"]) == 0
    assert "formatted specs/environments.yaml" in capsys.readouterr().out


def test_init_starts_a_project_that_is_valid(tmp_path: Path, capsys: Streams) -> None:
    assert run(["init", "my project", "-C", str(tmp_path)]) == 0
    assert (tmp_path / "mlc.yaml").read_text().startswith("# yaml-language-server: $schema=")
    assert run(["validate", "-C", str(tmp_path)]) == 0
    assert run(["init", "-C", str(tmp_path)]) == 1
    assert "already" in capsys.readouterr().err


def test_init_drafts_specs_from_a_table(tmp_path: Path, capsys: Streams) -> None:
    (tmp_path / "data").mkdir()
    shutil.copy(EXAMPLES / "minimal" / "data" / "days.csv", tmp_path / "data")
    table = str(tmp_path / "data" / "days.csv")
    assert run(["init", "airports", "-C", str(tmp_path), "--from", table, "--label", "late_share"]) == 0
    text = (tmp_path / "specs" / "days.yaml").read_text()
    assert "task: regression" in text
    assert run(["validate", "-C", str(tmp_path)]) in (0, 1)
    assert "MLC1" not in capsys.readouterr().err, "a draft may need review, but never has the wrong shape"


def test_init_suggests_the_nearest_column(tmp_path: Path, capsys: Streams) -> None:
    shutil.copy(EXAMPLES / "minimal" / "data" / "days.csv", tmp_path)
    assert run(["init", "-C", str(tmp_path), "--from", str(tmp_path / "days.csv"), "--label", "late_shar"]) == 1
    assert "did you mean `late_share`?" in capsys.readouterr().err
    assert not (tmp_path / "mlc.yaml").exists()


def test_an_internal_error_ends_in_a_report_and_exit_code_70(
    flights: Path, capsys: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr("mlc_compiler.cli.graph_command._edges", broken)
    assert run(["graph", "-C", str(flights)]) == 70
    said = capsys.readouterr().err
    assert "planted" in said
    assert "Traceback" not in said
    report = Path(said.rsplit(" ", 1)[1].strip())
    assert "Traceback" in report.read_text()
    report.unlink()


def test_an_interrupt_exits_with_130(flights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mlc_compiler.cli.graph_command._edges", interrupted)
    assert run(["graph", "-C", str(flights)]) == 130


def test_output_that_nobody_reads_is_no_error(flights: Path) -> None:
    command = f"{sys.executable} -m mlc_compiler explain | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
