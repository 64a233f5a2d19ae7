"""How the datasets of a model differ: their snapshots, how they are read, and what is checked of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlc_compiler.conventions import LOCK_FILE, duration_text, short
from mlc_compiler.ir import Column, Dataset
from mlc_compiler.middle.resolved import ResolvedModel
from mlc_compiler.middle.version import read_as
from mlc_compiler.plan.impact import ABSENT, Edit, Impact
from mlc_compiler.plan.leaves import differences, leaves, text

# Fields of a column with the class of their change; `known_at` counts where a definition moved with it.
COLUMN: Mapping[str, Impact] = {
    "type": "retrain",
    "required": "re-evaluate",
    "unique": "re-evaluate",
    "enum": "re-evaluate",
    "minimum": "re-evaluate",
    "maximum": "re-evaluate",
    "pattern": "re-evaluate",
    "classification": "docs",
    "description": "docs",
}
SCHEMA = ("type", "required", "enum", "minimum", "maximum", "pattern", "classification")
"""What the server knows of the columns of a request."""


def dataset_edits(before: ResolvedModel, after: ResolvedModel, moved: bool) -> Iterator[Edit]:
    """Yield how the datasets differ that both read; what is read or not read any more shows at the features."""
    old, new = ({d.name: d for d in model.datasets} for model in (before, after))
    requested = {c.name for c in after.features.request}
    for name in sorted({*old, *new}):
        was, now = old.get(name), new.get(name)
        if was is None or now is None:
            shown = ("not read", "read") if now else ("read", "not read")
            yield Edit("retrain" if moved else "re-evaluate", f"Dataset/{name}", "", *shown)
            continue
        yield from _read(was, now, moved)
        yield from _columns(was, now, requested if name == after.features.spine else set(), moved)
        yield from _checks(was, now)
        yield from _words(was, now)


def _read(before: Dataset, after: Dataset, moved: bool) -> Iterator[Edit]:
    """Yield what of reading the rows differs."""
    label = f"Dataset/{after.name}"
    if before.digest != after.digest:
        field, shown = f"datasets.{after.name}.digest", (_digest(before.digest), _digest(after.digest))
        yield Edit("retrain", LOCK_FILE, field, *shown)
    trained: Impact = "retrain" if moved else "re-evaluate"
    for field, impact, was, now in (
        ("source.format", trained, before.source.format, after.source.format),
        ("source.delimiter", trained, before.source.delimiter, after.source.delimiter),
        ("source.header", trained, text(before.source.header), text(after.source.header)),
        ("event_time", trained, before.event_time or ABSENT, after.event_time or ABSENT),
        ("delay", trained, duration_text(before.delay), duration_text(after.delay)),
        ("updates", trained, _updates(before), _updates(after)),
        ("primary_key", "re-evaluate", text(before.primary_key), text(after.primary_key)),
        ("source.path", "redeploy", before.source.path or ABSENT, after.source.path or ABSENT),
        ("source.url", "redeploy", before.source.url or ABSENT, after.source.url or ABSENT),
        ("source.connection.secret", "redeploy", before.source.secret or ABSENT, after.source.secret or ABSENT),
        ("history.until", "re-evaluate", before.until or ABSENT, after.until or ABSENT),
    ):
        if was != now:
            yield Edit(impact, label, f"spec.{field}", was, now)
    if read_as(before.source) != read_as(after.source):
        shown = text(before.source.query or ABSENT), text(after.source.query or ABSENT)
        yield Edit(trained, label, "spec.source.query", *shown)


def _updates(dataset: Dataset) -> str:
    return "overwrite" if dataset.overwrite else "append"


def _digest(digest: str | None) -> str:
    return short(digest) if digest else ABSENT


def _columns(before: Dataset, after: Dataset, requested: set[str], moved: bool) -> Iterator[Edit]:
    old, new = ({c.name: c for c in dataset.columns} for dataset in (before, after))
    label = f"Dataset/{after.name}"
    for name in dict.fromkeys((*new, *old)):
        was, now = old.get(name), new.get(name)
        if was is None or now is None:
            shown = (ABSENT, now.type) if now else (was.type if was else "", ABSENT)
            yield Edit("retrain" if moved else "re-evaluate", label, f"spec.columns.{name}", *shown)
        elif was != now:
            yield from _column(label, was, now, name in requested, moved)


def _column(label: str, before: Column, after: Column, requested: bool, moved: bool) -> Iterator[Edit]:
    old, new = (_fields(column) for column in (before, after))
    for field, was, now in differences(old, new):
        if field == "known_at" and not moved:
            continue  # no definition moved with it
        impact: Impact = COLUMN.get(field, "retrain")
        also: tuple[Impact, ...] = ("redeploy",) if requested and field in SCHEMA else ()
        first, *rest = (impact, *also) if impact != "docs" else (*also, impact)
        yield Edit(first, label, f"spec.columns.{after.name}.{field}", was, now, tuple(rest))


def _fields(column: Column) -> dict[str, str]:
    return leaves({name: getattr(column, name) for name in (*COLUMN, "known_at") if getattr(column, name) is not None})


def _checks(before: Dataset, after: Dataset) -> Iterator[Edit]:
    """Yield checks of the data that differ; a check is the same by its name."""
    old, new = ({c.name: c for c in dataset.checks} for dataset in (before, after))
    for name in dict.fromkeys((*new, *old)):
        was, now = (_check(found.get(name)) for found in (old, new))
        if was != now:
            field = new[name].origin.field if name in new else f"spec.checks[{name}]"
            yield Edit("re-evaluate", f"Dataset/{after.name}", field, was, now)


def _check(check: object) -> str:
    if check is None:
        return ABSENT
    names = ("name", "min", "max", "statistic", "severity")
    given = ((n, getattr(check, n)) for n in names)
    return " ".join(text(v) if n == "name" else f"{n} {text(v)}" for n, v in given if v is not None)


def _words(before: Dataset, after: Dataset) -> Iterator[Edit]:
    for field in ("license", "owner", "description"):
        was, now = getattr(before, field), getattr(after, field)
        if was != now:
            within = "spec" if field == "license" else "metadata"
            yield Edit("docs", f"Dataset/{after.name}", f"{within}.{field}", was or ABSENT, now or ABSENT)
