"""The story that `make story` tells of examples/flights, told of the smallest example: it ends well only as told."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from promotions import MINIMAL, minimal_specs

ROOT = Path(__file__).parents[2]
REQUIRES = ", requires: {soak: 24h, approvals: [{team: airport-ops}]}"
REFUSED = "s/roc_auc, min: 0.5}/roc_auc, min: 0.6}/"
PASSES = "s/max: 2}/max: 3}/"


@pytest.mark.slow
def test_the_story_goes_as_it_is_told(tmp_path: Path) -> None:
    shutil.copytree(MINIMAL / "data", tmp_path / "data")
    (tmp_path / "mlc.yaml").write_text(minimal_specs(REQUIRES).replace("docker: {}, ", ""), "utf-8")
    command: list[str | Path] = [ROOT / "tools" / "story.sh", tmp_path, "bad-day", REFUSED, PASSES]
    told = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "MLC943" in told.stdout  # staging has not been seen to work
    assert "not passed: bad-day" in told.stdout
    assert "MLC914" in told.stdout  # what a gate stopped is not released
    assert told.stdout.count("each is what a command writes") == 3
    last = told.stdout.rpartition("mlc audit")[2]
    assert [word for word in last.split() if word in ("promote", "rollback")] == ["rollback", "promote", "promote"]
    assert not told.stderr
