"""A version moves with what the model is trained from, and with nothing else: proven over all labelled edits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from edits import edit_pairs as cases
from mlc_compiler.codec import digest
from mlc_compiler.frontend.lock import LockFile

PAIRS = [pair for pair in cases.pairs() if not pair.name.startswith(("+Model", "-Model"))]
# The edits that change what some model is trained from together with other fields are labelled with both.


def moved(lock: LockFile | None = None, code: Any = None, pair: cases.Pair | None = None) -> set[str]:
    """Return the models whose version differs."""
    before = cases.before()
    now = cases.side(cases.edited(pair) if pair else cases.documents(), lock, code)
    return {n for n, m in now.models.items() if n in before.models and m.version != before.models[n].version}


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_a_version_moves_exactly_when_the_edit_is_labelled_retrain(pair: cases.Pair) -> None:
    assert bool(moved(pair=pair)) is ("retrain" in pair.means)


def lock(**sections: Any) -> LockFile:
    return cases.a_lock(**sections)


def dataset(name: str, **fields: Any) -> LockFile:
    entries = cases.a_lock().datasets
    return lock(datasets={**entries, name: {**entries[name], **fields}})


@pytest.mark.parametrize(
    ("name", "models"),
    [
        ("flights", {"late", "amount"}),  # arrivals, which is the label's, is a query of it
        ("weather", {"late"}),
        ("planes", {"late"}),
        ("unused", set()),
    ],
)
def test_new_data_moves_the_models_that_read_it(name: str, models: set[str]) -> None:
    assert moved(dataset(name, digest=digest("new"))) == models


@pytest.mark.parametrize(
    "other",
    [
        lock(mlc="99.0.0"),
        lock(actions={"actions/checkout": {"sha": "c" * 40, "version": "v5"}}),
        lock(images={"python:3.11-slim": "sha256:" + "e" * 64}),
        lock(packages={"scikit-learn": "1.7.0"}),
        dataset("flights", rows=2000),
        dataset("flights", columns={"distance": {"mean": 1}}),
    ],
    ids=["mlc", "actions", "images", "packages", "rows", "statistics"],
)
def test_tools_and_statistics_of_the_lock_move_no_version(other: LockFile) -> None:
    assert moved(other) == set()


def test_the_models_own_code_moves_its_version_by_path_and_bytes() -> None:
    assert moved(code={"amount": {"src/own.py": digest("VALUE = 2")}}) == {"amount"}
    assert moved(code={"amount": {"src/other.py": digest("VALUE = 1")}}) == {"amount"}
    assert moved(code={"amount": {**cases.CODE["amount"], "src/new.py": digest("")}}) == {"amount"}


def test_another_mlc_makes_the_same_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlc_compiler.__version__", "99.0.0")
    assert moved() == set()


def test_semantics_move_every_version(monkeypatch: pytest.MonkeyPatch) -> None:
    cases.before()
    monkeypatch.setattr("mlc_compiler.middle.version.SEMANTICS", 99)
    assert moved() == {"late", "amount"}


def test_a_pin_moves_nothing() -> None:
    before = cases.before()
    assert replace(before, pins={}, promoted={}).models == before.models
