"""What differs between two projects beside what models are compiled from: environments, project, words, lock."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from mlc_compiler.conventions import LOCK_FILE, PROJECT_FILE
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.lock import LockFile
from mlc_compiler.frontend.project import Project
from mlc_compiler.plan.impact import ABSENT, Edit, Impact
from mlc_compiler.plan.leaves import differences, dumped, leaves, value_differences
from mlc_compiler.spec.environment import Environment
from mlc_compiler.sql.canonical_query import canonical_query

ENVIRONMENT: Mapping[str, Impact] = {
    "namespace": "redeploy", "ingress": "redeploy", "models": "redeploy", "patches": "redeploy",
    "tracks": "rollout", "promoted_from": "rollout", "requires": "rollout", "freezes": "rollout",
}  # fmt: skip
PROJECT: Mapping[str, Impact] = {
    "image_registry": "redeploy",
    "alerting": "monitor",
    "ci.python": "redeploy",
    "signing": "rollout",
}
"""Fields of the project that reach what runs; the time zone does by features, targets by what each of them writes."""
OVERRIDDEN: Mapping[str, Impact] = {"Rollout": "rollout", "Monitor": "monitor"}
# Fields that models are not compiled from: only the documents themselves hold them.
WORDS: Mapping[str, tuple[str, ...]] = {
    "Dataset": ("columns.*.description", "columns.*.unit", "columns.*.classification", "columns.*.known_at",
                "columns.*.purposes", "columns.*.sensitive", "purposes", "retention", "url", "license",
                "history.since"),
    "FeatureView": ("features.*.description", "tests", "tests.*", "online.store"),
    "Gate": ("checks.*.expect",),
    "Rollout": ("analysis.*.harmful",),
    "Model": ("card.*",),
    "Policy": ("*",),
}  # fmt: skip
Bearing = Callable[[str], Impact]
"""What the artifacts of a target bear on."""


# --- environments ----------------------------------------------------------------------------------------------------
def environment_edits(before: Document[Environment] | None, after: Document[Environment] | None) -> Iterator[Edit]:
    """Yield how an environment differs; its overrides by what they set, in whatever order they stand."""
    known = after or before
    if known is None:
        return
    if before is None or after is None:
        shown = (ABSENT, known.spec.namespace) if after else (known.spec.namespace, ABSENT)
        yield Edit("redeploy", known.label, "", *shown)
        return
    old, new = (_plain(document) for document in (before, after))
    for path, was, now in value_differences(old, new):
        yield Edit(ENVIRONMENT[path.split(".")[0]], known.label, f"spec.{path}", was, now)
    yield from _overrides(before, after)
    yield from envelope_edits(before, after)


def _plain(document: Document[Environment]) -> dict[str, Any]:
    """Return the fields of an environment but for its overrides; a list without order is compared sorted."""
    value = dumped(document.spec)
    value.pop("overrides", None)
    value["models"] = sorted(value["models"])
    requires = value.get("requires", {})
    requires["gates"] = sorted(requires.get("gates", ()))
    requires["approvals"] = {a["team"]: a["count"] for a in requires.get("approvals", ())}
    return value


def _overrides(before: Document[Environment], after: Document[Environment]) -> Iterator[Edit]:
    old, new = (_set(document) for document in (before, after))
    for key in dict.fromkeys((*new, *old)):
        kind, name, path = key
        was, now = (found.get(key, ("", ABSENT))[1] for found in (old, new))
        if was != now:
            impact = OVERRIDDEN.get(kind) or ("docs" if path.startswith("card") else "redeploy")
            field = new[key][0] if key in new else f"spec.overrides[{kind}/{name}].{path}"
            yield Edit(impact, after.label, field, was, now)


def _set(document: Document[Environment]) -> dict[tuple[str, str, str], tuple[str, str]]:
    """Return what the overrides set: kind, name and path, to the field of the environment and the value."""
    return {
        (o.kind, o.name, path): (f"spec.overrides.{i}.set.{_key(o.set, path)}", shown)
        for i, o in enumerate(document.spec.overrides)
        for path, shown in leaves(o.set).items()
    }


def _key(values: Mapping[str, Any], path: str) -> str:
    """Return the key of an override that a field below it belongs to; keys hold dots themselves."""
    return max((k for k in values if path == k or path.startswith(f"{k}.")), key=len, default=path)


def overridden(edit: Edit, environment: Environment) -> tuple[str, str] | None:
    """Return the kind and the name or pattern that an edit of an override is about."""
    parts = edit.field.split(".")
    if parts[:2] == ["spec", "overrides"]:
        override = environment.overrides[int(parts[2])]
        return override.kind, override.name
    if edit.field.startswith("spec.overrides["):
        kind, _, name = edit.field[len("spec.overrides[") :].partition("]")[0].partition("/")
        return kind, name
    return None


def concerns(edit: Edit, environment: Environment, model: str, attached: Mapping[str, str]) -> bool:
    """Tell whether an edit of an environment reaches a model; `attached` names its rollout and monitor by kind."""
    target = overridden(edit, environment)
    if target is None:
        return any(fnmatchcase(model, pattern) for pattern in environment.models)
    kind, name = target
    return fnmatchcase({**attached, "Model": model}.get(kind, ""), name)


# --- the project and the lock ----------------------------------------------------------------------------------------
def project_edits(before: Project, after: Project, bearing: Bearing, moved: bool) -> Iterator[Edit]:
    """Yield how the project's own document differs; options of a target by what its artifacts bear on.

    `moved` tells that versions did, which another time zone does where features use it.
    """
    label = after.document.label
    old, new = (leaves(dumped(project.spec)) for project in (before, after))
    for path, was, now in differences(old, new):
        impact: Impact = "retrain" if path == "timezone" and moved else _project_impact(path, bearing)
        yield Edit(impact, label, f"spec.{path}", was, now)
    names = [set(project.spec.targets) for project in (before, after)]
    for name in sorted(names[0] ^ names[1]):
        if not any(p == f"targets.{name}" or p.startswith(f"targets.{name}.") for p in (*old, *new)):
            shown = (ABSENT, "used") if name in names[1] else ("used", ABSENT)
            yield Edit(bearing(name), label, f"spec.targets.{name}", *shown)
    if before.document.name != after.document.name:
        yield Edit("redeploy", PROJECT_FILE, "metadata.name", before.document.name, after.document.name)
    yield from envelope_edits(before.document, after.document)


def _project_impact(path: str, bearing: Bearing) -> Impact:
    first, *rest = path.split(".")
    if first == "targets":
        return bearing(rest[0])
    return PROJECT.get(path) or PROJECT.get(first) or "docs"


def lock_edits(before: LockFile, after: LockFile) -> Iterator[Edit]:
    """Yield how the lock differs beside the datasets, which models tell of."""
    sections: tuple[tuple[str, Impact], ...] = (("images", "redeploy"), ("packages", "redeploy"), ("actions", "docs"))
    for section, impact in sections:
        old, new = (leaves(getattr(lock, section)) for lock in (before, after))
        for path, was, now in differences(old, new):
            yield Edit(impact, LOCK_FILE, f"{section}.{path}", was, now)
    if before.mlc != after.mlc:
        yield Edit("docs", LOCK_FILE, "mlc", before.mlc or ABSENT, after.mlc or ABSENT)


# --- words -----------------------------------------------------------------------------------------------------------
def word_edits(before: Project, after: Project) -> Iterator[Edit]:
    """Yield what differs in documents without reaching a model: words, tests, policies, and what no model uses."""
    old, new = ({d.label: d for d in p.documents() if d.kind in _KINDS} for p in (before, after))
    used, spare = _used(before) | _used(after), _spare(before, after)
    for label in dict.fromkeys((*new, *old)):
        was, now = old.get(label), new.get(label)
        if was is now:
            continue  # of a file that is the same
        if was is not None and now is not None:
            yield from _words(was, now, label in used, spare.get(label, ()))
            yield from envelope_edits(was, now)
        elif label not in used:
            yield Edit("docs", label, "", *((ABSENT, "no model uses it") if now else ("no model used it", ABSENT)))


_KINDS = ("Dataset", "FeatureView", "Gate", "Rollout", "Monitor", "Policy", "Model")


def _used(project: Project) -> set[str]:
    """Return the labels of documents that models are made of."""
    found = {m.document.label for m in project.models}
    for model in project.models:
        attached = (model.spine, *model.views, *model.gates, model.rollout, model.monitor)
        found |= {d.label for d in attached if d is not None}
        for view in model.views:
            names = [j.dataset or n for n, j in view.spec.joins.items()]
            names += [f.over for f in view.spec.features.values() if f.over]
            found |= {f"Dataset/{name}" for name in names}
    return found


def _spare(*projects: Project) -> dict[str, tuple[str, ...]]:
    """Return patterns for the features of each view that no model takes, nor any feature that a model takes."""
    taken: dict[str, set[str]] = {}
    for model in (m for project in projects for m in project.models):
        for feature in model.features:
            taken.setdefault(feature.view, set()).add(feature.name)
    views = [(label, v) for p in projects for label, v in ((v.label, v) for v in p.views.values())]
    found: dict[str, tuple[str, ...]] = {}
    for label, view in views:
        chosen = taken.get(view.name, set())
        texts = (f.expr or "" for name, f in view.spec.features.items() if name in chosen)
        used = chosen | {word for text in texts for word in re.findall(r"\w+", text)}
        names = [name for name in view.spec.features if name not in used]
        spare = (f"features.{name}{rest}" for name in names for rest in ("", ".*"))
        found[label] = tuple(dict.fromkeys((*found.get(label, ()), *spare)))
    return found


def _words(before: Document[Any], after: Document[Any], used: bool, spare: tuple[str, ...]) -> Iterator[Edit]:
    patterns = ("*",) if not used else (*WORDS.get(after.kind, ()), *spare)
    old, new = (dumped(document.spec) for document in (before, after))
    for path, was, now in value_differences(old, new):
        if any(fnmatchcase(path, pattern) for pattern in patterns) and canonical_query(was) != canonical_query(now):
            yield Edit("docs", after.label, f"spec.{path}", was, now)


def envelope_edits(before: Document[Any], after: Document[Any]) -> Iterator[Edit]:
    """Yield how the metadata differ; labels of models are objects' labels, which models tell of themselves."""
    skipped = ("labels", "name", "matrix")
    old, new = (
        {k: v for k, v in leaves(dumped(d.metadata)).items() if k.split(".")[0] not in skipped} for d in (before, after)
    )
    for path, was, now in differences(old, new):
        yield Edit("docs", after.label, f"metadata.{path}", was, now)
    if after.kind != "Model":
        for path, was, now in differences(dict(before.metadata.labels), dict(after.metadata.labels)):
            yield Edit("docs", after.label, f"metadata.labels.{path}", was, now)
