"""Risks: what an edit gives up is told with before and after, what makes a release safer is not."""

from __future__ import annotations

from typing import Any

import pytest

from edits import edit_pairs as cases
from mlc_compiler.plan.leaves import dumped
from mlc_compiler.plan.meaning import Hazard

GONE = cases.GONE
Edits = list[tuple[str, dict[str, Any]]]


def risks(*edits: tuple[str, dict[str, Any]]) -> tuple[Hazard, ...]:
    pair = cases.Pair("", tuple(edits), frozenset())
    return cases.compared(cases.after(pair)).risks


def codes(*edits: tuple[str, dict[str, Any]]) -> list[str]:
    return sorted({hazard.risk.code for hazard in risks(*edits)})


REQUEST = ["flight_id", "departure", "origin", "carrier", "tailnum", "distance", "passenger"]
CHECKS = dumped(cases.before().project.gates["release"].spec)["checks"]
LESS: list[tuple[str, Edits]] = [
    ("MLC960", [("Gate/release", {"spec.checks.0.min": 0.6})]),
    ("MLC960", [("Gate/release", {"spec.checks.0.min": GONE, "spec.checks.0.max": 1.0})]),
    ("MLC960", [("Gate/release", {"spec.checks.1.max": 0.3})]),
    ("MLC960", [("Gate/release", {"spec.checks.2.margin": 0.05})]),
    ("MLC960", [("Gate/release", {"spec.checks.3.min_rows": 5000})]),
    ("MLC960", [("Gate/release", {"spec.checks.0.report_only": True})]),
    ("MLC960", [("Gate/release", {"spec.checks.7.max_difference": 0.1})]),
    ("MLC960", [("Gate/release", {"spec.confidence": "80%"})]),
    ("MLC960", [("Gate/release", {"spec.split": "validation"})]),
    ("MLC960", [("Gate/release", {"spec.checks.2": GONE})]),
    ("MLC960", [("Gate/release", {"spec.model": "amount"})]),
    ("MLC961", [("Gate/release", {"spec.checks.4.min": 0.5})]),
    ("MLC961", [("Gate/release", {"spec.checks.4": GONE})]),
    ("MLC961", [("Gate/release", {"spec.checks.4.report_only": True})]),
    ("MLC962", [("FeatureView/departures", {"spec.features.who": {"expr": "passenger"}, "spec.request": REQUEST})]),
    ("MLC962", [("Dataset/flights", {"spec.columns.tailnum.classification": "pii"})]),
    ("MLC963", [("Rollout/late", {"spec.steps": [{"weight": 25, "hold": "1h", "approval": True}, {"weight": 100}]})]),
    ("MLC963", [("Rollout/late", {"spec.steps.0.hold": "5m"})]),
    ("MLC963", [("Rollout/late", {"spec.steps.0.weight": 20})]),
    ("MLC963", [("Rollout/late", {"spec.steps.1.approval": False})]),
    ("MLC963", [("Rollout/late", {"spec.strategy": "rolling"})]),
    ("MLC963", [("Rollout/late", {"spec.analysis.0.max": "5%"})]),
    ("MLC963", [("Rollout/late", {"spec.analysis.0.failure_limit": 9})]),
    ("MLC963", [("Rollout/late", {"spec.analysis": []})]),
    ("MLC964", [("Monitor/late", {"spec.signals.2": GONE, "spec.retrain": GONE})]),
    ("MLC964", [("Monitor/late", {"spec.signals.0.max": 0.5})]),
    ("MLC964", [("Monitor/late", {"spec.signals.2.severity": "ticket"})]),
    ("MLC964", [("Monitor/late", {"spec.slo.availability": "99%"})]),
    ("MLC964", [("Monitor/late", {"spec.slo": GONE})]),
    ("MLC964", [("Monitor/late", {"spec.signals.1.features": ["wind"]})]),
    ("MLC965", [("Rollout/late", {"spec.rollback.automatic": False})]),
    ("MLC965", [("Rollout/late", {"spec.rollback.within": "1h"})]),
    ("MLC965", [("Rollout/late", {"spec.rollback.keep": 1})]),
    ("MLC966", [("Environment/prod", {"spec.requires.soak": "1h"})]),
    ("MLC966", [("Environment/prod", {"spec.requires.gates": []})]),
    ("MLC966", [("Environment/prod", {"spec.requires.approvals.0.count": 1})]),
    ("MLC966", [("Environment/prod", {"spec.requires.approvals": []})]),
    ("MLC966", [("Environment/prod", {"spec.freezes": []})]),
    ("MLC966", [("Environment/prod", {"spec.tracks": "main", "spec.promoted_from": GONE})]),
    ("MLC966", [("Policy/house", {"spec.rules.0.enforcement": "advisory"})]),
    ("MLC966", [("-Policy/house", {})]),
]
MORE: list[Edits] = [
    [("Gate/release", {"spec.checks.0.min": 0.8})],
    [("Gate/release", {"spec.checks.1.max": 0.1})],
    [("Gate/release", {"spec.confidence": "99%"})],
    [("Gate/release", {"spec.checks.5.report_only": False})],
    [("Gate/release", {"spec.checks": CHECKS[::-1]})],
    [("Rollout/late", {"spec.steps.0.hold": "2h"})],
    [("Rollout/late", {"spec.steps.0.weight": 2})],
    [("Rollout/late", {"spec.analysis.0.max": "0.5%"})],
    [("Rollout/late", {"spec.rollback.keep": 9})],
    [("Rollout/late", {"spec.rollback.within": "1m"})],
    [("Monitor/late", {"spec.signals.0.max": 0.1})],
    [("Monitor/late", {"spec.signals.0.name": "features", "spec.retrain.on": ["features", "live-auc"]})],
    [("Monitor/late", {"spec.slo.availability": "99.99%"})],
    [("Environment/prod", {"spec.requires.soak": "2d"})],
    [("Environment/prod", {"spec.requires.gates": ["release", "amount"]})],
    [("Dataset/flights", {"spec.columns.passenger.classification": "special"})],
    [("Dataset/flights", {"spec.columns.tailnum.classification": "public"})],
    [("FeatureView/departures", {"spec.features.carrier2": {"expr": "carrier"}})],
]  # fmt: skip


