"""A command that has nothing to do says what it said, and runs again as soon as anything it rests on has changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import fleet
from mlc_compiler.cli import unchanged
from mlc_compiler.cli.main import run

MEMORY = ".mlc/cache/unchanged"
Said = tuple[int, str, str]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = fleet.a_fleet(tmp_path_factory.mktemp("fleet") / "project", models=4)
    assert run(["-C", str(root), "build", "-q"]) == 0
    return root


@pytest.fixture
def project(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built project whose files are all older than the next run."""
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    root = tmp_path / "project"
    subprocess.run(["cp", "-r", str(built), str(root)], check=True)
    settle()
    return root


def settle() -> None:
    time.sleep(unchanged.TICK / 1e9 + 0.015)


@pytest.fixture
def mlc(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    def call(*arguments: str) -> Said:
        capsys.readouterr()
        code = run(list(arguments))
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


@pytest.fixture
def answer(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said | None]:
    def call(*arguments: str) -> Said | None:
        capsys.readouterr()
        code = unchanged.answer(list(arguments))
        said = capsys.readouterr()
        return None if code is None else (code, said.out, said.err)

    return call


@pytest.mark.parametrize(
    "command",
    [
        ["validate"],
        ["validate", "--strict"],
        ["validate", "--format", "json"],
        ["plan"],
        ["plan", "--format", "json"],
        ["plan", "-e", "staging", "--detailed-exitcode"],
        ["build"],
        ["build", "--check"],
        ["build", "-q"],
    ],
    ids=" ".join,
)
def test_an_unchanged_run_says_the_same(
    project: Path, mlc: Callable[..., Said], answer: Callable[..., Said | None], command: list[str]
) -> None:
    arguments = ["-C", str(project), *command]
    assert answer(*arguments) is None
    said = mlc(*arguments)
    settle()
    assert answer(*arguments) == mlc(*arguments) == said


def test_a_build_that_wrote_says_afterwards_that_nothing_changed(
    project: Path, mlc: Callable[..., Said], answer: Callable[..., Said | None]
) -> None:
    (project / "deploy/staging/score-0/kustomization.yaml").unlink()
    assert "1 created" in mlc("-C", str(project), "build")[1]
    settle()
    said = answer("-C", str(project), "build")
    assert said is not None
    assert "nothing changed" in said[1]
    assert said == mlc("-C", str(project), "build")


def in_a_new_folder(root: Path) -> None:
    (root / "specs/sub").mkdir()
    (root / "specs/sub/x.yml").write_text("# nothing\n")


def snapshot_touched(root: Path) -> None:
    for path in (root / "environments/snapshots/score-0").iterdir():
        os.utime(path)


def changes() -> list[tuple[str, Callable[[Path], object]]]:
    def touched(path: str) -> Callable[[Path], object]:
        return lambda root: os.utime(root / path)

    def added(path: str) -> Callable[[Path], object]:
        return lambda root: (root / path).write_text("# nothing\n")

    def removed(path: str) -> Callable[[Path], object]:
        return lambda root: (root / path).unlink()

    def same_size(root: Path) -> None:
        path = root / "specs/score-0.yaml"
        status = path.stat()
        path.write_text(path.read_text().replace("max: 10", "max: 11"))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    return [
        ("mlc.yaml", touched("mlc.yaml")),
        ("a spec", touched("specs/score-0.yaml")),
        ("a spec, with its old size and time", same_size),
        ("a new spec", added("specs/more.yaml")),
        ("a new spec in a new folder", in_a_new_folder),
        ("a removed spec", removed("specs/score-1.yaml")),
        ("the lock", touched("mlc.lock")),
        ("a pin", touched("environments/staging/score-0.yaml")),
        ("a new pin", added("environments/staging/score-1.yaml")),
        ("a snapshot", snapshot_touched),
    ]


@pytest.mark.parametrize("change", [c for _, c in changes()], ids=[name for name, _ in changes()])
def test_a_changed_input_is_looked_at(
    project: Path, mlc: Callable[..., Said], answer: Callable[..., Said | None], change: Callable[[Path], object]
) -> None:
    for command in ("validate", "plan", "build"):
        mlc("-C", str(project), command)
        assert answer("-C", str(project), command) is not None
    change(project)
    for command in ("validate", "plan", "build"):
        assert answer("-C", str(project), command) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "deploy/staging/score-0/rollout.yaml").write_text("kind: Mine\n"),
        lambda root: (root / "deploy/staging/score-0/rollout.yaml").unlink(),
        lambda root: (root / "deploy/staging/score-0/.mlc-manifest").unlink(),
        lambda root: (root / "deploy/mine").mkdir(),
        lambda root: (root / ".mlc/build.journal").write_text("{}"),
    ],
    ids=["edited", "removed", "manifest", "folder", "broken off"],
)
def test_a_changed_output_is_looked_at_by_what_it_concerns(
    project: Path, mlc: Callable[..., Said], answer: Callable[..., Said | None], change: Callable[[Path], object]
) -> None:
    for command in ("validate", "plan", "build"):
        mlc("-C", str(project), command)
    change(project)
    assert answer("-C", str(project), "plan") is None
    assert answer("-C", str(project), "build") is None
    assert answer("-C", str(project), "validate") is not None


