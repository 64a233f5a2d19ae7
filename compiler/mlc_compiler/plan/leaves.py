"""Spec values taken apart into fields: dotted paths with short texts, so that two values differ field by field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlc_compiler.plan.impact import ABSENT

LONGEST = 72
Leaves = Mapping[str, str]
Difference = tuple[str, str, str]
"""Path, text before, text after."""


def leaves(value: object, prefix: str = "") -> dict[str, str]:
    """Return the texts of a value's fields by their dotted paths.

    Items of lists go by their `name` where they have one, else by their number; lists of scalars are one field.
    """
    return dict(_leaves(value, prefix))


def _leaves(value: object, prefix: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list | tuple) and any(isinstance(i, Mapping | list | tuple) for i in value):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{prefix}.{_step(item, index)}")
    elif value not in ({}, [], ()):
        yield prefix, text(value)


def _step(item: object, index: int) -> str:
    name = item.get("name") if isinstance(item, Mapping) else None
    return name if isinstance(name, str) and "." not in name else str(index)


def text(value: object) -> str:
    """Return a value in one line.

    >>> text(True), text(None), text(0.7), text(["a", 1])
    ('true', 'null', '0.7', '[a, 1]')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(text, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {text(item)}' for key, item in value.items())}}}"
    return "null" if value is None else " ".join(str(value).split())


def short(shown: str) -> str:
    """Return a text cut to what fits beside another on a line."""
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 3]}..."


def differences(before: Leaves, after: Leaves) -> tuple[Difference, ...]:
    """Return the fields that differ, in the order of what is there now, then of what is gone."""
    names = dict.fromkeys((*after, *before))
    pairs = ((name, before.get(name, ABSENT), after.get(name, ABSENT)) for name in names)
    return tuple(pair for pair in pairs if pair[1] != pair[2])


def value_differences(before: object, after: object, path: str = "") -> Iterator[Difference]:
    """Yield the fields in which two values differ; what came or went whole is one, and so is a list that grew.

    >>> list(value_differences({"a": [{"name": "x", "b": 1}]}, {"a": [{"name": "x", "b": 2}, {"name": "y"}]}))
    [('a.x.b', '1', '2'), ('a.y', '(none)', '{name: y}')]
    """
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys((*after, *before)):
            yield from value_differences(
                before.get(key, _GONE), after.get(key, _GONE), f"{path}.{key}" if path else key
            )
    elif isinstance(before, list) and isinstance(after, list) and _alike(before, after):
        old, new = ({_step(item, i): item for i, item in enumerate(items)} for items in (before, after))
        yield from value_differences(old, new, path)
    elif before != after:
        yield path, *(ABSENT if value is _GONE else text(value) for value in (before, after))  # type: ignore[misc]  # two


_GONE = object()


def _alike(before: list[Any], after: list[Any]) -> bool:
    """Tell whether two lists hold items that can be told apart: named ones, or as many of them."""
    mappings = all(isinstance(item, Mapping) for item in (*before, *after))
    named = all("name" in item for item in (*before, *after)) if mappings else False
    return mappings and (named or len(before) == len(after))


def below(leaves: Leaves, *prefixes: str) -> dict[str, str]:
    """Return the fields at or below the given paths."""
    return {
        path: shown
        for path, shown in leaves.items()
        if any(path == prefix or path.startswith(f"{prefix}.") for prefix in prefixes)
    }


def between(before: str, after: str) -> tuple[str, str]:
    """Return two long texts without the words that they begin and end with alike.

    >>> between("avg(x) over a by (b) in 3h known then", "avg(x) over a by (b) in 6h known then")
    ('... in 3h ...', '... in 6h ...')
    """
    if max(len(before), len(after)) <= LONGEST:
        return before, after
    old, new = before.split(), after.split()
    return _around(old, new), _around(new, old)


def _around(words: list[str], others: list[str]) -> str:
    shortest = min(len(words), len(others))
    start = next((i for i in range(shortest) if words[i] != others[i]), shortest)
    end = next((i for i in range(shortest - start) if words[-1 - i] != others[-1 - i]), shortest - start)
    first = max(0, start - 1)
    kept = words[first : len(words) - end]
    return " ".join([*(["..."] if first else []), *kept, *(["..."] if end else [])])


def dumped(spec: Any) -> dict[str, Any]:  # noqa: ANN401  any class of the spec language
    """Return a spec as the JSON value that a snapshot keeps: durations and sizes as texts, nothing that is null."""
    value: dict[str, Any] = spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    return value
