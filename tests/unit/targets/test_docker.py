"""The target docker: what an image holds and how it starts, and what is refused."""

from __future__ import annotations

import importlib.util
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

import ci_cases as cases
from builders import a_batch_serving, a_model, a_project, a_serving
from conftest import Golden
from mlc_compiler import __version__, conventions, ir
from mlc_compiler.sql.vector_file import read_vectors
from mlc_targets.docker import TARGET, refresh
from mlc_targets.docker.packages import EXTRAS, PYTHONS, known_packages

ROOT = Path(__file__).resolve().parents[3]


def files(release: ir.ProjectRelease) -> dict[str, str]:
    """The files by their names in the one image's folder."""
    return {a.path.rsplit("/", 1)[-1]: a.text for a in TARGET.emit_project(release)}


def dockerfile(release: ir.ProjectRelease) -> str:
    return files(release)["Dockerfile"]


def final_stage(text: str) -> str:
    return text[text.rindex("FROM ") :]


def command(text: str) -> list[str]:
    found: list[str] = json.loads(re.findall(r"^CMD (.+)$", text, re.MULTILINE)[-1])
    return found


def findings(release: ir.ProjectRelease) -> list[tuple[str, str]]:
    return [(u.origin.field, u.message) for u in TARGET.check(release.releases[0])]


@pytest.mark.parametrize("case", sorted(cases.DOCKER))
def test_the_images_are_the_golden_ones(case: str, golden: Golden) -> None:
    golden(f"docker/{case}", cases.emitted(cases.DOCKER[case](), TARGET))


def test_each_model_has_its_image() -> None:
    made = TARGET.emit_project(cases.a_ci_project(a_model("churn"), a_model("demand")))
    assert {a.path.rsplit("/", 1)[0] for a in made} == {"deploy/images/churn", "deploy/images/demand"}
    assert {a.model for a in made} <= {"churn", "demand"}


def test_nothing_belongs_to_one_environment() -> None:
    release = cases.plain().releases[0]
    assert list(TARGET.emit_model(release, release.models[0])) == list(TARGET.emit_environment(release)) == []


# --- what an image is ------------------------------------------------------------------------------------------------
def test_both_stages_stand_on_the_same_digest() -> None:
    bases = re.findall(r"^FROM (\S+)", dockerfile(cases.plain()), re.MULTILINE)
    assert len(bases) == 2
    assert set(bases) == {bases[0]}
    assert re.fullmatch(r"python:3\.11-slim-bookworm@sha256:[0-9a-f]{64}", bases[0])


def test_the_locked_digest_comes_before_the_known_one() -> None:
    lock = ir.Lock(images=(("python:3.11-slim-bookworm", cases.DIGEST),))
    assert f"python:3.11-slim-bookworm@{cases.DIGEST}" in dockerfile(cases.a_ci_project(a_model(), lock=lock))


def test_a_base_that_nobody_has_pinned_is_named_by_its_tag() -> None:
    text = dockerfile(cases.a_ci_project(a_model(), docker={"base_image": "acme/python:3.11"}))
    assert "FROM acme/python:3.11 AS build\n" in text
    assert "base.digest" not in text


def test_a_base_that_brings_its_digest_keeps_it() -> None:
    base = f"acme/python@{cases.DIGEST}"
    text = dockerfile(cases.a_ci_project(a_model(), docker={"base_image": base}))
    assert f"FROM {base}\n" in text
    assert 'base.name="acme/python"' in text


def test_the_server_is_not_root_and_runs_without_a_shell() -> None:
    stage = final_stage(dockerfile(cases.plain()))
    assert f"USER {conventions.RUN_AS_USER}:{conventions.RUN_AS_USER}\n" in stage
    assert "RUN " not in stage
    assert command(stage)[:3] == ["python", "-m", conventions.SERVE_MODULE]


def test_no_image_is_made_of_a_package_whose_training_and_serving_differ() -> None:
    text = dockerfile(cases.plain())
    first = text[: text.rindex("FROM ")]
    check = f"python -m {conventions.GOLDEN_MODULE} --package {conventions.PACKAGE_MOUNT}"
    assert first.index(f"COPY package/ {conventions.PACKAGE_MOUNT}/") < first.index(check)
    assert "COPY --from=build" in final_stage(text), "the final stage waits for the first one, and for its check"


