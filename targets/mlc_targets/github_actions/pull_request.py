"""The workflow of pull requests: what is wrong with the specs, what they change, whether what is built is in step."""

from __future__ import annotations

from mlc_compiler import conventions
from mlc_targets.github_actions.credentials import extra
from mlc_targets.github_actions.options import PULL_REQUEST
from mlc_targets.github_actions.training import READ
from mlc_targets.github_actions.workflow import (
    Setting,
    Tree,
    checkout,
    header,
    input_paths,
    job,
    python,
    recipes,
    runs,
    template,
    title,
    uses,
)

_KEPT = "mlc-plan"
_SAME_REPOSITORY = "github.event.pull_request.head.repo.full_name == github.repository"


def pull_request(given: Setting) -> Tree:
    """Return the workflow. What runs code of the pull request may only read; what may comment runs none."""
    return {
        "name": title(given, "pull request"),
        "on": {"pull_request": {"branches": [given.branch], **_paths(given)}},
        **header(given),
        "concurrency": {
            "group": "${{ github.workflow }}-${{ github.event.pull_request.number }}",
            "cancel-in-progress": True,
        },
        "jobs": {
            "validate": _validate(given),
            "plan": _plan(given),
            "comment": _comment(given),
            "check": _check(given),
            "pins": _pins(given),
        },
    }


def _paths(given: Setting) -> Tree:
    if given.options.required_checks:
        return {}  # a required check that a filter leaves out is waited for without end
    built = (conventions.DEPLOY_FOLDER, conventions.ENVIRONMENTS_FOLDER, conventions.CARDS_FOLDER)
    inputs = [path for path in input_paths(given, PULL_REQUEST) if path not in recipes(given)]
    return {"paths": [*inputs[:-1], *(given.options.in_repository(f"{folder}/**") for folder in built), inputs[-1]]}


def _validate(given: Setting) -> Tree:
    command = "mlc validate --format github"
    if given.options.working_directory:
        # GitHub looks for the files of annotations below the repository's root.
        command += f" | sed 's|file=|file={given.options.working_directory}/|'"
    steps = [checkout(given), *python(given), runs("validate the specs", command)]
    return {**job(given, "validate", READ), "steps": steps}


def _plan(given: Setting) -> Tree:
    kept = {"name": _KEPT, "path": "${{ runner.temp }}/plan.md", "retention-days": 7}
    return {
        **job(given, "plan", READ),
        "needs": ["validate"],
        "steps": [
            checkout(given, depth=2),
            *python(given),
            runs("plan", template("plan")),
            uses(given, "keep the plan", "actions/upload-artifact", kept),
        ],
    }


def _comment(given: Setting) -> Tree:
    told = {
        "GH_TOKEN": "${{ github.token }}",
        "NUMBER": "${{ github.event.pull_request.number }}",
        "PROJECT": given.project.name,
    }
    steps = [
        uses(given, "fetch the plan", "actions/download-artifact", {"name": _KEPT, "path": "${{ runner.temp }}"}),
        {**runs("comment", template("comment"), told), **_anywhere(given)},
    ]
    # The token of a fork's pull request can't write: its plan stands in the summary of the job before.
    return {
        **job(given, "comment", {"pull-requests": "write"}),
        "needs": ["plan"],
        "if": _SAME_REPOSITORY,
        "steps": steps,
    }


def _anywhere(given: Setting) -> Tree:
    """Return where a step of a job without a checkout runs: the project's folder is not there."""
    return {"working-directory": "."} if given.options.working_directory else {}


def _check(given: Setting) -> Tree:
    steps = [
        checkout(given),
        *python(given, "run"),
        runs("compare what is built", "mlc build --check"),
        runs("test the features", "mlc test"),
    ]
    return {**job(given, "check", READ), "needs": ["validate"], "steps": steps}


def _pins(given: Setting) -> Tree:
    """Return the job to require: with it, nothing comes into an environment but by a command that checks it.

    It waits for no other job: GitHub takes a required job that is skipped for one that succeeded.
    """
    steps = [
        checkout(given, depth=0),
        *python(given, extra(given.project)),
        runs("recompute the pins that change", 'mlc promote --verify --base "origin/$BASE"', {"BASE": given.branch}),
    ]
    return {**job(given, "pins", READ), "steps": steps}
