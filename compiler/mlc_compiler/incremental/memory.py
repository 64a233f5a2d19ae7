"""What is remembered of a project that compiled: its files, what each model is made from, and the findings."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mlc_compiler.conventions import CACHE_FOLDER
from mlc_compiler.diagnostics import Finding, Place, Related, Severity, Span
from mlc_compiler.records import dataclass

FORMAT = 3
_FILE = f"{CACHE_FOLDER}/models.json"


@dataclass(frozen=True, slots=True)
class Unit:
    """A model: the labels of the documents that it is compiled from, what else it reads, and the files it becomes.

    `facts` is the digest of what artifacts that concern several models were written from. `ahead` says that some
    environment runs something else than the specs say.
    """

    needs: tuple[str, ...]
    reads: tuple[str, ...]
    artifacts: tuple[str, ...]
    facts: str
    ahead: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """What the commands say about the whole project."""

    name: str
    counts: tuple[tuple[int, str], ...]
    files: int
    unpinned: tuple[tuple[str, str | None, tuple[str, ...]], ...]
    """Each environment, the one it is promoted from, and its models without a pin."""


@dataclass(frozen=True, slots=True)
class Memory:
    """A project as it compiled, without errors. Paths are relative to the root."""

    made_by: str
    date: str
    """The day, for a project whose findings depend on it; else empty."""
    inputs: Mapping[str, str]
    """The stamp of every file and folder that was read or looked for."""
    specs: tuple[str, ...]
    """The folders that mlc.yaml names for specs."""
    files: tuple[str, ...]
    """The spec files in them."""
    labels: Mapping[str, tuple[str, ...]]
    """The documents of each spec file, in order."""
    common: tuple[str, ...]
    """The spec files that concern all models."""
    anchors: tuple[str, ...]
    """Models that common documents name: without them, these would seem to name nothing."""
    watched: tuple[str, ...]
    """The fields of models that artifacts about several models are written from."""
    units: Mapping[str, Unit]
    shared: tuple[str, ...]
    """The artifacts that concern several models."""
    findings: tuple[Finding, ...]
    summary: Summary
    disk: str = ""
    """The stamp of what is known of the outputs: the artifacts were on disk when it was written."""

    def save(self, root: Path) -> None:
        """Keep the memory; a folder that can't be written costs only time."""
        path = root / _FILE
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(_to_json(self), separators=(",", ":")), encoding="utf-8")
            temporary.replace(path)


def load(root: Path, made_by: str) -> Memory | None:
    """Return what the same mlc remembers of the project, if anything; what is damaged is as if it were not there."""
    try:
        data = json.loads((root / _FILE).read_bytes())
        return _from_json(data) if (data["format"], data["made_by"]) == (FORMAT, made_by) else None
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None


def stamps(root: Path, paths: Iterable[str]) -> dict[str, str]:
    """Return what changes whenever a file is written or replaced, and "" for what is not there."""
    return {path: _stamp(f"{root}/{path}") for path in paths}


def _stamp(path: str) -> str:
    try:
        status = os.stat(path)  # noqa: PTH116  thousands of them
    except OSError:
        return ""
    return f"{status.st_mtime_ns} {status.st_ctime_ns} {status.st_size} {status.st_ino}"


def newest(stamps: Mapping[str, str]) -> int:
    """Return the last time, in nanoseconds, at which one of the files changed."""
    return max((int(time) for stamp in stamps.values() for time in stamp.split()[:2]), default=0)


# --- JSON ------------------------------------------------------------------------------------------------------------
def _to_json(memory: Memory) -> dict[str, Any]:
    units = {name: (u.needs, u.reads, u.artifacts, u.facts, u.ahead) for name, u in memory.units.items()}
    return {
        "format": FORMAT,
        "made_by": memory.made_by,
        "date": memory.date,
        "inputs": memory.inputs,
        "specs": memory.specs,
        "files": memory.files,
        "labels": memory.labels,
        "common": memory.common,
        "anchors": memory.anchors,
        "watched": memory.watched,
        "units": units,
        "shared": memory.shared,
        "disk": memory.disk,
        "findings": [_finding_json(f) for f in memory.findings],
        "summary": asdict(memory.summary),
    }


def _from_json(data: Mapping[str, Any]) -> Memory:
    summary = data["summary"]
    return Memory(
        made_by=data["made_by"],
        date=data["date"],
        inputs=data["inputs"],
        specs=tuple(data["specs"]),
        files=tuple(data["files"]),
        labels={file: tuple(labels) for file, labels in data["labels"].items()},
        common=tuple(data["common"]),
        anchors=tuple(data["anchors"]),
        watched=tuple(data["watched"]),
        units={n: Unit(tuple(u[0]), tuple(u[1]), tuple(u[2]), u[3], bool(u[4])) for n, u in data["units"].items()},
        shared=tuple(data["shared"]),
        disk=data["disk"],
        findings=tuple(_finding(*f) for f in data["findings"]),
        summary=Summary(
            summary["name"],
            tuple((n, word) for n, word in summary["counts"]),
            summary["files"],
            tuple((name, before, tuple(models)) for name, before, models in summary["unpinned"]),
        ),
    )


def _finding_json(finding: Finding) -> list[Any]:
    related = [(r.label, r.text, _at_json(r.at)) for r in finding.related]
    at, severity = _at_json(finding.at), finding.severity.value
    return [finding.code, finding.message, at, finding.note, related, finding.help, severity, finding.fix]


def _finding(  # noqa: PLR0913, PLR0917  a row of JSON
    code: str,
    message: str,
    at: Any,  # noqa: ANN401
    note: str,
    related: Any,  # noqa: ANN401
    help: str,
    severity: str,
    fix: str,
) -> Finding:
    beside = tuple(Related(label, text, _at(where)) for label, text, where in related)
    place = _at(at)
    if place is None:
        raise ValueError(at)
    return Finding(code, message, place, note, beside, help, Severity(severity), fix)


def _at_json(at: Place | Span | None) -> list[Any] | None:
    if isinstance(at, Place):
        return ["place", at.file, at.document, at.path, at.key, at.within]
    return None if at is None else ["span", at.file, at.line, at.column, at.end_line, at.end_column]


def _at(value: Any) -> Place | Span | None:  # noqa: ANN401  a row of JSON
    if value is None:
        return None
    kind, file, *rest = value
    if kind == "span":
        return Span(file, *rest)
    document, path, key, within = rest
    return Place(file, document, tuple(path), key, None if within is None else (within[0], within[1]))