def test_the_vectors_that_it_is_checked_with_stand_beside_the_recipe() -> None:
    made = files(cases.plain())
    name = conventions.GOLDEN_VECTORS_FILE
    assert f"COPY {name} ./\n" in made["Dockerfile"]
    assert f"--vectors {name}\n" in made["Dockerfile"]
    assert f"!{name}\n" in made[".dockerignore"]
    query = cases.plain().models[0].features
    vectors = read_vectors(made[name], query.request)
    assert {"plain", "carrier: null", "carrier: empty text"} - {v.name for v in vectors} == {"carrier: null"}
    assert [v.name for v in vectors] == [json.loads(line)["vector"] for line in made[name].splitlines()[1:]]


def test_each_line_of_the_vectors_comes_from_its_column() -> None:
    artifact = next(a for a in TARGET.emit_project(cases.plain()) if a.path.endswith(conventions.GOLDEN_VECTORS_FILE))
    lines = artifact.text.splitlines()
    for part in artifact.parts[1:]:
        column = part.origin.field.rpartition(".")[2]
        assert json.loads(lines[part.line - 1])["request"].keys() == {column}
        assert not json.loads(lines[part.line - 2])["request"].keys() & {column}


def test_the_modules_that_an_image_runs_exist() -> None:
    modules = {v for k, v in vars(conventions).items() if k.endswith("_MODULE")}
    assert conventions.GOLDEN_MODULE in modules
    assert [name for name in modules if importlib.util.find_spec(name) is None] == []


def test_the_server_is_told_its_package_and_its_port() -> None:
    started = command(dockerfile(cases.plain()))
    assert started[3:] == [
        "--package",
        "/opt/mlc/package",
        "--host",
        "0.0.0.0",
        "--port",
        "8080",
        "--max-batch",
        "1000",
    ]


def test_only_a_model_with_lookups_reads_a_snapshot() -> None:
    assert "--online" not in command(dockerfile(cases.plain()))
    started = command(dockerfile(cases.online()))
    assert started[started.index("--online") + 1] == conventions.ONLINE_MOUNT


def test_a_batch_has_no_port_and_no_health() -> None:
    text = dockerfile(cases.a_ci_project(a_model(serving=a_batch_serving())))
    assert "EXPOSE" not in text
    assert "HEALTHCHECK" not in text
    assert command(text)[2] == conventions.BATCH_MODULE


def test_a_new_version_is_a_new_recipe() -> None:
    model = a_model()
    other = replace(model, version="sha256:" + "e" * 64)
    assert dockerfile(cases.a_ci_project(model)) != dockerfile(cases.a_ci_project(other))
    assert f'LABEL {conventions.LABEL_VERSION}="{other.version}"' in dockerfile(cases.a_ci_project(other))


def test_only_a_model_with_code_gets_files_of_the_repository() -> None:
    assert not re.search(r"^(COPY code/|!code)", "\n".join(files(cases.plain()).values()), re.MULTILINE)
    made = files(cases.code())
    assert "COPY code/ /opt/mlc/code/" in made["Dockerfile"]
    assert "!code" in made[".dockerignore"].splitlines()


@pytest.mark.parametrize("text", ['a "b" $C \\', "two\nlines", "`cmd` $(cmd)", "ends with \\"])
def test_no_text_of_a_spec_reaches_beyond_its_label(text: str) -> None:
    made = dockerfile(cases.a_ci_project(a_model(description=text)))
    line = next(line for line in made.splitlines() if line.startswith("LABEL org.opencontainers.image.description="))
    value = line.partition("=")[2]
    assert re.fullmatch(r'"(?:[^"\\$]|\\["\\$])*"', value)
    assert re.sub(r"\\(.)", r"\1", value[1:-1]) == " ".join(text.split())
    assert len(made.splitlines()) == len(dockerfile(cases.plain()).splitlines())


def test_a_line_knows_its_field() -> None:
    model = a_model(serving=a_serving(max_batch=7))
    artifact = next(a for a in TARGET.emit_project(cases.a_ci_project(model)) if a.path.endswith("Dockerfile"))
    number = next(n for n, line in enumerate(artifact.text.split("\n"), 1) if line.startswith("CMD "))
    assert [part.origin for part in artifact.parts if part.line <= number][-1] == model.serving.origin


