"""mlc.lock: written one entry a line, read as untrusted text."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlc_compiler.diagnostics import Finding, Sink, Span
from mlc_compiler.frontend.lock import LockFile, lock_text
from mlc_compiler.frontend.lock_reading import parse_lock
from specs_on_disk import a_lock, statistics

ENTRY = {"of": "sha256:1", **statistics(groups={"carrier": {"AA": {"rows": 9, "days": 3, "positives": 2}}})}
LOCK = a_lock(models={"late": ENTRY, "later": ENTRY})


def read(text: str) -> tuple[LockFile, list[Finding]]:
    sink = Sink()
    return parse_lock(text, sink), list(sink)


def edited(change: Callable[[dict[str, Any]], object]) -> str:
    """The lock's text after a change of its value, entries on lines of their own."""
    value = json.loads(lock_text(LOCK))
    change(value)
    return json.dumps(value, indent=1)


def test_what_is_written_is_read() -> None:
    assert read(lock_text(LOCK)) == (LOCK, [])


def test_each_model_has_a_line_of_its_own() -> None:
    lines = lock_text(LOCK).splitlines()
    assert [line.partition(":")[0] for line in lines if '"folds"' in line] == ['"late"', '"later"']


def test_entries_are_sorted_whatever_their_order() -> None:
    turned = a_lock(models={"later": dict(reversed(ENTRY.items())), "late": ENTRY})
    assert lock_text(turned) == lock_text(LOCK)


def test_a_lock_without_models_is_one_of_the_first_projects() -> None:
    lock, findings = read(edited(lambda v: v.pop("models")))
    assert (lock.models, findings) == ({}, [])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: m.pop("of"), "it has no `of`"),
        (lambda m: m.update(of=3), "`of` is no text"),
        (lambda m: m.update(rows="many"), "`rows` is no count"),
        (lambda m: m.update(rows=True), "`rows` is no count"),
        (lambda m: m.update(mature=-1), "`mature` is no count"),
        (lambda m: m.update(mature=1.5), "`mature` is no count"),
        (lambda m: m.update(per_day=None), "`per_day` is no number"),
        (lambda m: m.update(label_delay=[1]), "of another type"),
        (lambda m: m.update(label_delay={"p50": "1h"}), "`p50` is no number"),
        (lambda m: m["folds"].pop("test"), "it has no `test`"),
        (lambda m: m["folds"].update(test=7), "of another type"),
        (lambda m: m["folds"]["test"].update(positives=10**9), "more than its 10,000 rows"),
        (lambda m: m["folds"]["test"].update(days=10**9), "more than its 10,000 rows"),
        (lambda m: m["folds"]["test"].update(mean="x"), "`mean` is no number"),
        (lambda m: m["folds"]["test"].update(classes={"a": -1}), "`a` is no count"),
        (lambda m: m.update(groups=[]), "of another type"),
        (lambda m: m.update(groups={"carrier": 3}), "of another type"),
        (lambda m: m.update(groups={"carrier": {"AA": {}}}), "it has no `rows`"),
    ],
)
def test_a_wrong_entry_is_told_by_name_and_line(change: Callable[[dict[str, Any]], object], said: str) -> None:
    text = edited(lambda v: change(v["models"]["later"]))
    lock, findings = read(text)
    assert (lock, [f.code for f in findings]) == (LockFile(), ["MLC902"])
    at = findings[0].at
    assert isinstance(at, Span)
    assert text.splitlines()[at.line - 1].strip().startswith('"later"')
    assert said in findings[0].message
    assert "mlc lock -s model:later" in findings[0].help


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(rows="12"),
        lambda d: d.update(digest=None),
        lambda d: d.update(columns={"a": {"nulls": "1"}}),
        lambda d: d.update(columns={"a": {"categories": {"x": "y"}}}),
        lambda d: d.update(columns={"a": 3}),
    ],
)
def test_a_wrong_dataset_is_told_by_name_and_line(change: Callable[[dict[str, Any]], object]) -> None:
    text = edited(lambda v: change(v["datasets"]["flights"]))
    (finding,) = read(text)[1]
    assert isinstance(finding.at, Span)
    assert '"flights"' in text.splitlines()[finding.at.line - 1]
    assert "mlc lock -s dataset:flights" in finding.help


def test_a_key_that_a_merge_doubled_is_told_where_it_stands_again() -> None:
    lines = lock_text(LOCK).splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith('"late":'))
    (finding,) = read("\n".join([*lines[: at + 1], *lines[at:]]))[1]
    assert (finding.code, "`late` twice" in finding.message) == ("MLC902", True)
    assert isinstance(finding.at, Span)
    assert finding.at.line == at + 2


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1" * 5000, '"x"', "[[" * 50_000, "{", '{"mlc": 1}'])
def test_other_texts_are_told(text: str) -> None:
    assert [f.code for f in read(text)[1]] == ["MLC902"]


def test_numbers_that_are_none_are_told() -> None:
    for number in ("NaN", "1e999", "-Infinity"):
        (finding,) = read(lock_text(LOCK).replace('"per_day": 100.0', f'"per_day": {number}', 1))[1]
        assert finding.code == "MLC902"


@given(st.data())
def test_a_cut_or_changed_lock_never_raises(data: st.DataObject) -> None:
    text = lock_text(LOCK)
    at = data.draw(st.integers(0, len(text)))
    to = data.draw(st.integers(at, min(at + 40, len(text))))
    read(text[:at] + data.draw(st.text(max_size=8)) + text[to:])
