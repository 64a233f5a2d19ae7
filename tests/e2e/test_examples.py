"""The examples are what mlc writes today: validated without a finding, rebuilt to the same bytes anywhere."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted(p.parent for p in (Path(__file__).parents[2] / "examples").glob("*/mlc.yaml"))
IGNORED = shutil.ignore_patterns(".mlc", "data")
assert len(EXAMPLES) >= 3


def mlc(root: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mlc_compiler", "-C", str(root), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, env={**os.environ, **environment}
    )


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda p: p.name)
def test_an_example_has_no_finding(example: Path) -> None:
    done = mlc(example, "validate", "--strict")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda p: p.name)
def test_an_example_is_as_built(example: Path, tmp_path: Path) -> None:
    shutil.copytree(example, tmp_path / "copy", ignore=IGNORED)
    done = mlc(tmp_path / "copy", "build", "--check")
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\nrebuild it: mlc -C examples/{example.name} build"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda p: p.name)
def test_a_build_gives_the_same_bytes_anywhere(example: Path, tmp_path: Path) -> None:
    trees = []
    for index, environment in enumerate(
        (
            {"PYTHONHASHSEED": "1", "TZ": "UTC"},
            {"PYTHONHASHSEED": "2", "TZ": "Asia/Kolkata", "LC_ALL": "C", "LANG": "C"},
        )
    ):
        root = tmp_path / f"folder {index}" / "project"
        shutil.copytree(example, root, ignore=shutil.ignore_patterns(".mlc", "data", "deploy", "docs", ".github"))
        done = mlc(root, "build", **environment)
        assert done.returncode == 0, done.stderr
        trees.append(_digests(root))
    assert trees[0] == trees[1]


def _digests(root: Path) -> dict[str, str]:
    files = (p for p in sorted(root.rglob("*")) if p.is_file() and ".mlc" not in p.relative_to(root).parts)
    return {p.relative_to(root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
