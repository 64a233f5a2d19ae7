"""Fleets of tests and benchmarks stand for projects in order: what they are told would be a mistake of their own."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

import fleet
from mlc_compiler.cli.console import Console
from mlc_compiler.cli.project import open_project
from mlc_compiler.diagnostics import Severity

BENCH = Path(__file__).parents[2] / "bench" / "r1000.py"


def test_fleet_has_no_errors_or_warnings(tmp_path: Path) -> None:
    assert told(fleet.a_fleet(tmp_path / "project", models=6)) == []


@pytest.mark.parametrize("targets", ["SERVING", "ALL"])
def test_benchmark_has_no_errors_or_warnings(tmp_path: Path, targets: str) -> None:
    spec = importlib.util.spec_from_file_location("r1000", BENCH)
    assert spec is not None
    assert spec.loader is not None
    r1000 = sys.modules["r1000"] = importlib.util.module_from_spec(spec)  # its dataclasses look for it there
    spec.loader.exec_module(r1000)
    r1000.make_repository(tmp_path, 3, getattr(r1000, targets))
    assert told(tmp_path) == []


def told(root: Path) -> list[tuple[str, str]]:
    opened = open_project(root, Console("text", False, True, False, False))
    assert opened is not None
    return [(f.code, f.message) for f in opened.findings if f.severity is not Severity.INFO]
