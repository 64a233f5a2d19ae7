"""The local store: outputs of steps and packages, each written in a temporary folder and then renamed, never changed.

Renaming is what makes a killed run resumable and two runs at once safe: a folder that has its name is whole.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mlc_compiler.backend.target import ExecutionError
from mlc_compiler.conventions import short
from mlc_compiler.diagnostics import Finding, Span
from mlc_compiler.ir import Project
from mlc_compiler.records import dataclass
from mlc_targets.local.findings import refuse

RECORD_FILE = "record.json"
_STAGING = re.compile(r"\.tmp-(\d+)-")


@dataclass(frozen=True, slots=True)
class Store:
    """Folders below one root: steps/<key>/, packages/<digest>/, realisations/<version>.json."""

    root: Path

    def step(self, key: str) -> Path:
        """Return the folder of a step's outputs."""
        return self.root / "steps" / key

    def package(self, digest: str) -> Path:
        """Return the folder of a package by its digest."""
        return self.root / "packages" / short(digest)

    def realisation(self, version: str) -> Path:
        """Return the file that says which package a version came to."""
        return self.root / "realisations" / f"{short(version)}.json"

    def record(self, key: str) -> Mapping[str, Any] | None:
        """Return the record of a finished step, or None where it is not finished or not readable."""
        return read_json(self.step(key) / RECORD_FILE)

    def keep(self, key: str, write: Callable[[Path], Mapping[str, object]]) -> None:
        """Let `write` fill a folder and return its record, then give the folder its name.

        Where another run was quicker, its outputs stay: both are of the same inputs.
        """
        with guarded(self.root):
            staging = self._staging()
            try:
                write_json(staging / RECORD_FILE, write(staging))
                if self.record(key) is None:
                    self.drop(key)  # what is there is damaged
                _rename(staging, self.step(key))
            finally:
                shutil.rmtree(staging, ignore_errors=True)

    def drop(self, key: str) -> None:
        """Remove a step's outputs."""
        shutil.rmtree(self.step(key), ignore_errors=True)

    def publish(self, package: Path, digest: str) -> None:
        """Give a package the folder of its digest, where there is none yet."""
        folder = self.package(digest)
        if folder.is_dir():
            return
        staging = self._staging()
        try:
            shutil.copytree(package, staging / "package")
            folder.parent.mkdir(parents=True, exist_ok=True)
            _rename(staging / "package", folder)
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def sweep(self) -> None:
        """Remove what killed runs left behind."""
        for folder in (self.root / "steps").glob(".tmp-*"):
            found = _STAGING.match(folder.name)
            if found and not _alive(int(found[1])):
                shutil.rmtree(folder, ignore_errors=True)

    def _staging(self) -> Path:
        steps = self.root / "steps"
        steps.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f".tmp-{os.getpid()}-", dir=steps))


def open_store(project: Project, root: Path) -> Store:
    """Return the project's local store; raises ExecutionError where it is not a folder."""
    location = project.store_local.removeprefix("file://")
    if "://" in location:
        raise refuse(
            "MLC466",
            project.origin.at("store.local"),
            f"`store.local` is {project.store_local}: runs on this machine keep their steps in a folder",
            help="name a folder, such as .mlc/store; `store.ci` may be a URL",
        )
    return Store(root / location)


class guarded:  # noqa: N801  reads as a statement: with guarded(folder)
    """Turns a full or read-only disk into a finding."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, failure: BaseException | None, trace: object) -> None:
        if isinstance(failure, OSError):
            raise unwritable(self._folder, failure) from failure


def unwritable(folder: Path, failure: OSError) -> ExecutionError:
    """Return the finding of a folder that could not be written."""
    reason = failure.strerror or str(failure)
    return ExecutionError(Finding(
        "MLC483", f"{folder} could not be written: {reason}", Span(str(folder), 1, 1, 1, 1),
        note="nothing half-written was left there", help="make room on the disk and see that the folder is writable",
    ))  # fmt: skip


def read_json(path: Path) -> Mapping[str, Any] | None:
    """Return a JSON object from a file, or None where there is none or it is damaged."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def write_json(path: Path, value: object) -> None:
    """Write a JSON file atomically: sorted keys, two spaces, one newline at the end."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a file atomically, making its folder; one that holds the same bytes is left alone."""
    content = text.encode()
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    staging = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        staging.chmod(0o644)  # mkstemp is private, and evidence is committed
        staging.replace(path)
    finally:
        staging.unlink(missing_ok=True)


def _rename(staging: Path, folder: Path) -> None:
    try:
        staging.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
