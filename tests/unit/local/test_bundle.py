"""Packages: written once, whole or not at all, and loaded only when they are what they should be."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import pickle
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlc_compiler.backend.target import ExecutionError
from mlc_compiler.codes import REGISTRY
from mlc_targets.local.package.bundle import (
    PackagedFeature,
    PackageManifest,
    encode_columns,
    load_package,
    package_digest,
    read_manifest,
    write_package,
)
from mlc_targets.local.package.manifest import ManifestError
from serving import a_manifest, a_model, a_package, probability

COLUMNS = {
    "carrier": np.array(["UA", None], dtype=object),
    "distance": np.ma.masked_array([500, 0], [False, True], dtype=np.int64),
    "hour": np.array([8, 9], dtype=np.int64),
    "carrier_delay": np.array([np.nan, 10.0]),
}


def code_of(error: pytest.ExceptionInfo[ExecutionError]) -> str:
    assert error.value.finding.code in REGISTRY
    return error.value.finding.code


def test_a_manifest_survives_writing_and_reading() -> None:
    manifest = a_manifest()
    assert PackageManifest.from_json(manifest.to_json()) == manifest


def test_the_same_manifest_is_the_same_text() -> None:
    assert a_manifest().to_json() == a_manifest().to_json()
    assert a_manifest().to_json().endswith("}\n")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"task": "clustering"}, "`task` is 'clustering'"),
        ({"features": {}}, "`features` is {}"),
        ({"format_version": 9}, "format_version is 9"),
        ({"request": [{"name": 3}]}, "`name` is 3"),
        ({"threshold": "high"}, "`threshold` is 'high'"),
        ({"format": "pickle"}, "`format` is 'pickle'"),
    ],
)
def test_a_manifest_with_a_wrong_field_says_which(change: dict[str, Any], told: str) -> None:
    data = {**json.loads(a_manifest().to_json()), **change}
    with pytest.raises(ManifestError, match="is") as error:
        PackageManifest.from_json(json.dumps(data))
    assert told in str(error.value)


@pytest.mark.parametrize("text", ["", "null", "[]", "{", "{}", "\xff"])
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(ManifestError):
        PackageManifest.from_json(text.encode("latin-1"))


def test_the_digest_is_of_paths_and_contents(tmp_path: Path) -> None:
    digest = package_digest(a_package(tmp_path / "p"))
    lines = "".join(
        f"{p.name}\0{hashlib.sha256(p.read_bytes()).hexdigest()}\n" for p in sorted((tmp_path / "p").iterdir())
    )
    assert digest == "sha256:" + hashlib.sha256(lines.encode()).hexdigest()


def test_writing_returns_the_digest_and_the_same_package_again_changes_nothing(tmp_path: Path) -> None:
    manifest = a_manifest()
    first = write_package(tmp_path / "p", manifest, a_model(manifest), {"a": 1})
    stamp = (tmp_path / "p").stat().st_mtime_ns
    assert (
        write_package(tmp_path / "p", manifest, a_model(manifest), {"a": 1}) == first == package_digest(tmp_path / "p")
    )
    assert (tmp_path / "p").stat().st_mtime_ns == stamp
    assert [p.name for p in tmp_path.iterdir()] == ["p"]


def test_another_package_in_the_folder_is_never_overwritten(tmp_path: Path) -> None:
    digest = package_digest(a_package(tmp_path / "p"))
    with pytest.raises(ExecutionError) as error:
        a_package(tmp_path / "p", threshold=0.6)
    assert code_of(error) == "MLC482"
    assert package_digest(tmp_path / "p") == digest


def test_a_package_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ExecutionError) as error:
        a_package(tmp_path / "file" / "p")
    assert code_of(error) == "MLC483"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_others_may_read_a_written_package(tmp_path: Path) -> None:
    assert a_package(tmp_path / "p").stat().st_mode & 0o005 == 0o005


def test_a_loaded_package_predicts_from_the_columns_of_a_query(tmp_path: Path) -> None:
    scores = load_package(a_package(tmp_path / "p")).predict(COLUMNS)
    assert scores.dtype == np.float64
    assert scores == pytest.approx([probability("UA", 500, 8), probability("", 0, 9, 10)], abs=1e-6)


def test_the_positive_class_decides_which_probability_is_given(tmp_path: Path) -> None:
    scores = load_package(a_package(tmp_path / "p", positive_class=False)).predict(COLUMNS)
    assert scores[0] == pytest.approx(1 - probability("UA", 500, 8), abs=1e-6)


def test_shapes_follow_the_task(tmp_path: Path) -> None:
    many = a_package(tmp_path / "m", task="multiclass_classification", classes=("a", "b", "c"), positive_class=None)
    assert load_package(many).predict(COLUMNS).shape == (2, 3)
    number = a_package(tmp_path / "r", task="regression", classes=(), positive_class=None, threshold=None)
    assert load_package(number).predict(COLUMNS).shape == (2,)


def test_a_digest_that_differs_is_refused(tmp_path: Path) -> None:
    folder = a_package(tmp_path / "p")
    assert load_package(folder, digest=package_digest(folder)).folder == folder
    (folder / "reference.json").write_text("{}")
    with pytest.raises(ExecutionError) as error:
        load_package(folder, digest="sha256:" + "0" * 64)
    assert code_of(error) == "MLC482"


def test_a_missing_package_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ExecutionError) as error:
        read_manifest(tmp_path / "none")
    assert code_of(error) == "MLC480"
    assert "mlc run" in error.value.finding.help


@pytest.mark.parametrize("content", [b"", b"not a graph", pickle.dumps(os.system)])
def test_a_damaged_model_is_refused(tmp_path: Path, content: bytes) -> None:
    write_package(tmp_path / "p", a_manifest(), content, {})
    with pytest.raises(ExecutionError) as error:
        load_package(tmp_path / "p")
    assert code_of(error) == "MLC481"


def test_a_model_with_other_inputs_than_the_manifest_is_refused(tmp_path: Path) -> None:
    manifest = a_manifest()
    other = replace(manifest, features=manifest.features[:-1])
    write_package(tmp_path / "p", other, a_model(manifest), {})
    with pytest.raises(ExecutionError, match="carrier_delay"):
        load_package(tmp_path / "p")


# --- encoding --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("kind", "column", "expected"),
    [
        ("number", np.array([1, 2], dtype=np.int64), [1.0, 2.0]),
        ("number", np.array([1.5, None, Decimal("2.5")], dtype=object), [1.5, np.nan, 2.5]),
        ("number", np.ma.masked_array([7, 8], [True, False]), [np.nan, 8.0]),
        ("boolean", np.ma.masked_array([True, False], [False, True]), [1.0, np.nan]),
        ("timestamp", np.array(["1970-01-02", "NaT"], dtype="datetime64[us]"), [86_400.0, np.nan]),
        (
            "timestamp",
            np.array([dt.datetime(1970, 1, 1, 0, 1, tzinfo=dt.UTC), dt.date(1970, 1, 2)], dtype=object),
            [60.0, 86_400.0],
        ),
        ("number", np.array([1e300]), [np.inf]),
    ],
)
def test_numbers_become_float32_with_nan_for_null(kind: Any, column: Any, expected: list[float]) -> None:
    encoded = encode_columns((PackagedFeature("x", kind, ""),), {"x": column})["x"]
    assert encoded.dtype == np.float32
    assert encoded.tolist() == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (np.array(["a", None], dtype=object), ["a", "?"]),
        (np.ma.masked_array(np.array(["a", "b"], dtype=object), [True, False]), ["?", "b"]),
        (np.array([3, 4], dtype=np.int32), ["3", "4"]),
        (np.array([3.0, np.nan]), ["3", "?"]),
        (np.array([True, False]), ["true", "false"]),
    ],
)
def test_categories_become_texts_with_a_word_for_null(column: Any, expected: list[str]) -> None:
    assert encode_columns((PackagedFeature("x", "category", ""),), {"x": column}, "?")["x"].tolist() == expected


def test_encoding_what_is_encoded_changes_nothing() -> None:
    features = a_manifest().features
    once = encode_columns(features, COLUMNS)
    twice = encode_columns(features, once)
    assert all(np.array_equal(once[n], twice[n], equal_nan=once[n].dtype != object) for n in once)


# --- skops -----------------------------------------------------------------------------------------------------------
def skops_package(folder: Path, estimator: Any) -> Path:
    skops_io = pytest.importorskip("skops.io")
    manifest = a_manifest(format="skops", features=tuple(PackagedFeature(n, "number", "float64") for n in ("a", "b")))
    write_package(folder, manifest, skops_io.dumps(estimator), {})
    return folder


def test_a_skops_package_predicts_as_its_estimator(tmp_path: Path) -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 2)).astype(np.float32)
    model = HistGradientBoostingClassifier(max_iter=5).fit(x, x[:, 0] > 0)
    package = load_package(skops_package(tmp_path / "p", model))
    scores = package.predict({"a": x[:, 0], "b": x[:, 1]})
    assert scores == pytest.approx(model.predict_proba(x)[:, 1])


def test_a_skops_package_with_a_foreign_type_is_refused(tmp_path: Path) -> None:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    folder = skops_package(tmp_path / "p", make_pipeline(FunctionTransformer(os.system)))
    with pytest.raises(ExecutionError, match="not trusted") as error:
        load_package(folder)
    assert code_of(error) == "MLC481"
