"""The target kubernetes: which objects a model gets, what they say, what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

import kubernetes_cases as cases
from builders import (
    a_batch_serving,
    a_dataset,
    a_feature_query,
    a_lookup,
    a_model,
    a_monitor,
    a_pin,
    a_project,
    a_release,
    a_rollout,
    a_serving,
    a_signal,
    an_environment,
)
from conftest import Golden
from mlc_compiler import conventions, ir
from mlc_compiler.backend.target import Artifact
from mlc_compiler.ir import Origin
from mlc_targets.kubernetes import TARGET
from mlc_targets.kubernetes.schedule import cron_every


def objects(release: ir.Release) -> dict[str, Any]:
    """The objects by `Kind/name`, as a cluster would read them."""
    texts = [a.text for model in release.models for a in TARGET.emit_model(release, model)]
    found = [yaml.safe_load(text) for text in texts]
    return {f"{o['kind']}/{o['metadata']['name']}": o for o in found}


def origin_of(artifact: Artifact, words: str) -> Origin:
    """Where the first line with these words comes from."""
    number = next(n for n, line in enumerate(artifact.text.split("\n"), 1) if words in line)
    return [part.origin for part in artifact.parts if part.line <= number][-1]


def findings(release: ir.Release) -> list[tuple[str, str]]:
    return [(u.origin.field, u.message) for u in TARGET.check(release)]


@pytest.mark.parametrize("case", sorted(cases.KUBERNETES))
def test_the_manifests_are_the_golden_ones(case: str, golden: Golden) -> None:
    golden(f"kubernetes/{case}", cases.emitted(cases.KUBERNETES[case](), TARGET))


# --- which objects ---------------------------------------------------------------------------------------------------
def test_a_model_without_a_pin_has_no_objects() -> None:
    assert objects(a_release(a_model(pinned=False))) == {}


def test_a_rolling_model_is_a_deployment_with_its_service() -> None:
    found = objects(a_release(a_model()))
    assert {"Deployment/late-arrival", "Service/late-arrival"} <= set(found)
    assert found["HorizontalPodAutoscaler/late-arrival"]["spec"]["scaleTargetRef"]["kind"] == "Deployment"


def test_what_a_rollout_controls_is_left_to_its_target() -> None:
    found = objects(a_release(a_model(rollout=a_rollout())))
    assert not {"Deployment/late-arrival", "Service/late-arrival", "Rollout/late-arrival"} & set(found)
    assert found["HorizontalPodAutoscaler/late-arrival"]["spec"]["scaleTargetRef"]["kind"] == "Rollout"


def test_a_batch_is_a_cron_job_that_never_overlaps() -> None:
    found = objects(a_release(a_model(serving=a_batch_serving())))
    assert set(found) == {"CronJob/late-arrival", "NetworkPolicy/late-arrival-jobs", "ServiceAccount/late-arrival"}
    spec = found["CronJob/late-arrival"]["spec"]
    assert (spec["schedule"], spec["timeZone"], spec["concurrencyPolicy"]) == ("0 5 * * *", "Etc/UTC", "Forbid")


def test_an_autoscaler_and_stated_replicas_exclude_each_other() -> None:
    scaled = objects(a_release(a_model()))
    fixed = objects(a_release(a_model(serving=a_serving(min_replicas=3, max_replicas=3))))
    assert "replicas" not in scaled["Deployment/late-arrival"]["spec"]
    assert "HorizontalPodAutoscaler/late-arrival" not in fixed
    assert fixed["Deployment/late-arrival"]["spec"]["replicas"] == 3


def test_a_single_server_has_no_disruption_budget_that_would_block_its_node() -> None:
    single = objects(a_release(a_model(serving=a_serving(min_replicas=1, max_replicas=4))))
    assert "PodDisruptionBudget/late-arrival" not in single
    assert objects(a_release())["PodDisruptionBudget/late-arrival"]["spec"]["maxUnavailable"] == 1


# --- the online snapshot ---------------------------------------------------------------------------------------------
def with_lookups(*lookups: ir.Lookup, **fields: Any) -> ir.Release:
    return a_release(a_model(features=a_feature_query(lookups or [a_lookup()]), **fields))


def snapshot_folder(release: ir.Release) -> str:
    arguments = server(release)["args"]
    return str(arguments[arguments.index("--online") + 1])


def server(release: ir.Release) -> dict[str, Any]:
    container: dict[str, Any] = objects(release)["Deployment/late-arrival"]["spec"]["template"]["spec"]["containers"][0]
    return container


def test_servers_read_the_folder_that_the_job_writes_and_cannot_write_it() -> None:
    release = with_lookups()
    pod = objects(release)["CronJob/late-arrival-online"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    command = pod["containers"][0]["command"]
    assert command[command.index("--out") + 1] == snapshot_folder(release)
    mount = next(m for m in server(release)["volumeMounts"] if m["mountPath"] == conventions.ONLINE_MOUNT)
    assert mount["readOnly"] is True


def test_a_retrained_version_shares_the_snapshot_and_other_lookups_have_their_own() -> None:
    retrained = with_lookups(pin=a_pin(version="sha256:" + "f" * 64))
    changed = with_lookups(a_lookup(sql="SELECT carrier, max(arr_delay) AS carrier_delay_24h FROM flights GROUP BY 1"))
    assert snapshot_folder(retrained) == snapshot_folder(with_lookups())
    assert snapshot_folder(changed) != snapshot_folder(with_lookups())


def test_lookups_of_other_data_have_their_own_snapshot_and_another_secret_or_description_changes_none() -> None:
    flights = a_dataset()

    def folder(dataset: ir.Dataset) -> str:
        return snapshot_folder(with_lookups(datasets=(dataset,)))

    kept = folder(flights)
    for source in (replace(flights.source, path="data/other.parquet"), ir.Source("query", query="SELECT 1")):
        assert folder(replace(flights, source=source)) != kept
    assert folder(replace(flights, delay=3600.0)) != kept
    described = replace(flights, description="all of them", source=replace(flights.source, secret="warehouse/key"))
    assert folder(described) == kept


@pytest.mark.parametrize(("keep", "said"), [(None, "3"), (5, "5")])
def test_the_job_rewrites_the_snapshots_of_as_many_versions_as_can_be_gone_back_to(keep: int | None, said: str) -> None:
    release = with_lookups(rollout=a_rollout(keep=keep) if keep else None)
    for kind in ("Job", "CronJob"):
        pod = next(p for name, o in objects(release).items() if name.startswith(f"{kind}/") and (p := pod_of(o)))
        command = pod["containers"][0]["command"]
        assert command[command.index("--keep") + 1] == said


def test_a_job_that_would_differ_has_another_name_because_jobs_cannot_change() -> None:
    def first_job(release: ir.Release) -> str:
        return next(name for name in objects(release) if name.startswith("Job/"))

    assert first_job(with_lookups()) == first_job(with_lookups())
    assert first_job(with_lookups()) != first_job(with_lookups(pin=a_pin(image="ghcr.io/acme/late-arrival:v-2")))


@pytest.mark.parametrize(
    ("seconds", "schedule"),
    [(60, "* * * * *"), (900, "*/15 * * * *"), (420, "*/6 * * * *"), (5400, "0 * * * *"), (172_800, "0 0 * * *")],
)
def test_an_interval_becomes_the_longest_even_schedule_within_it(seconds: float, schedule: str) -> None:
    assert cron_every(seconds) == schedule


def test_the_monitor_runs_four_times_in_its_smallest_window() -> None:
    monitor = a_monitor([a_signal(), a_signal("outputs", window=7200.0)])
    found = objects(a_release(a_model(monitor=monitor)))
    assert found["CronJob/late-arrival-monitor"]["spec"]["schedule"] == "*/30 * * * *"


# --- security, data, network -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("case", sorted(cases.KUBERNETES))
def test_every_pod_meets_the_restricted_profile(case: str) -> None:
    pods = [pod for o in objects(cases.KUBERNETES[case]()).values() if (pod := pod_of(o))]
    assert pods
    for pod in pods:
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert security["readOnlyRootFilesystem"] is True
            assert container["resources"]["limits"] == container["resources"]["requests"]


def pod_of(item: dict[str, Any]) -> dict[str, Any] | None:
    spec = item.get("spec", {})
    template = spec.get("jobTemplate", {}).get("spec", spec).get("template")
    pod: dict[str, Any] | None = template["spec"] if template else None
    return pod


def test_secrets_reach_jobs_as_references() -> None:
    container = pod_of(objects(cases.batch())["CronJob/late-arrival"])["containers"][0]  # type: ignore[index]
    password = next(v for v in container["env"] if v["name"] == conventions.secret_variable("warehouse/password"))
    assert password["valueFrom"] == {"secretKeyRef": {"name": "warehouse", "key": "password"}}


def test_jobs_reach_the_port_of_their_database() -> None:
    egress = objects(cases.batch())["NetworkPolicy/late-arrival-jobs"]["spec"]["egress"]
    assert [p["port"] for p in egress[1]["ports"]] == [443, 5432]


def test_servers_are_reached_from_the_gateway_and_prometheus_alone() -> None:
    ingress = objects(cases.deployment())["NetworkPolicy/late-arrival"]["spec"]["ingress"]
    names = [c["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for i in ingress for c in i["from"]]
    assert names == ["gateways", "monitoring"]


def test_another_server_is_probed_by_its_port_and_started_its_own_way() -> None:
    container = server(cases.runtime())
    assert "command" not in container
    assert container["readinessProbe"]["tcpSocket"] == {"port": "http"}
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"


def test_data_files_are_mounted_only_where_a_dataset_is_a_file() -> None:
    remote = a_dataset(source=ir.Source("parquet", url="s3://acme/flights/*.parquet"))
    pod = pod_of(objects(with_lookups(datasets=(remote,)))["CronJob/late-arrival-online"])
    assert pod is not None
    claims = [v["persistentVolumeClaim"]["claimName"] for v in pod["volumes"] if "persistentVolumeClaim" in v]
    assert claims == ["late-arrival-online"]


# --- labels, origins, stability --------------------------------------------------------------------------------------
def test_selectors_do_not_change_with_the_version() -> None:
    other = objects(a_release(a_model(pin=a_pin(version="sha256:" + "f" * 64))))
    this = objects(a_release())
    spec, changed = this["Deployment/late-arrival"]["spec"], other["Deployment/late-arrival"]["spec"]
    assert spec["selector"] == changed["selector"]
    assert spec["template"]["metadata"]["labels"] != changed["template"]["metadata"]["labels"]


@pytest.mark.parametrize(
    ("file", "words", "origin"),
    [
        ("horizontal-pod-autoscaler", "maxReplicas", Origin("Model/late-arrival", "spec.serving.replicas.max")),
        ("deployment", "revisionHistoryLimit", Origin("Rollout/late-arrival", "spec.rollback.keep")),
        ("deployment", "memory: 512Mi", Origin("Model/late-arrival", "spec.serving.resources.memory")),
        ("deployment", "namespace:", Origin("Environment/staging", "spec.namespace")),
        ("deployment", "kind:", Origin("Model/late-arrival")),
    ],
)
def test_a_line_knows_the_field_that_it_comes_from(file: str, words: str, origin: Origin) -> None:
    release = cases.deployment()
    found = {a.path.rpartition("/")[2]: a for a in TARGET.emit_model(release, release.models[0])}
    assert origin_of(found[f"{file}.yaml"], words) == origin


def test_an_owner_with_other_characters_becomes_a_valid_label() -> None:
    found = objects(a_release(a_model(owner="@acme/Ops & Analytics")))
    assert found["Deployment/late-arrival"]["metadata"]["labels"][conventions.LABEL_OWNER] == "acme-Ops-Analytics"


# --- what is refused -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("case", sorted(cases.ALL))
def test_the_shared_cases_are_expressible(case: str) -> None:
    assert findings(cases.ALL[case]()) == []


def test_a_canary_without_a_controller_for_it_is_refused() -> None:
    found = findings(a_release(a_model(rollout=a_rollout(), controller="deployment")))
    assert [field for field, _ in found] == ["spec.strategy"]


def test_scaling_to_zero_is_refused() -> None:
    found = findings(a_release(a_model(serving=a_serving(min_replicas=0))))
    assert [field for field, _ in found] == ["spec.serving.replicas.min"]


def test_a_snapshot_more_often_than_a_minute_is_refused() -> None:
    features = a_feature_query([a_lookup()], refresh=30.0)
    found = findings(a_release(a_model(features=features)))
    assert found[0][0] == "spec.online.refresh"
    assert "30s" in found[0][1]


def test_a_name_too_long_for_a_cron_job_is_refused_with_the_arithmetic() -> None:
    name = "m" * 45
    assert findings(a_release(a_model(name, monitor=a_monitor())))[0][0] == "metadata.name"
    assert findings(a_release(a_model(name[:44], monitor=a_monitor()))) == []
    assert findings(a_release(a_model(name))) == []


@pytest.mark.parametrize(
    "options",
    [{"replicas": 2}, {"snapshot_access": "ReadMany"}, {"client_namespaces": "shop"}, {"pod_monitor": "yes"}],
)
def test_an_unknown_option_or_value_is_refused_where_it_stands(options: dict[str, ir.Frozen]) -> None:
    release = a_release(project=a_project(targets={"kubernetes": options}))
    assert [field for field, _ in findings(release)] == [f"spec.targets.kubernetes.{next(iter(options))}"]


def test_artifacts_belong_to_their_model_and_environment() -> None:
    release = replace(a_release(), environment=an_environment("staging"))
    for artifact in TARGET.emit_model(release, release.models[0]):
        assert artifact.path.startswith("deploy/staging/late-arrival/")
        assert (artifact.environment, artifact.model) == ("staging", "late-arrival")
