"""The words that texts, comments and pages of a plan share."""

from __future__ import annotations

from mlc_compiler.conventions import counted, plural
from mlc_compiler.plan.impact import ABSENT, Edit
from mlc_compiler.plan.leaves import short
from mlc_compiler.plan.meaning import Change, Hazard
from mlc_compiler.plan.summary import Plan

FEW = 3


def listed(names: tuple[str, ...]) -> str:
    """Return names, or the first and the last of many.

    >>> listed(("a", "b")), listed(("a", "b", "c", "d"))
    ('a, b', 'a, b ... d (4)')
    """
    if len(names) <= FEW:
        return ", ".join(names)
    return f"{names[0]}, {names[1]} ... {names[-1]} ({len(names)})"


def subject(change: Change) -> str:
    """Return whom a change is about."""
    models = listed(change.models) + (" models" if len(change.models) > FEW else "")
    where = f" in {', '.join(change.environments)}" if change.environments else ""
    return (models.replace(") models", " models)") or "project") + where


def versions(change: Change, against: str) -> str:
    """Return what becomes of the version."""
    if change.versions is None or change.versions[0] == change.versions[1]:
        return ""
    before, after = change.versions
    runs = f"{', '.join(change.environments)} {plural(len(change.environments), 'runs', 'run')}"
    if against or not change.environments:
        return f"version {before} -> {after}"
    return f"{runs} {before}, the specs say {after}"


def field(edit: Edit, change: Change) -> str:
    """Return an edit's field as people call it: the model's own without its name, of others with their document."""
    name = edit.field.removeprefix("spec.")
    if change.models and edit.document == f"Model/{change.models[0]}" and name:
        return name
    if len(change.models) > 1 and "/" in edit.document and edit.kind.isalpha() and edit.kind != "environments":
        return f"{edit.kind} {name}".strip()
    return f"{edit.document} {name}".strip()


def values(edit: Edit) -> str:
    """Return what an edit's value was and is."""
    if edit.before == ABSENT:
        return f"{short(edit.after)} (new)"
    return f"{short(edit.before)} -> {'gone' if edit.after == ABSENT else short(edit.after)}"


def drags(change: Change) -> str:
    """Return what a change drags along."""
    parts = []
    for kind, names in change.drags:
        word = plural(len(names), kind)
        parts.append(f"{word} {', '.join(names)}" if len(names) <= FEW else f"{len(names)} {word}")
    return "; ".join(parts)


def hazard(found: Hazard) -> str:
    """Return a risk in one line, without its place."""
    risk = found.risk
    said = risk.message if len(found.models) < 2 else f"{risk.message} (and {len(found.models) - 1} more models)"
    after = "gone" if risk.after == ABSENT else short(risk.after)
    return f"{said}: {short(risk.before)} -> {after}"


def totals(plan: Plan) -> str:
    """Return what the plan comes to, in one line."""
    words = {"retrain": "to retrain", "re-evaluate": "to re-evaluate", "redeploy": "to redeploy", "rollout": "rollout",
             "monitor": "monitor", "docs": "docs"}  # fmt: skip
    parts = [f"{count} {words[impact]}" for impact, count in plan.counts().items()]
    live = sum(1 for found in plan.meaning.risks if not found.risk.waived)
    risks = [counted(live, "risk")] if live else []
    files = f"{plan.created} to create, {plan.changed} to change, {plan.deleted} to delete"
    return "; ".join(filter(None, (", ".join(parts), *risks, f"files: {files}")))


def nothing(plan: Plan) -> str:
    """Return what is said of a plan without changes."""
    return f"no changes against {plan.against}" if plan.against else "no changes: everything is as built"
