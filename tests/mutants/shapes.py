"""Broken YAML and broken shapes, made at seeded places of the examples' specs."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator

from mutants.mutant import SEED, Mutant, line_of, source, specs

YAML, SCHEMA = "YAML", "schema"
EACH = 4
"""Mutants of each kind of breakage."""

Change = Callable[[str], str]


def _shorter(text: str) -> str:
    return text[:-1]


def _negative(text: str) -> str:
    return f"-{text}"


# name, what is looked for, what it becomes, the codes of which one is right
YAML_FAULTS: tuple[tuple[str, str, Change, tuple[str, ...]], ...] = (
    ("tab", r"(?m)^(?:  )+(?=\w+:)", lambda x: "\t", ("MLC004",)),
    ("key twice", r"(?<=\{)(?P<x>\w+: \w+), ", lambda x: f"{x}, {x}", ("MLC005",)),
    ("merge key", r"(?m)^ +(?P<x>)\w+: [\w.-]+$", lambda x: "<<: {a: 1}\n  ", ("MLC007",)),
    ("tag", r"(?m)(?<=: )[\w.-]+$", lambda x: f"!!python/name:{x} x", ("MLC008",)),
    ("alias of nothing", r"(?m)(?<=: )[\w.-]+$", lambda x: f"*{x.replace('.', '')}", ("MLC009",)),
    ("unclosed brace", r"(?m)(?<=: )\{[^{}\n]*\}$", _shorter, ("MLC001",)),
    ("unclosed bracket", r"(?m)(?<=: )\[[^\[\]\n]*\]$", _shorter, ("MLC001",)),
    ("unclosed quote", r'(?m)"[^"\n]*"', _shorter, ("MLC001",)),
    ("number as key", r"(?m)(?<=\{)\w+(?=: )", lambda x: "7", ("MLC006",)),
    ("octal", r"(?<=: )\d{2,}(?=[,}\n])", lambda x: f"0{x}", ("MLC013",)),
    ("not finite", r"(?<=: )\d+(?=[,}\n])", lambda x: ".inf", ("MLC014",)),
    ("control character", r"(?m)(?<=: )[\w.-]+$", lambda x: f"{x}\x07", ("MLC003",)),
)

SCHEMA_FAULTS: tuple[tuple[str, str, Change, tuple[str, ...]], ...] = (
    ("text for a number", r"(?:seed|cpu|rows|keep): (?P<x>\d+)", lambda x: "many", ("MLC103", "MLC105")),
    ("yes for true", r"(?<=: )true(?=[,}\n])", lambda x: "yes", ("MLC103",)),
    ("list for a text", r"(?:owner|owner|label|model): (?P<x>[\w-]+(?=[,}\n]))", lambda x: f"[{x}]", ("MLC103",)),
    ("mapping for a list", r"(?:steps|checks|slices|request): (?P<x>\[.*\])", lambda x: "{a: 1}", ("MLC103",)),
    ("duration without unit", r"(?:hold|soak|window|delay|gap): (?P<x>\d+[a-z])", _shorter, ("MLC103", "MLC105")),
    ("share above one", r"(?<=: )\d+%(?=[,}\n ])", lambda x: f"1{x.zfill(4)}", ("MLC105", "MLC106")),
    ("negative", r"(?:min_rows|keep|seed|cpu|failure_limit): (?P<x>\d+(?=[,}\n]))", _negative, ("MLC106", "MLC105")),
    ("two forms", r"\{metric: roc_auc,", lambda x: "{fairness: equal_opportunity, metric: roc_auc,", ("MLC107",)),
    ("no form", r"\{metric: (?:brier|mae), max", lambda x: "{max", ("MLC107",)),
    ("unknown kind", r"(?m)^kind: \w+$", lambda x: f"{x}s", ("MLC108",)),
    ("unknown version", r"(?m)^kind: \w+$", lambda x: f"apiVersion: mlc/v9\n{x}", ("MLC108", "MLC005")),
    ("name with a space", r"(?<=\{name: )[a-z-]+(?=[,}])", lambda x: f'"{x} x"', ("MLC105",)),
    ("path outside", r"(?<=path: )data/", lambda x: "../../", ("MLC105",)),
    ("field of another kind", r"(?m)^spec:\n(?P<x>)", lambda x: "  namespaces: x\n", ("MLC101",)),
    ("field missing", r"(?m)^(?P<x>spec:\n  (?:source|from|task|model): .*\n)", lambda x: "spec:\n", ("MLC102",)),
)  # fmt: skip


def shapes() -> Iterator[Mutant]:
    """Yield the mutants of YAML and of the schema, the same ones in every run."""
    for family, faults in ((YAML, YAML_FAULTS), (SCHEMA, SCHEMA_FAULTS)):
        for name, pattern, change, codes in faults:
            yield from _chosen(family, name, re.compile(pattern), change, codes)


def _chosen(
    family: str, name: str, pattern: re.Pattern[str], change: Change, codes: tuple[str, ...]
) -> Iterator[Mutant]:
    places = [
        (example, file, found)
        for example in ("flights", "batch", "credit")
        for file in specs(example)
        for found in pattern.finditer(source(example, file))
        if "#" not in source(example, file)[: found.start()].rpartition("\n")[2]
    ]
    random.Random(f"{SEED} {name}").shuffle(places)
    for example, file, found in places[:EACH]:
        text = source(example, file)
        start, end = found.span("x" if "x" in pattern.groupindex else 0)
        line, column = line_of(text, start), start - text.rfind("\n", 0, start)
        mutated = text[:start] + change(text[start:end]) + text[end:]
        yield Mutant(family, f"{name} at {file}:{line}:{column}", example, file, mutated.encode(), line, codes)
