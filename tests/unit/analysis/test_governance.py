"""Policies, secrets, environments and the forms of texts, beyond the golden cases."""

from __future__ import annotations

import pytest

from mlc_compiler.diagnostics import Finding, Severity
from specs_on_disk import changed, codes, compiled


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
