"""The monitor's CronJob: what Kubernetes starts is what the job reads, and the network lets it through."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

import kubernetes_cases as cases
from builders import a_model, a_monitor, a_project, a_release, a_signal
from mlc_compiler import conventions, ir
from mlc_targets.kubernetes import TARGET
from mlc_targets.local.monitor.__main__ import _parser

SIGNALS = (
    a_signal(features=("distance", "carrier")),
    a_signal("outputs", type="prediction_drift", method="jensen_shannon", max=0.1),
    a_signal("quality", type="data_quality", method="missing_rate", max=0.02, window=3600.0),
    a_signal("live-auc", type="performance", method="metric", metric="roc_auc", min=0.68, max=None, severity="page"),
    a_signal("estimated", type="estimated_performance", method="cbpe", metric="f1", min=0.5, max=None),
)


def objects(release: ir.Release) -> dict[str, str]:
    found = TARGET.emit_model(release, release.models[0])
    return {artifact.path.rsplit("/", 1)[1]: artifact.text for artifact in found}


def command(release: ir.Release) -> list[str]:
    job = yaml.safe_load(objects(release)["monitor-cron-job.yaml"])
    [container] = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    words: list[str] = container["command"]
    return words


def test_the_job_reads_the_command_of_the_cron_job() -> None:
    project = a_project(targets={"kubernetes": {"pushgateway": "https://push.acme.example/prod"}})
    monitor = a_monitor(SIGNALS, label_delay=7200.0, reference="test")
    words = command(a_release(a_model(monitor=monitor), project=project))
    assert words[:3] == ["python", "-m", conventions.MONITOR_MODULE]
    given = _parser().parse_args(words[3:])
    assert given.signals == tuple(replace(s, origin=ir.Origin("")) for s in monitor.signals)
    assert (given.reference, given.label_delay) == ("test", 7200.0)
    assert (given.push, given.namespace) == ("https://push.acme.example/prod", "ml-prod")
    assert given.package == Path(conventions.PACKAGE_MOUNT)


def test_the_policy_lets_the_job_reach_the_pushgateway() -> None:
    assert "port: 9091" in objects(cases.deployment())["jobs-network-policy.yaml"]


def test_a_monitor_of_objectives_alone_has_no_job() -> None:
    assert "monitor-cron-job.yaml" not in objects(a_release(a_model(monitor=a_monitor(()))))


@pytest.mark.parametrize("value", [True, "pushgateway:9091", "http://a b", "http://h:9091?x=1"])
def test_a_pushgateway_that_is_no_address_is_refused(value: ir.Frozen) -> None:
    release = a_release(project=a_project(targets={"kubernetes": {"pushgateway": value}}))
    assert [u.origin.field for u in TARGET.check(release)] == ["spec.targets.kubernetes.pushgateway"]
