"""What Argo CD makes of an ApplicationSet: Applications that its schema accepts, of folders that kustomize builds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import kubernetes_cases as cases
from builders import a_model, a_project, an_environment
from consumers import tools
from mlc_compiler import ir
from mlc_targets import argo_cd, argo_rollouts, kubernetes, prometheus

pytestmark = pytest.mark.consumer
TARGETS: dict[str, dict[str, ir.Frozen]] = {
    "kubernetes": {},
    "argo-cd": {"repository": "https://github.com/acme/delays.git"},
}


def a_release(*models: ir.Model, **targets: dict[str, ir.Frozen]) -> ir.Release:
    return ir.Release(a_project(targets={**TARGETS, **targets}), an_environment(), models)


def application_set(release: ir.Release) -> dict[str, Any]:
    (artifact,) = argo_cd.TARGET.emit_environment(release)
    loaded: dict[str, Any] = yaml.safe_load(artifact.text)
    return loaded


def applications(made: dict[str, Any], repository: Path) -> list[dict[str, Any]]:
    """Return what the git file generator makes of a repository: an Application of each file that its pattern finds."""
    (generator,) = made["spec"]["generators"]
    (files,) = generator["git"]["files"]
    template = yaml.safe_dump(made["spec"]["template"])
    found = []
    for file in sorted(repository.glob(files["path"])):
        folder = file.parent.relative_to(repository)
        text = template.replace("{{ .path.basename }}", folder.name).replace("{{ .path.path }}", str(folder))
        assert "{{" not in text
        found.append({"apiVersion": made["apiVersion"], "kind": "Application", **yaml.safe_load(text)})
    return found


def written(folder: Path, release: ir.Release) -> None:
    environment = prometheus.TARGET.emit_environment(release)
    for artifact in (*cases.emitted(release, kubernetes.TARGET, prometheus.TARGET), *environment):
        (folder / artifact.path).parent.mkdir(parents=True, exist_ok=True)
        (folder / artifact.path).write_text(artifact.text, "utf-8")


@pytest.mark.parametrize("options", [{}, {"sync": "manual"}], ids=["automatic", "manual"])
def test_the_schema_of_application_sets_accepts_it(options: dict[str, ir.Frozen]) -> None:
    targets = {"argo-cd": {**TARGETS["argo-cd"], **options}, argo_rollouts.TARGET.name: {}}
    assert tools.crd_errors(application_set(a_release(**targets))) == ()


def test_the_schema_of_application_sets_refuses_a_misspelt_field() -> None:
    (artifact,) = argo_cd.TARGET.emit_environment(a_release())
    wrong = yaml.safe_load(artifact.text.replace("targetRevision", "targetRevison"))
    assert tools.crd_errors(wrong) != ()


def test_kustomize_builds_what_each_application_points_at(tmp_path: Path) -> None:
    release = a_release(a_model("a"), a_model("b"), prometheus={})
    written(tmp_path, release)
    assert (tmp_path / "deploy/prod/monitoring/rules/a.yaml").is_file()  # beside the models, and no object
    made = applications(application_set(release), tmp_path)
    assert [application["metadata"]["name"] for application in made] == ["flight-delays-prod-a", "flight-delays-prod-b"]
    for application in made:
        assert tools.crd_errors(application) == ()
        built = tools.kustomize(tmp_path / application["spec"]["source"]["path"])
        assert built.accepted, built.output
        assert "kind: Deployment" in built.output


def test_an_environment_without_models_has_no_application(tmp_path: Path) -> None:
    release = a_release()
    written(tmp_path, release)
    assert applications(application_set(release), tmp_path) == []
