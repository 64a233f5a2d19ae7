"""The text of a proposal: what the environment would run otherwise, why, and what it drags along; never too long."""

from __future__ import annotations

from typing import Any

from mlc_compiler import ir
from mlc_compiler.gitops.body import LEAST, LONGEST, Account, body
from promotions import PROMOTION, ROLLBACK, Clone

D = "sha256:" + "d" * 64


def text_of(clone: Clone, kind: str = "promote") -> str:
    return (clone.root / f".mlc/proposals/{kind}-prod-late.md").read_text("utf-8")


def followed(clone: Clone, path: str, old: str, new: str) -> None:
    """Let prod run what is released, then release an edit of it."""
    assert clone.promote() == 0
    clone.merge(PROMOTION)
    clone.change(path, old, new)
    clone.release()


def test_a_first_promotion_says_that_nothing_runs_yet(released: Clone) -> None:
    assert released.promote() == 0
    text = text_of(released)
    assert "First promotion: nothing of late runs in prod" in text
    assert "+ deployment.yaml" in text


def test_a_promotion_tells_classes_lines_and_what_is_dragged_along(released: Clone) -> None:
    followed(released, "specs/model.yaml", "estimator:", "seed: 3\n  estimator:")
    assert released.promote() == 0
    text = text_of(released)
    assert "| **retrain** | 1 |" in text
    assert "| retrain | `seed` | `0 -> 3` | `specs/model.yaml:7` |" in text
    assert "Drags along `gate release; rollout late; alert late/inputs; owner ops`" in text
    assert "```mermaid" in text
    assert "spec.template.spec.containers[server].image: tiny/late:v-" in text


def test_a_promotion_tells_of_risks(released: Clone) -> None:
    followed(released, "specs/gate.yaml", "min: 0.7", "min: 0.6")
    assert released.promote() == 0
    text = text_of(released)
    assert "**re-evaluate**: late in prod" in text.replace("<b>", "**").replace("</b>", "**")
    assert "MLC960" in text
    assert "specs/gate.yaml:6" in text


def test_lines_of_specs_that_have_moved_on_are_said_to_be_of_head(released: Clone) -> None:
    followed(released, "specs/model.yaml", "estimator:", "seed: 3\n  estimator:")
    released.change("specs/model.yaml", "seed: 3", "seed: 5")
    released.commit("On to the next")
    assert released.promote() == 0
    assert "| retrain | `seed` | `0 -> 3` | `specs/model.yaml:7 at HEAD` |" in text_of(released)


def test_a_rollback_tells_what_goes_back(released: Clone) -> None:
    followed(released, "specs/model.yaml", "estimator:", "seed: 3\n  estimator:")
    released.git("branch", "--quiet", "-D", PROMOTION)
    assert released.promote() == 0
    released.merge(PROMOTION)
    assert released.mlc("rollback", "late", "-e", "prod") == 0
    assert "| retrain | `seed` | `3 -> 0` | `specs/model.yaml:7 at HEAD` |" in text_of(released, "rollback")
    released.git("branch", "--quiet", "-D", ROLLBACK)
    released.change("specs/model.yaml", "task: binary_classification", "task: nonsense")
    released.commit("Break the specs")
    assert released.mlc("rollback", "late", "-e", "prod") == 0
    text = text_of(released, "rollback")
    assert "| retrain | `seed` | `3 -> 0` |  |" in text, "without specs there are no lines"
    assert "~ deployment.yaml" in text


# --- however much there is to say ------------------------------------------------------------------------------------
def an_account(verdicts: int, reason: str) -> Account:
    verdict = {"gate": "release", "title": "roc_auc", "status": "passed", "reason": reason}
    metric = {"value": 0.5, "low": 0.4, "high": 0.6}
    evidence: dict[str, Any] = {
        "verdicts": [verdict] * verdicts,
        "metrics": {"test": {f"metric{i}": metric for i in range(verdicts)}},
        "inputs": {"datasets": {f"data-{i}": D for i in range(verdicts)}},
        "test_snapshot": D,
    }
    pin = ir.Pin(D, D, "late:1", D, "environments/prod/late.yaml")
    return Account("late", "prod", pin, pin, evidence, evidence, lambda room: "x" * room, ("held",), ("to hold",))


def test_a_text_is_no_longer_than_a_forge_takes() -> None:
    for verdicts, reason in ((1, "é"), (100, "é" * 50), (5_000, "long " * 200)):
        text = body("Promote late", an_account(verdicts, reason))
        assert len(text.encode()) <= LONGEST
        assert "- [ ] to hold" in text


def test_the_plan_gets_what_the_rest_leaves() -> None:
    assert body("Promote late", an_account(1, "short")).count("x") > 50_000
    assert body("Promote late", an_account(5_000, "long " * 200)).count("x") >= LEAST
