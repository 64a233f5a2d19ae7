"""Projects that the tests of the targets docker and github-actions share: goldens, and what real consumers are fed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from builders import (
    a_batch_serving,
    a_dataset,
    a_feature_query,
    a_lookup,
    a_model,
    a_project,
    a_project_release,
    a_release,
    a_serving,
    an_environment,
)
from mlc_compiler import ir
from mlc_compiler.backend.target import Artifact, Target

DIGEST = "sha256:" + "d4" * 32


def a_ci_project(
    *models: ir.Model, docker: Mapping[str, ir.Frozen] | None = None, actions: Mapping[str, ir.Frozen] | None = None,
    **fields: Any,
) -> ir.ProjectRelease:  # fmt: skip
    """A project with both CI targets, staging following main and prod behind it."""
    project = a_project(targets={"docker": docker or {}, "github-actions": actions or {}}, **fields)
    environments = (an_environment("staging", tracks=project.default_branch), an_environment("prod"))
    return a_project_release(*(a_release(*models, project=project, environment=e) for e in environments))


def trained_with(model: ir.Model, *requirements: str) -> ir.Model:
    return replace(model, train=replace(model.train, requirements=requirements))


def with_code(model: ir.Model, *patterns: str) -> ir.Model:
    return replace(model, code=patterns)


# --- docker ----------------------------------------------------------------------------------------------------------
def online() -> ir.ProjectRelease:
    model = a_model(features=a_feature_query([a_lookup()]), serving=a_serving(log_requests=0.01, max_batch=500))
    return a_ci_project(model)


def batch() -> ir.ProjectRelease:
    return a_ci_project(a_model(serving=a_batch_serving()))


def code() -> ir.ProjectRelease:
    model = with_code(a_model(package="skops", description='costs $5, "net"'), "src/delays/**")
    return a_ci_project(trained_with(model, "lightgbm==4.6.0", "NumPy==2.4.0"), python="3.12")


def locked() -> ir.ProjectRelease:
    lock = ir.Lock(images=(("acme/python:3.13", DIGEST),), packages=(("duckdb", "1.9.9"), ("pytest", "9.0.0")))
    return a_ci_project(a_model(), docker={"base_image": "acme/python:3.13"}, python="3.13", lock=lock)


DOCKER = {f.__name__: f for f in (online, batch, code, locked)}


# --- github-actions --------------------------------------------------------------------------------------------------
def plain() -> ir.ProjectRelease:
    return a_ci_project(a_model())


def monorepo() -> ir.ProjectRelease:
    warehouse = ir.Source("sql", url="postgresql://warehouse.acme.example/flights", secret="warehouse/password")
    models = (
        with_code(
            trained_with(a_model("churn"), "lightgbm==4.6.0", "shap>=0.50,<1"), "src/churn/**", "src/shared/*.py"
        ),
        a_model("demand", datasets=(a_dataset(source=warehouse),)),
    )
    return a_ci_project(
        *models,
        actions={"working_directory": "services/delays", "wheels": "dist"},
        image_registry="registry.acme.example/ml",
        app_token="mlc-app/token",
        default_branch="trunk",
        runs_on=("self-hosted", "linux"),
        specs=("specs", "models"),
        ci_timeout=1830.0,
    )


def governed() -> ir.ProjectRelease:
    """Signed, retrained and owned: all that the target can write."""
    weekly, daily = ir.Retrain(("inputs",), "0 4 * * 1", 172_800.0), ir.Retrain((), "30 2 * * *", 86_400.0)
    owned = replace(a_model("churn"), retrain=daily, owner="growth", origin=ir.Origin("Model/churn", "spec"))
    return a_ci_project(
        replace(a_model(), retrain=weekly),
        owned,
        actions={"organization": "acme", "code_owners": ("* @acme/everyone",), "model_owners": True},
        app_token="mlc-app/token",
        signing_keys=("keys/release.pub",),
    )


GITHUB_ACTIONS = {f.__name__: f for f in (plain, monorepo, governed)}


def emitted(release: ir.ProjectRelease, target: Target) -> tuple[Artifact, ...]:
    return tuple(target.emit_project(release))
