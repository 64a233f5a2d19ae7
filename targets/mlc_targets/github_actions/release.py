"""The workflow of the default branch: train what is not realised, gate it, pack it, pin it.

Each job may do one thing: what trains runs the project's code and holds no token that writes, what pushes images runs
none of it, and only the last job writes to the repository.
"""

from __future__ import annotations

import shlex

from mlc_compiler import conventions
from mlc_compiler.backend.target import Sourced
from mlc_compiler.ir import Project
from mlc_targets.github_actions.options import RELEASE
from mlc_targets.github_actions.workflow import (
    Setting,
    Steps,
    Tree,
    checkout,
    environment_names,
    header,
    input_paths,
    install_script,
    job,
    needs_more,
    python,
    runs,
    template,
    title,
    uses,
)

GITHUB_REGISTRY = "ghcr.io"
DOCKER_HUB = "docker.io"
REGISTRY_SECRETS = ("registry/username", "registry/password")
"""References of what a registry other than GitHub's is entered with."""

_READ = {"contents": "read"}
_MODEL = {"MODEL": "${{ matrix.model }}"}
_TOKEN = "${{ github.token }}"  # noqa: S105  an expression
_HANDOVER = "${{ runner.temp }}/release"
_IMAGE = "${{ runner.temp }}/image"
_NOTHING = "'[]'"


def release(given: Setting) -> Tree:
    """Return the workflow."""
    return {
        "name": title(given, "release"),
        "on": {"push": {"branches": [given.branch], "paths": input_paths(given, RELEASE)}},
        **header(given),
        # A run that waits is overtaken by the next one, which does its work; one that runs is never cut short.
        "concurrency": {"group": "${{ github.workflow }}", "cancel-in-progress": False},
        "jobs": {
            "changed": _changed(given),
            "train": _train(given),
            "image": _image(given),
            "pin": _pin(given),
        },
    }


# --- which models ----------------------------------------------------------------------------------------------------
def _changed(given: Setting) -> Tree:
    names = ("train", "image", "pin")
    step = runs("compare the specs with the pins", template("changed"), {"ENVIRONMENTS": _environments(given)})
    return {
        **job(given, "changed", _READ),
        "outputs": {name: f"${{{{ steps.changed.outputs.{name} }}}}" for name in names},
        "steps": [checkout(given, depth=0), *python(given), {"id": "changed", **step}],
    }


def _environments(given: Setting) -> object:
    names = environment_names(given)
    return Sourced(" ".join(name for name, _ in names), names[0][1]) if names else ""


def _output(name: str) -> str:
    return f"needs.changed.outputs.{name}"


def _matrix(output: str) -> Tree:
    return {"fail-fast": False, "matrix": {"model": f"${{{{ fromJSON({_output(output)}) }}}}"}}


# --- training --------------------------------------------------------------------------------------------------------
def _train(given: Setting) -> Tree:
    models = given.release.models
    slowest = max(models, key=lambda m: m.train.timeout, default=None)
    seconds = Sourced(slowest.train.timeout, slowest.train.origin.at("timeout")) if slowest else None
    stored = {**_MODEL, "STORE": _store(given.project)}
    set_up, _ = python(given)
    steps: Steps = [
        checkout(given),
        set_up,
        runs("install mlc", install_script(given, "run", models), _MODEL if needs_more(models) else None),
        _log_in(given.project),
        runs("fetch the packages that are pinned", template("fetch"), {**stored, "REGISTRY": _registry(given.project)}),
        runs("run the pipeline", 'mlc run "$MODEL" --locked', {**_MODEL, **_secrets(given)}),
        runs("keep the evidence and the package", template("keep"), stored),
        _upload(given, "hand over to the next jobs", "release-run", _HANDOVER, days=7),
        {**_upload(given, "keep the report", "report", _runs_folder(given), hidden=True), "if": "always()"},
    ]
    return {
        **job(given, "train ${{ matrix.model }}", {**_READ, "packages": "read"}, seconds),
        "needs": ["changed"],
        "if": f"{_output('train')} != {_NOTHING}",
        "strategy": _matrix("train"),
        "steps": steps,
    }


def _store(project: Project) -> Sourced:
    return Sourced(project.store_local.removeprefix("file://"), project.origin.at("store.local"))


def _runs_folder(given: Setting) -> str:
    return given.options.in_repository(f"{conventions.RUNS_FOLDER}/{_MODEL['MODEL']}")


