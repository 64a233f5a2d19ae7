"""What other programs find of a mutant: the JSON Schemas alone, and the consumers of what would be emitted.

The artifacts are those of a compilation that is deaf to its own findings: what a team would have if nothing checked the
specs. A consumer finds a mutant when it refuses a file that it takes of the clean example.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from consumers import tools
from mlc_compiler.cli.project import LockUse, make, read_project
from mlc_compiler.diagnostics import Sink
from mutants.mutant import Mutant

SCHEMAS, KUBERNETES, ACTIONS, RULES = "JSON Schemas", "kubernetes-validate", "actionlint", "promtool"
PEERS = (SCHEMAS, KUBERNETES, ACTIONS, RULES)

_OWN_OBJECTS = ("/rollout.yaml", "/analysis-template.yaml", "/http-route.yaml", "kustomization.yaml")
"""Custom resources, which kubernetes-validate does not know."""


class Deaf(Sink):
    """A sink that no error stops."""

    def failed(self) -> bool:
        return False


def artifacts(root: Path) -> dict[str, str] | None:
    """Return what is emitted in spite of all findings, by path; None where nothing can be."""
    sink = Deaf()
    try:
        project = read_project(root, sink)
        made = make(root, project, sink, LockUse.ADVISED) if project is not None else None
    except Exception:  # noqa: BLE001  past an error, the compiler may meet what it has refused
        return None
    return None if made is None else {a.path: a.text for a in made.artifacts}


def schemas_find(mutant: Mutant) -> bool:
    """Tell whether a parser of YAML 1.2 and the published JSON Schemas refuse the mutant's file."""
    try:
        documents = list(YAML(typ="safe", pure=True).load_all(mutant.text))
    except (YAMLError, UnicodeDecodeError):
        return True
    return any(_refused(document) for document in documents)


def _refused(document: object) -> bool:
    kind = document.get("kind") if isinstance(document, dict) else None
    validator = _validators().get(str(kind))
    # Dates and the like are read as objects that JSON does not have.
    return validator is None or not validator.is_valid(json.loads(json.dumps(document, default=str)))


@functools.cache
def _validators() -> Mapping[str, Draft202012Validator]:
    folder = files("mlc_schemas").joinpath("spec/v1")
    schemas = [json.loads(f.read_text(encoding="utf-8")) for f in folder.iterdir() if f.name.endswith(".schema.json")]
    return {kind: Draft202012Validator(schema) for schema in schemas for kind in _kinds(schema)}


def _kinds(schema: Mapping[str, Any]) -> Iterable[str]:
    kind = schema.get("properties", {}).get("kind", {})
    return [kind["const"]] if "const" in kind else kind.get("enum", [])


def consumers_find(emitted: Mapping[str, str], clean: Mapping[str, str], folder: Path) -> dict[str, bool]:
    """Return which consumers refuse files that differ from the clean ones."""
    changed = {path: text for path, text in emitted.items() if clean.get(path) != text}
    for path, text in changed.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    objects = [p for p in changed if p.startswith("deploy/") and p.endswith(".yaml") and "/monitoring/" not in p]
    return {
        KUBERNETES: any(not _is_object(changed[p]) for p in objects if not p.endswith(_OWN_OBJECTS)),
        ACTIONS: _refuses(tools.actionlint, folder, [p for p in changed if p.startswith(".github/workflows/")]),
        RULES: _refuses(tools.promtool_rules, folder, [p for p in changed if "/rules/" in p]),
    }


def _is_object(text: str) -> bool:
    """Tell what `kubernetes-validate --strict` says of a file, without a process for each."""
    try:
        kubernetes_validate.validate(yaml.safe_load(text), kubernetes_validate.latest_version(), strict=True)
    except kubernetes_validate.ValidationError:
        return False
    return True


def _refuses(tool: Callable[..., tools.Outcome], folder: Path, paths: list[str]) -> bool:
    return bool(paths) and not tool(*(folder / path for path in paths)).accepted
