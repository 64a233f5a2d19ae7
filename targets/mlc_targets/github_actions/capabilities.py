"""What GitHub's workflows and runners can do for a release, with the page that says so."""

from __future__ import annotations

from types import MappingProxyType

from mlc_compiler.backend.capability import Capability

_LIMITS = "https://docs.github.com/en/actions/reference/limits"
_JOBS = "https://docs.github.com/en/actions/how-tos/write-workflows/choose-where-workflows-run"
_RUNNERS = "https://docs.github.com/en/actions/reference/runners/github-hosted-runners"
STANDARD = "runs_on: ubuntu-latest, ubuntu-24.04, ubuntu-24.04-arm and such"

CAPABILITIES: tuple[Capability, ...] = (
    Capability(
        "gpu", ("Model.train.resources.gpu",), "no", "a standard runner has no GPU",
        f"{_RUNNERS}#larger-runners",
        mode=STANDARD,
        alternative="name the label of a runner that has one under ci.runs_on",
    ),
    Capability(
        "job-time", ("Model.train.timeout", "Project.ci.timeout"), "limited",
        "a job on GitHub's runners ends after 6 hours", _LIMITS, mode=STANDARD,
        alternative="train for less, or name the label of an own runner under ci.runs_on",
    ),
    Capability(
        "matrix", ("Model",), "limited", "one run of the workflow trains at most 256 models: a matrix has no more jobs",
        _LIMITS, alternative="release the first models in groups; later runs train what changed",
    ),
    Capability(
        "retrain-by-alert", ("Monitor.retrain.on",), "limited",
        "an alert starts the workflow by a repository_dispatch, which Alertmanager's webhook can't send as it is",
        "https://docs.github.com/en/rest/repos/repos#create-a-repository-dispatch-event",
        alternative="give `retrain` a schedule too, or let a small service turn alerts into events",
    ),
    Capability(
        "runner-size", ("Model.train.resources",), "limited",
        "a standard runner has 4 cores and 16 GB, and that of a private repository 2 and 8", _RUNNERS,
        mode=STANDARD,
        alternative="ask for less, or name the label of a larger runner under ci.runs_on",
    ),
    Capability(
        "schedules", ("Monitor.retrain.schedule",), "limited",
        "runs may be late or dropped under load, at most every 5 minutes; a public repository without activity for "
        "60 days has none", "https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows",
        alternative="start it from outside by a repository_dispatch",
    ),
    Capability(
        "single-cpu", ("Project.ci.runs_on",), "no",
        "a single-CPU runner runs no docker and ends a job after 15 minutes, and the release workflow builds images",
        f"{_RUNNERS}#single-cpu-runners", mode="runs_on: ubuntu-slim",
        alternative="name another runner under ci.runs_on, such as ubuntu-24.04",
    ),
    Capability(
        "training-elsewhere", ("Model.train.runner",), "no",
        "the release workflow trains on its own runner and starts no job elsewhere: a limit of ours, not of GitHub's",
        f"{_JOBS}/choose-the-runner-for-a-job",
        alternative="use `runner: ci`",
    ),
    Capability(
        "workflow-size", ("Model.code", "Model.train.requirements"), "limited",
        "a workflow of more than 500 KB (512,000 bytes) is never started; code of their own and further packages of "
        "some 2,500 models make one, and models without them add nothing", _LIMITS,
        alternative="split the project: each has workflows of its own (`working_directory`)",
    ),
)  # fmt: skip

ROWS = MappingProxyType({row.name: row for row in CAPABILITIES})
