"""A plan as JSON, for programs and for saving, and back; its schema is published as output/plan.schema.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mlc_compiler.plan.impact import Edit
from mlc_compiler.plan.meaning import Change, Hazard, Meaning
from mlc_compiler.plan.risk import Risk
from mlc_compiler.plan.summary import FieldChange, Group, ObjectChange, Plan, file_name

FORMAT_VERSION = 1
Json = dict[str, Any]


def plan_json(plan: Plan, saved: Mapping[str, Any] | None = None) -> str:
    """Return the plan for programs; `saved` is what binds a saved one to its inputs."""
    return json.dumps({**_value(plan), **(saved or {})}, indent=2, ensure_ascii=False) + "\n"


def _value(plan: Plan) -> Json:
    return {
        "format_version": FORMAT_VERSION,
        "against": plan.against or None,
        "environment": plan.environment or None,
        "preview": plan.preview,
        "summary": {
            "created": plan.created,
            "changed": plan.changed,
            "deleted": plan.deleted,
            "impacts": plan.counts(),
            "risks": sum(1 for hazard in plan.meaning.risks if not hazard.risk.waived),
        },
        "risks": [_risk(hazard) for hazard in plan.meaning.risks],
        "changes": [_change(change) for change in plan.meaning.changes],
        "groups": [_group(group) for group in plan.groups],
    }


def _risk(hazard: Hazard) -> Json:
    risk = hazard.risk
    names = ("code", "severity", "message", "before", "after", "document", "field", "environment", "waived", "at")
    return {**{name: getattr(risk, name) for name in names}, "models": list(hazard.models)}


def _change(change: Change) -> Json:
    versions = change.versions or (None, None)
    return {
        "impacts": list(change.impacts),
        "models": list(change.models),
        "environments": list(change.environments),
        "version": {"before": versions[0], "after": versions[1]},
        "edits": [_edit(edit) for edit in change.edits],
        "drags": {kind: list(names) for kind, names in change.drags},
    }


def _edit(edit: Edit) -> Json:
    names = ("document", "field", "before", "after", "at")
    return {"impacts": list(edit.impacts), **{name: getattr(edit, name) for name in names}}


def _group(group: Group) -> Json:
    return {
        "environment": group.environment,
        "models": list(group.models),
        "impacts": list(group.impacts),
        "changes": [
            {
                "kind": c.kind,
                "path": c.path,
                "target": c.target,
                "fields": [{"path": f.path, "before": f.before, "after": f.after} for f in c.fields],
            }
            for c in group.changes
        ],
    }


# --- and back --------------------------------------------------------------------------------------------------------
def parse_plan(value: Json) -> Plan:
    """Return the plan that a JSON value holds; raises KeyError, TypeError or ValueError for another value."""
    if value["format_version"] != FORMAT_VERSION:
        raise ValueError(f"plan format {value['format_version']}")
    summary = value["summary"]
    meaning = Meaning(tuple(map(_read_change, value["changes"])), tuple(map(_read_risk, value["risks"])))
    groups = tuple(map(_read_group, value["groups"]))
    created, changed, deleted = (int(summary[name]) for name in ("created", "changed", "deleted"))
    against, environment = value["against"] or "", value["environment"] or ""
    return Plan(groups, created, changed, deleted, meaning, against, environment, bool(value["preview"]))


def _read_risk(value: Json) -> Hazard:
    models = tuple(value["models"])
    return Hazard(Risk(**{k: v for k, v in value.items() if k != "models"}), models)


def _read_change(value: Json) -> Change:
    versions = value["version"]["before"], value["version"]["after"]
    return Change(
        tuple(value["models"]),
        tuple(value["environments"]),
        tuple(map(_read_edit, value["edits"])),
        None if None in versions else versions,
        tuple((kind, tuple(names)) for kind, names in value["drags"].items()),
    )


def _read_edit(value: Json) -> Edit:
    first, *also = value["impacts"]
    rest = {k: v for k, v in value.items() if k != "impacts"}
    return Edit(impact=first, also=tuple(also), **rest)


def _read_group(value: Json) -> Group:
    changes = tuple(_read_object(change, value) for change in value["changes"])
    return Group(value["environment"], tuple(value["models"]), changes, tuple(value["impacts"]))


def _read_object(value: Json, group: Json) -> ObjectChange:
    fields = tuple(FieldChange(**field) for field in value["fields"])
    name = file_name(value["path"], group["environment"], group["models"][0] if group["models"] else "")
    return ObjectChange(value["kind"], value["path"], name, value["target"], fields)
