"""What Prometheus and Alertmanager make of the rules: they load, their tests hold, and a webhook hears of an alert."""

from __future__ import annotations

import json
import re
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import yaml

import monitoring_cases as cases
from consumers import tools
from consumers.prometheus_server import a_prometheus
from mlc_compiler import conventions, ir
from mlc_targets.prometheus import TARGET
from processes import a_process, free_port, http_server

pytestmark = pytest.mark.consumer


def written(folder: Path, release: ir.Release) -> Path:
    """Write what the target emits and return the environment's monitoring folder."""
    made = [a for model in release.models for a in TARGET.emit_model(release, model)]
    for artifact in [*made, *TARGET.emit_environment(release)]:
        path = folder / artifact.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(artifact.text, encoding="utf-8")
    return folder / conventions.monitoring_folder(release.environment.name)


@pytest.mark.parametrize("case", sorted(cases.ALL))
def test_prometheus_takes_the_rules_and_their_tests_hold(case: str, tmp_path: Path) -> None:
    folder = written(tmp_path, cases.ALL[case]())
    checked = tools.promtool_rules(*sorted((folder / "rules").iterdir()))
    assert checked.accepted, checked.output
    tests = sorted((folder / "rule-tests").iterdir()) if (folder / "rule-tests").exists() else []
    assert tests
    outcome = tools.promtool_tests(*tests)
    assert outcome.accepted, outcome.output


MUTATIONS = {
    "a fast burn is tolerated": ("> 0.0144", "> 0.016"),
    "a slow burn is noticed too early": ("> 0.001", "> 0.0008"),
    "errors of clients count": ('code=~"5.."', 'code=~"4.."'),
    "latency is compared with another bound": ("> 0.05 and", "> 0.06 and"),
    "drift has another bound": (">= 0) > 0.2", ">= 0) > 0.25"),
    "a server's drift that is not known spreads": (">= 0) > 0.2", " + 0) > 0.2"),
    "an alert waits less": ("for: 45m", "for: 5m"),
    "an alert waits longer": ("for: 15m", "for: 5h"),
    "a ticket becomes a page": ("severity: ticket", "severity: page"),
    "a stale snapshot is fine": ("> 2700", "> 3600"),
    "a missing snapshot is fine": ("} != mlc", "} == 7 * mlc"),
    "most keys may be missed": (") > 0.5", ") > 0.6"),
    "a low metric is fine": ("< 0.68", "< 0.6"),
    "a signal of a year ago is fine": ("> 10800 or", "> 100000 or"),
    "old signals alert": ("< 10800)", "< 100000)"),
    "a signal that is no number is fine": (" or count(mlc_signal_value", " and count(mlc_signal_value"),
    "another model's servers count": ('absent(mlc_model_info{namespace="ml-prod"', 'absent(up{namespace="ml-prod"'),
    "the text says something else": ("of requests failed", "of requests succeeded"),
}


@pytest.mark.slow
@pytest.mark.parametrize("mutation", sorted(MUTATIONS))
def test_the_rule_tests_notice_a_rule_that_was_changed(mutation: str, tmp_path: Path) -> None:
    folder = written(tmp_path, cases.full())
    rules = folder / "rules/late-arrival.yaml"
    text = rules.read_text(encoding="utf-8")
    old, new = MUTATIONS[mutation]
    assert old in text
    rules.write_text(text.replace(old, new), encoding="utf-8")
    outcome = tools.promtool_tests(folder / "rule-tests/late-arrival.yaml")
    assert outcome.code == 1, outcome.output
    assert "FAILED" in outcome.output


# --- Alertmanager ----------------------------------------------------------------------------------------------------
def alertmanager_file(folder: Path, url: str) -> Path:
    """Return the configuration with a plain URL: the packaged Alertmanager is older than `url_file` (0.26)."""
    path = folder / "alertmanager.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"url_file: .*", f"url: {url}", text), encoding="utf-8")
    return path


