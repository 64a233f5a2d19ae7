"""What GitHub's workflows and runners can do for a release, with the page that says so."""

from __future__ import annotations

from types import MappingProxyType

from mlc_compiler.backend.capability import Capability

_LIMITS = "https://docs.github.com/en/actions/reference/limits"
_JOBS = "https://docs.github.com/en/actions/how-tos/write-workflows/choose-where-workflows-run"
_RUNNERS = "https://docs.github.com/en/actions/reference/runners/github-hosted-runners"

CAPABILITIES: tuple[Capability, ...] = (
    Capability(
        "gpu", ("Model.train.resources.gpu",), "no", "a standard runner has no GPU",
        f"{_LIMITS}#job-concurrency-limits-for-github-hosted-runners",
        mode="runs_on: ubuntu-*",
        alternative="name the label of a runner that has one under ci.runs_on",
    ),
    Capability(
        "job-time", ("Model.train.timeout", "Project.ci.timeout"), "limited",
        "a job on GitHub's runners ends after 6 hours", _LIMITS, mode="runs_on: ubuntu-*",
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
        mode="runs_on: ubuntu-*",
        alternative="ask for less, or name the label of a larger runner under ci.runs_on",
    ),
    Capability(
        "schedules", ("Monitor.retrain.schedule",), "limited",
        "runs may be late or dropped under load, at most every 5 minutes; a public repository without commits for 60 "
        "days has none", "https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows",
        alternative="start it from outside by a repository_dispatch",
    ),
    Capability(
        "training-elsewhere", ("Model.train.runner",), "no",
        "the release workflow trains on its own runner; it can't start a job elsewhere",
        f"{_JOBS}/choose-the-runner-for-a-job",
        alternative="use `runner: ci`",
    ),
)  # fmt: skip

ROWS = MappingProxyType({row.name: row for row in CAPABILITIES})
