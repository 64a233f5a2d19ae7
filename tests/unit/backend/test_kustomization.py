"""The kustomizations of an environment: which files are objects, whose folder is which, how patches reach them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from builders import an_environment
from mlc_compiler import ir
from mlc_compiler.backend.artifacts import yaml_artifact
from mlc_compiler.backend.kustomization import kustomizations, unmatched_patches
from mlc_compiler.backend.target import Artifact
from mlc_compiler.ir import Origin

DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "late-arrival"}}
PATCH = ir.Patch("Deployment", "late-arrival", merge='{"spec":{"paused":true}}', origin=Origin("Environment/prod"))


def an_object(
    path: str = "deploy/prod/late-arrival/deployment.yaml",
    data: object = DEPLOYMENT,
    model: str | None = "late-arrival",
) -> Artifact:
    return yaml_artifact(path, data, Origin("Model/late-arrival"), "prod", model)


def found(*artifacts: Artifact, patches: tuple[ir.Patch, ...] = ()) -> dict[str, Artifact]:
    made = kustomizations(an_environment(patches=patches), artifacts)
    return {artifact.path.removesuffix("/kustomization.yaml"): artifact for artifact in made}


def assembled(*artifacts: Artifact, patches: tuple[ir.Patch, ...] = ()) -> dict[str, Any]:
    (artifact,) = found(*artifacts, patches=patches).values()
    data: dict[str, Any] = yaml.safe_load(artifact.text)
    return data


def test_an_environment_without_objects_has_no_kustomization() -> None:
    assert found() == {}


def test_resources_are_listed_by_path_whatever_the_order_of_the_targets() -> None:
    files = [an_object(f"deploy/prod/late-arrival/{name}.yaml") for name in ("b", "jobs/c", "a")]
    assert assembled(*files)["resources"] == ["a.yaml", "b.yaml", "jobs/c.yaml"]


def test_a_model_has_a_kustomization_to_itself() -> None:
    made = found(*(an_object(f"deploy/prod/{name}/deployment.yaml", model=name) for name in ("b", "a")))
    assert {folder: artifact.model for folder, artifact in made.items()} == {"deploy/prod/a": "a", "deploy/prod/b": "b"}
    assert {artifact.environment for artifact in made.values()} == {"prod"}


@pytest.mark.parametrize("models", [("a", "b"), (None,)], ids=["several", "none"])
def test_a_folder_of_no_one_model_is_nobodys(models: tuple[str | None, ...]) -> None:
    files = [an_object(f"deploy/prod/gateway/{model}.yaml", model=model) for model in models]
    assert [artifact.model for artifact in found(*files).values()] == [None]


def test_an_object_beside_the_folders_is_a_bug_of_its_target() -> None:
    with pytest.raises(ValueError, match=r"deploy/prod/gateway\.yaml"):
        found(an_object("deploy/prod/gateway.yaml"))


def test_a_patch_stands_with_the_object_that_it_matches_and_nowhere_else() -> None:
    other = {**DEPLOYMENT, "metadata": {"name": "other"}}
    made = found(an_object(), an_object("deploy/prod/other/deployment.yaml", other, "other"), patches=(PATCH,))
    assert {f for f, artifact in made.items() if "patches" in artifact.text} == {"deploy/prod/late-arrival"}


def test_rule_files_dashboards_and_other_environments_are_no_resources() -> None:
    rules = an_object("deploy/prod/monitoring/rules/late-arrival.yaml", {"groups": []})
    other = an_object("deploy/staging/late-arrival/deployment.yaml")
    dashboard = Artifact("deploy/prod/monitoring/dashboards/a.json", "{}", Origin("Model/a"))
    assert assembled(an_object(), rules, other, dashboard)["resources"] == ["deployment.yaml"]


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
