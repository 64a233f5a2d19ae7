"""What release and retrain share: the jobs that train a model and pack it, and what they hand to one another.

What trains runs the project's code and holds no token that writes; what pushes images runs none of it.
"""

from __future__ import annotations

import shlex

from mlc_compiler import conventions
from mlc_compiler.backend.target import Sourced
from mlc_compiler.ir import Dataset
from mlc_compiler.records import dataclass
from mlc_targets.github_actions.credentials import log_in, registry, secret
from mlc_targets.github_actions.workflow import (
    Setting,
    Steps,
    Tree,
    checkout,
    install_script,
    job,
    needs_more,
    of_the_model,
    python,
    runs,
    template,
    uses,
)

READ = {"contents": "read"}
MODEL = {"MODEL": "${{ matrix.model }}"}
HANDOVER = "${{ runner.temp }}/release"
_IMAGE = "${{ runner.temp }}/image"
_NOTHING = "'[]'"


@dataclass(frozen=True, slots=True)
class Source:
    """The job that says which models, the outputs that list them, and the steps that bring what is to be trained."""

    job: str
    train: str
    image: str
    before: Steps

    def listed(self, output: str) -> str:
        """Return the expression for a list of models."""
        return f"needs.{self.job}.outputs.{output}"


def matrix(source: Source, output: str) -> Tree:
    """Return the strategy of a job for each of the models; one that fails keeps no other back."""
    return {"fail-fast": False, "matrix": {"model": f"${{{{ fromJSON({source.listed(output)}) }}}}"}}


def some(source: Source, output: str) -> str:
    """Return the condition that there is a model."""
    return f"{source.listed(output)} != {_NOTHING}"


def whatever_failed(source: Source, output: str) -> str:
    """Return the condition of a job that goes on with what the jobs before brought about."""
    return f"!cancelled() && needs.{source.job}.result == 'success' && {some(source, output)}"


# --- training --------------------------------------------------------------------------------------------------------
def train(given: Setting, source: Source) -> Tree:
    """Return the job that trains and judges."""
    models = given.release.models
    slowest = max(models, key=lambda m: m.train.timeout, default=None)
    seconds = Sourced(slowest.train.timeout, slowest.train.origin.at("timeout")) if slowest else None
    stored = {**MODEL, "STORE": _store(given)}
    set_up, _ = python(given)
    steps: Steps = [
        checkout(given),
        set_up,
        runs("install mlc", install_script(given, "run", models), MODEL if needs_more(models) else None),
        *source.before,
        log_in(given.project),
        runs("fetch the packages that are pinned", template("fetch"), {**stored, "REGISTRY": registry(given.project)}),
        runs("run the pipeline", 'mlc run "$MODEL" --locked', {**MODEL, **secrets(given)}),
        runs("keep the evidence and the package", template("keep"), stored),
        upload(given, "hand over to the next jobs", f"release-run-{MODEL['MODEL']}", HANDOVER, days=7),
        _keep_report(given),
    ]
    return {
        **job(given, "train ${{ matrix.model }}", {**READ, "packages": "read"}, seconds),
        "needs": [source.job],
        "if": some(source, source.train),
        "strategy": matrix(source, source.train),
        "steps": steps,
    }


def _store(given: Setting) -> Sourced:
    project = given.project
    return Sourced(project.store_local.removeprefix("file://"), project.origin.at("store.local"))


def _keep_report(given: Setting) -> Tree:
    folder = given.options.in_repository(f"{conventions.RUNS_FOLDER}/{MODEL['MODEL']}")
    kept = upload(given, "keep the report", f"report-{MODEL['MODEL']}", folder, hidden=True)
    return {**kept, "if": "always()"}


def secrets(given: Setting) -> Tree:
    """Return the datasets' secrets: what they are called in Actions, and to the run."""
    datasets: list[Dataset] = [d for model in given.release.models for d in model.datasets]
    found = {d.source.secret: d.origin.at("source.secret") for d in datasets if d.source.secret}
    return {conventions.secret_variable(name): Sourced(secret(name), found[name]) for name in sorted(found)}


def upload(given: Setting, name: str, kept: str, path: str, days: int | None = None, hidden: bool = False) -> Tree:
    """Return the step that keeps files beyond their job."""
    inputs: Tree = {"name": kept, "path": path}
    if days:
        inputs["retention-days"] = days
    if hidden:
        inputs["include-hidden-files"] = True
    return uses(given, name, "actions/upload-artifact", inputs)


def download(given: Setting, name: str, kept: str) -> Tree:
    """Return the step that brings what another job handed over."""
    return uses(given, name, "actions/download-artifact", {"name": kept, "path": HANDOVER})


# --- images ----------------------------------------------------------------------------------------------------------
def image(given: Setting, source: Source) -> Tree:
    """Return the job that builds the image around the package and pushes it."""
    trained = f"contains(fromJSON({source.listed(source.train)}), matrix.model)"
    fetch = download(given, "fetch the package", f"release-run-{MODEL['MODEL']}")
    project = given.project
    repository = conventions.image_name(project.image_registry, project.name, "")
    told: Tree = {
        **MODEL,
        "REPOSITORY": Sourced(repository, project.origin.at("image_registry")),
        "TRAINED": f"${{{{ {trained} }}}}",
        "WHEELS": given.options.wheels,
    }
    steps: Steps = [
        checkout(given),
        log_in(project),
        {**fetch, "if": trained},
        *([*python(given), *source.before[1:], runs("write its recipe", "mlc build")] if source.before else []),
        *_bring_code(given),
        runs("build and push the image", template("image"), told),
        upload(given, "hand over to the last job", f"release-image-{MODEL['MODEL']}", _IMAGE, days=7),
    ]
    return {
        **job(given, "image ${{ matrix.model }}", {**READ, "packages": "write"}),
        "needs": [source.job, "train"],
        # A model whose training failed does not keep the others back.
        "if": whatever_failed(source, source.image),
        "strategy": matrix(source, source.image),
        "steps": steps,
    }


def _bring_code(given: Setting) -> Steps:
    """Return the step that puts a model's own code beside its Dockerfile: what git knows of it, and no other file."""
    found = {m.name: shlex.join(f":(glob){pattern}" for pattern in m.code) for m in given.release.models}
    lines = of_the_model("files", found)
    return [runs("bring the model's code", "\n".join([*lines, template("code")]), MODEL)] if lines else []
