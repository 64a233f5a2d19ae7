"""Writing for readers that never see half of it: a folder or file is made beside its place and then renamed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mlc_compiler.backend.target import ExecutionError
from mlc_compiler.diagnostics import Finding, Span


@contextlib.contextmanager
def staging_folder(place: Path) -> Iterator[Path]:
    """Make an empty folder beside `place`; whatever is left of it at the end is removed.

    Raises ExecutionError MLC483 where the disk refuses, here and in what is done meanwhile.
    """
    folder: Path | None = None
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
        folder.chmod(0o755)  # mkdtemp is private, and readers are other users
        yield folder
    except OSError as error:
        raise unwritable(place, error) from error
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def place_folder(new: Path, place: Path) -> None:
    """Put a folder in the place of another; a kill between the two renames is mended by `recover_folders`."""
    previous = _previous(place)
    if place.exists():
        place.rename(previous)
    new.rename(place)
    shutil.rmtree(previous, ignore_errors=True)


def recover_folders(place: Path) -> None:
    """Finish or undo what a killed `place_folder` left of a place and the places below it."""
    for previous in [_previous(place), *place.rglob(".*.previous")]:
        if previous.exists():
            _recover(previous, previous.with_name(previous.name[1:].removesuffix(".previous")))


def _recover(previous: Path, place: Path) -> None:
    if place.exists():
        shutil.rmtree(previous)
    else:
        previous.rename(place)


def _previous(place: Path) -> Path:
    return place.with_name(f".{place.name}.previous")


def place_text(text: str, place: Path) -> None:
    """Replace a small file in one step."""
    temporary = place.with_name(f".{place.name}-{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(place)


@contextlib.contextmanager
def alone(place: Path) -> Iterator[None]:
    """Hold the lock of a place, waiting for another process that has it; a dead process holds nothing."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        lock = place.with_name(f".{place.name}.lock").open("w")
    except OSError as error:
        raise unwritable(place, error) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def unwritable(place: Path, error: OSError) -> ExecutionError:
    """Return the finding of a place that cannot be written to."""
    return ExecutionError(Finding(
        "MLC483", f"{place} cannot be written: {error.strerror or error}", Span(str(place), 1, 1, 1, 1),
        help="make room on the disk and see that the folder is writable",
    ))  # fmt: skip
