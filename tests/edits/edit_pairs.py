"""Pairs of projects that differ by one labelled edit: the project beside, before and after, compiled in memory."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from mlc_compiler import __version__
from mlc_compiler.backend.registry import installed
from mlc_compiler.codec import digest
from mlc_compiler.diagnostics import Finding, Severity, Sink
from mlc_compiler.frontend.check import check
from mlc_compiler.frontend.lock import LockFile
from mlc_compiler.frontend.resolve import resolve
from mlc_compiler.frontend.yaml_source import YamlDocument, load
from mlc_compiler.middle.models import resolve_models
from mlc_compiler.plan.bearing import bearing_of
from mlc_compiler.plan.compare import Side, against_project
from mlc_compiler.plan.meaning import Meaning

HERE = Path(__file__).parent
PROJECT = HERE / "project"
GONE = object()
DATASETS = ("flights", "weather", "planes", "unused", "aircraft", "later")
CODE = {"amount": {"src/own.py": digest("VALUE = 1")}}
Texts = Mapping[str, str]


class _Loader(yaml.SafeLoader):
    """Reads the table of edits."""


_Loader.add_constructor("!gone", lambda loader, node: GONE)


@dataclass(frozen=True)
class Pair:
    """An edit with the classes that it means."""

    name: str
    edits: tuple[tuple[str, Mapping[str, Any]], ...]
    means: frozenset[str]


def pairs() -> tuple[Pair, ...]:
    """Return the table."""
    rows = yaml.load((HERE / "edits.yaml").read_text("utf-8"), _Loader)
    return tuple(_pair(row) for row in rows)


def _pair(row: list[Any]) -> Pair:
    document, values, *rest = row
    edits, means = [(document, values)], set()
    for item in rest:
        if isinstance(item, dict):
            edits += item.items()
        else:
            means |= {item} if isinstance(item, str) else set(item)
    shown = ", ".join(f"{path} = {'gone' if value is GONE else value}" for path, value in values.items())
    return Pair(f"{document} {shown}"[:110], tuple(edits), frozenset(means - {"none"}))


# --- compiling -------------------------------------------------------------------------------------------------------
@cache
def texts() -> Texts:
    found = (p for p in PROJECT.rglob("*.yaml"))
    return {p.relative_to(PROJECT).as_posix(): p.read_text("utf-8") for p in sorted(found)}


def documents(files: Texts | None = None) -> list[YamlDocument]:
    return [d for path, text in (files or texts()).items() for d in load(path, text, Sink())]


def a_lock(**fields: Any) -> LockFile:
    entries = {name: {"digest": digest(name), "rows": 1000, "files": {}, "columns": {}} for name in DATASETS}
    actions = {"actions/checkout": {"sha": "a" * 40, "version": "v4"}}
    images = {"python:3.11-slim": "sha256:" + "b" * 64}
    lock = LockFile(__version__, entries, actions, images, {"scikit-learn": "1.6.0"})
    return replace(lock, **fields)


def side(found: Iterable[YamlDocument], lock: LockFile | None = None, code: Any = None) -> Side:
    """Return a project as it compiles; what analyses say of it does not matter here."""
    sink = Sink()
    checked = check(found, sink)
    assert not sink.failed(), errors(sink)
    first = next(d for d in checked if d.kind == "Project")
    project = resolve((d for d in checked if d is not first), first, sink)
    assert project is not None, errors(sink)
    lock, code = lock or a_lock(), code or CODE
    models = resolve_models(project, lock, code, sink)
    assert len(models) == len(project.models), errors(sink)
    return Side(project, models, lock=lock, code=code)


def errors(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    return [(f.code, f.message) for f in findings if f.severity is Severity.ERROR]


@cache
def before() -> Side:
    return side(documents())


def after(pair: Pair) -> Side:
    return side(edited(pair))


def compared(now: Side, then: Side | None = None) -> Meaning:
    return against_project(then or before(), now, bearing_of(installed().find))


def classes(found: Meaning) -> frozenset[str]:
    return frozenset(impact for change in found.changes for impact in change.impacts)


# --- editing ---------------------------------------------------------------------------------------------------------
def edited(pair: Pair) -> list[YamlDocument]:
    """Return the documents with the pair's edits made."""
    found = copy.deepcopy(documents())
    for label, values in pair.edits:
        found = list(_edited(found, label, values))
    return found


def _edited(found: list[YamlDocument], label: str, values: Mapping[str, Any]) -> Iterator[YamlDocument]:
    kind, _, name = label.lstrip("+-").partition("/")
    matched = [d for d in found if _label(d.value) == (kind, name)]
    assert bool(matched) != label.startswith("+"), label
    for document in found:
        if document not in matched:
            yield document
        elif not label.startswith("-"):
            for path, value in values.items():
                put(document.value, path.split("."), value)
            yield document
    if label.startswith("+"):
        yield YamlDocument("specs/added.yaml", 0, {"kind": kind, "metadata": {"name": name}, "spec": plain(values)})


def _label(value: Any) -> tuple[str, str]:
    return value["kind"], value["metadata"]["name"]


def put(value: Any, steps: list[str], new: Any) -> None:
    """Set a field below a value, or take it away."""
    step: Any = int(steps[0]) if isinstance(value, list) else steps[0]
    if len(steps) > 1:
        if isinstance(value, dict) and value.get(step) is None:
            value[step] = {}
        put(value[step], steps[1:], new)
    elif new is GONE:
        del value[step]
    else:
        value[step] = plain(new)


def plain(value: Any) -> Any:
    """Return a value of the table as a spec file would give it: dates are texts there."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if v is not GONE}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value.isoformat() if isinstance(value, dt.date) else value
