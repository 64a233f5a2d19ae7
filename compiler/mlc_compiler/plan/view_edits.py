"""How the rows and features of a model differ, by their compiled definitions; the documents say which fields did it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mlc_compiler.conventions import duration_text
from mlc_compiler.ir import Feature, FeatureQuery
from mlc_compiler.plan.impact import ABSENT, Edit
from mlc_compiler.plan.leaves import between, dumped, value_differences

if TYPE_CHECKING:
    from mlc_compiler.plan.model_edits import State

Features = Mapping[tuple[str, str], Feature]
Item = Mapping[str, Any]
"""A feature or join as its document says."""
WORDS_ONLY = ("description",)


def view_edits(before: State, after: State, moved: bool) -> Iterator[Edit]:
    """Yield how the model's features, their rows and the request differ."""
    old, new = before.model.features, after.model.features
    if moved:
        yield from _rows(before, after)
        yield from _features(before, after)
        if old.refresh != new.refresh:
            shown = duration_text(old.refresh), duration_text(new.refresh)
            yield Edit("retrain", _view(new), "spec.online.refresh", *shown, also=("redeploy",))
    yield from _request(old, new)
    yield from _descriptions(_by_name(old), _by_name(new))


def _view(query: FeatureQuery) -> str:
    return f"FeatureView/{query.features[0].view}"


def _by_name(query: FeatureQuery) -> dict[tuple[str, str], Feature]:
    return {(f.view, f.name): f for f in query.features}


# --- rows ------------------------------------------------------------------------------------------------------------
def _rows(before: State, after: State) -> Iterator[Edit]:
    old, new = (_row_parts(state.model.features) for state in (before, after))
    for part in ("from", "predict_at"):
        if old[part] != new[part]:
            yield Edit("retrain", _view(after.model.features), f"spec.{part}", old[part], new[part])
    if old["where"] == new["where"]:
        return
    was, now = before.model.spec.where, after.model.spec.where
    if was != now:
        yield Edit("retrain", f"Model/{after.model.name}", "spec.where", was or ABSENT, now or ABSENT)
    else:
        yield Edit("retrain", _view(after.model.features), "spec.where", old["where"], new["where"])


def _row_parts(query: FeatureQuery) -> dict[str, str]:
    """Return the rows' definition in its parts: spine, time of the prediction, filters."""
    found = {"from": "", "predict_at": "", "where": ABSENT}
    for part in query.definition.split("; "):
        name, _, rest = part.partition(" ")
        if name in found:
            found[name] = rest if found[name] in ("", ABSENT) else f"{found[name]} and {rest}"
    return found


# --- features --------------------------------------------------------------------------------------------------------
def _features(before: State, after: State) -> Iterator[Edit]:
    old, new = _by_name(before.model.features), _by_name(after.model.features)
    changed = {key for key in {*old, *new} if _meaning(old.get(key)) != _meaning(new.get(key))}
    said = tuple(_document_edits(before, after, changed, old, new))
    yield from said
    yield from _selection(before, after, bool(changed) or list(old) != list(new))
    told = {(e.document, e.field.split(".")[2]) for e in said if e.field.startswith("spec.features.")}
    for view, name in sorted(changed):
        if (f"FeatureView/{view}", name) not in told and not (said and (view, name) in old and (view, name) in new):
            shown = _shown(old.get((view, name)), new.get((view, name)))
            yield Edit("retrain", f"FeatureView/{view}", f"spec.features.{name}", *shown)


def _meaning(feature: Feature | None) -> tuple[str, str] | None:
    return None if feature is None else (feature.kind, feature.definition)


def _shown(before: Feature | None, after: Feature | None) -> tuple[str, str]:
    if before is None or after is None:
        return before.expression if before else ABSENT, after.expression if after else ABSENT
    if before.expression != after.expression:
        return before.expression, after.expression
    return between(before.definition, after.definition)


def _selection(before: State, after: State, differs: bool) -> Iterator[Edit]:
    old, new = before.leaves(), after.leaves()
    for field in ("features", "exclude"):
        if differs and old.get(field) != new.get(field):
            shown = old.get(field, ABSENT), new.get(field, ABSENT)
            yield Edit("retrain", f"Model/{after.model.name}", f"spec.{field}", *shown)


def _document_edits(
    before: State, after: State, changed: set[tuple[str, str]], old: Features, new: Features
) -> Iterator[Edit]:
    """Yield the fields of the views' documents that made features differ: their own, and those of what they use."""
    if before.project is None or after.project is None or not changed:
        return
    for view in sorted({view for view, _ in changed}):
        documents = [project.views.get(view) for project in (before.project, after.project)]
        if documents[0] is None or documents[1] is None:
            continue
        texts = [f.definition for key in changed if key[0] == view for f in (old.get(key), new.get(key)) if f]
        used = {word for text in texts for word in re.findall(r"\w+", text)} | {n for v, n in changed if v == view}
        was, now = (dumped(document.spec) for document in documents if document)
        for part, name in ((part, name) for part in ("features", "joins") for name in sorted(used)):
            yield from _item(view, f"spec.{part}.{name}", was.get(part, {}).get(name), now.get(part, {}).get(name))


def _item(view: str, field: str, before: Item | None, after: Item | None) -> Iterator[Edit]:
    """Yield how a feature or join of a view differs; one that came or went is one edit."""
    if before is None or after is None:
        if before != after:
            was, now = (ABSENT if item is None else _in_short(item) for item in (before, after))
            yield Edit("retrain", f"FeatureView/{view}", field, was, now)
        return
    for path, was, now in value_differences(before, after):
        if path not in WORDS_ONLY:
            yield Edit("retrain", f"FeatureView/{view}", f"{field}.{path}", was, now)


def _in_short(item: Item) -> str:
    return str(item.get("expr") or item.get("aggregate") or item.get("transform") or f"on {', '.join(item['on'])}")


# --- the request, and words ------------------------------------------------------------------------------------------
def _request(before: FeatureQuery, after: FeatureQuery) -> Iterator[Edit]:
    """Yield a request that takes other columns: the serving schema."""
    old, new = ([c.name for c in query.request] for query in (before, after))
    if sorted(old) != sorted(new):
        yield Edit("redeploy", _view(after), "spec.request", f"[{', '.join(old)}]", f"[{', '.join(new)}]")


def _descriptions(old: Features, new: Features) -> Iterator[Edit]:
    for (view, name), feature in new.items():
        was = old.get((view, name))
        if was is not None and was.description != feature.description:
            shown = was.description or ABSENT, feature.description or ABSENT
            yield Edit("docs", f"FeatureView/{view}", f"spec.features.{name}.description", *shown)
