"""The kustomization of an environment: which files are objects, and how patches reach them."""

from __future__ import annotations

from typing import Any

import yaml

from builders import an_environment
from mlc_compiler import ir
from mlc_compiler.backend.artifacts import yaml_artifact
from mlc_compiler.backend.kustomization import kustomization, unmatched_patches
from mlc_compiler.backend.target import Artifact
from mlc_compiler.ir import Origin

DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "late-arrival"}}
PATCH = ir.Patch("Deployment", "late-arrival", merge='{"spec":{"paused":true}}', origin=Origin("Environment/prod"))


def an_object(path: str = "deploy/prod/late-arrival/deployment.yaml", data: object = DEPLOYMENT) -> Artifact:
    return yaml_artifact(path, data, Origin("Model/late-arrival"))


def assembled(*artifacts: Artifact, patches: tuple[ir.Patch, ...] = ()) -> dict[str, Any]:
    found = kustomization(an_environment(patches=patches), artifacts)
    assert found is not None
    data: dict[str, Any] = yaml.safe_load(found.text)
    return data


def test_an_environment_without_objects_has_no_kustomization() -> None:
    assert kustomization(an_environment(), []) is None


def test_resources_are_listed_by_path_whatever_the_order_of_the_targets() -> None:
    files = [an_object(f"deploy/prod/{name}/deployment.yaml") for name in ("b", "a")]
    assert assembled(*files)["resources"] == ["a/deployment.yaml", "b/deployment.yaml"]


def test_rule_files_dashboards_and_other_environments_are_no_resources() -> None:
    rules = an_object("deploy/prod/monitoring/rules/late-arrival.yaml", {"groups": []})
    other = an_object("deploy/staging/late-arrival/deployment.yaml")
    dashboard = Artifact("deploy/prod/monitoring/dashboards/a.json", "{}", Origin("Model/a"))
    assert assembled(an_object(), rules, other, dashboard)["resources"] == ["late-arrival/deployment.yaml"]


def test_a_merge_patch_says_which_object_it_is_for() -> None:
    patch = assembled(an_object(), patches=(PATCH,))["patches"][0]
    assert patch["target"] == {"kind": "Deployment", "name": "late-arrival"}
    expected = {"kind": "Deployment", "metadata": {"name": "late-arrival"}, "spec": {"paused": True}}
    assert yaml.safe_load(patch["patch"]) == expected


def test_a_json_patch_keeps_its_operations() -> None:
    operation = (("op", "replace"), ("path", "/spec/replicas"), ("value", 3))
    patch = ir.Patch("Deployment", "late-arrival", operations=(operation,))
    text = assembled(an_object(), patches=(patch,))["patches"][0]["patch"]
    assert yaml.safe_load(text) == [{"op": "replace", "path": "/spec/replicas", "value": 3}]


def test_a_patch_on_an_object_that_nobody_writes_is_named_with_what_there_is() -> None:
    stray = ir.Patch("Deployment", "late-arival", merge="{}")
    environment = an_environment(patches=(PATCH, stray))
    assert unmatched_patches(environment, [an_object()]) == ((stray, (("Deployment", "late-arrival"),)),)
    assert "patches" not in assembled(an_object(), patches=(stray,))
