"""Every mutant is found, on the right line; most misspellings get the right suggestion; clean examples get nothing."""

from __future__ import annotations

import pytest

from mutants import all_mutants
from mutants.judge import Copies, findings
from mutants.mutant import Mutant, source, specs
from mutants.peers import schemas_find

MUTANTS = tuple(all_mutants())
LEAST, LEAST_SUGGESTED = 300, 0.9


@pytest.fixture(scope="session")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Copies:
    return Copies(tmp_path_factory.mktemp("mutants"))


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.id for mutant in MUTANTS])
def test_a_mutant_is_found_on_its_line(mutant: Mutant, copies: Copies) -> None:
    verdict = copies.judge(mutant)
    assert verdict.detected, "nothing was found"
    assert verdict.right_line, [(f.code, f.span(), f.message) for f in verdict.findings]


def test_most_misspellings_are_mended_by_what_is_suggested(copies: Copies) -> None:
    verdicts = [copies.judge(mutant) for mutant in MUTANTS if mutant.suggestion]
    wrong = [v.mutant.id for v in verdicts if not v.suggested]
    assert len(wrong) <= (1 - LEAST_SUGGESTED) * len(verdicts), wrong


def test_there_are_enough_mutants_and_no_two_alike() -> None:
    assert len(MUTANTS) >= LEAST
    assert len({(m.example, m.file, m.text) for m in MUTANTS}) == len(MUTANTS)
    assert len({m.id for m in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("example", sorted({mutant.example for mutant in MUTANTS}))
def test_a_clean_example_has_no_finding(example: str, copies: Copies) -> None:
    assert findings(copies.root(example)) == []


@pytest.mark.parametrize("example", sorted({mutant.example for mutant in MUTANTS}))
def test_the_published_schemas_take_a_clean_example(example: str) -> None:
    for file in specs(example):
        clean = Mutant("clean", file, example, file, source(example, file).encode(), 1)
        assert not schemas_find(clean), file


def test_mutants_are_the_same_in_every_run() -> None:
    assert tuple(all_mutants()) == MUTANTS
