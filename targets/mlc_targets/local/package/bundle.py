"""Packages on disk: written once and whole, named by their digest, loaded only when they are what they should be."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlc_compiler.backend.target import ExecutionError
from mlc_compiler.diagnostics import Finding, Span
from mlc_compiler.records import dataclass
from mlc_targets.local.package.columns import Array, encode_columns
from mlc_targets.local.package.manifest import (
    ManifestError,
    PackagedFeature,
    PackageManifest,
    ScoreReference,
    request_columns,
)
from mlc_targets.local.package.predictor import TRUSTED_TYPES, VERIFIED_TYPES, ModelFileError, Predictor, load_predictor
from mlc_targets.local.placing import staging_folder

__all__ = [
    "TRUSTED_TYPES", "Array", "Package", "PackageManifest", "PackagedFeature", "ScoreReference", "encode_columns",
    "load_package", "model_file_name", "package_digest", "read_manifest", "request_columns", "write_package",
]  # fmt: skip

MANIFEST_FILE = "package.json"
REFERENCE_FILE = "reference.json"
GOLDEN_FILE = "golden.jsonl"


@dataclass(frozen=True)
class Package:
    """A loaded package: its manifest, where it lies, and its model."""

    folder: Path
    manifest: PackageManifest
    predictor: Predictor

    def predict(self, columns: Mapping[str, Array]) -> Array:
        """Return scores as float64: [N] of the positive class (binary) or values (regression), [N, K] multiclass.

        `columns` are the features as a query returns them, [N] each; they are encoded here.
        """
        encoded = encode_columns(self.manifest.features, columns, self.manifest.missing_category)
        outputs = self.predictor(encoded)
        if self.manifest.task == "multiclass_classification":
            return outputs
        return outputs[:, self.manifest.positive_index if self.manifest.classifies else 0]


def model_file_name(manifest: PackageManifest) -> str:
    """Return the model's file name: model.onnx or model.skops."""
    return f"model.{manifest.format}"


# --- writing ---------------------------------------------------------------------------------------------------------
def write_package(
    folder: Path, manifest: PackageManifest, model_file: bytes, reference: Mapping[str, object], golden: str = ""
) -> str:  # fmt: skip
    """Write a package and return its digest; an identical one that exists is left alone.

    `golden` is what training made of the golden vectors, as lines of JSON; empty: the package keeps none. Raises
    ExecutionError where another package stands in the folder (the store is write-once) or nothing can be written. A
    killed write leaves nothing under the folder's name.
    """
    files = {
        MANIFEST_FILE: manifest.to_json().encode(),
        REFERENCE_FILE: _reference_text(reference).encode(),
        model_file_name(manifest): model_file,
        **({GOLDEN_FILE: golden.encode()} if golden else {}),
    }
    digest = _digest({name: hashlib.sha256(content).hexdigest() for name, content in files.items()})
    if not folder.exists():
        _write_folder(folder, files)
    _refuse_another(folder, digest)
    return digest


def _reference_text(reference: Mapping[str, object]) -> str:
    return json.dumps(reference, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def _refuse_another(folder: Path, digest: str) -> None:
    present = package_digest(folder)
    if present != digest:
        raise ExecutionError(Finding(
            "MLC482", f"the package folder holds {present}, not {digest}", _whole(folder),
            note="packages are written once",
            help="remove the folder if nothing runs from it, or write to another one",
        ))  # fmt: skip


def _write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    with staging_folder(folder) as staging:
        for name, content in files.items():
            _write_synced(staging / name, content)
        try:
            staging.rename(folder)
        except OSError:
            if not folder.exists():  # else another run was quicker, and what it wrote is compared
                raise


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


# --- reading ---------------------------------------------------------------------------------------------------------
def package_digest(folder: Path) -> str:
    """Return a package's digest: sha256 over its files' paths and digests, as "sha256:<hex>"."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return _digest({p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files})


def _digest(files: Mapping[str, str]) -> str:
    lines = "".join(f"{path}\0{digest}\n" for path, digest in sorted(files.items()))
    return "sha256:" + hashlib.sha256(lines.encode()).hexdigest()


def read_manifest(folder: Path) -> PackageManifest:
    """Return a package's manifest; raises ExecutionError (MLC480 missing, MLC481 damaged)."""
    path = folder / MANIFEST_FILE
    try:
        return PackageManifest.from_json(path.read_bytes())
    except FileNotFoundError as error:
        raise ExecutionError(Finding(
            "MLC480", f"there is no package in {folder}: {MANIFEST_FILE} is missing", _whole(path),
            help="run `mlc run` for this model, or name the folder of a package in the store",
        )) from error  # fmt: skip
    except (OSError, ManifestError) as error:
        raise _damaged(path, str(error)) from error


def load_package(
    folder: Path, *, digest: str | None = None, threads: int = 1, trusted: Sequence[str] = ()
) -> Package:  # fmt: skip
    """Load a package whose digest, where one is given, must hold; `threads` is onnxruntime's.

    `trusted` names further types that a skops file may hold; `churn.` stands for all of a module. Raises
    ExecutionError: MLC480 missing, MLC481 damaged, MLC482 another package than the digest says.
    """
    manifest = read_manifest(folder)
    _check_digest(folder, digest)
    path = folder / model_file_name(manifest)
    if digest:  # the bytes are those that training wrote
        trusted = (*trusted, *VERIFIED_TYPES)
    try:
        return Package(folder, manifest, load_predictor(path.read_bytes(), manifest, threads, trusted))
    except (OSError, ModelFileError) as error:
        raise _damaged(path, str(error)) from error


def _check_digest(folder: Path, digest: str | None) -> None:
    present = package_digest(folder) if digest else digest
    if present != digest:
        raise ExecutionError(Finding(
            "MLC482", f"the package's digest is {present}, not {digest}", _whole(folder),
            note="a file of it was changed, or another package stands here",
            help="fetch the package again from the store, or run `mlc run` to make it again",
        ))  # fmt: skip


# --- findings --------------------------------------------------------------------------------------------------------
def _whole(path: Path) -> Span:
    return Span(str(path), 1, 1, 1, 1)


def _damaged(path: Path, reason: str) -> ExecutionError:
    return ExecutionError(Finding(
        "MLC481", f"the package's {path.name} cannot be used: {reason}", _whole(path),
        help="fetch the package again from the store, or run `mlc run` to make it again",
    ))  # fmt: skip
