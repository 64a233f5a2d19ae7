"""Splits the text of an expression into tokens; what the language does not have is a problem, never an exception."""

from __future__ import annotations

import re

from mlc_compiler.records import dataclass
from mlc_compiler.sql.characters import strange_character
from mlc_compiler.sql.syntax import ExpressionProblem, Span

MAX_CHARACTERS = 10_000
_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<comment>--|/\*)
      | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<string>'(?:[^']|'')*')
      | (?P<quoted>"(?:[^"]|"")+")
      | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<operator><=|>=|<>|!=|==|\|\||::|[-+*/%(),.<>=])""",
    re.VERBOSE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is number, string, quoted, word, operator or end; `text` is as written, `word` in lower case."""

    kind: str
    text: str
    word: str
    span: Span


def tokenize(text: str) -> tuple[Token, ...] | ExpressionProblem:
    """Return the tokens of `text`, the last of kind `end`, or the first thing that is no token."""
    if len(text) > MAX_CHARACTERS:
        message = f"the expression has {len(text):,} characters; at most {MAX_CHARACTERS:,} are read"
        return ExpressionProblem("MLC301", message, (0, 1), help="split it into several features; one may use another")
    if "\0" in text:
        return _no_token(text, text.index("\0"))
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup == "comment":
            return _no_token(text, position)
        if match.lastgroup != "space":
            tokens.append(_token(match))
        position = match.end()
    end = len(text.rstrip())
    tokens.append(Token("end", "", "", (max(end - 1, 0), max(end, 1))))
    return tuple(tokens)


def _token(match: re.Match[str]) -> Token:
    kind, text = match.lastgroup or "", match[0]
    if kind == "quoted":
        return Token(kind, text[1:-1].replace('""', '"'), "", match.span())
    return Token(kind, text, text.lower() if kind in ("word", "operator") else "", match.span())


def _no_token(text: str, position: int) -> ExpressionProblem:
    character = text[position]
    if text.startswith(("--", "/*"), position):
        message = "an expression has no comments"
        return ExpressionProblem("MLC301", message, (position, position + 2), help="write the comment in YAML, after #")
    if character in "'\"":
        message = "the text that starts here never ends" if character == "'" else "the name that starts here never ends"
        return ExpressionProblem("MLC301", message, (position, len(text)), help=f"close it with {character}")
    if character == ";":
        message = "`;` ends a statement; an expression is one value"
        return ExpressionProblem("MLC301", message, (position, position + 1), help="delete it and what follows")
    message, help = strange_character(character)
    return ExpressionProblem("MLC301", message, (position, position + 1), help=help)
