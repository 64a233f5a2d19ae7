"""The kustomizations of an environment: one for each folder of Kubernetes objects, with the environment's patches.

Targets know only their own objects, so the core writes these files. A folder is a model's, as a rule: one list of all
models would be where every two pull requests that bring a model meet.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from mlc_compiler import conventions
from mlc_compiler.backend.artifacts import yaml_artifact
from mlc_compiler.backend.emitter import yaml_text
from mlc_compiler.backend.target import Artifact, Sourced
from mlc_compiler.ir import Environment, Frozen, Origin, Patch

Object = tuple[str, str]  # kind, name

FILE = "kustomization.yaml"
_KIND = re.compile(r"^kind: (\S+)$", re.MULTILINE)
_API_VERSION = re.compile(r"^apiVersion: \S+$", re.MULTILINE)
# The emitter writes metadata's name first, and quotes a name only where a reader could take it for a number.
_NAME = re.compile(r'^metadata:\n  name: "?([^"\n]+)"?$', re.MULTILINE)


def kustomizations(environment: Environment, artifacts: Iterable[Artifact]) -> Iterator[Artifact]:
    """Yield the kustomization of each folder below the environment's that holds objects.

    Namespaces stand on the objects themselves, so that each file is complete without kustomize. Patches that match no
    object are left out; `unmatched_patches` names them, for a finding. Raises ValueError for an object that stands in
    no folder of its own, which is a bug of a target.
    """
    made = tuple(artifacts)
    owners = {artifact.path: artifact.model for artifact in made}
    folders: dict[str, dict[str, Object]] = defaultdict(dict)
    for path, found in kubernetes_objects(environment.name, made).items():
        folders[_folder(path)][path] = found
    for folder, objects in sorted(folders.items()):
        models = {owners[path] for path in objects}
        yield _kustomization(environment, folder, objects, models.pop() if len(models) == 1 else None)


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
        path = artifact.path
        if not path.startswith(folder) or not path.endswith(".yaml") or path.endswith(f"/{FILE}"):
            continue
        if not _API_VERSION.search(artifact.text):
            continue
        kind, name = _KIND.search(artifact.text), _NAME.search(artifact.text)
        if kind and name:
            found[path] = (kind[1], name[1])
    return found


def _folder(path: str) -> str:
    """Return the folder below the environment's in which an object stands.

    >>> _folder("deploy/prod/late-arrival/jobs/monitor.yaml")
    'deploy/prod/late-arrival'
    """
    deploy, environment, *inside, _ = path.split("/")
    if not inside:
        raise ValueError(f"{path!r} is an object that stands in no folder of the environment's")
    return f"{deploy}/{environment}/{inside[0]}"


def _kustomization(environment: Environment, folder: str, objects: Mapping[str, Object], model: str | None) -> Artifact:
    data: dict[str, object] = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": sorted(path.removeprefix(f"{folder}/") for path in objects),
    }
    known = set(objects.values())
    if patches := [_patch(patch) for patch in environment.patches if (patch.kind, patch.name) in known]:
        data["patches"] = patches
    return yaml_artifact(f"{folder}/{FILE}", data, Origin(environment.origin.document), environment.name, model)


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
