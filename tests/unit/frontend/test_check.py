"""Checking a document: every error of it in one run, each at its place, and typed values of what is sound."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from mlc_compiler.diagnostics import Finding, Place, Sink
from mlc_compiler.frontend.check import check
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.schema import described, validate
from mlc_compiler.frontend.yaml_source import load
from mlc_compiler.spec import KINDS
from mlc_compiler.spec.types import Cron, Date, Duration, Size
from specs_on_disk import BASE


def checked(text: str) -> tuple[tuple[Document[Any], ...], list[Finding]]:
    sink = Sink()
    return check(load("a.yaml", text, sink), sink), list(sink)


GATE = "kind: Gate\nmetadata: {name: g}\nspec: {model: m, checks: [{metric: f1, min: 50%}]}\n"


def test_a_sound_document_is_typed() -> None:
    (document,), findings = checked(GATE)
    assert findings == []
    assert (document.label, document.spec.checks[0].min) == ("Gate/g", 0.5)


def test_the_kinds_of_the_base_project_are_all_that_need_no_target() -> None:
    kinds = set()
    for path in BASE.rglob("*.yaml"):
        documents, findings = checked(path.read_text("utf-8"))
        assert findings == []
        kinds |= {document.kind for document in documents}
    assert set(KINDS) - kinds == {"Policy"}


def test_all_errors_of_a_document_are_told_at_once() -> None:
    spec = "{modle: m, checks: [{metric: 1, min: x}, {f1: 0}], split: tests}"
    text = f"kind: Gate\nmetadata: {{nme: g}}\nspec: {spec}\nmore: 1\n"
    documents, findings = checked(text)
    assert documents == ()
    assert sorted((f.code, f.at.path) for f in findings if isinstance(f.at, Place)) == [
        ("MLC101", ("metadata", "nme")),
        ("MLC101", ("more",)),
        ("MLC101", ("spec", "checks", 1, "f1")),
        ("MLC101", ("spec", "modle")),
        ("MLC103", ("spec", "checks", 0, "metric")),
        ("MLC104", ("spec", "split")),
        ("MLC105", ("spec", "checks", 0, "min")),
    ]


def test_a_misspelt_kind_is_told_at_its_key() -> None:
    _, (finding,) = checked("knd: Gate\nmetadata: {name: g}\nspec: {model: m, checks: [{metric: f1, min: 1}]}\n")
    assert (finding.code, finding.at, finding.fix) == ("MLC108", Place("a.yaml", 0, ("knd",), key=True), "kind")


def test_a_field_that_is_missing_because_it_is_misspelt_is_told_once() -> None:
    _, findings = checked("kind: Gate\nmetadata: {name: g}\nspec: {modle: m, checks: [{metric: f1, min: 1}]}\n")
    assert [(f.code, f.fix) for f in findings] == [("MLC101", "model")]


def test_one_broken_document_hides_no_other() -> None:
    documents, findings = checked(f"- a list\n---\n{GATE}---\nkind: Gates\n---\n{GATE.replace('name: g', 'name: h')}")
    assert [d.name for d in documents] == ["g", "h"]
    assert [f.code for f in findings] == ["MLC109", "MLC108"]


def test_keys_of_ones_own_pass_at_every_level() -> None:
    spec = "{model: m, x-c: {}, checks: [{metric: f1, min: 1%, x-d: ~}]}"
    documents, findings = checked(f"kind: Gate\nx-a: 1\nmetadata: {{name: g, x-b: [1]}}\nspec: {spec}\n")
    assert (len(documents), findings) == (1, [])


def test_checking_leaves_the_value_as_it_was() -> None:
    sink = Sink()
    documents = load("a.yaml", GATE.replace("{name: g}", '{name: "g-${{ matrix.a }}", matrix: {a: [b, c]}}'), sink)
    before = repr(documents)
    assert len(check(documents, sink)) == 2
    assert repr(documents) == before


def test_a_help_names_the_nearest_field_of_the_very_mapping() -> None:
    _, (finding,) = checked(GATE.replace("min:", "mim:").replace("50%", "0.5"))
    assert (finding.code, finding.help) == ("MLC101", "did you mean `min`?")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "empty"),
        (True, "`true`"),
        ({}, "a mapping"),
        ([1], "a list"),
        (1.5, "`1.5`"),
        ("two\n lines", "`two lines`"),
        ("x" * 61, f"`{'x' * 57}...`"),
    ],
)
def test_values_are_described_in_a_line(value: object, text: str) -> None:
    assert described(value) == text


def test_a_fixed_place_takes_all_findings() -> None:
    sink, place = Sink(), Place("e.yaml", 0, ("spec", "overrides", 0))
    assert validate(KINDS["Rollout"], {"model": 1, "steps": [{"weight": 101}]}, place, sink, fixed_place=True) is None
    assert {f.at for f in sink} == {place}
    assert len(sink) == 2


# --- scalars ---------------------------------------------------------------------------------------------------------
class Scalars(BaseModel):
    duration: Duration = 0.0
    size: Size = 0
    cron: Cron = ""
    date: Date = ""


def refused(**values: Any) -> bool:
    sink = Sink()
    return validate(Scalars, values, Place("a.yaml"), sink) is None and [f.code for f in sink] == ["MLC105"]


@pytest.mark.parametrize(
    ("text", "seconds"), [("1d12h", 129_600), ("50ms", 0.05), ("1.5h", 5400), ("2w", 1_209_600), (0, 0)]
)
def test_durations_are_seconds(text: object, seconds: float) -> None:
    assert Scalars.model_validate({"duration": text}).duration == seconds


@pytest.mark.parametrize("text", ["1", 24, "1 d", "d", "1y", "-1d", "1d ", "", True, "99999999999d", "1" * 400 + "d"])
def test_what_is_no_duration_is_refused(text: object) -> None:
    assert refused(duration=text)


@pytest.mark.parametrize(("text", "size"), [("512Mi", 2**29), ("1.5Gi", 3 * 2**29), ("1G", 10**9), (7, 7), ("7", 7)])
def test_sizes_are_bytes(text: object, size: int) -> None:
    assert Scalars.model_validate({"size": text}).size == size


@pytest.mark.parametrize("text", ["1MB", "-1", -1, True, "1 Gi", "99999999999Ti", 2**63, ""])
def test_what_is_no_size_is_refused(text: object) -> None:
    assert refused(size=text)


@pytest.mark.parametrize(
    "text", ["0 5 * * *", "*/15 * * * *", "0 0 1,15 * mon-fri", "59 23 31 DEC 7", "0-30/10 1 * 1-6 0"]
)
def test_cron_schedules_have_five_fields(text: str) -> None:
    assert Scalars.model_validate({"cron": text}).cron == text


NO_CRON = (
    *("", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "5-1 * * * *"),
    *("*/0 * * * *", "a * * * *", "* * * mon *", "*  * * * *", ", * * * *", "1/2/3 * * * *", "@daily", "* * * * *\n"),
)


@pytest.mark.parametrize("text", NO_CRON)
def test_what_is_no_cron_schedule_is_refused(text: str) -> None:
    assert refused(cron=text)


@pytest.mark.parametrize(
    "text", ["2014-02-30", "2014-13-01", "20140101", "2014-1-1", "2014-W01-1", "2014-01-01T00:00", ""]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    assert refused(date=text)
