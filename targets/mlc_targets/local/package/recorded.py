"""What training made of the golden vectors when a package was made, kept in it, so that another engine is found out.

The lines are those of the recipe's `golden-vectors.jsonl`, each with the features; the first says of which rows.
"""

from __future__ import annotations

import hashlib
import json
import math
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb

from mlc_compiler.diagnostics import Finding
from mlc_compiler.ir import FeatureQuery, Origin
from mlc_compiler.sql.vector_file import read_vectors, vector_lines
from mlc_compiler.sql.vectors import Golden, Vector, golden
from mlc_targets.local import evaluators
from mlc_targets.local.evaluators import Trained
from mlc_targets.local.findings import error
from mlc_targets.local.package.manifest import PackageManifest

CLOSE = 1e-6  # relative: engines may part in the last bits of a logarithm, and a model sees 24
_ENGINE = "duckdb"
_SHOWN = 200


def recorded_text(manifest: PackageManifest, query: FeatureQuery) -> str:
    """Return the vectors of a package with training's features; without features where the query fails on them."""
    text = vector_lines(query, manifest.timezone).text
    vectors = read_vectors(text, manifest.request)
    made = golden(vectors, manifest.request, manifest.lookups, manifest.datasets, manifest.spine)
    head, *lines = (json.loads(line) for line in text.splitlines())
    found = _features(manifest, made)
    rows = [line | ({"features": found[line["vector"]]} if line["vector"] in found else {}) for line in lines]
    return "".join(json.dumps(line) + "\n" for line in [head | {"rows": rows_digest(made)}, *rows])


def _features(manifest: PackageManifest, made: Golden) -> Mapping[str, Mapping[str, object]]:
    with tempfile.TemporaryDirectory(prefix="mlc-golden-") as name:
        datasets = evaluators.write_tables(made, manifest.datasets, manifest.spine, Path(name))
        try:
            trained = evaluators.train(manifest, datasets, made, Path(name))
        except duckdb.Error:  # `mlc test` and the image's build tell it with its place
            return {}
    rows = zip(trained.vectors, trained.answers, strict=True)
    return {vector.name: {n: json_value(value.taken) for n, value in answer.items()} for vector, answer in rows}


def json_value(value: object) -> object:
    """Return a feature, as models take it, as JSON holds it: null where there is none."""
    if isinstance(value, str):
        return value
    number = float(str(value))
    if math.isnan(number):
        return None
    return number if math.isfinite(number) else "Infinity" if number > 0 else "-Infinity"


def rows_digest(made: Golden) -> str:
    """Return the digest of all rows that vectors meet: features of other rows can't be compared."""
    return "sha256:" + hashlib.sha256(json.dumps(dict(made.tables), sort_keys=True).encode()).hexdigest()


# --- comparing -------------------------------------------------------------------------------------------------------
def recorded_differences(
    manifest: PackageManifest, text: str, made: Golden, trained: Trained, origin: Origin
) -> Iterator[Finding]:
    """Yield one finding a feature that training had otherwise; none where the record is of other rows."""
    head, *lines = (json.loads(line) for line in text.splitlines())
    if head.get("rows") != rows_digest(made):
        return
    kept = {line["vector"]: line["features"] for line in lines if "features" in line}
    for feature in manifest.features:
        pairs = [
            (vector, kept[vector.name][feature.name], json_value(answer[feature.name].taken))
            for vector, answer in zip(trained.vectors, trained.answers, strict=True)
            if feature.name in kept.get(vector.name, ())
        ]
        different = [pair for pair in pairs if not _same(*pair[1:])]
        if different:
            yield _finding(manifest, feature.name, different, len(pairs), origin)


def _same(then: object, now: object) -> bool:
    if isinstance(then, float) and isinstance(now, float):
        return math.isclose(then, now, rel_tol=CLOSE)
    return then == now


def _finding(
    manifest: PackageManifest, name: str, different: list[tuple[Vector, object, object]], compared: int, origin: Origin
) -> Finding:
    vector, then, now = different[0]
    made_by, here = dict(manifest.libraries).get(_ENGINE, "of another version"), duckdb.__version__
    other = f"install {_ENGINE} {made_by}, or train the model again"
    names = ", ".join(v.name for v, _, _ in different[:5])
    return error(
        "MLC362",
        origin.at(f"features.{name}"),
        f"`{name}` is {json.dumps(now)[:_SHOWN]} here, and was {json.dumps(then)[:_SHOWN]} when the model was trained",
        note=f"for {json.dumps(dict(vector.values), ensure_ascii=False, default=str)[:_SHOWN]}; the package was made "
        f"with {_ENGINE} {made_by}, and {here} is installed",
        help=other if made_by != here else "train the model again; if it is the machine that differs, report it",
        related=f"{len(different)} of {compared} golden vectors: {names}",
    )
