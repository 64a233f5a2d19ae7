"""Policies, secrets, environments and the forms of texts, beyond the golden cases."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlc_compiler.analysis.cel_bounds import too_large
from mlc_compiler.analysis.governance import RULES
from mlc_compiler.diagnostics import Finding, Severity
from mlc_compiler.spec.policy import Builtin
from specs_on_disk import BASE, changed, codes, compiled


def judged(kind: str, require: str, when: str = "true", enforcement: str = "blocking") -> list[Finding]:
    rule = f"id: r, for: {kind}, when: {when!r}, require: {require!r}, message: m, enforcement: {enforcement}"
    text = f"kind: Policy\nmetadata: {{name: p}}\nspec:\n  rules:\n    - {{{rule}}}\n"
    return [f for f in compiled({"specs/policy.yaml": text})[1] if f.severity is not Severity.INFO]


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("Model", "model.name == 'late' && model.task == 'binary_classification' && model.owner == 'ops'"),
        ("Model", "model.gates.exists(g, g.checks.exists(c, has(c.metric) && c.min >= 0.7))"),
        ("Model", "model.datasets.map(d, d.name) == ['flights', 'planes']"),
        ("Model", "model.rollout.strategy == 'rolling' && model.monitor.signals.size() == 1"),
        ("Dataset", "dataset.columns.size() > 0 && has(dataset.source.path)"),
        ("FeatureView", "feature_view.from == 'flights' && feature_view.online.refresh == '15m'"),
        ("Gate", "gate.confidence == 0.95"),
        ("Rollout", "rollout.no_data == 'hold'"),
        ("Monitor", "monitor.reference.split == 'train'"),
        ("Environment", "environment.namespace.startsWith('ml-')"),
        ("Project", "project.metadata.owner == 'ops' && 'kubernetes' in project.targets"),
    ],
)
def test_rules_see_the_typed_documents(kind: str, rule: str) -> None:
    assert judged(kind, rule) == []
    assert {f.code for f in judged(kind, f"!({rule})")} == {"MLC801"}


def test_each_document_that_breaks_a_rule_is_told_at_its_name() -> None:
    findings = judged("Dataset", "false")
    assert [(f.code, f.at.file, f.at.path) for f in findings] == [  # type: ignore[union-attr]  # not located yet
        ("MLC801", "specs/data.yaml", ("metadata", "name")),
        ("MLC801", "specs/data.yaml", ("metadata", "name")),
    ]


def test_an_advisory_rule_warns() -> None:
    assert [f.severity for f in judged("Gate", "false", enforcement="advisory")] == [Severity.WARNING]


def test_a_rule_applies_where_its_condition_holds() -> None:
    assert judged("Dataset", "false", when="dataset.name == 'nothing'") == []
    assert len(judged("Dataset", "false", when="dataset.name == 'planes'")) == 1


@pytest.mark.parametrize(
    "rule",
    [
        "1 / 0 == 1",
        "[1][9] == 1",
        "gate.nothing",
        "unknown.x",
        "gate.checks",
        "1 + 'a' == 2",
        "((",
        "gate.name.matches('(')",
    ],
)
def test_a_rule_that_can_not_be_evaluated_blocks_once(rule: str) -> None:
    for field in ({"require": rule}, {"require": "true", "when": rule}):
        assert [f.code for f in judged("Gate", **field)] == ["MLC802"]


def test_a_finding_points_at_the_field_that_the_rule_reads() -> None:
    for rule, path in (
        ("gate.confidence > 1.0", ("metadata", "name")),  # by default, so written nowhere
        ("size(gate.checks) > 9 && gate.model == 'x'", ("spec", "checks")),
        ("gate.checks.size() > 9", ("spec", "checks")),
        ("gate.name == 'x'", ("metadata", "name")),
        ("project.nothing == 'x' || gate.model == 'x'", ("spec", "model")),
    ):
        places = [f.at.path for f in judged("Gate", rule.replace("project.nothing", "project.name"))]  # type: ignore[union-attr]  # not located yet
        assert places == [path]


# --- bounds ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "rule",
    [
        "true" + " && true" * 2_000,
        "[" + ", ".join(["1"] * 1_200) + "].all(a, [1].all(b, true))",
        "".join(f"dataset.columns.all({name}, " for name in "abcdefgh") + "true" + ")" * 8,
    ],
)
def test_a_rule_that_could_take_for_ever_is_never_evaluated(rule: str) -> None:
    start = time.process_time()
    (finding,) = judged("Dataset", rule)
    assert finding.code == "MLC802"
    assert "is the most" in finding.message
    assert time.process_time() - start < 5


def test_loops_in_texts_and_side_by_side_do_not_count() -> None:
    names = {"l": list(range(1_000))}
    assert too_large("'.all(.all(.all(' == l", names) == ""
    assert too_large("l.all(a, true) && l.all(b, true) && l.exists(c, true)", names) == ""
    assert too_large("l.all(a, l.all(b, true))", names) == ""
    assert "1,000,000,000 steps" in too_large("l.all(a, l.all(b, l.map(c, 1) != []))", names)


@given(st.text(max_size=200))
def test_any_text_is_judged_without_an_exception(text: str) -> None:
    too_large(text, {})
    assert {f.code for f in judged("Project", json.dumps(text)[1:-1].replace("'", "") or "true")} <= {
        "MLC801",
        "MLC802",
        "MLC104",
    }


# --- built-in rules --------------------------------------------------------------------------------------------------
def builtin(rule: str, more: str = "", **files: str) -> list[Finding]:
    policy = f"kind: Policy\nmetadata: {{name: p}}\nspec:\n  builtin: {{{rule}}}\n{more}"
    return [f for f in compiled({"specs/policy.yaml": policy, **files})[1] if "MLC805" <= f.code <= "MLC829"]


def test_the_rules_that_a_policy_can_name_are_those_that_there_are() -> None:
    assert list(Builtin.model_fields) == list(RULES)


@pytest.mark.parametrize("enforcement", ["blocking", "advisory"])
def test_a_builtin_rule_blocks_or_advises(enforcement: str) -> None:
    (finding,) = builtin(f"risk_tier: {enforcement}")
    assert finding.severity is (Severity.ERROR if enforcement == "blocking" else Severity.WARNING)
    assert finding.code == "MLC806"


def test_no_rule_is_on_that_no_policy_names() -> None:
    assert [f for f in compiled()[1] if f.code.startswith("MLC8")] == []


def test_the_stricter_of_two_policies_holds() -> None:
    other = "---\nkind: Policy\nmetadata: {name: q}\nspec:\n  builtin: {risk_tier: blocking}\n"
    assert [f.severity for f in builtin("risk_tier: advisory", other)] == [Severity.ERROR]


@pytest.mark.parametrize(
    ("licence", "licenses", "expected"),
    [
        ("CC-BY-4.0", "{}", 0),
        ("CC-BY-NC-4.0", "{}", 1),
        ("CC-BY-NC-4.0", "{allow: [CC-BY-NC-4.0]}", 0),
        ("CC-BY-NC-4.0", "{allow: [CC-BY-*]}", 1),
        ("CC-BY-4.0", "{allow: [CC0-1.0]}", 1),
        ("contract-17", "{allow: [contract-*]}", 0),
        ("CC-BY-ND-4.0", "{deny: []}", 0),
    ],
)
def test_a_licence_is_allowed_or_not(licence: str, licenses: str, expected: int) -> None:
    text = (BASE / "specs/data.yaml").read_text("utf-8").replace("spec:\n", f"spec:\n  license: {licence}\n")
    findings = builtin("license: blocking", f"  licenses: {licenses}\n", **{"specs/data.yaml": text})
    assert len(findings) == 2 * expected  # both datasets have it


def test_a_pinned_image_is_fine() -> None:
    image = "registry.example/server@sha256:" + "a" * 64
    model = (BASE / "specs/model.yaml").read_text("utf-8") + f'  serving: {{runtime: {{image: "{image}"}}}}\n'
    assert builtin("pinned_images: blocking", **{"specs/model.yaml": model}) == []


def test_an_image_in_the_options_of_a_target_is_pinned_too() -> None:
    project = changed("mlc.yaml", "kubernetes: {}", 'kubernetes: {}, docker: {base_image: "python:3.11"}')
    (finding,) = builtin("pinned_images: blocking", **project)
    assert finding.at.path == ("spec", "targets", "docker", "base_image")  # type: ignore[union-attr]  # not located yet


def test_a_fairness_check_that_only_reports_is_no_gate() -> None:
    data = changed("specs/data.yaml", "enum: [AA, UA]}", "enum: [AA, UA], sensitive: true}")
    model = changed("specs/model.yaml", "[departures.*]", "[departures.distance]")["specs/model.yaml"]
    files = {**data, "specs/model.yaml": f"{model}  card: {{risk: high}}\n"}
    for check, expected in (("", []), (", report_only: true", ["MLC812"])):
        gate = f"  checks:\n    - {{fairness: equal_opportunity, group: carrier, min: 0.5{check}}}\n"
        text = f"kind: Gate\nmetadata: {{name: release}}\nspec:\n  model: late\n{gate}"
        assert codes(builtin("fairness_gate: blocking", **files, **{"specs/gate.yaml": text})) == expected


# --- secrets ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_" + "a" * 36,
        "postgres://me:pw@db/x",
        "-----BEGIN RSA PRIVATE KEY-----",
        "xoxb-123456789012-abc",
    ],
)
def test_texts_shaped_like_secrets_are_told_and_not_repeated(text: str) -> None:
    _, findings = compiled(
        changed("specs/model.yaml", "  estimator", f"  card: {{intended_use: {text!r}}}\n  estimator")
    )
    assert codes(findings) == ["MLC803"]
    assert not any(text in f.message + f.help + f.note for f in findings)


@pytest.mark.parametrize(
    ("name", "expected"), [("password", ["MLC803"]), ("api_key", ["MLC803"]), ("C", []), ("passwords", [])]
)
def test_fields_named_like_secrets_are_told(name: str, expected: list[str]) -> None:
    params = f"sklearn.linear_model.LogisticRegression, params: {{{name}: hunter2}}"
    _, findings = compiled(changed("specs/model.yaml", "sklearn.linear_model.LogisticRegression", params))
    findings = [f for f in findings if f.code.startswith("MLC8")]
    assert codes(findings) == expected


# --- environments and forms ------------------------------------------------------------------------------------------
def test_an_environment_has_one_way_in() -> None:
    for spec, expected in (
        ("{namespace: x}", ["MLC909"]),
        ("{namespace: x, tracks: main, promoted_from: staging}", ["MLC909"]),
        ("{namespace: x, tracks: main}", []),
    ):
        text = f"kind: Environment\nmetadata: {{name: x}}\nspec: {spec}\n"
        assert codes(compiled({"specs/x.yaml": text})[1]) == expected


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("image_registry: %s", "ghcr.io/acme/ml-models", "GHCR.io/acme"),
        ("image_registry: %s", "registry:5000/a", "registry:x/a"),
        ("image_registry: %s", "localhost", "a//b"),
        ("timezone: %s", "America/Argentina/Buenos_Aires", "EST5"),
        ("timezone: %s", "UTC", "utc+1"),
        ("ci: {python: '%s'}", "3.12", "2.7"),
        ("ci: {default_branch: '%s'}", "release/1.x", "-x"),
        ("ci: {runs_on: ['%s']}", "group:large", "a b"),
        ("alerting: {webhook: {secret: '%s'}}", "alerting/webhook-url", "webhook"),
        ("min_version: '%s'", "0.1", "v1"),
    ],
)
def test_texts_of_the_project_have_the_form_that_their_readers_take(field: str, good: str, bad: str) -> None:
    for value, expected in ((good, []), (bad, ["MLC105"])):
        _, findings = compiled(changed("mlc.yaml", "spec: {", f"spec: {{{field % value}, "))
        assert codes(findings) == expected, value


@pytest.mark.parametrize(
    ("wanted", "expected"), [("0.0.9", []), ("0.1", []), ("0.1.0", []), ("99", ["MLC917"]), ("0.99.1", ["MLC917"])]
)
def test_an_older_mlc_than_wanted_is_refused(wanted: str, expected: list[str]) -> None:
    assert codes(compiled(changed("mlc.yaml", "spec: {", f'spec: {{min_version: "{wanted}", '))[1]) == expected


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ("lightgbm==4.5.0", []),
        ("lightgbm[dask] >=4,<5", []),
        ("a", []),
        ("lightgbm @ https://x", ["MLC105"]),
        ("-r other.txt", ["MLC105"]),
        ("a==1 --hash=x", ["MLC105"]),
        ("a==1\n--index-url=x", ["MLC105"]),
    ],
)
def test_requirements_are_packages_and_no_options(requirement: str, expected: list[str]) -> None:
    lines = f"  train: {{requirements: [{requirement!r}]}}\n  estimator".replace("\\n", "\n\n          ")
    assert codes(compiled(changed("specs/model.yaml", "  estimator", lines))[1]) == expected
