"""The files of a dataset and their digests, remembered by stat so that an unchanged file is not read again."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from pathlib import Path

from mlc_compiler.backend.target import ExecutionError
from mlc_compiler.conventions import CACHE_FOLDER
from mlc_compiler.diagnostics import nearest
from mlc_compiler.ir import Dataset
from mlc_compiler.records import dataclass
from mlc_targets.local.findings import RefusedError, findings_of, refuse
from mlc_targets.local.store import read_json, write_json

_ENDINGS = {"parquet": (".parquet", ".pq"), "csv": (".csv", ".csv.gz", ".tsv"), "jsonl": (".jsonl", ".ndjson", ".json")}
_FRESH_NANOSECONDS = 2_000_000_000  # a file this young may change again within one tick of its mtime


def source_files(dataset: Dataset, root: Path) -> tuple[Path, ...]:
    """Return the files that hold a dataset, sorted; a path may be a file, a folder or a glob below the root.

    Raises ExecutionError where there is none, or where the source is of a kind that can't be read here.
    """
    source = dataset.source
    if source.format == "query":
        return ()
    if source.format == "sql":
        raise refuse(
            "MLC379",
            dataset.origin.at("source"),
            f"dataset `{dataset.name}` lies in a database, which runs on this machine do not read",
            help="export it to Parquet and name the file in `source.path`",
        )
    if source.path is None:
        return _local_url(dataset)
    found = _matches(root, source.path, _ENDINGS[source.format])
    if not found:
        raise _missing(dataset, root, source.path)
    return found


def _matches(root: Path, path: str, endings: tuple[str, ...]) -> tuple[Path, ...]:
    place = root / path
    if place.is_file():
        return (place,)
    if place.is_dir():
        return tuple(sorted(p for p in place.rglob("*") if p.is_file() and p.name.endswith(endings)))
    return tuple(sorted(p for p in root.glob(path) if p.is_file()))


def _local_url(dataset: Dataset) -> tuple[Path, ...]:
    url = dataset.source.url or ""
    if url.startswith("file://"):
        path = Path(url.removeprefix("file://"))
        if found := _matches(path.parent, path.name, _ENDINGS[dataset.source.format]):
            return found
        raise _missing(dataset, path.parent, path.name)
    raise refuse(
        "MLC379",
        dataset.origin.at("source.url"),
        f"dataset `{dataset.name}` lies at {url}, which runs on this machine do not read",
        help="copy the files below the project and name them in `source.path`, or use a file:// URL",
    )


def _missing(dataset: Dataset, root: Path, path: str) -> ExecutionError:
    folder = (root / path).parent
    names = [p.name for p in folder.iterdir()] if folder.is_dir() else []
    close = nearest(Path(path).name, names)
    what = f"there is no file at {path}" if folder.is_dir() else f"there is no folder {Path(path).parent}"
    return refuse(
        "MLC370",
        dataset.origin.at("source.path"),
        f"dataset `{dataset.name}`: {what}",
        note="paths start at the project's folder",
        help=f"did you mean {Path(path).parent / close}?" if close else "put the data there, or mend the path",
    )


# --- digests ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Digests:
    """Digests of files by their stat; `known` came from the cache, `fresh` collects what was read just now."""

    root: Path
    known: Mapping[str, object]
    fresh: dict[str, list[object]] = field(default_factory=dict)

    def file(self, path: Path) -> str:
        """Return the SHA-256 of a file's content, in hexadecimal."""
        stat = path.stat()
        signature = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
        name = str(path.absolute())
        entry = self.fresh.get(name) or self.known.get(name)
        if isinstance(entry, list) and entry[:-1] == signature:
            return str(entry[-1])
        digest = _sha256(path)
        if stat.st_mtime_ns + _FRESH_NANOSECONDS < time.time_ns():
            self.fresh[name] = [*signature, digest]
        return digest

    def save(self) -> None:
        """Keep what was read; a cache that can't be written costs time only."""
        if self.fresh:
            try:
                write_json(_cache_file(self.root), {**self.known, **self.fresh})
            except OSError:
                return


def open_digests(root: Path) -> Digests:
    """Return the remembered digests; a damaged cache is an empty one."""
    return Digests(root, read_json(_cache_file(root)) or {})


def _cache_file(root: Path) -> Path:
    return root / CACHE_FOLDER / "files.json"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def dataset_digests(datasets: Sequence[Dataset], root: Path) -> dict[str, str]:
    """Return each dataset's digest, `sha256:...`; datasets that a query reads must be among them.

    Raises RefusedError with the findings of all datasets that can't be found.
    """
    digests = open_digests(root)
    by_name = {d.name: d for d in datasets}
    found: dict[str, str] = {}
    refused: list[ExecutionError] = []
    for dataset in in_order(datasets):
        try:
            found[dataset.name] = _dataset_digest(dataset, root, digests, found)
        except ExecutionError as failure:
            refused.append(failure)
            found[dataset.name] = ""
    digests.save()
    _raise_all(refused)
    return {name: found[name] for name in by_name}


def _raise_all(refused: Sequence[ExecutionError]) -> None:
    if refused:
        raise RefusedError(tuple(f for failure in refused for f in findings_of(failure)))


def _dataset_digest(dataset: Dataset, root: Path, digests: Digests, found: Mapping[str, str]) -> str:
    files = source_files(dataset, root)
    if dataset.source.format == "query":
        lines = [dataset.source.query or "", *(f"{name}\0{found[name]}" for name in sorted(dataset.source.reads))]
    else:
        lines = [f"{_partition(path)}\0{digests.file(path)}" for path in files]
    return "sha256:" + hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _partition(path: Path) -> str:
    """Return what a path says of its rows (key=value folders); other names don't matter, so files may be moved."""
    return "/".join(part for part in path.parent.parts if "=" in part)


def in_order(datasets: Iterable[Dataset]) -> tuple[Dataset, ...]:
    """Return datasets so that each query comes after what it reads."""
    left = {d.name: d for d in datasets}
    ordered: list[Dataset] = []

    def visit(dataset: Dataset) -> None:
        for name in sorted(dataset.source.reads):
            if name in left:
                visit(left.pop(name))
        ordered.append(dataset)

    while left:
        visit(left.pop(min(left)))
    return tuple(ordered)


def with_reads(names: Iterable[str], datasets: Sequence[Dataset]) -> tuple[Dataset, ...]:
    """Return the named datasets and all that their queries read, each after what it reads."""
    by_name = {d.name: d for d in datasets}
    wanted: dict[str, Dataset] = {}
    left = list(names)
    while left:
        name = left.pop()
        if name in by_name and name not in wanted:
            wanted[name] = by_name[name]
            left += by_name[name].source.reads
    return in_order(wanted.values())


def file_sizes(files: Sequence[Path], root: Path) -> tuple[tuple[str, int], ...]:
    """Return paths, below the root where they lie there, with their sizes in bytes."""
    return tuple((_relative(path, root), path.stat().st_size) for path in files)


def _relative(path: Path, root: Path) -> str:
    absolute, base = path.absolute(), root.absolute()
    return absolute.relative_to(base).as_posix() if absolute.is_relative_to(base) else os.fspath(absolute)
