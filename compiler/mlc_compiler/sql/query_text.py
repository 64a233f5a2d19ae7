"""Reads a query's text before any parser does: what it may not hold is a problem with its own place, in linear time."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlc_compiler.diagnostics import nearest
from mlc_compiler.records import dataclass
from mlc_compiler.sql.characters import strange_character
from mlc_compiler.sql.syntax import Span

MAX_CHARACTERS = 10_000
MAX_DEPTH = 30
MAX_BRACKETS = 200  # the parser takes time that grows with their square
_STARTS = ("select", "with", "from")
_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<comment>--|/\*(?:[^*]|\*(?!/))*(?:\*/)?)
      | (?P<string>'(?:[^']|'')*'?)
      | (?P<quoted>"(?:[^"]|"")*"?)
      | (?P<number>\d[\d._]*(?:[eE][+-]?\d+)?)
      | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<open>[(\[{])
      | (?P<close>[)\]}])
      | (?P<operator>[-+*/%,.<>=!|&^~@:]+)
      | (?P<other>.)""",
    re.VERBOSE | re.ASCII | re.DOTALL,
)
STATEMENTS = frozenset((
    "alter", "analyze", "attach", "begin", "call", "checkpoint", "commit", "copy", "create", "deallocate", "delete",
    "describe", "detach", "drop", "execute", "explain", "export", "force", "grant", "import", "insert", "install",
    "load", "merge", "pragma", "prepare", "replace", "reset", "revoke", "rollback", "set", "show", "summarize",
    "truncate", "update", "use", "vacuum",
))  # fmt: skip
"""Words that other statements start with."""


@dataclass(frozen=True, slots=True)
class QueryProblem:
    """Why a query is refused; without `within` it is the whole of it."""

    message: str
    within: Span | None = None
    help: str = ""
    fix: str = ""


def text_problem(text: str) -> QueryProblem | None:
    """Return the first thing that a query's text may not hold."""
    if len(text) > MAX_CHARACTERS:
        message = f"the query has {len(text):,} characters; at most {MAX_CHARACTERS:,} are read"
        return QueryProblem(message, (0, 1), "split it into several datasets: a query may read another")
    tokens = list(_TOKEN.finditer(text))
    found = (*_token_problems(text, tokens), *_nesting_problems(tokens))
    first = min(found, key=lambda problem: problem.within or (0, 0), default=None)
    start = _start_problem([t for t in tokens if t.lastgroup not in ("space", "comment")])
    # A letter that only looks like one cuts a word in two: the letter is what is wrong.
    cut = first is not None and first.within is not None and start is not None and first.within[0] <= _end(start)
    return first if start is None or cut else start


def _end(problem: QueryProblem) -> int:
    return problem.within[1] if problem.within else 0


def _start_problem(tokens: list[re.Match[str]]) -> QueryProblem | None:
    """Return why a text is no query, by its first word; a parenthesis may stand before it."""
    first = next((token for token in tokens if token[0] != "("), None)
    if first is None:
        return QueryProblem("the query is empty", None, "write one SELECT over datasets of the project")
    word = first[0].lower()
    if word in _STARTS or first.lastgroup == "other":
        return None
    if word in STATEMENTS:
        message = f"`{first[0]}` is not a SELECT: a dataset's query reads rows and changes nothing"
        return QueryProblem(message, first.span(), "write one SELECT over datasets; other statements never run")
    near = nearest(word, _STARTS)
    help = f"did you mean `{near.upper()}`?" if near else "start it with SELECT, WITH or FROM"
    return QueryProblem(
        f"a query does not start with `{first[0][:40]}`", first.span(), help, near.upper() if near else ""
    )


def _token_problems(text: str, tokens: list[re.Match[str]]) -> Iterator[QueryProblem]:
    before = ""
    for token in tokens:
        kind, word = token.lastgroup, token[0]
        if kind == "comment":
            yield from _comment_problem(token)
        elif kind in ("string", "quoted") and (len(word) == 1 or not word.endswith(word[0]) or _odd(word)):
            yield QueryProblem(
                "the text that starts here never ends", (token.start(), len(text)), f"close it with {word[0]}"
            )
        elif kind == "other":
            yield _other_problem(text, token)
        elif before == "select" and word.lower() == "top":
            help = "write LIMIT at the end: SELECT ... ORDER BY x LIMIT 10"
            yield QueryProblem("`TOP` is another database's", token.span(), help)
        if kind not in ("space", "comment"):
            before = word.lower()


def _odd(quoted: str) -> bool:
    return quoted.count(quoted[0]) % 2 == 1


def _comment_problem(token: re.Match[str]) -> Iterator[QueryProblem]:
    if token[0] == "--":
        # A folded YAML text has no line ends, so the comment would go on to the end of the query.
        yield QueryProblem("a comment after `--` would hide the rest of a folded text", token.span(), "write /* ... */")
    elif not token[0].endswith("*/") or len(token[0]) < 4:
        yield QueryProblem(
            "the comment that starts here never ends", (token.start(), token.start() + 2), "close it with */"
        )


def _other_problem(text: str, token: re.Match[str]) -> QueryProblem:
    if token[0] == ";":
        help = "delete it and what follows" if text[token.end() :].strip() else "delete it"
        return QueryProblem("`;` ends a statement; a dataset's query is one SELECT", token.span(), help)
    message, help = strange_character(token[0])
    return QueryProblem(message, token.span(), help)


def _nesting_problems(tokens: list[re.Match[str]]) -> Iterator[QueryProblem]:
    depth = brackets = 0
    for token in tokens:
        depth += {"open": 1, "close": -1}.get(token.lastgroup or "", 0)
        brackets += token[0] == "["
        if depth > MAX_DEPTH or brackets > MAX_BRACKETS:
            deep = f"is nested more than {MAX_DEPTH} deep" if depth > MAX_DEPTH else f"has more than {MAX_BRACKETS} `[`"
            help = "split it into several datasets: a query may read another"
            yield QueryProblem(f"the query {deep}", token.span(), help)
            return
