"""Builders and looks at folders for the tests of what is written to disk."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from mlc_compiler.backend.target import Artifact, Part
from mlc_compiler.conventions import MANIFEST_FILE
from mlc_compiler.ir import Origin
from processes import forked, was_killed


def an_artifact(path: str, text: str = "replicas: 2\n", model: str | None = "late-arrival") -> Artifact:
    origin = Origin(f"Model/{model}", "spec.serving")
    return Artifact(path, text, origin, (Part(1, origin),), "prod", model, "kubernetes")


def artifacts(files: dict[str, str]) -> list[Artifact]:
    """Return artifacts: those in folders of manifests and cards are a model's, others nobody's."""
    model = {True: "late-arrival", False: None}
    return [an_artifact(path, text, model[path.startswith(("deploy/", "docs/"))]) for path, text in files.items()]


def tree(root: Path) -> dict[str, bytes]:
    """Return the files below a root with their bytes, but for mlc's own state."""
    found = (path for path in root.rglob("*") if path.is_file() and ".mlc" not in path.relative_to(root).parts)
    return {str(path.relative_to(root)): path.read_bytes() for path in found}


def texts(root: Path) -> dict[str, str]:
    """Return the generated files below a root, without the manifests."""
    return {path: text.decode() for path, text in tree(root).items() if not path.endswith(MANIFEST_FILE)}


def folders(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_dir() and path.name != ".mlc"}


def killed_at(step: int, action: Callable[[], object]) -> bool:
    """Run `action` in a child process that dies as by kill -9 just before its `step`-th touch of the disk (from 0).

    A write dies half-way. Return whether the child was killed, and not done before.
    """

    def act() -> int:
        _dying(step)
        action()
        return 0

    return was_killed(forked(act))


def _dying(step: int) -> None:
    left = step
    touches = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree"}

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        flags = arguments[2] if event == "open" else None
        if event in touches or (isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR)):
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1

    def half(file: int, content: memoryview) -> int:
        nonlocal left
        if left == 0:
            whole(file, content[: len(content) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return whole(file, content)

    whole = os.write
    os.write = half  # type: ignore[assignment]  # in the child only
    sys.addaudithook(count)
