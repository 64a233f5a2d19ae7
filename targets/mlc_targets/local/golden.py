"""Golden vectors through all evaluators of a feature: training's query, the server's way from a request, a batch's.

On rows of the project itself, or on a package: `python -m mlc_targets.local.golden --package DIR` in an image.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import math
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import duckdb

from mlc_compiler.backend.target import ExecutionError, ParityResult
from mlc_compiler.conventions import counted
from mlc_compiler.diagnostics import Finding, Span
from mlc_compiler.ir import Origin, ParityTest
from mlc_compiler.records import dataclass
from mlc_compiler.sql.vector_file import VectorFileError, read_vectors
from mlc_compiler.sql.vectors import Golden, Vector, golden, golden_vectors
from mlc_targets.local import evaluators
from mlc_targets.local.commands import tell
from mlc_targets.local.evaluators import Answer, Trained, Value
from mlc_targets.local.findings import error, refuse
from mlc_targets.local.package.bundle import GOLDEN_FILE, read_manifest
from mlc_targets.local.package.manifest import PackageManifest, request_columns
from mlc_targets.local.package.recorded import json_value, recorded_differences
from mlc_targets.local.serve.snapshot import SnapshotError
from mlc_targets.local.train.rows import packaged_features

CLOSE = 1e-6  # relative: one float32 step is 1.2e-7, and sums of other rows may round in another order
_MOST = 200  # characters of a value in a message


@dataclass(frozen=True, slots=True)
class Compared:
    """What became of the vectors: the values of each that all evaluators took, and what differs as findings."""

    vectors: int
    compared: int
    refused: tuple[str, ...]  # names of the vectors that the server refuses, as its schema says
    left_out: int  # rows that training leaves out, by the view's `where`
    values: tuple[Mapping[str, object], ...]
    findings: tuple[Finding, ...]
    refusal: str = ""  # why the server refuses the plain row, where it does


@dataclass(frozen=True, slots=True)
class _Answered:
    """One vector: training's features, and those of every other evaluator that took it, by its name."""

    vector: Vector
    trained: Answer
    others: tuple[tuple[str, Answer], ...]


def compare_view(test: ParityTest) -> ParityResult:
    """Compare training and serving of a view's features; raises ExecutionError where they can't be computed."""
    query = test.query
    manifest = PackageManifest(
        project="", model=test.view, version="", task="regression", format="skops", timezone=test.timezone,
        features=packaged_features(query.features), request=request_columns(query), serving_sql=query.serving_sql,
        batch_sql=query.batch_sql, spine=query.spine, primary_key=query.primary_key, lookups=query.lookups,
        datasets=test.datasets, refresh=query.refresh, row_sql=query.row_sql,
    )  # fmt: skip
    looked_up = frozenset(feature.name for feature in query.features if feature.online)
    compared = compare(manifest, test.origin, looked_up=looked_up, definition=query.definition)
    return ParityResult(test.view, summary(compared), compared.values, compared.findings)


def compare(
    manifest: PackageManifest, origin: Origin, *, vectors: Sequence[Vector] = (), definition: str = "",
    looked_up: frozenset[str] | None = None, recorded: str = "",
) -> Compared:  # fmt: skip
    """Send golden vectors through training, serving and a batch; `origin` is of the features.

    Features that are `looked_up` (None: all, where there are lookups) may differ by what their sums round; the others
    may not differ at all. `definition` is the canonical text of the query's rows, for vectors that are not given;
    `recorded` is what a package keeps of its training.
    """
    made = vectors_of(manifest, vectors, definition)
    names = frozenset(f.name for f in manifest.features if manifest.lookups) if looked_up is None else looked_up
    trained, answered = _answered(manifest, made, origin)
    findings = tuple(_differences(manifest, answered, names, origin))
    if recorded:
        findings += tuple(recorded_differences(manifest, recorded, made, trained, origin))
    refused = tuple(a.vector.name for a in answered if len(a.others) < _EVALUATORS)
    values = tuple(_values(answered))
    left_out, refusal = len(made.vectors) - len(trained.vectors), evaluators.refusal(manifest, made.vectors[0])
    return Compared(len(made.vectors), len(values), refused, left_out, values, findings, refusal)


