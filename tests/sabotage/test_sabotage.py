"""Careless changes to our own source: each must turn a test red, since what no test notices will be done one day.

A patch says above its diff what it spoils, and after `Red:` which tests notice; it is applied to a copy of the source.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SOURCES = ("compiler", "targets", "schemas", "tests")
LEFT_OUT = shutil.ignore_patterns("consumers", "e2e", "mutants", "properties", "sabotage", "MLC*-*", ".hypothesis")
PATCHES = sorted(HERE.glob("*.patch"))
RED = "Red: "
# How pytest tells an assertion from other exceptions: an import, a name or a fixture that broke proves nothing.
ASSERTED = ("assert ", "AssertionError", "Failed: ")

Failures = dict[str, list[str]]
"""Of each test that ran, the messages of its cases that failed."""


def named(patch: Path) -> tuple[str, ...]:
    """The tests that must fail, as pytest knows them."""
    return tuple(line[len(RED) :] for line in patch.read_text("utf-8").splitlines() if line.startswith(RED))


def apply(patch: Path, folder: Path, *options: str) -> None:
    """Apply a patch wherever its lines are now."""
    done = subprocess.run(
        ["git", "apply", "--recount", "--whitespace=nowarn", *options, str(patch)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.fail(
            f"tests/sabotage/{patch.name} no longer applies: the lines that it spoils have changed.\n{done.stderr}"
            "Spoil the same behaviour in the code as it is now, put `git diff -U2 FILE` below the patch's words, undo "
            "the edit, and run pytest tests/sabotage. Where the behaviour is gone for good, remove the patch."
        )


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Path]:
    """The source and its fast tests, with compiled modules, which are valid as long as a file is not changed."""
    for name in SOURCES:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=LEFT_OUT, symlinks=True)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    yield tmp_path
    shutil.rmtree(tmp_path)


def failures(folder: Path, *tests: str) -> Failures:
    """Run tests of a copy in a process of their own."""
    report = folder / "report.xml"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    environment["PYTHONPATH"] = os.pathsep.join(str(folder / name) for name in SOURCES)
    plain = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", f"--junitxml={report}"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *plain, *tests], cwd=folder, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), f"the tests could not be run:\n{done.stdout[-3000:]}{done.stderr[-1000:]}"
    found: Failures = {test: [] for test in tests}
    for case in ET.parse(report).getroot().iter("testcase"):
        path, name = case.get("classname", "").replace(".", "/"), case.get("name", "")
        test = next(t for t in tests if t in (f"{path}.py::{name}", f"{path}.py::{name.partition('[')[0]}"))
        found[test] += [f"error: {e.get('message')}" for e in case.iter("error")]
        found[test] += [e.get("message", "") for e in case.iter("failure")]
    return found


def test_there_are_a_dozen_patches_and_each_applies_and_names_tests() -> None:
    assert len(PATCHES) >= 12
    for patch in PATCHES:
        assert named(patch), f"{patch.name} names no test: write `{RED}tests/...::test_...` above its diff"
        apply(patch, ROOT, "--check")


@pytest.mark.slow
def test_the_source_as_it_is_passes_all_tests_that_are_named(copy: Path) -> None:
    tests = dict.fromkeys(test for patch in PATCHES for test in named(patch))
    assert failures(copy, *tests) == {test: [] for test in tests}


@pytest.mark.slow
@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.stem)
def test_a_careless_change_turns_its_tests_red(patch: Path, copy: Path) -> None:
    apply(patch, copy)
    for test, messages in failures(copy, *named(patch)).items():
        assert messages, f"{patch.name} is applied, and {test} passes"
        assert all(m.startswith(ASSERTED) for m in messages), f"{test} fails for another reason: {messages}"
