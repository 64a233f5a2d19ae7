"""`x-allow`: a document turns a finding of its own off, with a reason and until a date."""

from __future__ import annotations

import pytest

from mlc_compiler.analysis.policies import check_policies
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


POLICY = """kind: Policy
metadata: {name: house}
spec:
  rules:
    - {id: named, for: Gate, require: "gate.confidence >= 0.99", message: gates decide at 99 %}
    - {id: slow, for: Gate, require: "gate.split == 'validation'", message: gates judge on validation}
"""


def broken(allow: str) -> dict[str, Severity]:
    files = changed("specs/gate.yaml", "spec:", f"x-allow: {allow}\nspec:")
    project, findings = bound({**files, "specs/policy.yaml": POLICY})
    assert project is not None, findings
    sink = Sink(active_waivers(project, TODAY, Sink()))
    check_policies(project, sink)
    return {f.message.split("`")[3]: f.severity for f in sink}


def test_a_waiver_that_names_a_rule_leaves_the_others_standing() -> None:
    waiver = "{until: 2099-01-01, reason: until the new bounds}"
    assert broken(f"{{MLC801/named: {waiver}}}") == {"named": Severity.INFO, "slow": Severity.ERROR}
    assert broken(f"{{MLC801: {waiver}}}") == {"named": Severity.INFO, "slow": Severity.INFO}


@pytest.mark.parametrize(
    ("key", "said", "fix"),
    [
        ("MLC801/nmaed", "no policy has a rule `nmaed`", "MLC801/named"),
        ("MLC502/named", "MLC502 is not about rules of policies, so none can be named", "MLC502"),
        ("MLC5O2", "there is no finding `MLC5O2`", "MLC502"),
    ],
)
def test_a_waiver_of_what_does_not_exist_names_what_may_be_meant(key: str, said: str, fix: str) -> None:
    files = changed("specs/gate.yaml", "spec:", f"x-allow: {{{key}: {{until: 2099-01-01, reason: why}}}}\nspec:")
    project, _ = bound({**files, "specs/policy.yaml": POLICY})
    sink = Sink()
    assert project is not None
    assert active_waivers(project, TODAY, sink) == {}
    assert [(f.message, f.fix) for f in sink] == [(said, fix)]
