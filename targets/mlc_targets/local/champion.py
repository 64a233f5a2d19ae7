"""The champion: the version pinned where this one would be promoted to, here the last environment."""

from __future__ import annotations

from mlc_compiler.ir import Model, Pin, ProjectRelease
from mlc_targets.local.findings import refuse
from mlc_targets.local.job import Champion
from mlc_targets.local.store import Store


def find_champion(project: ProjectRelease, model: Model, store: Store) -> Champion | None:
    """Return the champion with its package from the store, or None where nothing is pinned yet.

    Raises ExecutionError where its package is not in the store: a check against it could not be decided.
    """
    pin = _pin(project, model.name)
    if pin is None:
        return None
    folder = store.package(pin.artifact)
    if not folder.is_dir():
        raise refuse(
            "MLC467",
            model.origin,
            f"the champion of `{model.name}`, {pin.artifact}, is not in the store",
            note=f"it is pinned in {pin.path}; gates compare with it on the same rows",
            help=f"fetch the package into {folder.parent.parent}, or check out the commit that made it and run there",
        )
    from mlc_targets.local.package.manifest import PackageManifest

    manifest = PackageManifest.from_json((folder / "package.json").read_bytes())
    return Champion(manifest.version, pin.artifact, folder, manifest.datasets)


def _pin(project: ProjectRelease, name: str) -> Pin | None:
    if not project.releases:
        return None
    return next((m.pin for m in project.releases[-1].models if m.name == name), None)