def test_other_flags_are_another_question(
    project: Path, mlc: Callable[..., Said], answer: Callable[..., Said | None]
) -> None:
    mlc("-C", str(project), "plan")
    assert answer("-C", str(project), "plan", "--detail") is None
    assert answer("-C", str(project), "plan", "--color", "always") is None
    assert answer("plan") is None


def test_a_workflow_always_runs(
    project: Path, mlc: Callable[..., Said], answer: Callable[..., Said | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    mlc("-C", str(project), "validate")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert answer("-C", str(project), "validate") is None


def test_a_plan_of_changes_is_made_again(
    project: Path, mlc: Callable[..., Said], answer: Callable[..., Said | None]
) -> None:
    (project / "deploy/staging/score-0/kustomization.yaml").unlink()
    mlc("-C", str(project), "plan")
    assert answer("-C", str(project), "plan") is None


def test_errors_are_found_again(project: Path, mlc: Callable[..., Said], answer: Callable[..., Said | None]) -> None:
    (project / "specs/score-0.yaml").write_text("kind: Modell\n")
    settle()
    assert mlc("-C", str(project), "validate")[0] == 1
    assert answer("-C", str(project), "validate") is None


def test_an_input_that_changed_during_the_run_is_not_trusted(
    project: Path, mlc: Callable[..., Said], answer: Callable[..., Said | None]
) -> None:
    os.utime(project / "specs/score-0.yaml", ns=(time.time_ns() + 10**9,) * 2)
    mlc("-C", str(project), "validate")
    assert answer("-C", str(project), "validate") is None


def test_a_waiver_is_looked_at_every_day(
    project: Path, mlc: Callable[..., Said], answer: Callable[..., Said | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = project / "specs/score-0.yaml"
    waiver = "x-allow: {MLC801: {until: 2999-01-01, reason: later}}"
    path.write_text(path.read_text().replace("kind: Model\n", f"kind: Model\n{waiver}\n"))
    settle()
    mlc("-C", str(project), "validate")
    assert answer("-C", str(project), "validate") is not None
    monkeypatch.setattr(unchanged, "_today", lambda: "2999-01-02")
    assert answer("-C", str(project), "validate") is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: "{",
        lambda text: "[]\n",
        lambda text: text[: len(text) // 2],
        lambda text: text.replace(f'"by": {json.dumps(unchanged._MADE_BY)}', '"by": "another"'),
        lambda text: text.replace('"answers": {', '"answers": {"x": 1, '),
        lambda text: '{"by": ' + "[" * 100_000,
    ],
)
def test_a_damaged_memory_is_no_memory(
    project: Path,
    mlc: Callable[..., Said],
    answer: Callable[..., Said | None],
    spoil: Callable[[str], str],
) -> None:
    said = mlc("-C", str(project), "validate")
    memory = project / MEMORY
    memory.write_text(spoil(memory.read_text()))
    assert answer("-C", str(project), "validate") is None
    assert mlc("-C", str(project), "validate") == said
    assert answer("-C", str(project), "validate") == said


def test_a_folder_without_a_project_is_not_answered_for(tmp_path: Path, answer: Callable[..., Said | None]) -> None:
    assert answer("-C", str(tmp_path), "validate") is None
    assert answer("-C", str(tmp_path / "missing"), "validate") is None


def imported(arguments: list[str]) -> set[str]:
    """Return the modules that a command line imports, in a process of its own."""
    script = (
        "import sys\n"
        "before = set(sys.modules)\n"
        "from mlc_compiler.__main__ import main\n"
        f"sys.argv = ['mlc', *{arguments!r}]\n"
        "code = main()\n"
        "print('\\n' + ' '.join({m.partition('.')[0] for m in set(sys.modules) - before}))\n"
        "sys.exit(code)\n"
    )
    environment = {**os.environ, "GITHUB_ACTIONS": ""}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True, env=environment
    )
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("command", [["--version"], ["validate"], ["plan"], ["build"]], ids=" ".join)
def test_an_answer_imports_nothing_from_elsewhere(project: Path, mlc: Callable[..., Said], command: list[str]) -> None:
    arguments = command if command == ["--version"] else ["-C", str(project), *command]
    mlc(*arguments)
    settle()
    imported(arguments)  # another process has its own idea of where mlc's code is installed
    settle()
    assert imported(arguments) <= sys.stdlib_module_names | {"mlc_compiler"}


@pytest.mark.parametrize("command", ["validate", "plan", "build"])
def test_compiling_imports_no_heavy_library(project: Path, command: str) -> None:
    heavy = {"sklearn", "duckdb", "pandas", "docker", "jsonschema", "networkx", "numpy", "pyarrow", "sqlglot", "cel"}
    assert imported(["-C", str(project), command, "-q"]) & heavy <= {"cel"}  # the fleet has a policy
