"""`x-allow`: a document turns a finding of its own off, with a reason and until a date."""

from __future__ import annotations

import pytest

from mlc_compiler.diagnostics import Place, Severity, Sink, Waivers
from mlc_compiler.frontend.waivers import active_waivers
from specs_on_disk import bound, changed, codes

TODAY = "2026-05-01"


def waived(allow: str, today: str = TODAY) -> tuple[Waivers, list[str]]:
    project, findings = bound(changed("specs/gate.yaml", "spec:", f"x-allow: {allow}\nspec:"))
    assert project is not None, findings
    sink = Sink()
    return active_waivers(project, today, sink), codes(sink)


def test_a_waiver_holds_through_its_last_day() -> None:
    allow = f"{{MLC502: {{until: {TODAY}, reason: moving to another metric}}}}"
    assert waived(allow) == ({("specs/gate.yaml", 0): frozenset({"MLC502"})}, [])
    assert waived(allow, "2026-05-02") == ({}, ["MLC804"])


def test_a_waiver_of_no_code_is_told() -> None:
    assert waived("{MLC999: {until: 2099-01-01, reason: why}}") == ({}, ["MLC804"])


@pytest.mark.parametrize(
    ("allow", "code"),
    [
        ("{MLC502: }", "MLC102"),
        ("{MLC502: {until: 2099-01-01}}", "MLC102"),
        ("{MLC502: {until: 2099-01-01, reason: '  '}}", "MLC102"),
        ("{MLC502: {until: 2099, reason: why}}", "MLC102"),
        ("{MLC502: {until: soon, reason: why}}", "MLC105"),
        ("{MLC502: {until: 2099-02-30, reason: why}}", "MLC105"),
        ("[MLC502]", "MLC103"),
        ("MLC502", "MLC103"),
    ],
)
def test_a_waiver_without_date_or_reason_waives_nothing(allow: str, code: str) -> None:
    _, findings = bound(changed("specs/gate.yaml", "spec:", f"x-allow: {allow}\nspec:"))
    assert codes(findings) == [code]


def test_only_findings_of_the_document_itself_are_turned_off() -> None:
    sink = Sink({("specs/gate.yaml", 0): frozenset({"MLC502"})})
    for file, document, code in (
        ("specs/gate.yaml", 0, "MLC502"),
        ("specs/gate.yaml", 1, "MLC502"),
        ("a.yaml", 0, "MLC502"),
        ("specs/gate.yaml", 0, "MLC501"),
    ):
        sink.error(code, Place(file, document), "wrong")
    assert [f.severity is Severity.INFO for f in sink] == [True, False, False, False]
    assert next(iter(sink)).note == "waived by x-allow"
