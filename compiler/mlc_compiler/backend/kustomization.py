"""The kustomization of an environment: all Kubernetes objects that targets wrote for it, and the environment's patches.

Targets know only their own objects, so the core writes this one file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from mlc_compiler import conventions
from mlc_compiler.backend.artifacts import yaml_artifact
from mlc_compiler.backend.emitter import yaml_text
from mlc_compiler.backend.target import Artifact, Sourced
from mlc_compiler.ir import Environment, Frozen, Origin, Patch

Object = tuple[str, str]  # kind, name

_KIND = re.compile(r"^kind: (\S+)$", re.MULTILINE)
_API_VERSION = re.compile(r"^apiVersion: \S+$", re.MULTILINE)
# The emitter writes metadata's name first, and quotes a name only where a reader could take it for a number.
_NAME = re.compile(r'^metadata:\n  name: "?([^"\n]+)"?$', re.MULTILINE)


def kustomization_path(environment: str) -> str:
    """Return where an environment's kustomization stands."""
    return f"{conventions.DEPLOY_FOLDER}/{environment}/kustomization.yaml"


def kustomization(environment: Environment, artifacts: Iterable[Artifact]) -> Artifact | None:
    """Return the environment's kustomization, or None while it has no objects: kustomize refuses an empty one.

    Namespaces stand on the objects themselves, so that each file is complete without kustomize. Patches that match no
    object are left out; `unmatched_patches` names them, for a finding.
    """
    objects = kubernetes_objects(environment.name, artifacts)
    if not objects:
        return None
    folder = f"{conventions.DEPLOY_FOLDER}/{environment.name}/"
    data: dict[str, object] = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": sorted(path.removeprefix(folder) for path in objects),
    }
    known = set(objects.values())
    if patches := [_patch(patch) for patch in environment.patches if (patch.kind, patch.name) in known]:
        data["patches"] = patches
    path = kustomization_path(environment.name)
    return yaml_artifact(path, data, Origin(environment.origin.document), environment=environment.name)


def unmatched_patches(
    environment: Environment, artifacts: Iterable[Artifact]
) -> tuple[tuple[Patch, tuple[Object, ...]], ...]:
    """Return each patch whose target no artifact writes, with kind and name of the objects that there are."""
    if not environment.patches:
        return ()
    objects = tuple(sorted(kubernetes_objects(environment.name, artifacts).values()))
    return tuple((patch, objects) for patch in environment.patches if (patch.kind, patch.name) not in objects)


def kubernetes_objects(environment: str, artifacts: Iterable[Artifact]) -> dict[str, Object]:
    """Return the paths of Kubernetes objects below the environment's folder; rule files and dashboards are none."""
    folder = f"{conventions.DEPLOY_FOLDER}/{environment}/"
    found: dict[str, Object] = {}
    for artifact in artifacts:
        if not artifact.path.startswith(folder) or not artifact.path.endswith(".yaml"):
            continue
        if artifact.path == kustomization_path(environment) or not _API_VERSION.search(artifact.text):
            continue
        kind, name = _KIND.search(artifact.text), _NAME.search(artifact.text)
        if kind and name:
            found[artifact.path] = (kind[1], name[1])
    return found


def _patch(patch: Patch) -> Sourced:
    if patch.operations:
        text, _ = yaml_text([_thaw(operation) for operation in patch.operations])
    else:
        merge = json.loads(patch.merge) if isinstance(patch.merge, str) else _thaw(patch.merge)
        # kustomize wants to read which object a merge is for, though the target beside it says so.
        text, _ = yaml_text(_merged({"kind": patch.kind, "metadata": {"name": patch.name}}, merge))
    return Sourced({"target": {"kind": patch.kind, "name": patch.name}, "patch": text}, patch.origin)


def _merged(own: object, given: object) -> object:
    """Return what is given on top of what is ours; anything but two mappings replaces."""
    if not isinstance(own, Mapping) or not isinstance(given, Mapping):
        return given
    return {**own, **{key: _merged(own[key], value) if key in own else value for key, value in given.items()}}


def _thaw(value: Frozen) -> object:
    """Return a frozen value as mappings and lists: a non-empty tuple of pairs with text keys was a mapping."""
    if not isinstance(value, tuple):
        return value
    if value and all(_is_pair(item) for item in value):
        return {str(item[0]): _thaw(item[1]) for item in value if isinstance(item, tuple)}
    return [_thaw(item) for item in value]


def _is_pair(item: object) -> bool:
    return isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str)
