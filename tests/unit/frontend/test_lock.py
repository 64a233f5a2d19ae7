"""mlc.lock: written with each entry on lines of its own, read as untrusted text."""

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
from specs_on_disk import DIGEST, a_lock, statistics

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


def test_a_line_that_stays_the_same_stands_between_two_entries() -> None:
    lines = lock_text(LOCK).splitlines()
    models = lines[lines.index('"models": {') + 1 :]
    assert (models[0], models[2:4], models[5]) == ('"late":', [",", '"later":'], "},")
    two = lock_text(a_lock(datasets={name: {"digest": "sha256:1", "rows": 1, "columns": {}} for name in "ab"}))
    assert '  "columns": {\n  }\n}\n,\n"b": {\n' in two


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
        (lambda m: m["folds"]["test"].update(icc="x"), "`icc` is no number"),
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


@pytest.mark.parametrize(
    ("section", "entry", "said"),
    [
        ("packages", {"duckdb": "2.0.0\nevil==1"}, "it is no version"),
        ("packages", {"duckdb --index-url x": "2.0.0"}, "its name is none"),
        ("images", {"python:3.12-slim": "latest"}, "it is no sha256 digest"),
        ("actions", {"actions/checkout": {"sha": "main", "version": "v7"}}, "`sha` is no commit"),
        ("actions", {"actions/checkout": {"sha": "a" * 40, "version": "v7\n- run: id"}}, "`version` is no version"),
        ("datasets", {"flights": {"digest": "../x", "rows": 1, "columns": {}}}, "`digest` is no sha256 digest"),
        ("datasets", {"flights": {"digest": DIGEST, "files": [], "rows": 1, "columns": {}}}, "of another type"),
    ],
)
def test_what_goes_into_files_as_it_stands_has_its_form(section: str, entry: dict[str, Any], said: str) -> None:
    (finding,) = read(edited(lambda v: v.update({section: entry})))[1]
    assert (finding.code, said in finding.message) == ("MLC902", True)


def test_a_lock_of_another_version_is_told_as_one_whatever_its_entries_look_like() -> None:
    (finding,) = read(edited(lambda v: v.update(mlc="9.4.1", images={"python": {"digest": "blake3:1"}})))[1]
    assert (finding.code, "mlc 9.4.1" in finding.message) == ("MLC903", True)


@pytest.mark.parametrize("version", ["", "x", None, 5, "../1.2"])
def test_a_version_that_is_none_is_told(version: object) -> None:
    (finding,) = read(edited(lambda v: v.update(mlc=version)))[1]
    assert (finding.code, "`mlc`" in finding.message) == ("MLC902", True)


def test_a_key_that_a_merge_doubled_is_told_where_it_stands_again() -> None:
    lines = lock_text(LOCK).splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith('"late":'))
    (finding,) = read("\n".join([*lines[: at + 3], *lines[at:]]))[1]
    assert (finding.code, "`late` twice" in finding.message) == ("MLC902", True)
    assert isinstance(finding.at, Span)
    assert finding.at.line == at + 4


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