@pytest.mark.parametrize(("code", "edits"), LESS, ids=lambda v: v if isinstance(v, str) else None)
def test_what_is_given_up_is_a_risk_with_before_and_after(code: str, edits: Edits) -> None:
    found = [hazard.risk for hazard in risks(*edits)]
    assert code in [risk.code for risk in found]
    assert all(risk.before != risk.after for risk in found)
    assert all(risk.severity in ("high", "medium") for risk in found)


@pytest.mark.parametrize("edits", MORE, ids=lambda v: v if isinstance(v, str) else None)
def test_what_is_as_strict_or_stricter_is_none(edits: Edits) -> None:
    assert codes(*edits) == []


def test_a_fairness_floor_tells_both_values() -> None:
    (found,) = risks(("Gate/release", {"spec.checks.4.min": 0.5}))
    assert (found.risk.code, found.risk.before, found.risk.after, found.risk.severity) == (
        "MLC961", "0.75", "0.5", "high",
    )  # fmt: skip
    assert found.models == ("late",)


def test_a_server_by_tag_after_one_by_digest_is_a_risk() -> None:
    by_digest = {"image": "triton@sha256:" + "a" * 64}
    pinned = cases.Pair("", (("Model/late", {"spec.serving.runtime": by_digest}),), frozenset())
    tagged = cases.Pair("", (("Model/late", {"spec.serving.runtime": {"image": "triton:24.05"}}),), frozenset())
    found = cases.compared(cases.after(tagged), cases.after(pinned)).risks
    assert [h.risk.code for h in found] == ["MLC967"]
    assert cases.compared(cases.after(pinned), cases.after(tagged)).risks == ()


def test_an_image_that_the_lock_no_longer_pins_is_a_risk() -> None:
    found = cases.compared(cases.side(cases.documents(), cases.a_lock(images={}))).risks
    assert [(h.risk.code, h.risk.document) for h in found] == [("MLC967", "mlc.lock")]


def test_a_waiver_of_the_document_acknowledges_its_risk() -> None:
    waiver = {"MLC960": {"until": "2999-01-01", "reason": "agreed with the owners"}}
    pair = cases.Pair("", (("Gate/release", {"spec.checks.0.min": 0.6, "x-allow": waiver}),), frozenset())
    (found,) = cases.compared(cases.after(pair)).risks
    assert found.risk.waived == "agreed with the owners"
