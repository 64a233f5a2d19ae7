"""Images by their consumers: hadolint reads every Dockerfile, and an engine builds one that answers as a server."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import ci_cases as cases
import serving
from builders import a_feature_query, a_lookup, a_model
from consumers import engine as engines
from consumers import tools
from consumers.engine import Engine
from mlc_compiler import conventions, ir
from mlc_targets.docker import TARGET
from mlc_targets.local.package.bundle import package_digest

pytestmark = pytest.mark.consumer

CASES = {**cases.DOCKER, "plain": cases.plain}
ROW = {"origin": "JFK", "carrier": "UA", "distance": 500, "departure": "2013-07-01T12:00:00Z"}
USER = conventions.RUN_AS_USER


def written(release: ir.ProjectRelease, folder: Path) -> Path:
    """Write the image of the release's one model, and return its folder."""
    for artifact in TARGET.emit_project(release):
        path = folder / artifact.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(artifact.text, "utf-8")
    return folder / conventions.image_folder(release.models[0].name)


@pytest.mark.parametrize("case", sorted(CASES))
def test_hadolint_finds_nothing(case: str, tmp_path: Path) -> None:
    outcome = tools.hadolint(written(CASES[case](), tmp_path) / "Dockerfile")
    assert outcome.accepted, outcome.output


def test_hadolint_would_find_a_missing_version(tmp_path: Path) -> None:
    file = written(cases.plain(), tmp_path) / "Dockerfile"
    file.write_text(re.sub(r"(python:[\w.-]+)@\S+", "python", file.read_text("utf-8")), "utf-8")
    assert "DL3006" in tools.hadolint(file).output


# --- a real engine ---------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with engines.an_engine() as running:
        yield running


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build context of a model with a lookup, with a folder of wheels, and with a file that must stay out."""
    folder = tmp_path_factory.mktemp("image")
    query = a_feature_query([a_lookup("delays")], request=serving.REQUEST)
    model = a_model(features=query)
    filled = written(cases.a_ci_project(model, docker={"base_image": engines.BASE}), folder)
    serving.a_package(filled / "package", lookups=(serving.LOOKUP,), batch_sql=serving.DELAY_BATCH_SQL)
    wheels(filled / "requirements.txt", filled / "wheels")
    (filled / "secret.env").write_text("PASSWORD=hunter2")
    return filled


@pytest.fixture(scope="module")
def image(engine: Engine, context: Path) -> str:
    return built(engine, context, "mlc-test/late-arrival")


def built(engine: Engine, context: Path, name: str) -> str:
    outcome = building(engine, context, "--no-cache", "--tag", name)
    assert outcome.accepted, outcome.output
    return name


def building(engine: Engine, context: Path, *options: str) -> tools.Outcome:
    """Build without a network: pip's configuration, which comes as a secret, says that there is no index."""
    offline = context.parent / "pip.conf"
    offline.write_text("[global]\nno-index = true\n")
    secret = f"id=pip.conf,src={offline}"
    return engine.run("build", "--network", "none", "--secret", secret, *options, context, timeout=400)


def wheels(requirements: Path, folder: Path) -> None:
    """Fill a folder with what the image installs: pip checks the digests that stand in the requirements."""
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    download = [*pip, "download", "--only-binary=:all:", "--no-deps", "--dest", folder, "-r", requirements]
    assert (outcome := tools.run(download, folder.parent, 300)).accepted, outcome.output
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, tools.ROOT]
    assert (outcome := tools.run(build, folder.parent, 120)).accepted, outcome.output


