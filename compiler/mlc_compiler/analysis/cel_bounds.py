"""Keeps the CEL of rules small enough to evaluate: specs are untrusted, and nested macros multiply."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

LONGEST = 10_000
"""Characters of one condition."""
MOST_STEPS = 1_000_000
"""About 0.2 s of a processor, for one document."""

_TOKEN = re.compile(
    r"""[rRbB]{0,2}(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|"""
    r"""\.\s*(?P<macro>all|exists|exists_one|map|filter)\s*\(|(?P<bracket>[(){}\[\]])|(?P<comma>,)""",
    re.DOTALL,
)


def too_large(text: str, bindings: Mapping[str, object]) -> str:
    """Return why a condition could take too long on these values, in numbers; empty where it can't.

    Its loops run over what is bound or written out: no value of CEL can grow beyond that but by nesting.
    """
    if len(text) > LONGEST:
        return f"it has {len(text):,} characters, and {LONGEST:,} is the most"
    depth, written = _shape(text)
    if depth < 2:
        return ""
    size = max([written, *(_largest(value) for value in bindings.values())])
    if size**depth <= MOST_STEPS:
        return ""
    steps = f"{size**depth:,}" if depth * len(str(size)) < 20 else f"{size:,} to the power of {depth}"
    return f"{depth} loops inside one another over up to {size:,} items are {steps} steps; {MOST_STEPS:,} is the most"


def _shape(text: str) -> tuple[int, int]:
    """Return how many macros stand inside one another, and the items of the longest list written out."""
    macros: list[bool] = []
    items: list[int] = []
    deepest = most = 0
    for kind in _kinds(text):
        if kind in ("macro", "open"):
            macros.append(kind == "macro")
            items.append(1)
            deepest = max(deepest, sum(macros))
        elif kind == "comma" and items:
            items[-1] += 1
            most = max(most, items[-1])
        elif kind == "close" and macros:
            macros.pop()
            items.pop()
    return deepest, most


def _kinds(text: str) -> Iterator[str]:
    for match in _TOKEN.finditer(text):
        if match["macro"]:
            yield "macro"
        elif match["bracket"]:
            yield "open" if match["bracket"] in "([{" else "close"
        elif match["comma"]:
            yield "comma"


def _largest(value: object) -> int:
    """Return the length of the longest list or mapping in a value."""
    if isinstance(value, dict):
        return max([len(value), *map(_largest, value.values())])
    return max([len(value), *map(_largest, value)]) if isinstance(value, list) else 0