def _secrets(given: Setting) -> Tree:
    """Return the datasets' secrets: what they are called in Actions, and to the run."""
    datasets = [d for model in given.release.models for d in model.datasets]
    found = {d.source.secret: d.origin.at("source.secret") for d in datasets if d.source.secret}
    return {conventions.secret_variable(name): Sourced(_secret(name), found[name]) for name in sorted(found)}


def _secret(reference: str) -> str:
    return f"${{{{ secrets.{conventions.secret_variable(reference)} }}}}"


def _upload(given: Setting, name: str, kept: str, path: str, days: int | None = None, hidden: bool = False) -> Tree:
    inputs: Tree = {"name": f"{kept}-{_MODEL['MODEL']}", "path": path}
    if days:
        inputs["retention-days"] = days
    if hidden:
        inputs["include-hidden-files"] = True
    return uses(given, name, "actions/upload-artifact", inputs)


# --- images ----------------------------------------------------------------------------------------------------------
def _image(given: Setting) -> Tree:
    trained = f"contains(fromJSON({_output('train')}), matrix.model)"
    handed = {"name": f"release-run-{_MODEL['MODEL']}", "path": _HANDOVER}
    fetch = uses(given, "fetch the package", "actions/download-artifact", handed)
    told: Tree = {
        **_MODEL,
        "REPOSITORY": Sourced(_repository(given.project), given.project.origin.at("image_registry")),
        "TRAINED": f"${{{{ {trained} }}}}",
        "WHEELS": given.options.wheels,
    }
    steps: Steps = [
        checkout(given),
        _log_in(given.project),
        {**fetch, "if": trained},
        *_bring_code(given),
        runs("build and push the image", template("image"), told),
        _upload(given, "hand over to the last job", "release-image", _IMAGE, days=7),
    ]
    return {
        **job(given, "image ${{ matrix.model }}", {**_READ, "packages": "write"}),
        "needs": ["changed", "train"],
        # A model whose training failed does not keep the others back.
        "if": f"!cancelled() && needs.changed.result == 'success' && {_output('image')} != {_NOTHING}",
        "strategy": _matrix("image"),
        "steps": steps,
    }


def _bring_code(given: Setting) -> Steps:
    """Return the step that puts a model's own code beside its Dockerfile: what git knows of it, and no other file."""
    coded = [model for model in given.release.models if model.code]
    if not coded:
        return []
    cases = (f"  {m.name}) files=({shlex.join(f':(glob){p}' for p in m.code)}) ;;" for m in coded)
    lines = ["files=()", 'case "$MODEL" in', *cases, "esac", template("code")]
    return [runs("bring the model's code", "\n".join(lines), _MODEL)]


def _log_in(project: Project) -> Tree:
    hosted = _registry(project) == GITHUB_REGISTRY
    username, password = ("${{ github.actor }}", "${{ github.token }}") if hosted else map(_secret, REGISTRY_SECRETS)
    script = 'printf %s "$PASSWORD" | docker login "$REGISTRY" --username "$USERNAME" --password-stdin'
    told: Tree = {"PASSWORD": password, "REGISTRY": _registry(project), "USERNAME": username}
    return runs("log in to the registry", script, told)


def _repository(project: Project) -> str:
    """Return the part of image names before the model's."""
    return conventions.image_name(project.image_registry, project.name, "")


def _registry(project: Project) -> str:
    """Return the host that a name without one means Docker Hub by: it has a dot, a port or is localhost."""
    host, slash, _ = (project.image_registry or "").partition("/")
    named = slash or "." in host
    return host if named and ("." in host or ":" in host or host == "localhost") else DOCKER_HUB


# --- pins ------------------------------------------------------------------------------------------------------------
def _pin(given: Setting) -> Tree:
    project = given.project
    token = Sourced(_secret(project.app_token), project.origin.at("ci.app_token")) if project.app_token else _TOKEN
    told: Tree = {
        "BRANCH": given.branch,
        "IMAGES": f"${{{{ {_output('image')} }}}}",
        "PINS": f"${{{{ {_output('pin')} }}}}",
        "TOKEN": token,
    }
    handed = {"pattern": "release-*", "merge-multiple": True, "path": _HANDOVER}
    fetch = uses(given, "fetch evidence and images", "actions/download-artifact", handed)
    return {
        **job(given, "pin", {"contents": "read" if project.app_token else "write"}),
        "needs": ["changed", "train", "image"],
        "if": f"!cancelled() && needs.changed.result == 'success' && {_output('pin')} != {_NOTHING}",
        "steps": [checkout(given, depth=0), *python(given), fetch, runs("pin and build", template("pin"), told)],
    }
