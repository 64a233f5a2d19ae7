"""The workflow of the default branch: train what is not realised, gate it, pack it, pin it.

Each job may do one thing, and only the last one writes to the repository.
"""

from __future__ import annotations

from mlc_compiler.backend.target import Sourced
from mlc_targets.github_actions.credentials import extra, signing, to_write, token
from mlc_targets.github_actions.options import RELEASE
from mlc_targets.github_actions.training import HANDOVER, READ, Source, image, train, whatever_failed
from mlc_targets.github_actions.workflow import (
    Setting,
    Tree,
    checkout,
    environment_names,
    header,
    input_paths,
    job,
    python,
    runs,
    template,
    title,
    uses,
)

_SOURCE = Source("changed", "train", "image", [])


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
            "train": train(given, _SOURCE),
            "image": image(given, _SOURCE),
            "pin": _pin(given),
        },
    }


def _changed(given: Setting) -> Tree:
    names = ("train", "image", "pin")
    signed = bool(given.project.signing_keys)
    script = (template("trial-key") if signed else "") + template("changed")
    step = runs("compare the specs with the pins", script, {"ENVIRONMENTS": environments(given)})
    return {
        **job(given, "changed", READ),
        "outputs": {name: f"${{{{ steps.changed.outputs.{name} }}}}" for name in names},
        "steps": [checkout(given, depth=0), *python(given, extra(given.project)), {"id": "changed", **step}],
    }


def environments(given: Setting) -> object:
    """Return the names of the environments that are released to, in one text."""
    names = environment_names(given)
    return Sourced(" ".join(name for name, _ in names), names[0][1]) if names else ""


def _pin(given: Setting) -> Tree:
    project = given.project
    told: Tree = {
        "BRANCH": given.branch,
        "GH_TOKEN": token(project),
        "IMAGES": f"${{{{ {_SOURCE.listed('image')} }}}}",
        "PINS": f"${{{{ {_SOURCE.listed('pin')} }}}}",
        **signing(project),
    }
    handed = {"pattern": "release-*", "merge-multiple": True, "path": HANDOVER}
    fetch = uses(given, "fetch evidence and images", "actions/download-artifact", handed)
    script = template("credentials") + template("pin")
    brought = [checkout(given, depth=0), *python(given, extra(project)), fetch]
    return {
        **job(given, "pin", to_write(project, "contents")),
        "needs": ["changed", "train", "image"],
        "if": whatever_failed(_SOURCE, "pin"),
        "steps": [*brought, runs("pin and build", script, told)],
    }
