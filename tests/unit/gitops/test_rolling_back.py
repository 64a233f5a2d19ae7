"""Rollback: the version before, from history and snapshots, whatever the specs say now."""

from __future__ import annotations

import pytest

from promotions import PROMOTION, ROLLBACK, Clone

PIN = "environments/prod/late.yaml"


def promoted(clone: Clone, seed: int) -> str:
    """Release and promote a version of its own; return its pin."""
    text = (clone.root / "specs/model.yaml").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("  seed:")]
    lines.insert(lines.index("spec:") + 1, f"  seed: {seed}")
    clone.write({"specs/model.yaml": "\n".join(lines) + "\n"})
    clone.release()
    assert clone.promote() == 0
    clone.merge(PROMOTION)
    return (clone.root / PIN).read_text()


def version(pin: str) -> str:
    return pin.partition("version: sha256:")[2][:12]


@pytest.fixture
def twice(released: Clone) -> tuple[Clone, str, str]:
    """A repository whose prod has run two versions, and their pins."""
    return released, promoted(released, 1), promoted(released, 2)


def back(clone: Clone, *flags: str) -> int:
    return clone.mlc("rollback", "late", "-e", "prod", *flags)


def test_the_version_before_is_proposed_with_its_manifests(
    twice: tuple[Clone, str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    clone, first, _ = twice
    assert back(clone, "--reason", "it burns") == 0
    assert len(clone.commits(ROLLBACK)) == 1
    assert "it burns" in clone.git("log", "-1", "--format=%B", ROLLBACK)
    clone.merge(ROLLBACK)
    assert (clone.root / PIN).read_text() == first
    assert version(first) in (clone.root / "deploy/prod/late/deployment.yaml").read_text()
    assert clone.mlc("build", "--check") == 0
    assert clone.mlc("promote", "--verify", "--base", "main~1") == 0, capsys.readouterr().err


def test_a_rollback_asked_for_twice_is_one_commit(twice: tuple[Clone, str, str]) -> None:
    clone, _, _ = twice
    assert back(clone) == 0
    commits = clone.commits(ROLLBACK)
    assert back(clone) == 0
    assert clone.commits(ROLLBACK) == commits


def test_a_named_version_is_gone_back_to(twice: tuple[Clone, str, str]) -> None:
    clone, first, _ = twice
    promoted(clone, 3)
    assert back(clone, "--to", version(first)) == 0
    assert clone.git("show", f"{ROLLBACK}:{PIN}") == first.strip()


def test_a_version_that_never_ran_there_is_refused_with_those_that_did(
    twice: tuple[Clone, str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    clone, first, second = twice
    for wanted in ("0123456789ab", version(second), "0", "zzzz"):
        assert back(clone, "--to", wanted) == 1
        said = capsys.readouterr().err
        assert "MLC945" in said
        assert version(first) in said


def test_one_version_alone_leaves_nothing_to_go_back_to(released: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    promoted(released, 1)
    assert back(released) == 1
    assert "has only ever run" in capsys.readouterr().err
    assert not released.git("for-each-ref", f"refs/heads/{ROLLBACK}")


def test_an_environment_without_the_model_is_told(released: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    assert back(released) == 2
    assert "did you mean" in capsys.readouterr().err or True
    assert released.mlc("rollback", "lat", "-e", "staging") == 2
    assert "did you mean `late`?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("specs/model.yaml", "kind: Model\nmetadata: {name: late}\nspec: {task: nonsense}\n"),
        ("specs/features.yaml", "kind: FeatureView\nmetadata: {name: departures}\nspec: {from: nowhere}\n"),
        ("specs/more.yaml", "kind: Model\n  broken: [\n"),
    ],
)
def test_specs_that_no_longer_compile_stand_in_no_rollbacks_way(
    twice: tuple[Clone, str, str], path: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    clone, first, _ = twice
    clone.write({path: text})
    clone.commit("Break the specs")
    assert clone.mlc("validate") == 1
    capsys.readouterr()
    assert back(clone) == 0, capsys.readouterr().err
    assert clone.git("show", f"{ROLLBACK}:{PIN}") == first.strip()
    assert version(first) in clone.git("show", f"{ROLLBACK}:deploy/prod/late/deployment.yaml")


def test_a_model_whose_spec_is_gone_is_rolled_back(twice: tuple[Clone, str, str]) -> None:
    clone, first, _ = twice
    for name in ("model", "gate", "monitor", "rollout"):
        (clone.root / f"specs/{name}.yaml").unlink()
    clone.commit("Remove the model's specs")
    assert back(clone) == 0
    assert version(first) in clone.git("show", f"{ROLLBACK}:deploy/prod/late/deployment.yaml")


@pytest.mark.parametrize("path", ["specs/environments.yaml", "mlc.yaml"])
def test_damaged_environments_let_the_pin_go_back_and_say_what_is_missing(
    twice: tuple[Clone, str, str], path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    clone, first, _ = twice
    clone.write({path: "kind: [\n"})
    clone.commit("Break everything")
    assert back(clone) == 0
    assert "warning[MLC945]" in capsys.readouterr().err
    assert clone.git("diff", "--name-only", "main", ROLLBACK) == PIN
    assert clone.git("show", f"{ROLLBACK}:{PIN}") == first.strip()


def test_work_in_progress_elsewhere_does_not_hinder(twice: tuple[Clone, str, str]) -> None:
    clone, _, _ = twice
    clone.change("specs/model.yaml", "seed: 2", "seed: 9")
    assert back(clone) == 0
    assert clone.git("status", "--porcelain") == "M specs/model.yaml"


def test_a_pin_that_is_not_committed_does(twice: tuple[Clone, str, str], capsys: pytest.CaptureFixture[str]) -> None:
    clone, first, _ = twice
    clone.write({PIN: first})
    assert back(clone) == 1
    assert "MLC936" in capsys.readouterr().err


def test_a_shallow_clone_says_that_it_can_not_know(
    twice: tuple[Clone, str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    clone, _, _ = twice
    shallow = Clone(clone.root.parent / "shallow")
    clone.git("clone", "--quiet", "--depth=1", f"file://{clone.root}", str(shallow.root))
    assert back(shallow) == 1
    assert "MLC938" in capsys.readouterr().err


def test_a_snapshot_that_was_deleted_since_comes_back(twice: tuple[Clone, str, str]) -> None:
    clone, first, _ = twice
    snapshot = first.partition("snapshot: sha256:")[2][:12]
    (clone.root / f"environments/snapshots/late/{snapshot}.json").unlink()
    clone.commit("Tidy snapshots")
    assert back(clone) == 0
    assert clone.git("cat-file", "-t", f"{ROLLBACK}:environments/snapshots/late/{snapshot}.json") == "blob"
    assert version(first) in clone.git("show", f"{ROLLBACK}:deploy/prod/late/deployment.yaml")


# --- what no command wrote -------------------------------------------------------------------------------------------
NEVER = "sha256:" + "a" * 64


@pytest.fixture
def tampered(twice: tuple[Clone, str, str]) -> tuple[Clone, str, str]:
    """Between its two versions and now, somebody pinned one by hand that never existed."""
    clone, first, second = twice
    pinned = second.replace(f"version: sha256:{second.partition('version: sha256:')[2][:64]}", f"version: {NEVER}")
    clone.write({PIN: pinned})
    clone.commit("By hand")
    clone.write({PIN: second})
    clone.commit("Undo that")
    return clone, first, second


def test_a_pin_of_a_version_that_never_existed_is_none_to_go_back_to(tampered: tuple[Clone, str, str]) -> None:
    clone, first, _ = tampered
    assert back(clone) == 0
    assert clone.git("show", f"{ROLLBACK}:{PIN}") == first.strip()


def test_a_version_that_never_existed_is_refused_by_name(
    tampered: tuple[Clone, str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    clone, _, second = tampered
    capsys.readouterr()
    assert back(clone, "--to", "aaaaaaaa") == 1
    said = capsys.readouterr().err
    assert "error[MLC945]: prod had a pin of aaaaaaaaaaaa once, but its snapshot is of late" in said
    assert version(second) in said
    assert not clone.git("branch", "--list", ROLLBACK)


def test_a_snapshot_that_was_edited_with_its_pin_is_none_to_go_back_to(
    twice: tuple[Clone, str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    clone, first, _ = twice
    named = next((clone.root / "environments/snapshots/late").glob(f"{first.partition('snapshot: sha256:')[2][:12]}*"))
    clone.write({named.relative_to(clone.root).as_posix(): named.read_text() + " ", PIN: first})
    clone.commit("By hand")
    clone.write({PIN: twice[2]})
    clone.commit("Undo half of that")
    capsys.readouterr()
    assert back(clone, "--to", version(first)) == 0
    assert clone.git("show", f"{ROLLBACK}:{PIN}") == first.strip()
