"""Two versions at once: what prod runs is the base model, what follows it has other specs."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace

import pytest

from mlc_compiler import codec
from mlc_compiler.conventions import pin_path
from mlc_compiler.diagnostics import Finding, Severity
from mlc_compiler.ir import Pin
from mlc_compiler.middle.pins import Pins
from mlc_compiler.middle.resolved import snapshot_text
from specs_on_disk import BASE, DIGEST, a_model_of, changed, compiled

DATA = (BASE / "specs/data.yaml").read_text("utf-8")
FEATURES = (BASE / "specs/features.yaml").read_text("utf-8")
Files = Mapping[str, str]


@functools.cache
def live(files: tuple[tuple[str, str], ...] = ()) -> Pins:
    """Return pins by which prod runs the base model, with some of its files replaced."""
    model = a_model_of(dict(files))
    text = snapshot_text(model)
    snapshot = codec.text_digest(text)
    pin = Pin(model.version, DIGEST, "registry.example/late@" + DIGEST, snapshot, pin_path("prod", "late"))
    return Pins({("prod", "late"): pin}, {snapshot: text})


def following(files: Files, before: Files | None = None) -> list[Finding]:
    """Return what is told of interfaces where `files` follow what prod runs."""
    findings = compiled(files, pins=live(tuple((before or {}).items())))[1]
    return [f for f in findings if f.code.startswith("MLC43")]


def told(files: Files, before: Files | None = None) -> list[tuple[str, str]]:
    return sorted((f.code, f.severity.value) for f in following(files, before))


def requested(column: str, declared: str) -> Files:
    """Return the files in which the request has one more column."""
    data = DATA.replace("    delay:", f"    {column}: {declared}\n    delay:", 1)
    features = FEATURES.replace("tailnum, distance]", f"tailnum, distance, {column}]")
    return {"specs/data.yaml": data, "specs/features.yaml": features}


def test_environments_that_run_one_version_are_told_of_once() -> None:
    ((_, prod),) = live().pins.items()
    both = Pins(
        {("prod", "late"): prod, ("staging", "late"): replace(prod, path=pin_path("staging", "late"))}, live().snapshots
    )
    found = [
        f for f in compiled(requested("gate", "{type: string, required: true}"), pins=both)[1] if f.code == "MLC430"
    ]
    (finding,) = found
    assert "which prod does not know" in finding.message
    assert [r.text.split()[0] for r in finding.related if r.label == "live"] == ["staging", "prod"]


def test_the_same_specs_have_the_same_interface() -> None:
    assert told({}) == []


def test_what_callers_do_not_see_changes_no_interface() -> None:
    assert told(changed("specs/model.yaml", "delay > 15", "delay > 20")) == []
    assert told(changed("specs/features.yaml", "window: 24h", "window: 48h")) == []
    assert told(changed("specs/features.yaml", "    built: {expr: planes.year}\n", "")) == []


def test_a_new_column_that_is_required_fits_no_request() -> None:
    assert told(requested("gate", "{type: string, required: true}")) == [("MLC430", "error")]


def test_a_new_column_that_may_be_left_out_is_how_an_interface_expands() -> None:
    assert told(requested("gate", "{type: string}")) == [("MLC432", "info")]


def test_contracting_takes_two_promotions() -> None:
    required, optional = requested("gate", "{type: string, required: true}"), requested("gate", "{type: string}")
    assert told({}, required) == [("MLC430", "error")]
    assert told(optional, required) == []
    assert told({}, optional) == [("MLC431", "warning")]
    assert told(required, optional) == [("MLC431", "warning")]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("{type: int32}", "{type: int64}", []),
        ("{type: int64}", "{type: float64}", []),
        ("{type: float64}", "{type: int64}", [("MLC431", "warning")]),
        ("{type: string}", "{type: int64}", [("MLC431", "warning")]),
        ("{type: string, required: true}", "{type: int64, required: true}", [("MLC430", "error")]),
        ("{type: string}", "{type: string, required: true}", [("MLC431", "warning")]),
        ("{type: string, required: true}", "{type: string}", []),
        ("{type: string, enum: [a, b]}", "{type: string, enum: [a]}", [("MLC431", "warning")]),
        ("{type: string, enum: [a]}", "{type: string, enum: [a, b]}", []),
        ("{type: string}", "{type: string, enum: [a]}", [("MLC431", "warning")]),
        ("{type: int64}", "{type: int64, minimum: 0}", [("MLC431", "warning")]),
        ("{type: int64, minimum: 1}", "{type: int64, minimum: 0}", []),
        ("{type: int64, maximum: 9}", "{type: int64, maximum: 8}", [("MLC431", "warning")]),
        ("{type: string}", "{type: string, pattern: '[a-z]+'}", [("MLC431", "warning")]),
        ("{type: string, pattern: '[a-z]+'}", "{type: string}", []),
    ],
)
def test_a_column_may_take_more_values_and_not_fewer(before: str, after: str, expected: list[tuple[str, str]]) -> None:
    assert told(requested("x", after), requested("x", before)) == expected


def test_smaller_batches_refuse_requests_of_today() -> None:
    model = (BASE / "specs/model.yaml").read_text("utf-8")
    # An identical version with another `max_batch` is another snapshot.
    assert told({"specs/model.yaml": model + "  serving: {max_batch: 10}\n"}) == [("MLC431", "warning")]
    assert told({"specs/model.yaml": model + "  serving: {max_batch: 5000}\n"}) == []


def test_the_finding_says_which_version_runs_where() -> None:
    found = following(requested("gate", "{type: string, required: true}"))[0]
    assert found.severity is Severity.ERROR
    assert [r.label for r in found.related] == ["live", "required"]
    assert found.related[0].text.startswith("prod runs ")
    assert "promote" in found.help
