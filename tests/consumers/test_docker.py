"""Images by their consumers: hadolint reads every Dockerfile, and an engine builds one that answers as a server."""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
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
    file.write_text(re.sub(r"mlc-compiler==\S+", "mlc-compiler", file.read_text("utf-8")), "utf-8")
    assert "DL3013" in tools.hadolint(file).output


# --- a real engine ---------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with engines.an_engine() as running:
        yield running


@pytest.fixture(scope="module")
def image(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image of a model with a lookup, built without any network from a folder of wheels."""
    folder = tmp_path_factory.mktemp("image")
    model = a_model(features=a_feature_query([a_lookup("delays")]))
    release = cases.a_ci_project(model, docker={"base_image": engines.BASE})
    context = written(release, folder)
    serving.a_package(context / "package", lookups=(serving.LOOKUP,))
    wheels(context / "requirements.txt", context / "wheels")
    (context / "secret.env").write_text("PASSWORD=hunter2")
    offline = folder / "pip.conf"
    offline.write_text("[global]\nno-index = true\n")
    engine.done(
        "build", "--network", "none", "--secret", f"id=pip.conf,src={offline}", "--tag", "mlc-test/late-arrival",
        context, timeout=400,
    )  # fmt: skip
    return "mlc-test/late-arrival"


def wheels(requirements: Path, folder: Path) -> None:
    """Fill a folder with what the image installs: pip checks the digests that stand in the requirements."""
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    download = [*pip, "download", "--only-binary=:all:", "--no-deps", "--dest", folder, "-r", requirements]
    assert (outcome := tools.run(download, folder.parent, 300)).accepted, outcome.output
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, tools.ROOT]
    assert (outcome := tools.run(build, folder.parent, 120)).accepted, outcome.output


@pytest.fixture(scope="module")
def online(engine: Engine, image: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The online snapshot, written by the job that the cluster runs: the same image, another command."""
    root, out = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("online")
    serving.flights(root, [(1, *_times("2013-06-01T10:00", "2013-06-01T12:00"), 12.0)])
    out.chmod(0o777)
    engine.done(
        "run", "--rm", "--read-only", "--tmpfs", "/tmp", "--cap-drop=ALL", "--network", "none",
        "--volume", f"{root}:{conventions.DATA_MOUNT}:ro", "--volume", f"{out}:{conventions.ONLINE_MOUNT}", image,
        "python", "-m", conventions.ONLINE_MODULE, "--package", conventions.PACKAGE_MOUNT,
        "--data-root", conventions.DATA_MOUNT, "--out", conventions.ONLINE_MOUNT,
    )  # fmt: skip
    return out


def _times(departure: str, arrival: str) -> tuple[object, ...]:
    import datetime as dt

    known = [dt.datetime.fromisoformat(f"{text}+00:00") for text in (departure, arrival)]
    return (known[0], "JFK", "UA", 500, known[1])
