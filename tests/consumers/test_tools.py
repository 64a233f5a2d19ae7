"""Each consumer accepts a good file and refuses a bad one: a tool that says yes to everything proves nothing."""

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from consumers import tools

WORKFLOW = """\
name: tiny
on: [push]
permissions: {}
concurrency: {group: tiny, cancel-in-progress: true}
jobs:
  answer:
    name: answer
    runs-on: ubuntu-latest
    timeout-minutes: 5
    steps:
      - run: echo "answer=$((6 * 7))"
"""
DOCKERFILE = """\
FROM debian:12
WORKDIR /srv
USER 65532
"""
CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: tiny}
data: {a: b}
"""
RULES = """\
groups:
  - name: tiny
    rules:
      - {alert: Down, expr: up == 0, for: 1m, labels: {severity: page}, annotations: {summary: it is down}}
"""
RULE_TEST = """\
rule_files: [rules.yaml]
tests:
  - interval: 1m
    input_series: [{series: 'up{job="a"}', values: 0x5}]
    alert_rule_test:
      - eval_time: 3m
        alertname: Down
        exp_alerts: [{exp_labels: {severity: page, job: a}, exp_annotations: {summary: it is down}}]
"""
ALERTMANAGER = """\
route: {receiver: quiet, routes: [{matchers: [severity = page], receiver: loud}]}
receivers: [{name: quiet}, {name: loud}]
"""


def _file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


# tool, file name, good text, (from, to) that spoils it, a word of the refusal
CASES = [
    (tools.actionlint, ".github/workflows/a.yml", WORKFLOW, ("    name: answer", "    needs: nobody"), "nobody"),
    (tools.zizmor, ".github/workflows/a.yml", WORKFLOW, ("$((6 * 7))", "${{ github.head_ref }}"), "template-injection"),
    (tools.hadolint, "Dockerfile", DOCKERFILE, ("debian:12", "debian"), "DL3006"),
    (tools.kubernetes_validate, "a.yaml", CONFIG_MAP, ("data:", "datum:"), "datum"),
    (tools.promtool_rules, "rules.yaml", RULES, ("up == 0", "up =="), "parse"),
    (tools.amtool_config, "am.yml", ALERTMANAGER, ("receiver: loud", "receiver: nobody"), "nobody"),
]


@pytest.mark.consumer
@pytest.mark.parametrize(("tool", "name", "text", "spoil", "word"), CASES, ids=[case[0].__name__ for case in CASES])
def test_a_tool_accepts_the_good_and_refuses_the_bad(
    tmp_path: Path, tool: Callable[[Path], tools.Outcome], name: str, text: str, spoil: tuple[str, str], word: str
) -> None:
    good = tool(_file(tmp_path, name, text))
    assert good.accepted, good.output
    bad = tool(_file(tmp_path, name, text.replace(*spoil)))
    assert not bad.accepted
    assert word in bad.output


@pytest.mark.consumer
def test_actionlint_is_not_asked_about_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        tools.actionlint(tmp_path / "nothing.yml")


@pytest.mark.consumer
def test_act_runs_a_workflow_and_reports_a_failing_step(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    workflow = _file(repository, ".github/workflows/a.yml", WORKFLOW)
    subprocess.run(["git", "init", "-q", str(repository)], check=True)
    good = tools.act(repository, "push")
    assert good.accepted, good.output
    assert "answer=42" in good.output
    workflow.write_text(WORKFLOW.replace("echo", "false"), encoding="utf-8")
    assert not tools.act(repository, "push").accepted


@pytest.mark.consumer
def test_shellcheck_reads_a_run_block(tmp_path: Path) -> None:
    assert tools.shellcheck('echo "$HOME"\n', tmp_path).accepted
    assert "SC2086" in tools.shellcheck("echo $HOME\n", tmp_path).output


@pytest.mark.consumer
def test_kustomize_builds_what_is_listed_and_refuses_what_is_missing(tmp_path: Path) -> None:
    _file(tmp_path, "a.yaml", CONFIG_MAP)
    listing = _file(tmp_path, "kustomization.yaml", "resources: [a.yaml]\nnamespace: there\n")
    built = tools.kustomize(tmp_path)
    assert built.accepted, built.output
    assert "namespace: there" in built.output
    listing.write_text("resources: [b.yaml]\n", encoding="utf-8")
    assert not tools.kustomize(tmp_path).accepted


@pytest.mark.consumer
def test_promtool_runs_rule_tests(tmp_path: Path) -> None:
    _file(tmp_path, "rules.yaml", RULES)
    test = _file(tmp_path, "test.yaml", RULE_TEST)
    good = tools.promtool_tests(test)
    assert good.accepted, good.output
    test.write_text(RULE_TEST.replace("values: 0x5", "values: 1x5"), encoding="utf-8")
    assert not tools.promtool_tests(test).accepted


@pytest.mark.consumer
def test_amtool_follows_the_routes(tmp_path: Path) -> None:
    configuration = _file(tmp_path, "am.yml", ALERTMANAGER)
    assert "loud" in tools.amtool_receivers(configuration, "severity=page").output.splitlines()
    assert "quiet" in tools.amtool_receivers(configuration, "severity=info").output.splitlines()


def _a_rule(**spec: object) -> Mapping[str, object]:
    group = {"name": "tiny", "rules": [{"alert": "Down", "expr": "up == 0"}]}
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "tiny", "labels": {"a": "b"}},
        "spec": {"groups": [group], **spec},
    }


@pytest.mark.consumer
def test_a_custom_resource_is_checked_with_its_unknown_fields() -> None:
    assert tools.crd_errors(_a_rule()) == ()
    assert any("'grops' was unexpected" in error for error in tools.crd_errors(_a_rule(grops=[])))


@pytest.mark.consumer
def test_a_kind_without_a_schema_is_not_taken_for_good() -> None:
    with pytest.raises(FileNotFoundError):
        tools.crd_errors({**_a_rule(), "kind": "PrometheusRool"})


def test_closing_a_schema_shuts_objects_with_fields_and_leaves_the_rest() -> None:
    field = {"type": "object", "properties": {"a": {"type": "string", "nullable": True}}}
    assert tools.closed(field) == {
        "type": "object",
        "properties": {"a": {"type": ["string", "null"]}},
        "additionalProperties": False,
    }
    preserved = {"properties": {}, "x-kubernetes-preserve-unknown-fields": True}
    assert tools.closed(preserved) == preserved
    labels = {"type": "object", "additionalProperties": {"type": "string"}}
    assert tools.closed(labels) == labels
    restriction = {"anyOf": [{"required": ["a"], "properties": {"a": {"minimum": 1}}}]}
    assert tools.closed(restriction) == restriction


@pytest.mark.parametrize(
    ("environment", "outcome"),
    [
        ({"CI": ""}, pytest.skip.Exception),
        ({"CI": "true"}, pytest.fail.Exception),
        ({"CI": "true", "MLC_CONSUMERS_ABSENT": "chromium,act"}, pytest.skip.Exception),
    ],
)
def test_a_missing_tool_fails_in_ci_and_skips_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, environment: Mapping[str, str], outcome: type[BaseException]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("shutil.which", lambda *_arguments, **_options: None)
    with pytest.raises(outcome, match="act is missing: pip install"):
        tools.require("act")
