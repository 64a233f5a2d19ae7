"""The target github-actions: who may do what, what starts a workflow, what is refused."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

import ci_cases as cases
from builders import a_dataset, a_model, a_project, a_project_release, a_release, an_environment
from conftest import Golden
from mlc_compiler import __version__, conventions, ir
from mlc_compiler.cli import git_state
from mlc_targets.github_actions import TARGET
from mlc_targets.github_actions.actions import ACTIONS
from mlc_targets.github_actions.credentials import SIGNING_SECRET

TEMPLATES = Path(__file__).resolve().parents[3] / "targets" / "mlc_targets" / "github_actions" / "templates"


def texts(release: ir.ProjectRelease) -> dict[str, str]:
    """The workflows by name."""
    return {a.path.rsplit("/", 1)[-1]: a.text for a in TARGET.emit_project(release) if a.path.endswith(".yml")}


def workflow(release: ir.ProjectRelease, name: str) -> dict[str, Any]:
    """A workflow as GitHub reads it."""
    found: dict[str, Any] = yaml.safe_load(
        next(t for file, t in texts(release).items() if file.endswith(f"{name}.yml"))
    )
    return found


def jobs(release: ir.ProjectRelease, name: str) -> dict[str, Any]:
    found: dict[str, Any] = workflow(release, name)["jobs"]
    return found


def steps(job: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {step["name"]: step for step in job["steps"]}


def every_step(release: ir.ProjectRelease) -> list[dict[str, Any]]:
    found = [yaml.safe_load(text) for text in texts(release).values()]
    return [step for one in found for job in one["jobs"].values() for step in job["steps"]]


def findings(release: ir.ProjectRelease) -> list[tuple[str, str]]:
    return [(u.origin.field, u.message) for one in release.releases for u in TARGET.check(one)]


EVERY = sorted(cases.GITHUB_ACTIONS)


@pytest.mark.parametrize("case", EVERY)
def test_the_workflows_are_the_golden_ones(case: str, golden: Golden) -> None:
    golden(f"github-actions/{case}", cases.emitted(cases.GITHUB_ACTIONS[case](), TARGET))


def test_nothing_belongs_to_one_environment() -> None:
    release = cases.plain().releases[0]
    assert list(TARGET.emit_model(release, release.models[0])) == list(TARGET.emit_environment(release)) == []


def test_a_model_more_changes_no_workflow() -> None:
    one, two = cases.a_ci_project(a_model("churn")), cases.a_ci_project(a_model("churn"), a_model("demand"))
    assert texts(one) == texts(two)


# --- what is safe ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("case", EVERY)
def test_no_expression_stands_in_a_script(case: str) -> None:
    assert not [step for step in every_step(cases.GITHUB_ACTIONS[case]()) if "${{" in step.get("run", "")]


@pytest.mark.parametrize("case", EVERY)
def test_every_action_is_pinned_with_its_version_beside_it(case: str) -> None:
    versions = {f"{a.name}@{a.sha} # {a.version}" for a in ACTIONS}
    lines = [line for text in texts(cases.GITHUB_ACTIONS[case]()).values() for line in text.splitlines()]
    used = [line.partition("uses: ")[2] for line in lines if "uses: " in line]
    assert len(used) > 10
    assert set(used) <= versions


def test_the_lock_moves_an_action() -> None:
    moved = ir.Action("actions/checkout", "f" * 40, "v9.9.9")
    text = "".join(texts(cases.a_ci_project(a_model(), lock=ir.Lock(actions=(moved,)))).values())
    assert f"uses: actions/checkout@{'f' * 40} # v9.9.9\n" in text
    assert "checkout@3d3c42e5" not in text


def test_the_lock_gets_the_actions() -> None:
    offered = TARGET.pins()  # type: ignore[attr-defined]  # of Pinning, which not every target is
    assert texts(cases.a_ci_project(a_model(), lock=offered)) == texts(cases.plain())


@pytest.mark.parametrize("case", EVERY)
def test_a_job_may_do_what_it_says_and_nothing_more(case: str) -> None:
    release = cases.GITHUB_ACTIONS[case]()
    workflows = {
        file.rpartition("mlc-")[2].removesuffix(".yml"): yaml.safe_load(t) for file, t in texts(release).items()
    }
    assert all(one["permissions"] == {} for one in workflows.values())
    every = [(name, job) for name, one in workflows.items() for job in one["jobs"].values()]
    assert all("permissions" in job and "timeout-minutes" in job for _, job in every)
    writing = {(n, scope) for n, job in every for scope, level in job["permissions"].items() if level == "write"}
    own = {(n, s) for n in ("promote", "rollback", "retrain") for s in ("contents", "pull-requests")}
    allowed = {("release", "contents"), *own} if not release.project.app_token else set()
    images = {("release", "packages"), ("retrain", "packages")}
    expected = {("pull-request", "pull-requests"), *images, *allowed}
    assert writing == {(name, scope) for name, scope in expected if name in workflows}


def test_what_may_comment_runs_no_code_of_the_pull_request() -> None:
    comment = jobs(cases.plain(), "pull-request")["comment"]
    assert set(steps(comment)) == {"fetch the plan", "comment"}
    assert comment["if"] == "github.event.pull_request.head.repo.full_name == github.repository"


def test_no_checkout_leaves_its_token_behind() -> None:
    found = [s for s in every_step(cases.plain()) if s.get("uses", "").startswith("actions/checkout@")]
    assert found
    assert all(s["with"]["persist-credentials"] is False for s in found)


def test_what_trains_holds_no_token_that_writes() -> None:
    train = jobs(cases.monorepo(), "release")["train"]
    assert train["permissions"] == {"contents": "read", "packages": "read"}
    assert "MLC_APP_TOKEN" not in yaml.safe_dump(train)
    assert "docker logout" in steps(train)["fetch the packages that are pinned"]["run"]


def test_the_token_that_writes_pins_is_the_apps_where_one_is_named() -> None:
    assert steps(jobs(cases.plain(), "release")["pin"])["pin and build"]["env"]["GH_TOKEN"] == "${{ github.token }}"
    pin = jobs(cases.monorepo(), "release")["pin"]
    assert steps(pin)["pin and build"]["env"]["GH_TOKEN"] == "${{ secrets.MLC_APP_TOKEN }}"


def test_only_the_run_is_told_the_datasets_secrets() -> None:
    told = [s["name"] for s in every_step(cases.monorepo()) if "WAREHOUSE_PASSWORD" in yaml.safe_dump(s)]
    assert told == ["run the pipeline"]


@pytest.mark.parametrize("name", ["; rm -rf ~", "$(id)", "`id`", "a b", "'"])
def test_a_requirement_stays_one_word_of_the_shell(name: str) -> None:
    release = cases.a_ci_project(cases.trained_with(a_model(), name))
    script = steps(jobs(release, "release")["train"])["install mlc"]["run"]
    lines = script.splitlines()
    choice = lines[lines.index("  late-arrival)") + 1]
    assert shlex.split(choice.partition("further=(")[2].removesuffix(")")) == [name]


def test_a_line_that_stays_the_same_stands_between_what_two_models_are_trained_with() -> None:
    models = [cases.trained_with(a_model(name), f"{name}-library") for name in ("a", "b")]
    script = steps(jobs(cases.a_ci_project(*models), "release")["train"])["install mlc"]["run"]
    assert "    further=(a-library)\n    ;;\n  b)\n    further=(b-library)\n" in script


# --- what it is made with --------------------------------------------------------------------------------------------
def test_what_starts_a_release_is_what_a_version_follows_from_and_no_pin() -> None:
    paths = workflow(cases.plain(), "release")["on"]["push"]["paths"]
    recipes = ["deploy/images/**", "!deploy/images/*/.mlc-manifest"]  # the card's entry in it changes with each pin
    assert paths == ["mlc.yaml", "mlc.lock", "specs/**", *recipes, ".github/workflows/mlc-release.yml"]


def test_a_pull_request_is_checked_for_all_that_is_committed() -> None:
    paths = workflow(cases.a_ci_project(cases.with_code(a_model(), "src/**")), "pull-request")["on"]["pull_request"][
        "paths"
    ]
    assert {"specs/**", "src/**", "deploy/**", "environments/**", "docs/models/**", "mlc.lock"} <= set(paths)


def test_checks_that_are_required_run_for_every_pull_request() -> None:
    release = cases.a_ci_project(a_model(), actions={"required_checks": True})
    assert workflow(release, "pull-request")["on"] == {"pull_request": {"branches": ["main"]}}


def test_a_project_in_a_folder_stays_in_it() -> None:
    made = texts(cases.monorepo())
    assert set(made) == {f"flight-delays-mlc-{n}.yml" for n in ("promote", "pull-request", "release", "rollback")}
    one = workflow(cases.monorepo(), "release")
    assert one["defaults"]["run"] == {"shell": "bash", "working-directory": "services/delays"}
    paths = one["on"]["push"]["paths"]
    assert all(p.removeprefix("!").startswith(("services/delays/", ".github/workflows/flight-delays-")) for p in paths)
    assert steps(one["jobs"]["train"])["keep the report"]["with"]["path"].startswith("services/delays/.mlc/runs/")
    validate = steps(jobs(cases.monorepo(), "pull-request")["validate"])["validate the specs"]["run"]
    assert "file=services/delays/" in validate


def test_the_projects_runner_python_and_time_hold() -> None:
    validate = jobs(cases.monorepo(), "pull-request")["validate"]
    assert validate["runs-on"] == ["self-hosted", "linux"]
    assert validate["timeout-minutes"] == 31
    assert steps(validate)["set up Python"]["with"]["python-version"] == "3.11"
    assert jobs(cases.plain(), "pull-request")["validate"]["runs-on"] == "ubuntu-24.04"


def test_training_may_take_as_long_as_the_slowest_model() -> None:
    models = [replace(a_model(n), train=replace(a_model(n).train, timeout=t)) for n, t in (("a", 60.0), ("b", 9000.0))]
    assert jobs(cases.a_ci_project(*models), "release")["train"]["timeout-minutes"] == 150


def test_mlc_is_installed_at_this_version() -> None:
    one = workflow(cases.plain(), "release")
    assert one["env"] == {"MLC_VERSION": __version__}
    assert '"mlc-compiler[run]==$MLC_VERSION"' in steps(one["jobs"]["train"])["install mlc"]["run"]
    assert '"mlc-compiler==$MLC_VERSION"' in steps(one["jobs"]["pin"])["install mlc"]["run"]


@pytest.mark.parametrize(
    ("registry", "host"),
    [
        ("ghcr.io/acme", "ghcr.io"),
        ("acme", "docker.io"),
        ("acme/ml", "docker.io"),
        ("localhost:5000/ml", "localhost:5000"),
        ("registry.acme.example", "registry.acme.example"),
    ],
)
def test_the_registry_is_the_one_that_the_name_means(registry: str, host: str) -> None:
    release = cases.a_ci_project(a_model(), image_registry=registry)
    told = steps(jobs(release, "release")["image"])["log in to the registry"]["env"]
    assert told["REGISTRY"] == host
    hosted = host == "ghcr.io"
    assert told["PASSWORD"] == ("${{ github.token }}" if hosted else "${{ secrets.REGISTRY_PASSWORD }}")
    repository = steps(jobs(release, "release")["image"])["build and push the image"]["env"]["REPOSITORY"]
    assert f"{repository}/m" == conventions.image_name(registry, "flight-delays", "m")


def test_environments_that_follow_the_branch_are_pinned_and_no_others() -> None:
    told = steps(jobs(cases.plain(), "release")["changed"])["compare the specs with the pins"]["env"]
    assert told == {"ENVIRONMENTS": "staging"}


def test_without_such_an_environment_nothing_is_released() -> None:
    project = a_project(targets={"docker": {}, "github-actions": {}})
    first = an_environment("prod", promoted_from=None)
    asked = replace(a_model(), retrain=ir.Retrain((), "0 4 * * 1", 0.0))
    release = a_project_release(a_release(asked, project=project, environment=first))
    assert set(texts(release)) == {"mlc-pull-request.yml"}


def test_the_scripts_use_the_names_of_the_conventions() -> None:
    scripts = {path.stem: path.read_text("utf-8") for path in TEMPLATES.glob("*.sh")}
    label = re.escape(conventions.LABEL_VERSION)
    for name in ("changed", "image", "pin"):
        assert f'LABEL {label}="sha256:'.replace("/", "\\/") in scripts[name]
    for name in ("changed", "pin"):
        assert conventions.EVIDENCE_FOLDER in scripts[name]
        assert conventions.IMAGES_FOLDER in scripts[name]
    assert conventions.RUNS_FOLDER in scripts["keep"]
    assert f":{conventions.PACKAGE_MOUNT}" in scripts["fetch"]
    assert f":{conventions.PACKAGE_MOUNT}" in scripts["image"]
    built = (
        conventions.DEPLOY_FOLDER,
        conventions.CARDS_FOLDER,
        conventions.WORKFLOWS_FOLDER,
        conventions.MANIFEST_FILE,
    )
    assert f"for built in {' '.join(built)};" in scripts["plan"]
    assert f"$recipe/{conventions.MANIFEST_FILE}" in scripts["changed"]
    assert f"echo {conventions.STATE_FOLDER}/" in scripts["credentials"]
    assert conventions.EVIDENCE_FOLDER in scripts["due"]
    assert all(f"{conventions.PROPOSALS_FOLDER}/{name}-" in scripts[name] for name in ("promote", "rollback"))
    assert conventions.secret_variable(SIGNING_SECRET) == git_state.KEY
    assert git_state.KEY_FILE in scripts["trial-key"]
    version = "sha256:" + "0123456789ab" + "c" * 52
    assert conventions.image_tag(version) == "v-0123456789ab"
    assert 'image:v-$version"' in scripts["image"]


# --- pull requests that workflows open -------------------------------------------------------------------------------
def inputs(name: str) -> dict[str, Any]:
    found: dict[str, Any] = workflow(cases.governed(), name)["on"]["workflow_dispatch"]["inputs"]
    return found


def test_only_what_is_promoted_to_can_be_chosen_to_promote_to() -> None:
    assert inputs("promote")["environment"]["options"] == ["prod"]
    assert inputs("rollback")["environment"]["options"] == ["prod", "staging"]


def test_without_an_environment_behind_another_nothing_is_promoted() -> None:
    project = a_project(targets={"docker": {}, "github-actions": {}})
    release = a_project_release(a_release(project=project, environment=an_environment("staging")))
    assert set(texts(release)) == {"mlc-pull-request.yml", "mlc-release.yml"}


def test_a_model_that_nobody_asks_to_retrain_is_not() -> None:
    assert "mlc-retrain.yml" not in texts(cases.plain())
    by_signal = cases.a_ci_project(replace(a_model(), retrain=ir.Retrain(("inputs",), None, 86_400.0)))
    assert set(workflow(by_signal, "retrain")["on"]) == {"repository_dispatch", "workflow_dispatch"}


def test_each_schedule_stands_once() -> None:
    same = [replace(a_model(name), retrain=ir.Retrain((), "0 4 * * 1", 0.0)) for name in ("churn", "demand")]
    assert workflow(cases.a_ci_project(*same), "retrain")["on"]["schedule"] == [{"cron": "0 4 * * 1"}]
    assert [s["cron"] for s in workflow(cases.governed(), "retrain")["on"]["schedule"]] == ["0 4 * * 1", "30 2 * * *"]


def test_only_what_pins_or_promotes_holds_the_key() -> None:
    told = {s["name"] for s in every_step(cases.governed()) if "secrets.MLC_SIGNING_KEY" in yaml.safe_dump(s)}
    assert told == {"pin and build", "open the pull request"}
    assert "secrets.MLC_SIGNING_KEY" not in texts(cases.governed())["mlc-rollback.yml"]
    assert "secrets.MLC_SIGNING_KEY" not in texts(cases.plain())["mlc-release.yml"]


def test_whoever_checks_signatures_can() -> None:
    for name, job in (
        ("pull-request", "pins"),
        ("promote", "promote"),
        ("rollback", "rollback"),
        ("retrain", "propose"),
    ):
        script = steps(jobs(cases.governed(), name)[job])["install mlc"]["run"]
        assert '"mlc-compiler[sign]==$MLC_VERSION"' in script


def test_the_check_to_require_sees_all_of_history() -> None:
    pins = steps(jobs(cases.plain(), "pull-request")["pins"])
    assert pins["check out"]["with"]["fetch-depth"] == 0
    assert pins["recompute the pins that change"]["run"] == 'mlc promote --verify --base "origin/$BASE"'
    assert pins["recompute the pins that change"]["env"] == {"BASE": "main"}


# --- CODEOWNERS ------------------------------------------------------------------------------------------------------
def owned(release: ir.ProjectRelease) -> list[str]:
    file = next(a for a in TARGET.emit_project(release) if a.path == ".github/CODEOWNERS")
    return [line for line in file.text.splitlines() if not line.startswith("#")]


def test_approvers_come_last_since_the_last_line_decides() -> None:
    lines = owned(cases.governed())
    assert lines[0] == "* @acme/everyone"
    assert lines[-2:] == ["/environments/prod/ @acme/ops-leads", "/deploy/prod/ @acme/ops-leads"]
    assert "/deploy/images/churn/ @acme/growth" in lines


def test_without_an_organization_nobody_is_asked() -> None:
    assert not [a for a in TARGET.emit_project(cases.plain()) if "CODEOWNERS" in a.path]


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("ops-leads", ["@acme/ops-leads"]),
        ("@ada", ["@ada"]),
        ("@other/team", ["@other/team"]),
        ("ada@example.org", ["ada@example.org"]),
        ("Operations, New York", []),
        ("x\n* @mallory", []),
    ],
)
def test_an_owner_that_github_cannot_know_owns_nothing(name: str, known: list[str]) -> None:
    model = replace(a_model(), owner=name)
    lines = owned(cases.a_ci_project(model, actions={"organization": "acme", "model_owners": True}))
    assert [line.split()[1:] for line in lines if line.startswith("/docs/models/late-arrival.md ")] == [known][
        : len(known)
    ]


def test_owners_of_models_are_listed_only_where_the_project_wants_it() -> None:
    models = [replace(a_model(name), owner="growth") for name in ("churn", "upsell")]
    found = [owned(cases.a_ci_project(*models[:n], actions={"organization": "acme"})) for n in range(3)]
    assert found[0] == found[1] == found[2]


def test_each_line_knows_the_field_that_it_comes_from() -> None:
    file = next(a for a in TARGET.emit_project(cases.governed()) if a.path == ".github/CODEOWNERS")
    number = next(n for n, line in enumerate(file.text.splitlines(), 1) if line.startswith("/environments/prod/"))
    origin = next(p.origin for p in file.parts if p.line == number)
    assert (origin.document, origin.field) == ("Environment/prod", "spec.requires.approvals")


# --- refusals --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("case", EVERY)
def test_a_good_project_is_not_refused(case: str) -> None:
    assert findings(cases.GITHUB_ACTIONS[case]()) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("folder", "x"),
        ("working_directory", "../other"),
        ("working_directory", "/abs"),
        ("working_directory", "a b"),
        ("working_directory", "x'|sh"),
        ("required_checks", "yes"),
        ("wheels", ""),
        ("workflows", ("deploy",)),
        ("workflows", ()),
        ("workflows", "release"),
        ("organization", "a/b"),
        ("organization", ""),
        ("code_owners", "* @acme/all"),
        ("code_owners", ("* @a\n* @b",)),
        ("model_owners", "yes"),
    ],
)
def test_an_option_that_means_nothing_is_refused(key: str, value: ir.Frozen) -> None:
    found = findings(cases.a_ci_project(a_model(), actions={key: value}))
    assert {field for field, _ in found} == {f"spec.targets.github-actions.{key}"}


def test_a_release_without_images_or_registry_is_refused() -> None:
    project = a_project(targets={"github-actions": {}}, image_registry=None)
    release = a_project_release(a_release(project=project, environment=an_environment("staging")))
    assert [message.split(",")[0] for _, message in findings(release)] == [
        "the release workflow builds the images that the target docker describes",
        "the release workflow pushes images",
    ]
    only = a_project(targets={"github-actions": {"workflows": ("pull-request",)}}, image_registry=None)
    fine = a_project_release(a_release(project=only, environment=an_environment("staging")))
    assert findings(fine) == []
    assert set(texts(fine)) == {"mlc-pull-request.yml"}


def test_a_workflow_that_is_too_large_to_start_is_refused_with_its_size() -> None:
    def fleet(count: int) -> ir.ProjectRelease:
        deep = "deep/" * 200
        return cases.a_ci_project(*(cases.with_code(a_model(f"score-{n}"), f"{deep}{n}/**") for n in range(count)))

    large = fleet(250)
    size = len(texts(large)["mlc-release.yml"].encode())
    assert size > 512_000
    said = f"`.github/workflows/mlc-release.yml` would have {size:,} bytes, and GitHub starts none of more than 512,000"
    assert findings(large) == [("spec.targets.github-actions", said)]
    assert findings(fleet(230)) == []


def test_an_environment_on_another_branch_is_refused() -> None:
    project = a_project(targets={"docker": {}, "github-actions": {}})
    release = a_project_release(a_release(project=project, environment=an_environment("staging", tracks="develop")))
    assert findings(release) == [("spec.tracks", "releases are made from `main`; no workflow runs for `develop`")]


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("spec.train.runner", {"runner": "kubernetes-job"}),
        ("spec.train.resources", {"resources": ir.Resources(8.0, 2**30)}),
        ("spec.train.resources", {"resources": ir.Resources(2.0, 64 * 2**30)}),
        ("spec.train.resources.gpu", {"resources": ir.Resources(2.0, 2**30, 1)}),
        ("spec.train.timeout", {"timeout": 7 * 3600.0}),
    ],
)
def test_training_that_a_standard_runner_cannot_do_is_refused(field: str, changes: dict[str, Any]) -> None:
    model = a_model()
    model = replace(model, train=replace(model.train, **changes))
    release = cases.a_ci_project(model)
    assert {name for name, _ in findings(release)} == {field}
    if field != "spec.train.runner":
        assert findings(cases.a_ci_project(model, runs_on=("self-hosted",))) == []


@pytest.mark.parametrize(
    ("labels", "standard"),
    [
        (("ubuntu-latest",), True),
        (("ubuntu-24.04",), True),
        (("ubuntu-26.04-arm",), True),
        (("ubuntu-latest-16-cores",), False),
        (("ubuntu-gpu",), False),
        (("self-hosted", "ubuntu-24.04"), False),
    ],
)
def test_only_the_labels_of_standard_runners_have_their_size(labels: tuple[str, ...], standard: bool) -> None:
    model = a_model()
    model = replace(model, train=replace(model.train, resources=ir.Resources(8.0, 2**30)))
    assert bool(findings(cases.a_ci_project(model, runs_on=labels))) == standard


def test_a_single_cpu_runner_builds_no_images() -> None:
    release = cases.a_ci_project(a_model(), runs_on=("ubuntu-slim",))
    assert {name for name, _ in findings(release)} == {"spec.ci.runs_on"}


def test_a_secret_of_a_dataset_knows_its_field() -> None:
    warehouse = ir.Source("sql", url="postgresql://warehouse.acme.example/f", secret="warehouse/password")
    dataset = a_dataset(source=warehouse)
    made = list(TARGET.emit_project(cases.a_ci_project(a_model(datasets=(dataset,)))))
    artifact = next(a for a in made if a.path.endswith("release.yml"))
    number = next(n for n, line in enumerate(artifact.text.split("\n"), 1) if "WAREHOUSE_PASSWORD:" in line)
    assert [p.origin for p in artifact.parts if p.line <= number][-1] == dataset.origin.at("source.secret")
