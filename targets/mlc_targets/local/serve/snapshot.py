"""The online snapshot as the server sees it: the folder that `current` names, with one Parquet file a lookup."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from mlc_compiler.ir import Lookup
from mlc_compiler.records import dataclass

POINTER = "current"
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")


class SnapshotError(Exception):
    """A snapshot that cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One snapshot: its identifier, the lookups' files by name, and when it was made current (seconds, epoch)."""

    identifier: str
    tables: tuple[tuple[str, Path], ...]
    written: float


def current_identifier(online: Path) -> str | None:
    """Return what `current` names, or None where there is no snapshot yet. Raises SnapshotError for other content."""
    try:
        text = (online / POINTER).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise SnapshotError(f"{POINTER} cannot be read: {error}") from error
    if not _IDENTIFIER.fullmatch(text):
        raise SnapshotError(f"{POINTER} does not name a snapshot")
    return text


def open_snapshot(online: Path, lookups: Sequence[Lookup]) -> Snapshot | None:
    """Return the current snapshot, or None where there is none yet. Raises SnapshotError where files are missing."""
    identifier = current_identifier(online)
    if identifier is None:
        return None
    tables = tuple((lookup.name, online / identifier / f"{lookup.name}.parquet") for lookup in lookups)
    missing = [name for name, path in tables if not path.is_file()]
    if missing:
        raise SnapshotError(f"snapshot {identifier} lacks {', '.join(missing)}")
    return Snapshot(identifier, tables, (online / POINTER).stat().st_mtime)
