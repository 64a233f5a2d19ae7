"""What Kubernetes makes of the manifests: strict schemas of the core objects, kustomize, patches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

import kubernetes_cases as cases
from builders import a_model
from consumers import tools
from mlc_compiler import ir
from mlc_compiler.backend.target import Artifact
from mlc_targets.argo_rollouts import TARGET as ARGO_ROLLOUTS
from mlc_targets.kubernetes import TARGET as KUBERNETES

pytestmark = pytest.mark.consumer

CORE = ("v1", "apps/v1", "autoscaling/v2", "batch/v1", "networking.k8s.io/v1", "policy/v1")


def written(folder: Path, release: ir.Release) -> tuple[Artifact, ...]:
    made = cases.emitted(release, KUBERNETES, ARGO_ROLLOUTS)
    for artifact in made:
        (folder / artifact.path).parent.mkdir(parents=True, exist_ok=True)
        (folder / artifact.path).write_text(artifact.text, encoding="utf-8")
    return made


def core(folder: Path, artifacts: Iterable[Artifact]) -> list[Path]:
    return [folder / a.path for a in artifacts if yaml.safe_load(a.text)["apiVersion"] in CORE]


@pytest.mark.parametrize("case", sorted(cases.ALL))
def test_kubernetes_accepts_every_core_object_strictly(case: str, tmp_path: Path) -> None:
    outcome = tools.kubernetes_validate(*core(tmp_path, written(tmp_path, cases.ALL[case]())))
    assert outcome.accepted, outcome.output


@pytest.mark.parametrize("case", sorted(cases.ALL))
def test_custom_resources_have_no_field_that_their_schema_lacks(case: str) -> None:
    made = [yaml.safe_load(a.text) for a in cases.emitted(cases.ALL[case](), KUBERNETES, ARGO_ROLLOUTS)]
    custom = [o for o in made if o["apiVersion"] not in CORE and o["kind"] != "Kustomization"]
    assert [error for item in custom for error in tools.crd_errors(item)] == []


@pytest.mark.parametrize("case", sorted(cases.ALL))
def test_kustomize_builds_all_objects_of_a_model(case: str, tmp_path: Path) -> None:
    release = cases.ALL[case]()
    made = written(tmp_path, release)
    outcome = tools.kustomize(tmp_path / "deploy" / release.environment.name / "late-arrival")
    assert outcome.accepted, outcome.output
    built = list(yaml.safe_load_all(outcome.output))
    given = [yaml.safe_load(a.text) for a in made if not a.path.endswith("kustomization.yaml")]
    assert sorted(map(repr, map(_sorted, built))) == sorted(map(repr, map(_sorted, given)))


def _sorted(value: object) -> object:
    """The same value with its mappings in one order: kustomize writes its own."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def test_the_folders_of_an_environment_build_as_one(tmp_path: Path) -> None:
    """Flux lists the folders that hold a kustomization, in one that it makes where none stands."""
    release = ir.Release(cases.deployment().project, cases.deployment().environment, (a_model("a"), a_model("b")))
    made = written(tmp_path, release)
    folder = tmp_path / "deploy" / release.environment.name
    listed = sorted(found.parent.name for found in folder.glob("*/kustomization.yaml"))
    assert listed == ["a", "b"]
    (folder / "kustomization.yaml").write_text(yaml.safe_dump({"resources": listed}))
    outcome = tools.kustomize(folder)
    assert outcome.accepted, outcome.output
    assert len(list(yaml.safe_load_all(outcome.output))) == len(made) - len(listed)


def test_kustomize_applies_the_environments_patches(tmp_path: Path) -> None:
    merge = ir.Patch("Deployment", "late-arrival", merge='{"spec":{"template":{"spec":{"priorityClassName":"high"}}}}')
    custom = ir.Patch("Rollout", "late-arrival", merge='{"spec":{"paused":true}}')
    minimum = (("op", "replace"), ("path", "/spec/minReplicas"), ("value", 4))
    json_patch = ir.Patch("HorizontalPodAutoscaler", "late-arrival", operations=(minimum,))
    for case, patches in (("deployment", (merge, json_patch)), ("canary", (custom,))):
        release = cases.ALL[case]()
        release = replace(release, environment=replace(release.environment, patches=patches))
        written(tmp_path / case, release)
        outcome = tools.kustomize(tmp_path / case / "deploy" / release.environment.name / "late-arrival")
        assert outcome.accepted, outcome.output
        built = {o["kind"]: o for o in yaml.safe_load_all(outcome.output)}
        if case == "deployment":
            assert built["Deployment"]["spec"]["template"]["spec"]["priorityClassName"] == "high"
            assert built["Deployment"]["spec"]["template"]["spec"]["containers"]
            assert built["HorizontalPodAutoscaler"]["spec"]["minReplicas"] == 4
        else:
            assert built["Rollout"]["spec"]["paused"] is True
