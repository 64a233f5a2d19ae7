"""A plan as text, markdown or JSON. Terse: alike changes of many models are one block; `--detail` shows the fields."""

from __future__ import annotations

import json
from collections.abc import Iterator

from mlc_compiler.plan.summary import SIGNS, Group, ObjectChange, Plan

FORMAT_VERSION = 1
COMMENT_LIMIT = 60_000
"""GitHub refuses comments over 65,536 characters."""
MARKER = "<!-- mlc-plan -->"
"""By which CI finds its own comment again."""


def plan_text(plan: Plan, detail: bool = False) -> str:
    """Return the plan for a terminal."""
    if not plan:
        return "no changes: everything is as built\n"
    blocks = ["\n".join(_block(group, detail)) for group in plan.groups]
    return "\n\n".join([*blocks, _totals(plan)]) + "\n"


def _block(group: Group, detail: bool) -> Iterator[str]:
    yield f"{group.environment}{': ' if group.models else ''}{_models(group.models)}"
    for change in group.changes:
        yield f"  {SIGNS[change.kind]} {change.name}{_fields_in_short(change) if not detail else ''}"
        for field in change.fields if detail else ():
            yield f"      {field.path}: {field.before} -> {field.after}"


def _models(models: tuple[str, ...]) -> str:
    if len(models) <= 3:
        return ", ".join(models)
    return f"{models[0]}, {models[1]} ... {models[-1]} ({len(models)} models)"


def _fields_in_short(change: ObjectChange) -> str:
    if not change.fields:
        return ""
    first = change.fields[0]
    more = f" and {len(change.fields) - 1} more" if len(change.fields) > 1 else ""
    return f"  {first.path}: {first.before} -> {first.after}{more}"


def _totals(plan: Plan) -> str:
    return f"plan: {plan.created} to create, {plan.changed} to change, {plan.deleted} to delete"


def plan_markdown(plan: Plan, detail: bool = True) -> str:
    """Return the plan as one pull-request comment, shortened to what the forge takes."""
    head = f"{MARKER}\n### mlc plan\n\n"
    if not plan:
        return head + "No changes: everything is as built.\n"
    totals = f"**{plan.created}** to create, **{plan.changed}** to change, **{plan.deleted}** to delete\n"
    text, left = head + totals, 0
    for group in plan.groups:
        block = _folded(group, detail)
        if len(text) + len(block) > COMMENT_LIMIT:
            left += 1
        else:
            text += block
    return text + (f"\n{left} more groups: run `mlc plan` to see them.\n" if left else "")


def _folded(group: Group, detail: bool) -> str:
    rows = "\n".join(list(_block(group, detail))[1:]).replace("```", "'''")
    title = f"{group.environment}{': ' if group.models else ''}{_models(group.models)}"
    return f"\n<details><summary>{title}: {len(group.changes)} files</summary>\n\n```diff\n{rows}\n```\n\n</details>\n"


def plan_json(plan: Plan) -> str:
    """Return the plan for programs; its schema is published as output/plan.schema.json."""
    value = {
        "format_version": FORMAT_VERSION,
        "summary": {"created": plan.created, "changed": plan.changed, "deleted": plan.deleted},
        "groups": [
            {
                "environment": g.environment,
                "models": list(g.models),
                "changes": [
                    {
                        "kind": c.kind,
                        "path": c.path,
                        "target": c.target,
                        "fields": [{"path": f.path, "before": f.before, "after": f.after} for f in c.fields],
                    }
                    for c in g.changes
                ],
            }
            for g in plan.groups
        ],
    }
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
