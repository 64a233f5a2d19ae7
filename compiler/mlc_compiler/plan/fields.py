"""Differences between two texts of a generated file, field by field where it is YAML or JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from mlc_compiler.diagnostics import Sink
from mlc_compiler.frontend.yaml_source import load
from mlc_compiler.plan.summary import FieldChange

STRUCTURED = (".yaml", ".yml", ".json")
ABSENT = "(none)"


def field_changes(path: str, before: str, after: str) -> tuple[FieldChange, ...]:
    """Return the fields that differ, in order of the file; one for the whole file where it has no fields."""
    if not path.endswith(STRUCTURED):
        return (FieldChange("text", _unlike(before, after), _unlike(after, before)),)
    old, new = (dict(_leaves(_value(text), "")) for text in (before, after))
    names = list(dict.fromkeys((*new, *old)))
    return tuple(
        FieldChange(n, old.get(n, ABSENT), new.get(n, ABSENT))
        for n in names
        if old.get(n, ABSENT) != new.get(n, ABSENT)
    )


def _unlike(text: str, other: str) -> str:
    """Return how many lines a text has, and how many of them the other lacks."""
    lines = Counter(text.splitlines())
    own = sum((lines - Counter(other.splitlines())).values())
    return f"{lines.total():,} lines, {own:,} of them its own"


def _value(text: str) -> object:
    documents = load("", text.encode(), Sink())
    return documents[0].value if documents else None


def _leaves(value: object, prefix: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            name = item.get("name") if isinstance(item, dict) else None
            yield from _leaves(item, f"{prefix}[{name if isinstance(name, str) else index}]")
    else:
        yield prefix, _text(value)


def _text(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else "null" if value is None else str(value)
    line = " ".join(text.split())
    return f"{line[:77]}..." if len(line) > 80 else line
