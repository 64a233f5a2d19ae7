"""Promotions as branches: one commit however often, whatever kills the run, whoever else is at it."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mlc_compiler.gitops import git as git_module
from processes import ended, forked, was_killed
from promotions import PROMOTION, Clone


def test_a_promotion_is_one_commit_and_leaves_the_work_tree_alone(
    released: Clone, capsys: pytest.CaptureFixture[str]
) -> None:
    (released.root / "notes.txt").write_text("mine")
    released.git("add", "notes.txt")
    before = released.git("status", "--porcelain")
    assert released.promote() == 0
    assert len(released.commits(PROMOTION)) == 1
    assert released.git("status", "--porcelain") == before == "A  notes.txt"
    changed = released.git("diff", "--name-only", "main", PROMOTION).split()
    assert "environments/prod/late.yaml" in changed
    assert "deploy/prod/late/deployment.yaml" in changed
    assert "notes.txt" not in changed
    said = capsys.readouterr().out
    assert f"git push REMOTE {PROMOTION}" in said
    body = (released.root / ".mlc/proposals/promote-prod-late.md").read_text()
    assert "roc_auc 0.75 &gt;= 0.7" in body or "roc_auc 0.75 >= 0.7" in body


def test_what_is_merged_is_what_a_build_writes(released: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    released.promote()
    released.merge(PROMOTION)
    assert released.mlc("build", "--check") == 0
    assert released.promote() == 0
    assert "is pinned in prod already" in capsys.readouterr().out


def test_a_second_promotion_makes_no_second_commit(released: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    released.promote()
    first = released.git("rev-parse", PROMOTION)
    released.commit("Something else")
    assert released.promote() == 0
    assert "proposed already" in capsys.readouterr().out
    assert released.git("rev-parse", PROMOTION) == first
    assert released.promote("--refresh") == 0
    assert released.git("rev-parse", f"{PROMOTION}^") == released.git("rev-parse", "main")


def test_another_version_waits_until_the_open_one_is_decided(
    released: Clone, capsys: pytest.CaptureFixture[str]
) -> None:
    released.promote()
    released.change("specs/model.yaml", "estimator:", "seed: 3\n  estimator:")
    released.release()
    assert released.promote() == 1
    said = capsys.readouterr().err
    assert "MLC947" in said
    assert f"git branch -D {PROMOTION}" in said
    released.git("branch", "-D", PROMOTION)
    assert released.promote() == 0


def test_a_promotion_that_was_merged_makes_room_for_the_next(released: Clone) -> None:
    released.promote()
    released.git("merge", "--quiet", "--squash", PROMOTION)
    released.commit("Promote, squashed")
    released.change("specs/model.yaml", "estimator:", "seed: 3\n  estimator:")
    released.release()
    assert released.promote() == 0
    assert len(released.commits(PROMOTION)) == 1


# --- killed ----------------------------------------------------------------------------------------------------------
def killed(clone: Clone, step: int) -> bool:
    """Promote in a child that dies as by kill -9 after its `step`-th call of git; return whether it came to that."""

    def promote() -> int:
        _dying(step)
        return clone.promote("--push")

    return was_killed(forked(promote))


def _dying(step: int) -> None:
    whole: Any = subprocess.run
    left = step

    def run(*arguments: Any, **options: Any) -> Any:
        nonlocal left
        left -= 1
        done = whole(*arguments, **options)
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    subprocess.run = run  # in the child only


def test_of_two_promotions_at_once_one_wins_and_the_other_says_so(
    released: Clone, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    move = git_module.Repository.move_branch
    others: list[str] = []

    def overtaken(self: git_module.Repository, branch: str, new: str, old: str | None) -> bool:
        if not others:
            others.append(self.make_commit(self.head, {"environments/prod/late.yaml": "version: other\n"}, "Other\n"))
            assert move(self, branch, others[0], None)
        return move(self, branch, new, old)

    monkeypatch.setattr(git_module.Repository, "move_branch", overtaken)
    assert released.promote() == 1
    assert "MLC947" in capsys.readouterr().err
    assert released.commits(PROMOTION) == others


def test_two_runs_of_the_same_promotion_agree_on_one_commit(released: Clone) -> None:
    children = [forked(released.promote) for _ in range(3)]
    assert [ended(child) for child in children] == [0, 0, 0]
    assert len(released.commits(PROMOTION)) == 1


# --- the remote ------------------------------------------------------------------------------------------------------
@pytest.fixture
def shared(released: Clone, tmp_path: Path) -> tuple[Clone, Clone]:
    """Two clones of one bare remote."""
    released.git("clone", "--quiet", "--bare", str(released.root), str(tmp_path / "remote.git"))
    released.git("remote", "add", "origin", str(tmp_path / "remote.git"))
    released.git("fetch", "--quiet", "origin")
    released.git("clone", "--quiet", str(tmp_path / "remote.git"), str(tmp_path / "second"))
    return released, Clone(tmp_path / "second")


@pytest.mark.slow
def test_a_promotion_that_is_killed_anywhere_is_resumed(shared: tuple[Clone, Clone]) -> None:
    clone, step, ref = shared[0], 0, f"refs/heads/{PROMOTION}"
    while killed(clone, step):
        left = [clone.git("for-each-ref", "--format=%(objectname)", ref)]
        left += clone.git("ls-remote", "origin", ref).split()[:1]
        assert clone.git("status", "--porcelain") == ""
        assert clone.promote("--push") == 0
        commits = clone.commits(PROMOTION)
        assert len(commits) == 1
        assert clone.git("ls-remote", "origin", ref).split()[0] == commits[0]
        assert set(filter(None, left)) <= set(commits), "what was made is kept"
        clone.git("push", "--quiet", "origin", f":{ref}")
        clone.git("branch", "--quiet", "-D", PROMOTION)
        step += 1
    assert step > 14
    clone.git("fsck", "--strict", "--no-dangling")


def test_a_pushed_promotion_is_taken_over_by_another_clone(
    shared: tuple[Clone, Clone], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = shared
    assert one.promote("--push") == 0
    assert "pushed to origin" in capsys.readouterr().out
    monkeypatch.setenv("GIT_COMMITTER_NAME", "Bob")
    assert two.promote("--push") == 0
    assert "stands already in origin" in capsys.readouterr().out
    assert two.git("rev-parse", PROMOTION) == one.git("rev-parse", PROMOTION)
    assert one.promote("--push") == 0


def test_another_version_on_the_remote_is_not_overwritten(
    shared: tuple[Clone, Clone], capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = shared
    assert one.promote("--push") == 0
    two.change("specs/model.yaml", "estimator:", "seed: 3\n  estimator:")
    two.release()
    assert two.promote("--push") == 1
    assert "MLC947" in capsys.readouterr().err
    assert one.git("ls-remote", "origin", f"refs/heads/{PROMOTION}").split()[0] == one.git("rev-parse", PROMOTION)


def test_a_remote_that_refuses_is_told_and_the_branch_stays(
    shared: tuple[Clone, Clone], capsys: pytest.CaptureFixture[str]
) -> None:
    one, _ = shared
    one.git("remote", "set-url", "origin", str(one.root / "nowhere.git"))
    assert one.promote("--push") == 1
    assert "MLC935" in capsys.readouterr().err
    assert len(one.commits(PROMOTION)) == 1
