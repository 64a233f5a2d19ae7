"""Personal data that a model did not use before: a new feature, a new column of the request, a new classification."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from mlc_compiler.middle.resolved import ResolvedModel
from mlc_compiler.plan.risk import Risk, Severity

SENSITIVE: Mapping[str, Severity] = {
    "special": "high", "pii": "high", "pseudonymous": "medium", "confidential": "medium",
}  # fmt: skip
_WORD = re.compile(r"\w+")
_TEXT = re.compile(r"'(?:[^']|'')*'")
Column = tuple[str, str]
"""Dataset and column."""


def data_risks(before: ResolvedModel, after: ResolvedModel) -> Iterator[Risk]:
    """Yield what of the data of people a model newly reads, or what it reads is newly called so."""
    old, new = _used(before), _used(after)
    was = _classes(before)
    for column, why in sorted(new.items()):
        dataset, name = column
        now = _classes(after).get(column, "public")
        if now not in SENSITIVE:
            continue
        field, severity = f"spec.columns.{name}", SENSITIVE[now]
        if column not in old:
            message = f"{after.name} newly uses `{dataset}.{name}`, which is {now}: {why}"
            yield Risk("MLC962", severity, message, "not used", now, f"Dataset/{dataset}", field, after.name)
        elif was.get(column, "public") not in SENSITIVE:
            message = f"`{dataset}.{name}`, which {after.name} uses, is now {now}: {why}"
            shown = was.get(column, "public"), now
            yield Risk("MLC962", "medium", message, *shown, f"Dataset/{dataset}", f"{field}.classification", after.name)


def _classes(model: ResolvedModel) -> dict[Column, str]:
    return {(d.name, c.name): c.classification for d in model.datasets for c in d.columns}


def _used(model: ResolvedModel) -> dict[Column, str]:
    """Return the columns that a model reads, each with what reads it, by the canonical texts of its definitions."""
    query = model.features
    texts = {f"feature `{f.name}`": f.definition for f in query.features}
    texts |= {"the label": model.label.definition, "the choice of rows": query.definition}
    found: dict[Column, str] = {(query.spine, c.name): "the request" for c in query.request}
    for why, text in reversed(texts.items()):
        words = set(_WORD.findall(_TEXT.sub("", text)))
        for dataset in model.datasets:
            if dataset.name == query.spine or set(_WORD.findall(dataset.name)) <= words:
                found.update({(dataset.name, c.name): why for c in dataset.columns if c.name in words})
    return found