def vectors_of(manifest: PackageManifest, vectors: Sequence[Vector] = (), definition: str = "") -> Golden:
    """Return vectors, those given or those that the package's columns make, with rows for them to meet."""
    given = vectors or golden_vectors(manifest.request, manifest.primary_key, manifest.timezone, definition)
    return golden(given, manifest.request, manifest.lookups, manifest.datasets, manifest.spine)


_EVALUATORS = 3  # besides training: a request alone, among others, and a batch


def _answered(manifest: PackageManifest, made: Golden, origin: Origin) -> tuple[Trained, list[_Answered]]:
    """Return what each evaluator makes of the vectors that training keeps. Raises ExecutionError (MLC361)."""
    with tempfile.TemporaryDirectory(prefix="mlc-golden-") as name:
        root = Path(name)
        datasets = evaluators.write_tables(made, manifest.datasets, manifest.spine, root)
        try:
            trained = evaluators.train(manifest, datasets, made, root)
            scored = evaluators.batch(manifest, datasets, made, root)
            served = evaluators.serve(manifest, datasets[:-1], trained, root)
        except (duckdb.Error, SnapshotError) as failure:
            raise _fails(origin, failure) from failure
    answered = []
    for vector, ours, answers in zip(trained.vectors, trained.answers, served, strict=True):
        others = [("when served", answer) for answer in answers]
        others += [("in a batch", scored[vector.name])] if vector.name in scored else []
        answered.append(_Answered(vector, ours, tuple(others)))
    return trained, answered


def _fails(origin: Origin, failure: Exception) -> ExecutionError:
    return refuse(
        "MLC361",
        origin.at("features"),
        "the features of the golden vectors can't be computed",
        note=(str(failure).splitlines() or [type(failure).__name__])[0],
        help="bound the columns that it names (`minimum`, `maximum`), or write the feature so that no value fails",
    )


# --- comparing -------------------------------------------------------------------------------------------------------
def _differences(
    manifest: PackageManifest, answered: Sequence[_Answered], looked_up: frozenset[str], origin: Origin
) -> Iterator[Finding]:
    """Yield one finding a feature that differs, on the first vector where it does."""
    for feature in manifest.features:
        different = [
            (each.vector, each.trained[feature.name], where, answer[feature.name])
            for each in answered
            for where, answer in each.others
            if not _same(each.trained[feature.name], answer[feature.name], exact=feature.name not in looked_up)
        ]
        if different:
            vector, ours, where, theirs = different[0]
            names = list(dict.fromkeys(v.name for v, _, _, _ in different))
            yield error(
                "MLC360",
                origin.at(f"features.{feature.name}"),
                f"`{feature.name}` is {_pair(ours, theirs)} {where}",
                note=f"for {_request(vector)}",
                help="this is a fault of mlc or of DuckDB: report it, and write the feature in another way",
                related=f"{len(names)} of {len(answered)} golden vectors: {', '.join(names[:5])}",
            )


def _same(ours: Value, theirs: Value, *, exact: bool) -> bool:
    """Tell whether two values are one: as the queries return them, and as the model takes them."""
    return _alike(ours.raw, theirs.raw, exact=exact) and _alike(ours.taken, theirs.taken, exact=exact)


def _alike(ours: object, theirs: object, *, exact: bool) -> bool:
    if not _is_number(ours) or not _is_number(theirs):
        return ours == theirs and isinstance(ours, bool) == isinstance(theirs, bool)
    first, second = float(str(ours)), float(str(theirs))
    if math.isnan(first) or math.isnan(second):
        return math.isnan(first) and math.isnan(second)
    if isinstance(ours, int) and isinstance(theirs, int):
        return ours == theirs
    close = not exact and math.isclose(first, second, rel_tol=CLOSE, abs_tol=CLOSE)
    return close or (first == second and math.copysign(1, first) == math.copysign(1, second))


