"""The target argo-cd: an Application points at what is rendered, and leaves a running canary alone."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from builders import a_model, a_project, a_release, an_environment
from conftest import Golden
from mlc_compiler import ir
from mlc_targets.argo_cd import TARGET

REPOSITORY = "https://github.com/acme/delays.git"


def a_release_with(*models: ir.Model, **options: ir.Frozen) -> ir.Release:
    targets = {"kubernetes": {}, "argo-cd": {"repository": REPOSITORY, **options}}
    return a_release(*models, project=a_project(targets=targets), environment=an_environment())


def application(release: ir.Release) -> dict[str, Any]:
    (artifact,) = TARGET.emit_environment(release)
    loaded: dict[str, Any] = yaml.safe_load(artifact.text)
    return loaded


def problems(**options: ir.Frozen) -> list[tuple[str, str]]:
    project = a_project(targets={"kubernetes": {}, "argo-cd": options})
    return [(u.origin.field, u.message) for u in TARGET.check(a_release(a_model(), project=project))]


@pytest.mark.parametrize("case", ["canary", "manual"])
def test_the_application_is_the_golden_one(case: str, golden: Golden) -> None:
    model = a_model(controller="rollout") if case == "canary" else a_model()
    options = {} if case == "canary" else {"sync": "manual", "folder": "services/delays", "revision": "release"}
    golden(f"argo-cd/{case}", {a.path: a.text for a in TARGET.emit_environment(a_release_with(model, **options))})


def test_an_application_points_at_the_rendered_folder_of_its_environment() -> None:
    spec = application(a_release_with(a_model(), folder="services/delays"))["spec"]
    assert spec["source"] == {"repoURL": REPOSITORY, "targetRevision": "main", "path": "services/delays/deploy/prod"}
    assert spec["destination"]["namespace"] == "ml-prod"


def test_the_weights_of_a_canary_are_left_to_its_controller() -> None:
    assert "ignoreDifferences" not in application(a_release_with(a_model()))["spec"]
    canary = application(a_release_with(a_model(controller="rollout")))["spec"]
    assert canary["ignoreDifferences"][0]["kind"] == "HTTPRoute"
    assert "RespectIgnoreDifferences=true" in canary["syncPolicy"]["syncOptions"]


def test_an_environment_without_models_has_no_application() -> None:
    assert list(TARGET.emit_environment(a_release_with().with_models(()))) == []


def test_sync_can_wait_for_a_person() -> None:
    assert "automated" in application(a_release_with(a_model()))["spec"]["syncPolicy"]
    assert "automated" not in application(a_release_with(a_model(), sync="manual"))["spec"]["syncPolicy"]


def test_a_repository_has_to_be_named() -> None:
    ((field, message),) = problems()
    assert field == "spec.targets.argo-cd"
    assert "which repository" in message


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("repository", "acme/delays"),
        ("repository", "https://x y"),
        ("server", "kubernetes"),
        ("sync", "sometimes"),
        ("namespace", "Argo CD"),
        ("folder", "../other"),
        ("folder", "a//b"),
        ("revision", 3),
        ("prune", True),
    ],
)
def test_an_option_that_is_not_understood_is_refused(key: str, value: ir.Frozen) -> None:
    options = {"repository": REPOSITORY, key: value}
    assert [field for field, _ in problems(**options)] == [f"spec.targets.argo-cd.{key}"]


def test_manifests_have_to_be_written_by_somebody() -> None:
    project = a_project(targets={"argo-cd": {"repository": REPOSITORY}})
    (problem,) = TARGET.check(a_release(a_model(), project=project))
    assert "kubernetes" in problem.message
