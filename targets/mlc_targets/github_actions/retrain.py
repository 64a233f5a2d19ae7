"""The workflow of newer data: lock it, train on it, gate it, pack it, and open a pull request, never more.

The pull request pins what was trained, so that merging it leaves nothing to train.
"""

from __future__ import annotations

from mlc_compiler.backend.target import Sourced
from mlc_compiler.ir import Retrain
from mlc_targets.github_actions.credentials import extra, signing, to_write, token
from mlc_targets.github_actions.release import environments
from mlc_targets.github_actions.training import (
    MODEL,
    READ,
    Source,
    download,
    image,
    matrix,
    secrets,
    train,
    upload,
    whatever_failed,
)
from mlc_targets.github_actions.workflow import Setting, Tree, checkout, header, job, python, runs, template, title

EVENT = "mlc-retrain"
"""The repository_dispatch by which alerts ask for a training."""

_LOCKS = "release-locks"
_TAKE = 'cp "$RUNNER_TEMP/release/$MODEL/mlc.lock" mlc.lock'


def retrained(given: Setting) -> tuple[Retrain, ...]:
    """Return what asks for trainings."""
    return tuple(m.retrain for m in given.release.models if m.retrain)


def retrain(given: Setting) -> Tree:
    """Return the workflow."""
    take = runs("take the newer lock", _TAKE, MODEL)
    source = Source("due", "models", "models", [download(given, "fetch the newer lock", _LOCKS), take])
    return {
        "name": title(given, "retrain"),
        "on": _events(given),
        **header(given),
        "concurrency": {"group": "${{ github.workflow }}", "cancel-in-progress": False},
        "jobs": {
            "due": _due(given),
            "train": train(given, source),
            "image": image(given, source),
            "propose": _propose(given, source, take),
        },
    }


def _events(given: Setting) -> Tree:
    """Return what starts it. The schedules of all models stand here, which models they mean is asked when it runs."""
    asked = {r.schedule: r.origin.at("schedule") for r in retrained(given) if r.schedule}
    schedules = [{"cron": Sourced(schedule, asked[schedule])} for schedule in sorted(asked)]
    described = {"description": "the model's name", "required": True, "type": "string"}
    return {
        **({"schedule": schedules} if schedules else {}),
        "repository_dispatch": {"types": [EVENT]},
        "workflow_dispatch": {"inputs": {"model": described}},
    }


def _due(given: Setting) -> Tree:
    told: Tree = {
        "EVENT": "${{ github.event_name }}",
        "MODEL": "${{ inputs.model || github.event.client_payload.model }}",
        "SCHEDULE": "${{ github.event.schedule }}",
        "SIGNAL": "${{ github.event.client_payload.signal }}",
        **secrets(given),
    }
    due = {"id": "due", **runs("lock the data of the models that are due", template("due"), told)}
    kept = upload(given, "hand over the locks", _LOCKS, "${{ runner.temp }}/locks", days=7)
    return {
        **job(given, "due", READ),
        "outputs": {"models": "${{ steps.due.outputs.models }}"},
        "steps": [
            checkout(given, depth=0),
            *python(given, "run"),
            due,
            {**kept, "if": "steps.due.outputs.models != '[]'"},
        ],
    }


def _propose(given: Setting, source: Source, take: Tree) -> Tree:
    project = given.project
    told: Tree = {
        **MODEL,
        "BRANCH": given.branch,
        "ENVIRONMENTS": environments(given),
        "GH_TOKEN": token(project),
        **signing(project),
    }
    return {
        **job(given, "propose ${{ matrix.model }}", to_write(project, "contents", "pull-requests")),
        "needs": ["due", "image"],
        "if": whatever_failed(source, "models"),
        "strategy": matrix(source, "models"),
        "steps": [
            checkout(given, depth=0),
            *python(given, extra(project)),
            download(given, "fetch the evidence", f"release-run-{MODEL['MODEL']}"),
            download(given, "fetch the image's name", f"release-image-{MODEL['MODEL']}"),
            take,
            runs("open the pull request", template("credentials") + template("retrain"), told),
        ],
    }
