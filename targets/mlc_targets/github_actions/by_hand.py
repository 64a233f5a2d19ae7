"""The workflows that a person starts: promote, and roll back. Each opens a pull request, and changes nothing else."""

from __future__ import annotations

from mlc_compiler.backend.target import Sourced
from mlc_compiler.ir import Environment
from mlc_targets.github_actions.credentials import extra, signing, to_write, token
from mlc_targets.github_actions.options import PROMOTE, ROLLBACK
from mlc_targets.github_actions.workflow import Setting, Tree, checkout, header, job, python, runs, template, title

_TOLD = {"MODEL": "${{ inputs.model }}", "ENVIRONMENT": "${{ inputs.environment }}"}
_MODEL = {"description": "the model's name", "required": True, "type": "string"}


def promoted_to(given: Setting) -> tuple[Environment, ...]:
    """Return the environments that run what is promoted to them."""
    return tuple(r.environment for r in given.release.releases if r.environment.promoted_from)


def promote(given: Setting) -> Tree:
    """Return the workflow that proposes a version of the environment before."""
    inputs: Tree = {"model": _MODEL, "environment": _choice(promoted_to(given), "promoted_from")}
    told: Tree = {**_TOLD, **signing(given.project)}
    return _workflow(given, PROMOTE, "promote ${{ inputs.model }} to ${{ inputs.environment }}", inputs, told)


def rollback(given: Setting) -> Tree:
    """Return the workflow that proposes what ran before."""
    places = tuple(r.environment for r in reversed(given.release.releases))
    inputs: Tree = {
        "model": _MODEL,
        "environment": _choice(places, "name"),
        "version": {"description": "a version that ran there; the one before if empty", "type": "string"},
        "reason": {"description": "why, for the pull request and the audit", "type": "string"},
    }
    told: Tree = {**_TOLD, "VERSION": "${{ inputs.version }}", "REASON": "${{ inputs.reason }}"}
    return _workflow(given, ROLLBACK, "roll ${{ inputs.model }} back in ${{ inputs.environment }}", inputs, told)


def _choice(environments: tuple[Environment, ...], field: str) -> Tree:
    names = [Sourced(e.name, e.origin.at(field)) for e in environments]
    return {"description": "the environment", "required": True, "type": "choice", "options": names}


def _workflow(given: Setting, name: str, run: str, inputs: Tree, told: Tree) -> Tree:
    project = given.project
    script = template("credentials") + template(name)
    step = runs("open the pull request", script, {**told, "GH_TOKEN": token(project)})
    steps = [checkout(given, depth=0), *python(given, extra(project)), step]
    return {
        "name": title(given, name),
        "run-name": run,
        "on": {"workflow_dispatch": {"inputs": inputs}},
        **header(given),
        "concurrency": {
            "group": "${{ github.workflow }}-${{ inputs.environment }}-${{ inputs.model }}",
            "cancel-in-progress": False,
        },
        "jobs": {name: {**job(given, name, to_write(project, "contents", "pull-requests")), "steps": steps}},
    }
