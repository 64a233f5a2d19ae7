"""What all workflows are made of: triggers, jobs, and the steps that every job begins with."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlc_compiler import __version__, conventions
from mlc_compiler.backend.target import Sourced
from mlc_compiler.ir import Action, Model, Origin, Project, ProjectRelease
from mlc_compiler.records import dataclass
from mlc_targets.github_actions.actions import pinned_actions
from mlc_targets.github_actions.options import Options, read_options

Tree = dict[str, object]
Steps = list[Tree]

_TEMPLATES = Path(__file__).with_name("templates")
_CONSTRAINTS = '.packages | to_entries[] | "\\(.key)==\\(.value)"'


@dataclass(frozen=True, slots=True)
class Setting:
    """What the jobs of a project share."""

    release: ProjectRelease
    options: Options
    actions: Mapping[str, Action]

    @property
    def project(self) -> Project:
        """Return the project."""
        return self.release.project

    @property
    def branch(self) -> Sourced:
        """Return the branch that releases are made from."""
        return Sourced(self.project.default_branch, self.project.origin.at("ci.default_branch"))


def setting(release: ProjectRelease) -> Setting:
    """Return what the workflows of this project are made with."""
    return Setting(release, read_options(release.project), pinned_actions(release.project))


def file_name(given: Setting, workflow: str) -> str:
    """Return the workflow's path; projects that share a repository share its workflow folder."""
    prefix = f"{given.project.name}-" if given.options.working_directory else ""
    return f"{conventions.WORKFLOWS_FOLDER}/{prefix}mlc-{workflow}.yml"


def title(given: Setting, workflow: str) -> str:
    """Return the name that GitHub lists it under."""
    return f"{given.project.name}: {workflow}" if given.options.working_directory else f"mlc {workflow}"


def header(given: Setting) -> Tree:
    """Return what follows a workflow's triggers: no permission that a job does not ask for, one shell, one mlc."""
    run: Tree = {"shell": "bash"}
    if given.options.working_directory:
        folder = given.options.origin.at("working_directory")
        run["working-directory"] = Sourced(given.options.working_directory, folder)
    return {"permissions": {}, "defaults": {"run": run}, "env": {"MLC_VERSION": __version__}}


def input_paths(given: Setting, workflow: str) -> list[object]:
    """Return the filters of what a version, its gates or its image follow from."""
    project = given.project
    found: list[object] = [conventions.PROJECT_FILE, conventions.LOCK_FILE]
    found += [Sourced(f"{folder.strip('/')}/**", project.origin.at("specs")) for folder in project.specs]
    code = {pattern: model.origin.at("code") for model in given.release.models for pattern in model.code}
    found += [Sourced(pattern, code[pattern]) for pattern in sorted(code)]
    return [*(_in_repository(given, path) for path in found), *recipes(given), file_name(given, workflow)]


def recipes(given: Setting) -> list[str]:
    """Return the filters of the images' recipes. The manifest beside one also tells of the model's card."""
    folder = given.options.in_repository(conventions.IMAGES_FOLDER)
    return [f"{folder}/**", f"!{folder}/*/{conventions.MANIFEST_FILE}"]


def _in_repository(given: Setting, path: object) -> object:
    if isinstance(path, Sourced):
        return Sourced(given.options.in_repository(str(path.value)), path.origin)
    return given.options.in_repository(str(path))


# --- jobs and steps --------------------------------------------------------------------------------------------------
def job(given: Setting, name: str, permissions: Mapping[str, str], seconds: Sourced | None = None) -> Tree:
    """Return the head of a job; its longest time is the project's unless `seconds` says otherwise."""
    project = given.project
    runs_on = project.runs_on[0] if len(project.runs_on) == 1 else list(project.runs_on)
    longest = seconds or Sourced(project.ci_timeout, project.origin.at("ci.timeout"))
    assert isinstance(longest.value, float)  # noqa: S101  made of durations, here and by the callers
    return {
        "name": name,
        "runs-on": Sourced(runs_on, project.origin.at("ci.runs_on")),
        "timeout-minutes": Sourced(math.ceil(longest.value / 60), longest.origin),
        "permissions": dict(permissions),
    }


def uses(given: Setting, name: str, action: str, inputs: Mapping[str, object] | None = None) -> Tree:
    """Return a step that uses an action."""
    step: Tree = {"name": name, "uses": f"{action}@{given.actions[action].sha}"}
    return {**step, "with": dict(inputs)} if inputs else step


def runs(name: str, script: str, environment: Mapping[str, object] | None = None) -> Tree:
    """Return a step that runs a script; what it is told comes by the environment, never by an expression in it."""
    step: Tree = {"name": name}
    if environment:
        step["env"] = dict(environment)
    return {**step, "run": script}


def template(name: str) -> str:
    """Return a script of the folder templates/, without the lines that are for its readers there."""
    text = (_TEMPLATES / f"{name}.sh").read_text("utf-8")
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(("#!", "# shellcheck")))


def checkout(given: Setting, depth: int = 1) -> Tree:
    """Return the step that fetches the repository; depth 0 is the whole history, of every branch."""
    inputs: Tree = {"persist-credentials": False}
    if depth != 1:
        inputs["fetch-depth"] = depth
    return uses(given, "check out", "actions/checkout", inputs)


def python(given: Setting, extra: str | None = None) -> Steps:
    """Return the steps that bring Python and the locked mlc, with an extra of it or alone."""
    project = given.project
    versions = Sourced(project.python, project.origin.at("ci.python"))
    lock = given.options.in_repository(conventions.LOCK_FILE)
    inputs: Tree = {"python-version": versions, "cache": "pip", "cache-dependency-path": lock}
    return [
        uses(given, "set up Python", "actions/setup-python", inputs),
        runs("install mlc", install_script(given, extra)),
    ]


def needs_more(models: Sequence[Model]) -> bool:
    """Return whether a model is trained with packages besides mlc's."""
    return any(model.train.requirements for model in models)


def install_script(given: Setting, extra: str | None, models: Sequence[Model] = ()) -> str:
    """Return the script that installs mlc under the lock's versions, and what the model MODEL is trained with."""
    package = f"mlc-compiler[{extra}]" if extra else "mlc-compiler"
    choice = of_the_model("further", {m.name: shlex.join(m.train.requirements) for m in models})
    further = ' "${further[@]}"' if choice else ""
    return "\n".join(
        [
            *choice,
            f"jq --raw-output '{_CONSTRAINTS}' {conventions.LOCK_FILE} > \"$RUNNER_TEMP/constraints.txt\"",
            'python -m pip install --quiet --constraint "$RUNNER_TEMP/constraints.txt" \\',
            f'  --find-links {given.options.wheels} "{package}==$MLC_VERSION"{further}',
        ]
    )


def of_the_model(variable: str, words: Mapping[str, str]) -> list[str]:
    """Return the lines that set an array to the words of MODEL; none where no model has any.

    The lines between two models' stay the same, so that git merges changes of both.
    """
    cases = [
        line for name, found in words.items() if found for line in (f"  {name})", f"    {variable}=({found})", "    ;;")
    ]
    return [f"{variable}=()", 'case "$MODEL" in', *cases, "esac"] if cases else []


def environment_names(given: Setting) -> tuple[tuple[str, Origin], ...]:
    """Return the environments that follow the default branch, with the fields that say so."""
    environments = (release.environment for release in given.release.releases)
    return tuple((e.name, e.origin.at("tracks")) for e in environments if e.tracks == given.project.default_branch)