@pytest.fixture(scope="module")
def online(engine: Engine, image: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The online snapshot, written by the job that the cluster runs: the same image, another command."""
    root, out = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("online")
    serving.flights(root, [(1, *_times("2013-06-01T10:00", "2013-06-01T12:00"), 12.0)])
    root.chmod(0o755)  # the container's user is another one
    out.chmod(0o777)
    engine.done(
        "run", "--rm", "--read-only", "--tmpfs", "/tmp", "--cap-drop=ALL", "--network", "none",
        "--volume", f"{root}:{conventions.DATA_MOUNT}:ro", "--volume", f"{out}:{conventions.ONLINE_MOUNT}", image,
        "python", "-m", conventions.ONLINE_MODULE, "--package", conventions.PACKAGE_MOUNT,
        "--data-root", conventions.DATA_MOUNT, "--out", conventions.ONLINE_MOUNT,
    )  # fmt: skip
    return out


def _times(departure: str, arrival: str) -> tuple[object, ...]:
    known = [dt.datetime.fromisoformat(f"{text}+00:00") for text in (departure, arrival)]
    return (known[0], "JFK", "UA", 500, known[1])


@pytest.fixture(scope="module")
def url(engine: Engine, image: str, online: Path) -> Iterator[str]:
    """A running container, under what the restricted pod security profile asks for."""
    container = started(engine, image, online)
    try:
        yield address(engine, container)
    finally:
        engine.run("rm", "--force", container)


def started(engine: Engine, image: str, online: Path) -> str:
    return engine.done(
        "run", "--detach", "--read-only", "--tmpfs", "/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges",
        "--publish", f"127.0.0.1::{conventions.SERVE_PORT}",
        "--volume", f"{online}:{conventions.ONLINE_MOUNT}:ro", image,
    )  # fmt: skip


def address(engine: Engine, container: str) -> str:
    """Where the container answers, once it is ready."""
    found = "http://" + engine.done("port", container, str(conventions.SERVE_PORT)).splitlines()[0]
    end = time.monotonic() + 60
    while True:
        try:
            if httpx.get(found + conventions.READY_PATH, timeout=5).status_code == 200:
                return found
        except httpx.TransportError:
            pass
        assert time.monotonic() < end, engine.run("logs", container).output
        time.sleep(0.2)


@pytest.mark.slow
def test_the_container_predicts_what_the_model_says(url: str) -> None:
    answer = httpx.post(f"{url}/predict", json=ROW, timeout=30)
    assert answer.status_code == 200, answer.text
    expected = serving.probability("UA", 500, 8, 12.0)  # 12:00 UTC is 08:00 in New York; the lookup knows 12 minutes
    assert f"{expected:.5f}" in json.dumps(_rounded(answer.json()))


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return f"{value:.5f}" if isinstance(value, float) else value


@pytest.mark.slow
def test_the_container_is_healthy_and_measured(engine: Engine, url: str) -> None:
    assert httpx.get(url + conventions.HEALTH_PATH, timeout=5).status_code == 200
    httpx.post(f"{url}/predict", json={}, timeout=30)
    metrics = httpx.get(url + conventions.METRICS_PATH, timeout=5).text
    assert re.search(rf'^{conventions.METRIC_REQUESTS}{{.*code="4\d\d"', metrics, re.MULTILINE)
    container = engine.done("ps", "--latest", "--quiet")
    end = time.monotonic() + 40
    while engine.done("inspect", "--format", "{{.State.Health.Status}}", container) != "healthy":
        assert time.monotonic() < end, engine.done("inspect", "--format", "{{json .State.Health}}", container)
        time.sleep(0.5)


@pytest.mark.slow
def test_the_image_holds_what_it_needs_and_nothing_else(engine: Engine, image: str) -> None:
    inspected = json.loads(engine.done("inspect", image))[0]["Config"]
    assert inspected["User"] == f"{USER}:{USER}"
    assert inspected["Labels"][conventions.LABEL_VERSION] == serving.VERSION
    listed = engine.done("run", "--rm", "--network", "none", image, "find", "/opt/mlc", "-maxdepth", "6")
    assert "package.json" in listed
    assert "site-packages/onnxruntime" in listed
    assert not re.search(r"secret\.env|site-packages/(pip|sklearn|jinja2)$|\.whl$", listed, re.MULTILINE)
    identity = engine.done("run", "--rm", "--network", "none", image, "python", "-c", "import os; print(os.getuid())")
    assert identity == str(USER)


@pytest.mark.slow
def test_the_package_in_the_image_is_the_one_that_was_given(engine: Engine, image: str, tmp_path: Path) -> None:
    container = engine.done("create", image)
    engine.done("cp", f"{container}:{conventions.PACKAGE_MOUNT}", tmp_path / "package")
    engine.done("rm", container)
    other = serving.a_package(tmp_path / "other", lookups=(serving.LOOKUP,), batch_sql=serving.DELAY_BATCH_SQL)
    assert package_digest(tmp_path / "package") == package_digest(other)


@pytest.mark.slow
def test_a_container_that_is_told_to_stop_answers_what_it_has_begun(engine: Engine, image: str, online: Path) -> None:
    container = started(engine, image, online)
    url, codes, stop = address(engine, container), set[int](), threading.Event()

    def ask() -> None:
        with httpx.Client(timeout=30) as client:
            while not stop.is_set():
                try:
                    codes.add(client.post(f"{url}/predict", json=ROW).status_code)
                except httpx.TransportError:
                    return

    asking = [threading.Thread(target=ask) for _ in range(4)]
    for thread in asking:
        thread.start()
    time.sleep(1)
    engine.done("stop", "--time", "30", container)
    stop.set()
    for thread in asking:
        thread.join()
    code, logs = (
        engine.done("inspect", "--format", "{{.State.ExitCode}}", container),
        engine.run("logs", container).output,
    )
    engine.done("rm", container)
    assert code == "0", logs
    assert codes <= {200, 503}, logs
    assert 200 in codes


@pytest.mark.slow
def test_a_package_that_was_changed_is_not_served(engine: Engine, image: str) -> None:
    command = ["python", "-m", conventions.SERVE_MODULE, "--package", conventions.PACKAGE_MOUNT]
    outcome = engine.run("run", "--rm", "--network", "none", image, *command, "--digest", "sha256:" + "0" * 64)
    assert outcome.code == 1
    assert "MLC482" in outcome.output


@pytest.mark.slow
@pytest.mark.usefixtures("image")  # its layers are there already: only the package is another one
def test_a_package_whose_training_and_serving_differ_becomes_no_image(
    engine: Engine, context: Path, tmp_path: Path
) -> None:
    other = tmp_path / "context"
    shutil.copytree(context, other, ignore=shutil.ignore_patterns("package"))
    spoilt = serving.BATCH_SQL.replace("carrier, distance,", "carrier, distance + 1 AS distance,")
    serving.a_package(other / "package", batch_sql=spoilt)
    outcome = building(engine, other)
    assert not outcome.accepted
    assert "error[MLC360]: `distance` is" in outcome.output
    shutil.rmtree(other / "package")
    serving.a_package(other / "package")
    assert (outcome := building(engine, other)).accepted, outcome.output


@pytest.mark.slow
def test_the_same_recipe_gives_the_same_files(engine: Engine, image: str, context: Path) -> None:
    other = built(engine, context, "mlc-test/again")
    script = "cd /opt/mlc && find . -type f -print0 | sort -z | xargs -0 sha256sum"
    first, second = (
        engine.done("run", "--rm", "--network", "none", name, "sh", "-c", script).splitlines()
        for name in (image, other)
    )
    assert len(first) > 1000
    assert [line for line in second if line not in set(first)] == []
    assert len(first) == len(second)