def _is_number(value: object) -> bool:
    return not isinstance(value, str | bool | dt.datetime) and value is not None


def _pair(ours: Value, theirs: Value) -> str:
    """Return both values as the model takes them; where it takes the same, as the queries return them."""
    taken = not _alike(ours.taken, theirs.taken, exact=True)
    first, second = (_shown(value.taken if taken else value.raw) for value in (ours, theirs))
    return f"{first} in training and {second}"


def _shown(value: object) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)[:_MOST] if value else "null"
    if not _is_number(value):
        return "null" if value is None else str(value)
    return "null" if math.isnan(float(str(value))) else repr(float(str(value)))


def _request(vector: Vector) -> str:
    return json.dumps(dict(vector.values), ensure_ascii=False, default=str)[:_MOST]


def _values(answered: Sequence[_Answered]) -> Iterator[Mapping[str, object]]:
    for each in answered:
        if len(each.others) == _EVALUATORS:
            features = {name: json_value(value.taken) for name, value in each.trained.items()}
            yield {"vector": each.vector.name, "request": dict(each.vector.values), "features": features}


# --- command ---------------------------------------------------------------------------------------------------------
def main(arguments: Sequence[str] | None = None) -> int:
    """Compare the evaluators of a package, here and when it was made; exit code 0, or 1 after a finding."""
    parser = argparse.ArgumentParser("python -m mlc_targets.local.golden", description="Compare training and serving.")
    parser.add_argument("--package", type=Path, required=True, help="folder of the package")
    parser.add_argument("--vectors", type=Path, help="golden-vectors.jsonl (default: those that the package holds)")
    given = parser.parse_args(arguments)
    try:
        manifest = read_manifest(given.package)
        recorded = _text(given.package / GOLDEN_FILE) if (given.package / GOLDEN_FILE).exists() else ""
        vectors = _vectors(manifest, given.vectors, recorded)
        compared = compare(manifest, Origin(f"Model/{manifest.model}"), vectors=vectors, recorded=recorded)
    except ExecutionError as failure:
        return tell(failure)
    for finding in compared.findings:
        tell(ExecutionError(finding))
    sys.stdout.write(f"{manifest.model}: {summary(compared)}\n")
    return 1 if compared.findings else 0


def _vectors(manifest: PackageManifest, path: Path | None, recorded: str) -> tuple[Vector, ...]:
    """Return the vectors of a file, or else those of the package; none where it has none."""
    if path is None and not recorded:
        return ()
    try:
        return read_vectors(_text(path) if path else recorded, manifest.request)
    except VectorFileError as failure:
        raise _unreadable(path or Path(GOLDEN_FILE), str(failure)) from failure


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as failure:
        raise _unreadable(path, str(failure)) from failure


def _unreadable(path: Path, reason: str) -> ExecutionError:
    place = Span(str(path), 1, 1, 1, 1)
    help = "run `mlc build` for the model as it is, and take the package of that version"
    return ExecutionError(Finding("MLC363", "the golden vectors are not of this package", place, reason, help=help))


def summary(compared: Compared) -> str:
    """Return in words what was compared."""
    said = f"{compared.compared} golden vectors mean the same in training and serving"
    if not compared.compared:
        said = f"none of {compared.vectors} golden vectors could be compared"
    if compared.findings:
        said = f"{counted(len(compared.findings), 'feature')} of {compared.compared} golden vectors came out otherwise"
    refused = f"; the server refuses {len(compared.refused)}" if compared.refused else ""
    refused += f" ({compared.refusal})" if refused and compared.refusal else ""
    return said + refused + (f"; training leaves out {compared.left_out}" if compared.left_out else "")


if __name__ == "__main__":
    sys.exit(main())
