"""`make mutants`: the table of what mlc finds in the mutants, and what other programs find in the same ones."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

from mutants import all_mutants
from mutants.judge import Copies, Verdict
from mutants.peers import PEERS, SCHEMAS, artifacts, consumers_find, schemas_find

COLUMNS = ("mutants", "found", "line", "fix", "emitted", *PEERS)


def main() -> int:
    """Print the table; return 1 when a mutant lives."""
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    living = []
    with tempfile.TemporaryDirectory() as temporary:
        copies = Copies(Path(temporary) / "examples")
        clean = {}
        for number, mutant in enumerate(all_mutants()):
            verdict = copies.judge(mutant)
            _count(rows[mutant.family], verdict)
            living += [] if verdict.detected and verdict.right_line else [mutant.id]
            if mutant.example not in clean:
                clean[mutant.example] = artifacts(copies.root(mutant.example)) or {}
            with copies.mutated(mutant) as root:
                emitted = artifacts(root)
            found = {SCHEMAS: schemas_find(mutant)}
            if emitted is not None:
                rows[mutant.family]["emitted"] += 1
                found |= consumers_find(emitted, clean[mutant.example], Path(temporary) / str(number))
            rows[mutant.family].update(name for name, hit in found.items() if hit)
    _print(rows)
    for name in living:
        print(f"lives: {name}")  # noqa: T201  a table for people
    return int(bool(living))


def _count(row: Counter[str], verdict: Verdict) -> None:
    row["mutants"] += 1
    row["found"] += verdict.detected
    row["line"] += verdict.right_line
    if verdict.mutant.suggestion:
        row["misspelt"] += 1
        row["fix"] += verdict.suggested


def _print(rows: dict[str, Counter[str]]) -> None:
    total: Counter[str] = Counter()
    for row in rows.values():
        total.update(row)
    head = f"{'':24}" + "".join(f"{name:>{max(len(name), 6) + 2}}" for name in COLUMNS)
    print(head)  # noqa: T201  a table for people
    for family, row in (*rows.items(), ("all", total)):
        cells = {name: str(row[name]) for name in COLUMNS} | ({} if row["misspelt"] else {"fix": "-"})
        print(f"{family:24}" + "".join(f"{cells[n]:>{max(len(n), 6) + 2}}" for n in COLUMNS))  # noqa: T201
    print(f"fix: of {total['misspelt']} misspellings; emitted: compiled in spite of all findings")  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