@pytest.mark.parametrize("case", sorted(cases.ALL))
def test_alertmanager_takes_the_configuration(case: str, tmp_path: Path) -> None:
    path = alertmanager_file(written(tmp_path, cases.ALL[case]()), "http://127.0.0.1:1/")
    outcome = tools.amtool_config(path)
    assert outcome.accepted, outcome.output


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (("owner=ops-analytics", "severity=page"), "ops-analytics"),
        (("owner=ops-analytics", "severity=ticket"), "ops-analytics"),
        (("owner=risk {{team}}", "severity=page"), "owner risk {{team}}"),
        (("owner=risk {{team}}",), "owner risk {{team}}"),
        (("severity=other",), "ops-analytics"),
    ],
)
def test_an_alert_goes_to_its_owner(labels: tuple[str, ...], receiver: str, tmp_path: Path) -> None:
    path = alertmanager_file(written(tmp_path, cases.tuned()), "http://127.0.0.1:1/")
    outcome = tools.amtool_receivers(path, *labels)
    assert outcome.accepted, outcome.output
    assert outcome.output.splitlines()[-1].strip() == receiver  # a warning may stand before it


def test_the_custom_resource_has_only_fields_that_the_operator_knows(tmp_path: Path) -> None:
    written(tmp_path, cases.tuned())
    manifest = yaml.safe_load((tmp_path / "deploy/prod/late-arrival/prometheus-rule.yaml").read_text(encoding="utf-8"))
    assert tools.crd_errors(manifest) == ()


# --- the whole way ---------------------------------------------------------------------------------------------------
def hurried(folder: Path) -> tuple[Path, Path]:
    """Return rules and routes that wait seconds instead of minutes: no threshold, selector or matcher changes."""
    rules = folder / "rules/late-arrival.yaml"
    text = re.sub(r"(for|interval): \w+", r"\1: 1s", rules.read_text(encoding="utf-8"))
    rules.write_text(text, encoding="utf-8")
    routes = folder / "alertmanager.yml"
    text = re.sub(r"(group_wait|group_interval): \w+", r"\1: 1s", routes.read_text(encoding="utf-8"))
    routes.write_text(text, encoding="utf-8")
    return rules, routes


@pytest.mark.slow
def test_failing_requests_reach_the_webhook_as_one_page(tmp_path: Path) -> None:
    alertmanager = tools.require("prometheus-alertmanager")
    heard: list[dict[str, Any]] = []
    start = time.monotonic()

    def exporter(_: BaseHTTPRequestHandler) -> bytes:
        identity = 'model="late-arrival",version="1a2b3c4d5e6f"'
        count = int((time.monotonic() - start) * 100)
        lines = [f'{conventions.METRIC_MODEL_INFO}{{{identity},task="binary_classification"}} 1']
        for code, number in (("200", count * 9), ("500", count)):
            lines.append(f'{conventions.METRIC_REQUESTS}{{{identity},code="{code}",protocol="json"}} {number}')
        return ("\n".join(lines) + "\n").encode()

    def webhook(request: BaseHTTPRequestHandler) -> bytes:
        heard.append(json.loads(request.rfile.read(int(request.headers["Content-Length"]))))
        return b"{}"

    release = cases.full()
    folder = written(tmp_path, release)
    with http_server(exporter) as exported, http_server(webhook) as hook:
        rules, _ = hurried(folder)
        routes = alertmanager_file(folder, f"http://127.0.0.1:{hook}/")
        port = free_port()
        command: list[str | Path] = [alertmanager, f"--config.file={routes}", f"--storage.path={tmp_path / 'am'}"]
        command += ["--cluster.listen-address=", f"--web.listen-address=127.0.0.1:{port}"]
        with (
            a_process(command, tmp_path / "alertmanager.log"),
            a_prometheus(tmp_path / "prometheus", {exported: "ml-prod"}, rules=rules, alertmanager=port),
        ):
            deadline = time.monotonic() + 60
            while not any(m["commonLabels"].get("severity") == "page" for m in heard) and time.monotonic() < deadline:
                time.sleep(0.2)
    pages = [m for m in heard if m["commonLabels"].get("severity") == "page"]
    assert pages, (tmp_path / "alertmanager.log").read_text(encoding="utf-8")
    assert pages[0]["receiver"] == "ops-analytics"
    names = {alert["labels"]["alertname"] for message in pages for alert in message["alerts"]}
    assert names <= {"MlcErrorBudgetFastBurn", "MlcErrorBudgetMediumBurn"}
    first = pages[0]["alerts"][0]
    assert first["annotations"]["description"].startswith("10% of requests failed")
    assert first["annotations"]["runbook_url"].startswith("https://runbooks.acme.example/mlc/MlcErrorBudget")
