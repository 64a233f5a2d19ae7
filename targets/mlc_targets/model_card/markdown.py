"""Markdown that shows what it was given: text as text, names as code, whatever characters they hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from mlc_compiler.backend.target import Sourced
from mlc_compiler.ir import Origin

Line = str | Sourced

TO_BE_WRITTEN = "_to be written_"

_INLINE = re.compile(r"[\\`*\[\]<>|~&$]|(?<![^\W_])_|_(?![^\W_])|(?<=\w)!(?=\[)")
_LEADING = re.compile(r"^([#>+=-]|\d+(?=[.)]))")
_LINK = re.compile(r"https?://[^\s<>]+")


def prose(text: str) -> str:
    """Return a text in one line that Markdown shows as it is.

    >>> print(prose("a | b <i>c</i> snake_case _d_"))
    a \\| b \\<i\\>c\\</i\\> snake_case \\_d\\_
    """
    flat = " ".join(text.split())
    escaped = _INLINE.sub(lambda match: f"\\{match[0]}", flat)
    return _LEADING.sub(_leading, escaped)


def _leading(match: re.Match[str]) -> str:
    """Return what would begin a heading, list or quotation, disarmed: a number by its dot, a sign by itself."""
    return f"{match[1]}\\" if match[1].isdigit() else f"\\{match[1]}"


def code(text: str) -> str:
    """Return a text as code, outside of tables.

    >>> print(code("a | `b`"))
    `` a | `b` ``
    """
    flat = " ".join(text.split())
    if not flat:
        return ""
    longest = max((len(run) for run in re.findall("`+", flat)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{pad}{flat}{pad}{fence}"


def cell(text: str) -> str:
    """Return a text as code in a table, where a bar would end the cell even inside code.

    >>> print(cell("a || b"))
    `a \\|\\| b`
    """
    return code(text).replace("|", "\\|")


def reference(text: str) -> str:
    """Return a link where the text is one, else the text."""
    return f"<{text}>" if _LINK.fullmatch(text.strip()) else prose(text)


def link(text: str, path: str) -> str:
    """Return a link to a file of the repository; `path` holds no blanks or brackets."""
    return f"[{text}]({path})"


def table(heads: Sequence[str], rows: Iterable[tuple[Sequence[str], Origin]]) -> list[Line]:
    """Return a table whose rows know where they come from; cells are Markdown already."""
    lines: list[Line] = [_row(heads), _row(["---"] * len(heads))]
    return [*lines, *(Sourced(_row(cells), origin) for cells, origin in rows), ""]


def bullets(texts: Iterable[str], origin: Origin) -> list[Line]:
    """Return a list; without any, that it is to be written."""
    items = [f"- {text}" for text in texts]
    return [Sourced(item, origin) for item in items] + [""] if items else [Sourced(TO_BE_WRITTEN, origin), ""]


def paragraph(text: str, origin: Origin) -> list[Line]:
    """Return a paragraph of a person's text; where there is none, that it is to be written."""
    return [Sourced(prose(text) or TO_BE_WRITTEN, origin), ""]


def section(title: str, *blocks: Iterable[Line], level: int = 2) -> list[Line]:
    """Return a heading with what stands below it."""
    return [f"{'#' * level} {title}", "", *(line for block in blocks for line in block)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