# --- what it installs ------------------------------------------------------------------------------------------------
def pins(text: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))


def test_known_versions_carry_the_digests_of_the_wheels_for_one_python() -> None:
    text = files(cases.plain())["requirements.txt"]
    assert set(EXTRAS["serve"]) <= set(pins(text))
    assert "scikit-learn" not in text
    blocks = re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in block for block in blocks)
    numpy = next(p for p in known_packages() if p.name == "numpy")
    assert [d in text for d, pythons in numpy.wheels if "3.11" in pythons] == [True, True]
    assert not [d for d, pythons in numpy.wheels if "3.11" not in pythons and d in text]


def test_a_version_that_is_not_known_takes_the_digests_away_from_all() -> None:
    text = files(cases.locked())["requirements.txt"]
    assert pins(text)["duckdb"] == "1.9.9"
    assert "pytest" not in text
    assert "--hash" not in text


def test_a_skops_package_brings_scikit_learn() -> None:
    text = files(cases.a_ci_project(a_model(package="skops")))["requirements.txt"]
    assert set(EXTRAS["skops"]) <= set(pins(text))
    assert "--hash" in text


def test_what_a_model_was_trained_with_wins() -> None:
    lines = files(cases.code())["requirements.txt"].splitlines()
    assert "lightgbm==4.6.0" in lines
    assert [line for line in lines if line.lower().startswith("numpy")] == ["NumPy==2.4.0"]


def test_a_graph_alone_needs_nothing_that_it_was_trained_with() -> None:
    model = cases.trained_with(a_model(), "lightgbm==4.6.0")
    assert "lightgbm" not in files(cases.a_ci_project(model))["requirements.txt"]


def test_mlc_itself_is_installed_at_this_version() -> None:
    assert f"mlc-compiler=={__version__} " in dockerfile(cases.plain())


def test_the_packages_are_those_that_mlc_is_tested_with() -> None:
    tested = (ROOT / "requirements" / "run.txt").read_text("utf-8")
    versions, refreshed = (
        refresh.tested_versions(tested),
        "run `python -m mlc_targets.docker.refresh requirements/run.txt`",
    )
    for package in known_packages():
        assert versions[package.name] == package.version, refreshed
        assert all(digest.removeprefix("--hash=") in tested for digest, _ in package.wheels), refreshed
        assert {p for _, pythons in package.wheels for p in pythons} == set(PYTHONS), refreshed


def test_the_lock_gets_the_bases_and_packages() -> None:
    offered = TARGET.pins()  # type: ignore[attr-defined]  # of Pinning, which not every target is
    assert {name for name, _ in offered.images} == {f"python:{python}-slim-bookworm" for python in PYTHONS}
    assert dict(offered.packages)["onnxruntime"]
    locked = replace(cases.plain(), project=a_project(targets={"docker": {}}, lock=offered))
    assert files(locked) == files(cases.plain())


# --- refusals --------------------------------------------------------------------------------------------------------
def test_a_good_project_is_not_refused() -> None:
    assert [findings(case()) for case in cases.DOCKER.values()] == [[], [], [], []]


@pytest.mark.parametrize("image", ["python", "Python:3.11", "python:3.11; rm", "", 3, "a b:1", "python:3.11\nRUN x"])
def test_a_base_without_a_tag_is_refused(image: ir.Frozen) -> None:
    found = findings(cases.a_ci_project(a_model(), docker={"base_image": image}))
    assert [field for field, _ in found] == ["spec.targets.docker.base_image"]


def test_an_unknown_option_is_refused() -> None:
    found = findings(cases.a_ci_project(a_model(), docker={"base": "python:3.11"}))
    assert found == [("spec.targets.docker.base", "target docker has no option `base`")]


def test_a_python_without_a_base_is_refused() -> None:
    assert findings(cases.a_ci_project(a_model(), python="3.9"))[0][0] == "spec.ci.python"


def test_an_image_with_a_gpu_is_refused() -> None:
    model = a_model(serving=a_serving(resources=ir.Resources(1.0, 2**30, 1)))
    assert findings(cases.a_ci_project(model))[0][0] == "spec.serving.resources.gpu"
    other = a_serving(resources=ir.Resources(1.0, 2**30, 1), runtime=ir.Runtime("triton:1", 8000, ()))
    assert findings(cases.a_ci_project(a_model(serving=other))) == []
