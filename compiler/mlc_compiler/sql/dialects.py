"""What other databases write after a value and this language does not: what to write instead."""

from __future__ import annotations

_CLAUSE = "an expression is one value of one row: choose rows with `where:`, read other tables through `joins:`"
_PATTERN = "write like, contains(x, 'a') or starts_with(x, 'a')"
_INSTEAD = {
    **dict.fromkeys(("from", "where", "group", "having", "order", "limit", "offset", "join", "on", "using"), _CLAUSE),
    **dict.fromkeys(("union", "intersect", "except", "top", "window", "values", "into", "for"), _CLAUSE),
    **dict.fromkeys(("rlike", "regexp", "similar", "glob"), _PATTERN),
    "qualify": "aggregate over other rows with `aggregate:`, `by:` and `window:`",
    "ilike": "compare in lower case: lower(x) like 'a%'",
    "as": "a feature is named by its key; to convert write cast(x as type)",
    "at": "calendar functions read the project's `timezone`: hour(x)",
    "div": "write floor(a / b)",
    "mod": "write a % b",
    "xor": "write a <> b",
    "isnull": "write x is null",
    "notnull": "write x is not null",
    "collate": "texts are compared byte by byte; write lower(x) to compare without case",
    "?": "write case when CONDITION then A else B end",
}


def following_help(word: str) -> str:
    """Return what to do about a word that stands where an operator or the end should."""
    return _INSTEAD.get(word, "an operator or the end should follow")
