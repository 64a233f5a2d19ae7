"""The whole path of a new user on a small project, through the command line, as one would type it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from processes import free_port, wait_for

ROOT = Path(__file__).parents[2]


class Project:
    """A copy of an example, and `mlc` on it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def mlc(self, *arguments: str, code: int = 0) -> str:
        command = [sys.executable, "-m", "mlc_compiler", "-C", str(self.root), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == code, f"{arguments}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("story") / "minimal"
    ignored = shutil.ignore_patterns(".mlc", "deploy", "environments", "mlc.lock")
    shutil.copytree(ROOT / "examples" / "minimal", root, ignore=ignored)
    return Project(root)


@pytest.fixture(scope="module")
def realised(project: Project) -> Project:
    project.mlc("lock")
    project.mlc("run")
    return project


@pytest.fixture(scope="module")
def built(realised: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    other = Project(Path(shutil.copytree(realised.root, tmp_path_factory.mktemp("built") / "minimal")))
    other.mlc("release", "bad-day", "-e", "prod")
    other.mlc("build")
    return other


def test_a_build_without_a_lock_says_to_lock(tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns(".mlc", "deploy", "environments", "mlc.lock")
    shutil.copytree(ROOT / "examples" / "minimal", tmp_path / "p", ignore=ignored)
    said = Project(tmp_path / "p").mlc("build", code=1)
    assert "MLC901" in said
    assert "run `mlc lock`" in said
    assert not (tmp_path / "p" / "deploy").exists()


def test_a_release_before_a_run_is_refused(realised: Project, tmp_path: Path) -> None:
    shutil.copytree(realised.root, tmp_path / "p", ignore=shutil.ignore_patterns(".mlc"))
    assert "was not run here" in Project(tmp_path / "p").mlc("release", "bad-day", "-e", "prod", code=1)


def test_a_second_run_does_nothing_and_says_why(realised: Project) -> None:
    said = realised.mlc("run")
    steps = [line for line in said.splitlines() if line.startswith("  ") and "unchanged" in line]
    assert len(steps) >= 8
    assert not [line for line in said.splitlines() if line.rstrip().endswith(" s")]


def test_what_passed_is_pinned_built_and_then_nothing_is_left_to_do(realised: Project) -> None:
    said = realised.mlc("release", "bad-day", "-e", "prod")
    assert "is pinned in prod" in said
    assert "+ deployment.yaml" in realised.mlc("plan")
    realised.mlc("plan", "--detailed-exitcode", code=2)
    realised.mlc("build", "--check", code=3)
    realised.mlc("build")
    assert "no changes" in realised.mlc("plan", "--detailed-exitcode")
    assert "everything is as built" in realised.mlc("build", "--check")
    deployment = (realised.root / "deploy/prod/bad-day/deployment.yaml").read_text()
    version = json.loads((realised.root / ".mlc/runs/bad-day/evidence.json").read_text())["version"]
    assert version[7:19] in deployment


def test_a_line_of_a_manifest_leads_back_to_its_spec_field(built: Project) -> None:
    lines = (built.root / "deploy/prod/bad-day/deployment.yaml").read_text().splitlines()
    number = next(n for n, line in enumerate(lines, 1) if "cpu:" in line)
    said = built.mlc("why", f"deploy/prod/bad-day/deployment.yaml:{number}")
    assert "target: kubernetes" in said
    assert "Model/bad-day" in said
    assert "spec:   mlc.yaml:" in said


def test_a_file_edited_by_hand_is_not_overwritten(built: Project) -> None:
    path = built.root / "deploy/prod/bad-day/service.yaml"
    before = path.read_text()
    path.write_text(before + "# mine\n")
    try:
        assert "MLC950" in built.mlc("build", code=1)
        assert path.read_text().endswith("# mine\n")
    finally:
        path.write_text(before)


def test_a_run_elsewhere_makes_the_same_package_and_evidence(realised: Project, tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns(".mlc", "deploy", "environments")
    shutil.copytree(realised.root, tmp_path / "elsewhere", ignore=ignored)
    other = Project(tmp_path / "elsewhere")
    other.mlc("run", "-j", "1")
    evidence = ".mlc/runs/bad-day/evidence.json"
    assert (other.root / evidence).read_bytes() == (realised.root / evidence).read_bytes()


def test_changing_serving_does_not_move_the_version_and_changing_features_does(
    realised: Project, tmp_path: Path
) -> None:
    def version(old: str, new: str) -> str:
        root = tmp_path / str(abs(hash((old, new))))
        shutil.copytree(realised.root, root, ignore=shutil.ignore_patterns(".mlc", "deploy"))
        text = (root / "mlc.yaml").read_text()
        assert old in text
        (root / "mlc.yaml").write_text(text.replace(old, new))
        # What follows on standard error: the statistics of the lock are of the former rows.
        shown, _ = json.JSONDecoder().raw_decode(Project(root).mlc("show", "bad-day", "--format", "json", "-q"))
        return str(shown["version"])

    same = version("max: 2}", "max: 3}")
    assert same == version("min: 0.5}", "min: 0.51}")
    assert same != version("window: 14d", "window: 15d")
    assert same != version("> 0.25", "> 0.26")


@pytest.fixture
def server(realised: Project) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "mlc_compiler", "-C", str(realised.root), "serve", "bad-day", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/readyz")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def test_the_server_answers_a_prediction(server: str) -> None:
    body = json.dumps({"day": "2013-12-31T00:00:00Z", "origin": "JFK", "flights": 300}).encode()
    request = urllib.request.Request(f"{server}/predict", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as response:
        answer = json.load(response)
    assert 0.0 <= answer["predictions"][0]["probability"] <= 1.0
