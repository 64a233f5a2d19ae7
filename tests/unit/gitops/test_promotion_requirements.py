"""What must hold before a version is promoted, and what is said when it does not; nothing is half-done then."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest

from promotions import PROMOTION, Clone, a_clone

DAY = 86_400
NOW = 1_800_000_000


class Case:
    """A repository and what mlc said last."""

    def __init__(self, clone: Clone, capsys: pytest.CaptureFixture[str]) -> None:
        self.clone, self._capsys = clone, capsys

    def refused(self, code: str, *words: str) -> str:
        """Promote and expect a refusal with a code and words; no branch may come of it."""
        self._capsys.readouterr()
        assert self.clone.promote() == 1
        said = self._capsys.readouterr().err
        assert code in said
        for word in words:
            assert word in said, said
        assert not self.clone.git("for-each-ref", f"refs/heads/{PROMOTION}")
        return said

    def promoted(self) -> str:
        self._capsys.readouterr()
        code = self.clone.promote()
        said = self._capsys.readouterr()
        assert code == 0, said.err
        return said.out


@pytest.fixture
def case(released: Clone, capsys: pytest.CaptureFixture[str]) -> Case:
    return Case(released, capsys)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: NOW + 0.5)


@pytest.fixture
def soaking(tmp_path: Path, capsys: pytest.CaptureFixture[str], clock: None) -> Case:
    """A repository whose prod wants a day of soak; nothing is released yet."""
    return Case(a_clone(tmp_path / "tiny", ", requires: {soak: 24h}"), capsys)


# --- evidence --------------------------------------------------------------------------------------------------------
def evidence_file(clone: Clone) -> Path:
    return next((clone.root / "environments/evidence/late").glob("*.json"))


def test_evidence_that_was_edited_by_hand_is_refused(case: Case) -> None:
    path = evidence_file(case.clone)
    path.write_text(path.read_text().replace("0.75", "0.95"))
    case.clone.commit("Better numbers")
    case.refused("MLC940", "was changed after it was released", str(path.relative_to(case.clone.root)))


def test_evidence_that_is_gone_is_refused(case: Case) -> None:
    evidence_file(case.clone).unlink()
    case.clone.commit("Tidy")
    case.refused("MLC940", "is missing")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("version", "sha256:" + "e" * 64, "another version: eeeeeeeeeeee"),
        ("artifact", "sha256:" + "e" * 64, "another package"),
        ("gates_digest", "sha256:" + "e" * 64, "another gates"),
        ("test_snapshot", "sha256:" + "e" * 64, "another test rows"),
        ("inputs", {"datasets": {"flights": "sha256:" + "e" * 64}}, "another dataset flights"),
        ("verdicts", [{"gate": "release", "status": "failed", "reason": "0.6 < 0.7"}], "release failed: 0.6 < 0.7"),
        ("verdicts", [{"gate": "release", "status": "undecided", "reason": "9 rows"}], "undecided: 9 rows"),
        ("passed", False, "has not passed"),
        ("verdicts", 7, "can't be read"),
    ],
)
def test_evidence_of_something_else_is_refused_though_its_digest_agrees(
    case: Case, field: str, value: object, words: str
) -> None:
    from mlc_compiler import codec

    path = evidence_file(case.clone)
    before = path.read_text()
    after = json.dumps({**json.loads(before), field: value})
    path.write_text(after)
    pin = "environments/staging/late.yaml"
    case.clone.change(pin, codec.text_digest(before), codec.text_digest(after))
    assert case.clone.mlc("build") == 0
    case.clone.commit("Another evidence")
    case.refused("MLC9", words)


def test_a_version_that_was_judged_against_another_champion_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gate = (
        "kind: Gate\nmetadata: {name: release}\nspec:\n  model: late\n  checks:\n"
        "    - {metric: roc_auc, min: 0.7}\n    - {metric: roc_auc, versus: champion, margin: 0.01}\n"
    )
    case = Case(a_clone(tmp_path / "tiny", files={"specs/gate.yaml": gate}), capsys)
    case.clone.release()
    case.promoted()
    case.clone.merge(PROMOTION)
    case.clone.git("branch", "-D", PROMOTION)
    case.clone.change("specs/model.yaml", "estimator:", "seed: 3\n  estimator:")
    case.clone.release()
    case.refused("MLC940", "was judged against no champion", "mlc run late")


def test_a_required_gate_of_which_the_evidence_says_nothing_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = Case(a_clone(tmp_path / "tiny", ", requires: {gates: [release]}"), capsys)
    case.clone.release(verdicts=[])
    case.refused("MLC915", "requires gate `release`")


# --- time ------------------------------------------------------------------------------------------------------------
def rolled_out(clone: Clone, outcome: str = "succeeded") -> None:
    assert clone.mlc("release", "late", "-e", "staging", "--rolled-out", outcome, "--source", "argo: late #7") == 0
    clone.commit(f"Rollout {outcome}")


def test_a_version_that_has_not_run_for_long_enough_is_refused(soaking: Case) -> None:
    soaking.clone.release(at=NOW - 3600)
    rolled_out(soaking.clone)
    soaking.refused("MLC943", "`late`", "has run in staging for 1h of 1d", "promote it after 2027-01-16T07:00:00Z")


def test_soak_needs_a_rollout_that_succeeded(soaking: Case) -> None:
    soaking.clone.release(at=NOW - 2 * DAY)
    soaking.refused("MLC943", "nothing says that the rollout", "--rolled-out succeeded")
    rolled_out(soaking.clone, "failed")
    soaking.refused("MLC943", "failed, says argo: late #7")
    rolled_out(soaking.clone)
    soaking.promoted()


def test_the_rollout_of_a_version_before_counts_for_nothing(soaking: Case) -> None:
    soaking.clone.release(at=NOW - 3 * DAY)
    rolled_out(soaking.clone)
    soaking.clone.change("specs/model.yaml", "estimator:", "seed: 3\n  estimator:")
    soaking.clone.release(at=NOW - 2 * DAY)
    soaking.refused("MLC943", "nothing says that the rollout")


def test_soak_starts_again_when_the_pin_moves_and_not_when_its_file_is_laid_out_anew(soaking: Case) -> None:
    soaking.clone.release(at=NOW - 2 * DAY)
    rolled_out(soaking.clone)
    soaking.clone.change("environments/staging/late.yaml", "version:", "# a remark\nversion:")
    soaking.clone.commit("Remark", at=NOW - 60)
    soaking.promoted()


def test_a_pin_from_the_future_soaks_not(soaking: Case) -> None:
    soaking.clone.release(at=NOW + 3 * 3600)
    soaking.refused("MLC942", "3h from now")


def test_a_pin_that_is_dated_back_soaks_from_what_it_follows(soaking: Case) -> None:
    soaking.clone.commit("Yesterday's work", at=NOW - 7200)
    soaking.clone.release(at=NOW - 30 * DAY)
    rolled_out(soaking.clone)
    said = soaking.refused("MLC943", "for 2h of 1d")
    assert "warning[MLC942]" in said


def test_what_a_merge_brings_soaks_from_the_merge(soaking: Case) -> None:
    soaking.clone.git("switch", "--quiet", "-c", "work")
    soaking.clone.release(at=NOW - 5 * DAY)
    soaking.clone.git("switch", "--quiet", "main")
    soaking.clone.git("merge", "--quiet", "--no-ff", "-m", "Merge", "work", at=NOW - 600)
    rolled_out(soaking.clone)
    soaking.refused("MLC943", "for 10m of 1d")


def test_nothing_is_promoted_in_a_freeze(tmp_path: Path, capsys: pytest.CaptureFixture[str], clock: None) -> None:
    freeze = ", freezes: [{from: 2027-01-01, until: 2027-02-01, reason: stocktaking}]"
    case = Case(a_clone(tmp_path / "tiny", freeze), capsys)
    case.clone.release()
    case.refused("MLC915", "from 2027-01-01 until 2027-02-01: stocktaking")


# --- bad input -------------------------------------------------------------------------------------------------------
def test_files_that_matter_are_committed_first(case: Case) -> None:
    case.clone.change("specs/model.yaml", "late}", "late, description: new}")
    case.refused("MLC936", "specs/model.yaml")


def test_a_new_file_that_matters_is_committed_first(case: Case) -> None:
    case.clone.write({"deploy/prod/late/extra.yaml": "mine\n"})
    case.refused("MLC936", "deploy/prod/late/extra.yaml")


def test_a_tree_that_is_not_as_built_is_built_first(case: Case) -> None:
    case.clone.change("specs/environments.yaml", "ml-staging", "ml-stage")
    case.clone.commit("Rename the namespace, and forget the build")
    case.refused("MLC936", "not as built", "mlc build")


def test_a_detached_head_is_refused_unless_it_is_the_default_branch(case: Case) -> None:
    case.clone.git("switch", "--quiet", "--detach", "main")
    case.promoted()
    case.clone.git("branch", "-D", PROMOTION)
    case.clone.git("commit", "--quiet", "--allow-empty", "-m", "Aside")
    case.refused("MLC937", "detached at")


def test_another_branch_is_warned_of(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    case.clone.git("switch", "--quiet", "-c", "work")
    case.clone.commit("Work")
    assert case.clone.promote() == 0
    assert "warning[MLC937]" in capsys.readouterr().err


def test_a_shallow_clone_that_hides_since_when_is_refused(
    soaking: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    soaking.clone.release(at=NOW - 2 * DAY)
    rolled_out(soaking.clone)
    soaking.clone.git("clone", "--quiet", "--depth=1", f"file://{soaking.clone.root}", str(tmp_path / "shallow"))
    Case(Clone(tmp_path / "shallow"), capsys).refused("MLC938", "git fetch --unshallow")
    soaking.clone.git("clone", "--quiet", "--depth=3", f"file://{soaking.clone.root}", str(tmp_path / "deeper"))
    Case(Clone(tmp_path / "deeper"), capsys).promoted()


def test_without_git_only_the_pin_can_be_written(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(case.clone.root / ".git")
    assert case.clone.promote() == 1
    assert "MLC935" in capsys.readouterr().err
    assert case.clone.promote("--no-commit") == 0
    assert (case.clone.root / "environments/prod/late.yaml").is_file()


def test_a_machine_without_git_is_told(
    case: Case, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert case.clone.promote() == 1
    assert "there is no program `git` here" in capsys.readouterr().err


def test_a_repository_without_a_commit_is_told(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(case.clone.root / ".git")
    case.clone.git("init", "--quiet")
    assert case.clone.promote() == 1
    assert "no commit yet" in capsys.readouterr().err


def test_conflict_markers_in_a_pin_are_refused(case: Case) -> None:
    case.clone.change("environments/staging/late.yaml", "version:", "<<<<<<< HEAD\nversion:")
    case.clone.commit("Merge badly")
    case.refused("MLC904", "conflict markers")


@pytest.mark.parametrize(("model", "to"), [("lat", "prod"), ("late", "prd")])
def test_an_unknown_name_is_told_with_the_nearest(
    case: Case, capsys: pytest.CaptureFixture[str], model: str, to: str
) -> None:
    assert case.clone.mlc("promote", model, "--to", to) == 2
    assert "did you mean" in capsys.readouterr().err


def test_an_environment_that_tracks_is_released_to(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    assert case.clone.mlc("promote", "late", "--to", "staging") == 1
    assert "mlc release MODEL -e staging" in capsys.readouterr().err


def test_a_dry_run_prints_the_text_and_makes_nothing(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    assert case.clone.promote("--dry-run") == 0
    assert "### Checklist" in capsys.readouterr().out
    assert not case.clone.git("for-each-ref", f"refs/heads/{PROMOTION}")


def test_a_project_below_the_top_of_a_repository_is_promoted_there(
    released: Clone, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(released.root / ".git")
    top = Clone(tmp_path)
    top.git("init", "--quiet")
    top.commit("A monorepo")
    assert released.promote() == 0, capsys.readouterr().err
    changed = top.git("diff", "--name-only", "main", PROMOTION).split()
    assert "tiny/environments/prod/late.yaml" in changed
    assert all(path.startswith("tiny/") for path in changed)
    top.merge(PROMOTION)
    assert released.mlc("promote", "--verify", "--base", "main~1") == 0, capsys.readouterr().err
    assert released.mlc("verify") == 0
    capsys.readouterr()
    assert released.mlc("audit", "--format", "json") == 0
    assert [r["environment"] for r in json.loads(capsys.readouterr().out)["records"]] == ["prod", "staging"]
