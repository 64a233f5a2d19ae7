"""Misspellings: every key, choice and reference of the examples is a candidate, a seeded sample of them is taken."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from mutants.mutant import SEED, Mutant, line_of, source, specs

KEYS, CHOICES, REFERENCES, WORDS = "misspelt key", "misspelt choice", "misspelt reference", "misspelt word in SQL"
SHARES = {KEYS: 90, CHOICES: 30, REFERENCES: 45, WORDS: 35}
"""How many mutants of each family are made."""

# Mappings whose keys are the user's own names.
FREE = {"columns", "features", "joins", "params", "space", "labels", "matrix", "set", "metrics", "given", "expect",
        "annotations", "patch", "json_patch", "merge"}  # fmt: skip
OPTIONS = {"targets", "params", "set", "json_patch", "patch", "given", "expect", "labels", "app_token", "webhook"}
CHOICE_KEYS = {"task", "strategy", "format", "mode", "type", "method", "no_data", "updates", "impute", "scale",
               "encode", "write", "classification", "risk", "metric", "kind", "split", "runner"}  # fmt: skip
REFERENCE_KEYS = {"from", "on", "as_of", "by", "over", "model", "gates", "promoted_from", "primary_key", "event_time",
                  "request", "exclude", "slices", "group", "dataset", "input", "predict_at", "column"}  # fmt: skip
EXPRESSION_KEYS = {"expr", "aggregate", "where", "expression", "known_at"}
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{3,}")
_SHORTEST = 4


@dataclass(frozen=True, slots=True)
class Token:
    """A scalar of a spec file: where it starts, its text, and the keys above it."""

    example: str
    file: str
    offset: int
    text: str
    path: tuple[str, ...]
    is_key: bool


def typos() -> Iterator[Mutant]:
    """Yield the misspelt mutants, the same ones in every run."""
    tokens = [token for example in ("flights", "batch", "credit", "minimal") for token in _tokens(example)]
    for family, share in SHARES.items():
        chosen = [t for t in tokens if _family(t) == family]
        rng = random.Random(f"{SEED} {family}")
        rng.shuffle(chosen)
        yield from _mutants(family, chosen, share, rng)


def _mutants(family: str, tokens: list[Token], share: int, rng: random.Random) -> Iterator[Mutant]:
    seen: set[tuple[str, str, str]] = set()
    for token in tokens:
        right = token.text if family != WORDS else rng.choice(_WORD.findall(token.text))
        same = (token.file, token.path[-1] if token.path else "", right)
        if len(seen) == share or same in seen:
            continue
        seen.add(same)
        offset = token.offset + token.text.index(right)
        wrong = misspelt(right, rng)
        text = source(token.example, token.file)
        mutated = text[:offset] + wrong + text[offset + len(right) :]
        line = line_of(text, offset)
        column = offset - text.rfind("\n", 0, offset)
        name = f"{right} as {wrong} at {token.file}:{line}:{column}"
        yield Mutant(family, name, token.example, token.file, mutated.encode(), line, (), right)


def misspelt(word: str, rng: random.Random) -> str:
    """Return a word with two letters swapped, one lost, one doubled or one beside it on the keyboard."""
    at = rng.randrange(1, len(word) - 1)
    ways = [
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        word[:at] + word[at + 1 :],
        word[:at] + word[at] + word[at:],
        word[:at] + ("x" if word[at] != "x" else "z") + word[at + 1 :],
    ]
    return rng.choice([way for way in ways if way != word])


def _family(token: Token) -> str | None:
    if len(token.text) < _SHORTEST or OPTIONS & set(token.path[:-1]) or any(p.startswith("x-") for p in token.path):
        return None
    above, last = set(token.path[:-1]), token.path[-1] if token.path else ""
    if token.is_key:
        return KEYS if not (len(token.path) > 1 and token.path[-2] in FREE) and "metadata" not in above else None
    if last in EXPRESSION_KEYS:
        return WORDS if _WORD.search(token.text) else None
    if not token.text.replace("_", "").isalpha():
        return None
    if last in REFERENCE_KEYS:
        return REFERENCES
    return CHOICES if last in CHOICE_KEYS else None


def _tokens(example: str) -> Iterator[Token]:
    for file in specs(example):
        for document in yaml.compose_all(source(example, file), Loader=yaml.CSafeLoader):
            for node, path, is_key in _scalars(document, ()):
                yield Token(example, file, _offset(node), node.value, path, is_key)


def _offset(node: yaml.ScalarNode) -> int:
    return int(node.start_mark.index) + (node.style in ("'", '"'))


def _scalars(node: yaml.Node | None, path: tuple[str, ...]) -> Iterator[tuple[yaml.ScalarNode, tuple[str, ...], bool]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key, (*path, key.value), True
            yield from _scalars(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _scalars(item, path)
    elif isinstance(node, yaml.ScalarNode):
        yield node, path, False
