"""The Application is one of Argo CD's, unknown fields refused, and its path is what kustomize builds."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import kubernetes_cases as cases
from builders import a_model, a_project, an_environment
from consumers import tools
from mlc_compiler import ir
from mlc_targets import argo_cd, kubernetes

pytestmark = pytest.mark.consumer
TARGETS = {"kubernetes": {}, "argo-cd": {"repository": "https://github.com/acme/delays.git"}}


def a_release(*models: ir.Model) -> ir.Release:
    return ir.Release(a_project(targets=TARGETS), an_environment(), models)


@pytest.mark.parametrize("controller", ["deployment", "rollout"])
def test_the_schema_of_applications_accepts_it(controller: str) -> None:
    release = a_release(a_model(controller=controller))
    (artifact,) = argo_cd.TARGET.emit_environment(release)
    assert tools.crd_errors(yaml.safe_load(artifact.text)) == ()


def test_the_schema_of_applications_refuses_a_misspelt_field() -> None:
    (artifact,) = argo_cd.TARGET.emit_environment(a_release(a_model()))
    wrong = yaml.safe_load(artifact.text.replace("targetRevision", "targetRevison"))
    assert tools.crd_errors(wrong) != ()


def test_kustomize_builds_what_the_application_points_at(tmp_path: Path) -> None:
    release = a_release(a_model())
    for artifact in cases.emitted(release, kubernetes.TARGET):
        (tmp_path / artifact.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / artifact.path).write_text(artifact.text, "utf-8")
    (application,) = argo_cd.TARGET.emit_environment(release)
    built = tools.kustomize(tmp_path / yaml.safe_load(application.text)["spec"]["source"]["path"])
    assert built.accepted, built.output
    assert "kind: Deployment" in built.output
