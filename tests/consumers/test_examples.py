"""Every artifact of the examples, before the programs that read it in production."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from consumers import tools

EXAMPLES = Path(__file__).parents[2] / "examples"
pytestmark = pytest.mark.consumer


def found(pattern: str) -> list[Path]:
    """Return the examples' files of a pattern; a test over none would prove nothing."""
    paths = sorted(EXAMPLES.glob(pattern))
    assert paths, pattern
    return paths


def manifests() -> list[Path]:
    apart = {"monitoring", "images", "kustomization.yaml"}
    return [p for p in found("*/deploy/*/*/*.yaml") if not apart & set(p.parts)]


@pytest.mark.parametrize(
    ("consumer", "pattern"),
    [
        (tools.actionlint, "*/.github/workflows/*.yml"),
        (tools.zizmor, "*/.github/workflows/*.yml"),
        (tools.promtool_rules, "*/deploy/*/monitoring/rules/*.yaml"),
        (tools.promtool_tests, "*/deploy/*/monitoring/rule-tests/*.yaml"),
    ],
    ids=["actionlint", "zizmor", "promtool check rules", "promtool test rules"],
)
def test_the_consumer_accepts_the_examples(consumer: Callable[..., tools.Outcome], pattern: str) -> None:
    outcome = consumer(*found(pattern))
    assert outcome.code == 0, outcome.output


@pytest.mark.parametrize("dockerfile", found("*/deploy/images/*/Dockerfile"), ids=lambda p: p.parent.name)
def test_hadolint_accepts_the_image(dockerfile: Path) -> None:
    outcome = tools.hadolint(dockerfile)
    assert outcome.code == 0, outcome.output


@pytest.mark.parametrize("configuration", found("*/deploy/*/monitoring/alertmanager.yml"), ids=lambda p: p.parts[-5])
def test_alertmanager_accepts_its_configuration(configuration: Path, tmp_path: Path) -> None:
    # The packaged Alertmanager is older than `url_file` (0.26).
    plain = re.sub(r"url_file: .*", "url: http://127.0.0.1:1/", configuration.read_text())
    (tmp_path / "alertmanager.yml").write_text(plain)
    outcome = tools.amtool_config(tmp_path / "alertmanager.yml")
    assert outcome.code == 0, outcome.output


@pytest.mark.parametrize(
    "folder", [p.parent for p in found("*/deploy/*/*/kustomization.yaml")], ids=lambda p: "-".join(p.parts[-4::3])
)
def test_kustomize_builds_the_model(folder: Path) -> None:
    outcome = tools.kustomize(folder)
    assert outcome.code == 0, outcome.output
    assert len(list(yaml.safe_load_all(outcome.output))) >= 3


def test_core_objects_pass_strict_validation_and_custom_ones_their_schema() -> None:
    custom = [p for p in manifests() if _group(p) in ("argoproj.io", "gateway.networking.k8s.io")]
    core = [p for p in manifests() if p not in custom]
    outcome = tools.kubernetes_validate(*core)
    assert outcome.code == 0, outcome.output
    assert custom
    for path in custom:
        assert tools.crd_errors(yaml.safe_load(path.read_text())) == (), path


def _group(path: Path) -> str:
    return str(yaml.safe_load(path.read_text())["apiVersion"]).partition("/")[0]
