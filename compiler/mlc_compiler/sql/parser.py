"""Parses the expression language: a typed SQL subset in which nothing reads, writes, loops or looks at a clock.

It is our own grammar, not a general SQL parser's: an expression's canonical text is part of model versions, so it may
not change when a library does; each node keeps exact positions; and what the grammar lacks cannot be smuggled in.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from mlc_compiler.sql.dialects import following_help
from mlc_compiler.sql.functions import REASONS
from mlc_compiler.sql.literals import date_literal, interval_literal, number_literal, timestamp_literal
from mlc_compiler.sql.query_text import STATEMENTS
from mlc_compiler.sql.syntax import (
    Call,
    Case,
    Cast,
    ExpressionProblem,
    Literal,
    Membership,
    Name,
    Node,
    Operation,
    Span,
)
from mlc_compiler.sql.tokens import Token, tokenize

MAX_DEPTH = 100
MAX_ITEMS = 1_000

_BINARY = {
    "or": 1, "and": 2,
    "=": 5, "==": 5, "<>": 5, "!=": 5, "<": 5, "<=": 5, ">": 5, ">=": 5,
    "||": 7, "+": 8, "-": 8, "*": 9, "/": 9, "%": 9,
}  # fmt: skip
_NOT, _IS, _RANGE, _SIGN, _COLONS = 3, 4, 6, 10, 11
_SPELLING = {"==": "=", "!=": "<>"}
_TYPES = {
    "string": "string", "varchar": "string", "text": "string",
    "int64": "int64", "int32": "int64", "bigint": "int64", "integer": "int64", "int": "int64",
    "float64": "float64", "float32": "float64", "double": "float64", "float": "float64", "real": "float64",
    "bool": "bool", "boolean": "bool", "timestamp": "timestamp", "date": "date",
}  # fmt: skip
_TYPES_ELSEWHERE = {
    **dict.fromkeys(("decimal", "numeric", "number"), "float64"),
    **dict.fromkeys(("smallint", "tinyint", "hugeint", "long"), "int64"),
    **dict.fromkeys(("char", "nvarchar", "clob"), "string"),
    **dict.fromkeys(("datetime", "timestamptz", "timestamp_ntz"), "timestamp"),
}
_RESERVED = frozenset((
    "and", "or", "not", "is", "in", "between", "like", "case", "when", "then", "else", "end", "as", "null", "true",
    "false", "distinct", "interval", "select", "from", "with", "over", "filter", "exists", "union", "where", "group",
    "having", "order", "limit",
))  # fmt: skip
_REFUSED = {
    "select": ("a query inside an expression is refused", "read other tables through `joins` or `aggregate`"),
    "with": ("a query inside an expression is refused", "read other tables through `joins` or `aggregate`"),
    "exists": ("a query inside an expression is refused", 'use `aggregate: "count(*)"` and compare it with 0'),
    "lambda": ("functions inside an expression are refused", "write the value out"),
}
_CLOCKS = frozenset(("current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"))


class _Refused(Exception):
    """Leaves the recursion of the parser; never leaves `parse`."""

    def __init__(self, problem: ExpressionProblem) -> None:
        self.problem = problem


@functools.lru_cache(maxsize=8192)
def parse(text: str) -> Node | ExpressionProblem:
    """Return the syntax tree of `text`, or what is wrong with it. Never raises, whatever the text."""
    tokens = tokenize(text)
    if isinstance(tokens, ExpressionProblem):
        return tokens
    try:
        return _Parser(tokens).whole()
    except _Refused as refused:
        return refused.problem


class _Parser:
    """A precedence climber over a tuple of tokens."""

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self._tokens = tokens
        self._position = 0
        self._nesting = 0

    def whole(self) -> Node:
        first = self._peek()
        if first.kind == "end":
            help = "write a column, or an expression over columns"
            raise self._refusal("the expression is empty", first.span, help=help)
        if first.word in STATEMENTS and self._tokens[1].kind in ("word", "quoted", "string"):
            message = f"`{first.text}` starts a statement; an expression is one value of one row"
            help = "write a column, or an expression over columns; nothing is ever executed from one"
            raise self._refusal(message, first.span, help=help)
        node = self._expression(0)
        self._expect_end()
        return node

    # --- tokens ---
    def _peek(self) -> Token:
        return self._tokens[self._position]

    def _next(self) -> Token:
        token = self._tokens[self._position]
        if token.kind != "end":
            self._position += 1
        return token

    def _accept(self, *words: str) -> Token | None:
        return self._next() if self._peek().word in words else None

    def _expect(self, word: str, after: str) -> Token:
        token = self._peek()
        if token.word == word:
            return self._next()
        found = f"`{token.text}`" if token.kind != "end" else "the end"
        raise self._refusal(f"`{word}` is missing {after}: {found} stands here", token.span, help=f"add `{word}`")

    def _expect_end(self) -> None:
        token = self._peek()
        if token.kind == "end":
            return
        if token.word in ("over", "filter"):
            help = "aggregate over other rows with `aggregate`, `by`, `window` and `where`"
            raise self._refusal(
                "window functions are refused: they would see rows that are not known yet", token.span, help=help
            )
        help = following_help(token.word)
        raise self._refusal(f"`{token.text}` was not expected here", token.span, help=help)

    def _refusal(self, message: str, span: Span, *, code: str = "MLC301", help: str = "") -> _Refused:
        return _Refused(ExpressionProblem(code, message, span, help=help))

    # --- expressions ---
    def _expression(self, power: int) -> Node:
        self._nesting += 1
        self._check_depth(self._nesting, self._peek().span)
        left = self._prefix()
        while (step := self._infix(left, power)) is not None:
            left = step
        self._nesting -= 1
        return left

    def _infix(self, left: Node, power: int) -> Node | None:
        word = self._peek().word
        strength = _BINARY.get(word, -1)
        if strength > power or (strength == power == 0):
            self._next()
            return self._operation(_SPELLING.get(word, word), left, self._expression(strength))
        if word == "::" and power < _COLONS:
            self._next()
            return self._cast_to(left, left.span[0])
        if word == "is" and power < _IS:
            return self._is(left)
        if word in ("between", "in", "like", "not") and power < _RANGE:
            return self._range(left)
        return None

    def _prefix(self) -> Node:
        token = self._next()
        if token.word == "not":
            return self._operation("not", self._expression(_NOT), start=token.span[0])
        if token.word in ("-", "+"):
            operand = self._expression(_SIGN)
            return operand if token.word == "+" else self._negate(operand, token)
        if token.word == "(":
            node = self._expression(0)
            self._expect(")", "after the part in parentheses")
            return node
        if token.kind in ("number", "string"):
            return self._constant(token)
        if token.kind in ("word", "quoted"):
            return self._word(token)
        before = self._tokens[max(self._position - (token.kind != "end") - 1, 0)].text
        if token.kind == "end":
            help = f"write what follows `{before}`: a column, a constant or a call"
            raise self._refusal("the expression breaks off here", token.span, help=help)
        help = "write a column, a constant or a call there"
        if token.text == before == "*" and self._position > 1:
            help = "write power(x, y)"
        raise self._refusal(f"`{token.text}` stands where a value should", token.span, help=help)

    def _negate(self, operand: Node, sign: Token) -> Node:
        if isinstance(operand, Literal) and isinstance(operand.value, int | float) and operand.type != "bool":
            return Literal(-operand.value, operand.type, (sign.span[0], operand.span[1]))
        return self._operation("negate", operand, start=sign.span[0])

    def _constant(self, token: Token) -> Literal:
        if token.kind == "string":
            return Literal(token.text[1:-1].replace("''", "'"), "string", token.span)
        return self._checked(number_literal(token.text, token.span))

    def _checked(self, literal: Literal | ExpressionProblem) -> Literal:
        if isinstance(literal, ExpressionProblem):
            raise _Refused(literal)
        return literal

    def _word(self, token: Token) -> Node:
        if token.kind == "word":
            if token.word in ("null", "true", "false"):
                return Literal(
                    {"true": True, "false": False}.get(token.word),
                    "null" if token.word == "null" else "bool",
                    token.span,
                )
            special = self._special(token)
            if special is not None:
                return special
            if token.word in _REFUSED:
                message, help = _REFUSED[token.word]
                raise self._refusal(message, token.span, code="MLC305", help=help)
            if token.word in _CLOCKS:
                return Call(token.word, (), False, token.span, token.span, 1)
            if self._peek().word == "(" and token.word not in _RESERVED:
                return self._call(token)
            if token.word in _RESERVED:
                help = f'write "{token.text}", with quotes, if it is a column'
                raise self._refusal(
                    f"`{token.text}` is a word of the language and stands where a value should", token.span, help=help
                )
        return self._name(token)

    def _special(self, token: Token) -> Node | None:
        word, following = token.word, self._peek()
        if word == "case":
            return self._case(token)
        if word in ("cast", "try_cast") and following.word == "(":
            return self._cast(token)
        if word == "interval":
            return self._interval(token)
        if word == "extract" and following.word == "(":  # its arguments have a grammar of their own
            reason, help = REASONS[word]
            raise self._refusal(f"`extract` is refused: {reason}", token.span, code="MLC305", help=help)
        if word in ("timestamp", "date") and following.kind == "string":
            read: Callable[[str, Span], Literal | ExpressionProblem] = (
                timestamp_literal if word == "timestamp" else date_literal
            )
            text = self._next()
            return self._checked(read(text.text[1:-1], (token.span[0], text.span[1])))
        return None

    def _name(self, token: Token) -> Name:
        if self._accept(".") is None:
            return Name(None, token.text, token.span)
        column = self._next()
        if column.kind not in ("word", "quoted"):
            help = f"write a column, e.g. {token.text}.name"
            raise self._refusal(f"a column's name is missing after `{token.text}.`", column.span, help=help)
        return Name(token.text, column.text, (token.span[0], column.span[1]))

    # --- calls and clauses ---
    def _call(self, token: Token) -> Call:
        self._expect("(", "after the function's name")
        if self._accept("*"):
            end = self._expect(")", "after `*`")
            return Call(token.word, (), True, token.span, (token.span[0], end.span[1]), 2)
        distinct = self._accept("distinct")
        arguments = () if self._peek().word == ")" else self._items()
        end = self._expect(")", f"after the arguments of `{token.word}`")
        name = token.word
        if distinct is not None:
            if name != "count":
                raise self._refusal(
                    f"`distinct` is refused in `{name}`",
                    distinct.span,
                    help="write count_distinct(x): only count has it",
                )
            name = "count_distinct"
        return Call(name, arguments, False, token.span, (token.span[0], end.span[1]), self._depth(*arguments))

    def _items(self) -> tuple[Node, ...]:
        items = [self._expression(0)]
        while self._accept(",") is not None:
            items.append(self._expression(0))
            if len(items) > MAX_ITEMS:
                help = "make the list a dataset and join it"
                raise self._refusal(f"more than {MAX_ITEMS:,} values in one list", self._peek().span, help=help)
        return tuple(items)

    def _case(self, token: Token) -> Case:
        operand = None if self._peek().word == "when" else self._expression(0)
        branches: list[tuple[Node, Node]] = []
        while self._accept("when") is not None:
            condition = self._expression(0)
            self._expect("then", "after the condition of `when`")
            branches.append((condition, self._expression(0)))
        if not branches:
            raise self._refusal(
                "`case` has no `when`", token.span, help="write case when CONDITION then VALUE else VALUE end"
            )
        default = self._expression(0) if self._accept("else") is not None else None
        end = self._expect("end", "after `case`")
        parts = [part for part in (operand, *(p for branch in branches for p in branch), default) if part is not None]
        return Case(operand, tuple(branches), default, (token.span[0], end.span[1]), self._depth(*parts))

    def _cast(self, token: Token) -> Cast:
        self._expect("(", f"after `{token.word}`")
        operand = self._expression(0)
        self._expect("as", "in `cast(value as type)`")
        cast = self._cast_to(operand, token.span[0])
        end = self._expect(")", "after the type")
        return Cast(cast.operand, cast.type, (token.span[0], end.span[1]), cast.depth)

    def _cast_to(self, operand: Node, start: int) -> Cast:
        token = self._next()
        type_ = _TYPES.get(token.word)
        if type_ is None:
            near = _TYPES_ELSEWHERE.get(token.word)
            help = f"did you mean `{near}`?" if near else "write one of string, int64, float64, bool, timestamp, date"
            message = f"`{token.text}` is not a type that a value can be cast to"
            if token.kind == "end":
                raise self._refusal("the type to cast to is missing", token.span, help=help)
            raise self._refusal(message, token.span, code="MLC306", help=help)
        return Cast(operand, type_, (start, token.span[1]), self._depth(operand))

    def _interval(self, token: Token) -> Literal:
        amount = self._next()
        text = amount.text[1:-1] if amount.kind == "string" else amount.text
        end = amount.span[1]
        if self._peek().kind == "word" and text.replace(".", "").isdigit():
            unit = self._next()
            text, end = f"{text} {unit.text}", unit.span[1]
        return self._checked(interval_literal(text, (token.span[0], end)))

    def _is(self, left: Node) -> Node:
        self._next()
        negated = self._accept("not") is not None
        token = self._next()
        if token.word in ("null", "true", "false"):
            node = self._operation(f"is {token.word}", left, end=token.span[1])
        elif token.word == "distinct":
            self._expect("from", "after `is distinct`")
            node = self._operation("is distinct from", left, self._expression(_RANGE))
        else:
            raise self._refusal(
                "null, true, false or distinct from should follow `is`",
                token.span,
                help=f"write = {token.text} to compare",
            )
        return self._operation("not", node) if negated else node

    def _range(self, left: Node) -> Node:
        negated = self._accept("not") is not None
        token = self._next()
        if token.word == "between":
            low = self._expression(_RANGE)
            self._expect("and", "in `between LOW and HIGH`")
            node: Node = self._operation("between", left, low, self._expression(_RANGE))
        elif token.word == "like":
            node = self._operation("like", left, self._expression(_RANGE))
        elif token.word == "in":
            node = self._membership(left)
        else:
            message = f"between, in or like should follow `not`, and `{token.text or 'the end'}` does"
            raise self._refusal(message, token.span, help="write `not` before the whole condition")
        return self._operation("not", node) if negated else node

    def _membership(self, left: Node) -> Membership:
        self._expect("(", "after `in`")
        items = self._items()
        end = self._expect(")", "after the values of `in`")
        return Membership(left, items, (left.span[0], end.span[1]), self._depth(left, *items))

    # --- nodes ---
    def _operation(self, operator: str, *operands: Node, start: int | None = None, end: int | None = None) -> Operation:
        span = (operands[0].span[0] if start is None else start, operands[-1].span[1] if end is None else end)
        return Operation(operator, operands, span, self._depth(*operands))

    def _depth(self, *nodes: Node) -> int:
        depth = 1 + max((node.depth for node in nodes), default=0)
        self._check_depth(depth, nodes[0].span if nodes else (0, 1))
        return depth

    def _check_depth(self, depth: int, span: Span) -> None:
        if depth > MAX_DEPTH:
            help = "split it into several features; for many alternatives use `in (...)`"
            raise self._refusal(f"the expression is nested more than {MAX_DEPTH} deep", span, help=help)
