"""`mlc promote --verify` lets pass what the commands write, and nothing else; `mlc verify` finds every changed byte."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from promotions import PROMOTION, Clone

STAGING, PROD = "environments/staging/late.yaml", "environments/prod/late.yaml"
OTHER = "e" * 64


def verify(clone: Clone, base: str = "main") -> int:
    return clone.mlc("promote", "--verify", "--base", base)


@pytest.fixture
def proposed(released: Clone) -> Clone:
    """A repository on a branch with a promotion as mlc wrote it."""
    assert released.promote() == 0
    released.git("switch", "--quiet", PROMOTION)
    return released


def edit(path: str, old: str, new: str) -> Callable[[Clone], None]:
    return lambda clone: clone.change(path, old, new)


def digest_of(clone: Clone, path: str, field: str) -> str:
    return (clone.root / path).read_text().partition(f"{field}: sha256:")[2][:64]


def another_version(clone: Clone) -> None:
    clone.change(PROD, digest_of(clone, PROD, "version"), OTHER)


def another_artifact(clone: Clone) -> None:
    clone.change(PROD, digest_of(clone, PROD, "artifact"), OTHER)


def another_evidence(clone: Clone) -> None:
    clone.change(PROD, digest_of(clone, PROD, "evidence"), OTHER)


def by_hand(clone: Clone) -> None:
    clone.change(PROD, "artifact:", "# checked\nartifact:")


def another_environment(clone: Clone) -> None:
    clone.write({"environments/qa/late.yaml": (clone.root / PROD).read_text()})


def another_model(clone: Clone) -> None:
    clone.write({"environments/prod/other.yaml": (clone.root / PROD).read_text()})


def removed(clone: Clone) -> None:
    (clone.root / STAGING).unlink()


def edited_evidence(clone: Clone) -> None:
    path = next((clone.root / "environments/evidence/late").glob("*.json"))
    path.write_text(path.read_text().replace("0.75", "0.99"))


def lowered_measure(clone: Clone) -> None:
    clone.change("specs/environments.yaml", "namespace: ml-prod", "namespace: ml-prod, requires: {soak: 0s}")


def test_what_promote_writes_is_let_pass(proposed: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(proposed) == 0, capsys.readouterr().err
    assert "1 changed pins" in capsys.readouterr().out


def test_what_release_writes_is_let_pass(released: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(released, "main~1") == 0, capsys.readouterr().err


def test_a_change_without_pins_is_let_pass(released: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    released.change("specs/model.yaml", "late}", "late, description: new}")
    released.commit("Describe")
    assert verify(released, "main~1") == 0
    assert "0 changed pins" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (another_artifact, "MLC944"),
        (another_evidence, "MLC940"),
        (by_hand, "MLC944"),
        (another_environment, "MLC944"),
        (another_model, "MLC944"),
        (removed, "MLC944"),
        (edited_evidence, "MLC940"),
        (lowered_measure, "MLC946"),
        (edit(PROD, "image: ", "image: evil/"), "MLC944"),
        (another_version, "MLC904"),
    ],
)
def test_what_no_command_writes_is_refused(
    proposed: Clone, change: Callable[[Clone], None], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    change(proposed)
    proposed.commit("By hand")
    assert verify(proposed) == 1
    assert code in capsys.readouterr().err


def test_evidence_that_is_edited_without_a_pin_is_refused(released: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    edited_evidence(released)
    released.commit("Better numbers")
    assert verify(released, "main~1") == 1
    assert "MLC940" in capsys.readouterr().err


def test_a_promotion_may_not_come_before_its_soak(released: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    released.promote()
    released.change("specs/environments.yaml", "namespace: ml-prod", "namespace: ml-prod, requires: {soak: 24h}")
    released.commit("Soak from now on")
    released.git("switch", "--quiet", PROMOTION)
    released.git("merge", "--quiet", "-m", "Update", "main")
    assert verify(released) == 1
    assert "MLC943" in capsys.readouterr().err


def test_a_pin_of_a_version_that_never_was_is_refused(proposed: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    proposed.change(PROD, digest_of(proposed, PROD, "snapshot"), OTHER)
    proposed.commit("A snapshot that never existed")
    assert verify(proposed) == 1
    assert "MLC905" in capsys.readouterr().err


@pytest.mark.parametrize("base", ["origin/mian", "0123456789"])
def test_a_base_that_does_not_exist_is_told(released: Clone, base: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(released, base) == 1
    assert "MLC939" in capsys.readouterr().err


def test_a_default_branch_that_does_not_exist_is_told_where_it_is_named(
    released: Clone, capsys: pytest.CaptureFixture[str]
) -> None:
    released.change("mlc.yaml", "spec: {", "spec: {ci: {default_branch: trunk}, ")
    released.commit("Name another branch")
    capsys.readouterr()
    assert released.mlc("promote", "--verify") == 1
    said = capsys.readouterr().err
    assert "error[MLC939]: git knows no revision `trunk`" in said
    assert "default_branch: trunk" in said
    assert "--> mlc.yaml:4:" in said


@pytest.mark.parametrize("shallow", [False, True])
def test_a_base_beyond_the_first_commit_is_told_with_what_to_do(
    released: Clone, tmp_path: Path, shallow: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    clone = Clone(tmp_path / "shallow") if shallow else released
    if shallow:
        released.git("clone", "--quiet", "--depth=1", f"file://{released.root}", str(clone.root))
    assert verify(clone, "HEAD~9") == 1
    assert ("git fetch --unshallow" if shallow else "history does not reach that far") in capsys.readouterr().err


def test_a_base_that_shares_no_history_here_is_told(
    proposed: Clone, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shallow = Clone(tmp_path / "shallow")
    proposed.git("clone", "--quiet", "--depth=1", "--no-single-branch", f"file://{proposed.root}", str(shallow.root))
    assert verify(shallow, "origin/main") == 1
    assert "MLC938" in capsys.readouterr().err


def test_without_git_nothing_is_verified(released: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(released.root / ".git")
    assert verify(released) == 1
    assert "MLC935" in capsys.readouterr().err


def test_files_that_are_not_committed_are_not_verified(proposed: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    proposed.change("specs/model.yaml", "late}", "late, description: new}")
    assert verify(proposed) == 1
    assert "MLC936" in capsys.readouterr().err


# --- mlc verify ------------------------------------------------------------------------------------------------------
def test_whole_pins_verify(proposed: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    assert proposed.mlc("verify") == 0
    assert "2 pins and what they name are whole" in capsys.readouterr().out


def test_a_changed_byte_of_evidence_is_named(released: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    edited_evidence(released)
    assert released.mlc("verify") == 1
    said = capsys.readouterr().err
    assert "MLC940" in said
    assert "environments/evidence/late/" in said
