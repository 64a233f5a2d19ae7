"""Plans of any size stay short: the same change in a thousand models is one block."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlc_compiler.plan.alike import meaning
from mlc_compiler.plan.as_html import plan_html
from mlc_compiler.plan.as_markdown import COMMENT_LIMIT, plan_markdown
from mlc_compiler.plan.impact import IMPACTS, Edit
from mlc_compiler.plan.meaning import Change
from mlc_compiler.plan.render import LINES, plan_text
from mlc_compiler.plan.risk import Risk
from mlc_compiler.plan.summary import Group, ObjectChange, Plan

FILE = ObjectChange("changed", "deploy/prod/m/deployment.yaml", "deployment.yaml", "kubernetes")


def an_edit(model: str, number: int = 0, **fields: str) -> Edit:
    given = {"field": "spec.seed", "before": "1", "after": "2", "at": f"specs/{model}.yaml:{number}", **fields}
    return Edit("retrain", f"Model/{model}", **given)  # type: ignore[arg-type]  # texts


def a_plan(changes: list[Change], risks: list[Risk] | None = None, groups: int = 0) -> Plan:
    files = tuple(Group("prod", (f"m{i}",), (FILE,) * 9) for i in range(groups))
    return Plan(files, 0, len(files), 0, meaning(changes, risks or ()), "main")


def a_risk(model: str, **fields: str) -> Risk:
    risk = Risk("MLC960", "high", f"gate of {model}", "0.7", "0.6", f"Gate/{model}", "spec.checks.0.min", model)
    return replace(risk, **fields)  # type: ignore[arg-type]  # texts


def test_the_same_change_in_a_thousand_models_is_told_once() -> None:
    names = [f"m{i:04}" for i in range(1000)]
    plan = a_plan([Change((n,), (), (an_edit(n),)) for n in names], [a_risk(n) for n in names])
    text = plan_text(plan)
    assert len(text.splitlines()) < 12
    assert "m0000, m0001 ... m0999 (1000 models): retrain" in text
    assert "(and 999 more models)" in text
    assert "plan: 1000 to retrain; 1 risk" in text


@pytest.mark.parametrize("models", [1, 7, 30, 1000])
def test_a_thousand_different_changes_still_fit(models: int) -> None:
    changes = [
        Change((f"m{i}",), (f"env{i % 7}",), tuple(an_edit(f"m{i}", field=f"spec.f{i}x{k}") for k in range(20)))
        for i in range(models)
    ]
    risks = [a_risk(f"m{i}", field=f"spec.{i}", before=str(i)) for i in range(models)]
    plan = a_plan(changes, risks, groups=models)
    assert len(plan_text(plan).splitlines()) <= LINES
    assert len(plan_markdown(plan).encode()) < COMMENT_LIMIT
    assert len(plan_text(plan, detail=True).splitlines()) > 20 * models


def test_values_that_differ_between_alike_models_are_said_to_vary() -> None:
    plan = a_plan([Change((f"m{i}",), (), (an_edit(f"m{i}", after=str(i + 2)),)) for i in range(20)])
    assert "1 -> 2 (varies)" in plan_text(plan)


def test_without_changes_each_format_says_so() -> None:
    plan = a_plan([])
    assert plan_text(plan) == "no changes against main\n"
    assert "No changes against main." in plan_markdown(plan)
    assert "No changes against main." in plan_html(plan)


def test_the_page_asks_for_nothing_beside_it() -> None:
    plan = a_plan([Change(("m",), (), (an_edit("m"),), drags=(("gate", ("release",)),))], [a_risk("m")], groups=2)
    page = plan_html(plan)
    assert not [word for word in ("<script", "http://", "https://", "url(", "@import", "<link") if word in page]
    assert all(f"--{impact}:" in page for impact in IMPACTS)


def test_classes_count_each_model_by_its_highest() -> None:
    docs = replace(an_edit("m", field="spec.card"), impact="docs")
    plan = a_plan([Change(("m",), (), (an_edit("m"),)), Change(("m", "n"), (), (docs,))])
    assert plan.counts() == {"retrain": 1, "docs": 1}
