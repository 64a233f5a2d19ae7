"""The target argo-cd: Applications of what is rendered, found in git, which leave a running canary alone."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from builders import a_model, a_project, a_release, an_environment
from conftest import Golden
from mlc_compiler import ir
from mlc_targets.argo_cd import TARGET

REPOSITORY = "https://github.com/acme/delays.git"


def a_release_with(*models: ir.Model, canaries: bool = False, **options: ir.Frozen) -> ir.Release:
    targets = {"kubernetes": {}, "argo-cd": {"repository": REPOSITORY, **options}}
    targets |= {"argo-rollouts": {}} if canaries else {}
    return a_release(*models, project=a_project(targets=targets), environment=an_environment())


def application_set(release: ir.Release) -> dict[str, Any]:
    (artifact,) = TARGET.emit_environment(release)
    loaded: dict[str, Any] = yaml.safe_load(artifact.text)
    return loaded


def application(release: ir.Release) -> dict[str, Any]:
    template: dict[str, Any] = application_set(release)["spec"]["template"]
    return template


def problems(**options: ir.Frozen) -> list[tuple[str, str]]:
    project = a_project(targets={"kubernetes": {}, "argo-cd": options})
    return [(u.origin.field, u.message) for u in TARGET.check(a_release(a_model(), project=project))]


@pytest.mark.parametrize("case", ["canary", "manual"])
def test_the_application_is_the_golden_one(case: str, golden: Golden) -> None:
    canary = case == "canary"
    options = {} if canary else {"sync": "manual", "folder": "services/delays", "revision": "release"}
    made = TARGET.emit_environment(a_release_with(a_model(), canaries=canary, **options))
    golden(f"argo-cd/{case}", {a.path: a.text for a in made})


def test_the_folders_of_an_environment_with_a_kustomization_become_applications() -> None:
    (generator,) = application_set(a_release_with(folder="services/delays"))["spec"]["generators"]
    assert generator["git"]["files"] == [{"path": "services/delays/deploy/prod/*/kustomization.yaml"}]
    spec = application(a_release_with())["spec"]
    assert spec["source"] == {"repoURL": REPOSITORY, "targetRevision": "main", "path": "{{ .path.path }}"}
    assert spec["destination"]["namespace"] == "ml-prod"


def test_models_change_nothing_of_it() -> None:
    models = (a_model("a"), a_model("b", controller="rollout"))
    releases = [a_release_with(*found) for found in (models[:1], models[1:], models)]
    made = [list(TARGET.emit_environment(r)) for r in (a_release_with().with_models(()), *releases)]
    assert all(artifacts == made[0] for artifacts in made)
    assert made[0][0].model is None


def test_the_weights_of_a_canary_are_left_to_its_controller() -> None:
    assert "ignoreDifferences" not in application(a_release_with(a_model()))["spec"]
    canary = application(a_release_with(a_model(), canaries=True))["spec"]
    assert canary["ignoreDifferences"][0]["kind"] == "HTTPRoute"
    assert "RespectIgnoreDifferences=true" in canary["syncPolicy"]["syncOptions"]


def test_sync_can_wait_for_a_person() -> None:
    assert "automated" in application(a_release_with(a_model()))["spec"]["syncPolicy"]
    assert "automated" not in application(a_release_with(a_model(), sync="manual"))["spec"]["syncPolicy"]


def test_what_waits_for_a_person_is_not_deleted_without_one() -> None:
    assert "syncPolicy" not in application_set(a_release_with())["spec"]
    assert application_set(a_release_with(sync="manual"))["spec"]["syncPolicy"] == {"applicationsSync": "create-update"}


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
