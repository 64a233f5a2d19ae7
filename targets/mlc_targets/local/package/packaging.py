"""Step package: writes the package, loads it again, and compares its scores with the trained model's."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from mlc_compiler.ir import Scalar
from mlc_targets.local.findings import refuse
from mlc_targets.local.job import Outcome, Run
from mlc_targets.local.package import convert, parity, reference
from mlc_targets.local.package.bundle import PackageManifest, load_package, request_columns, write_package
from mlc_targets.local.package.recorded import recorded_text
from mlc_targets.local.train import fitted
from mlc_targets.local.train.rows import Rows, load_rows, packaged_features
from mlc_targets.local.train.training import FINAL_FILE, SCORES_FILE, custom_types

PACKAGE_FOLDER = "package"
_LARGEST_DIFFERENCE = 1e-3
"""Beyond this the package is another model, whatever the gates ask for."""


def package(run: Run, out: Path) -> Outcome:
    """Write the package and return its digest and how far its scores are from the model's; a run publishes it."""
    rows = load_rows(run)
    model = fitted.load(run.folder("train estimator") / FINAL_FILE, custom_types(run))
    content = _model_file(run, model, rows)
    staged = out / PACKAGE_FOLDER
    profiles = {"split": "train", "features": reference.feature_profiles(rows.of("train").columns)}
    described = manifest(run, rows)
    digest = write_package(staged, described, content, profiles, recorded_text(described, run.model.features))
    largest, compared = _parity(run, model, rows, staged, digest)
    return Outcome(
        {"artifact": digest, "parity": parity.rounded_up(largest), "parity_rows": compared, "bytes": len(content)},
        detail=f"{digest[:19]}, {len(content) / 1024:,.0f} KiB, parity {largest:.1e} on {compared:,} rows",
    )


def _model_file(run: Run, model: fitted.Fitted, rows: Rows) -> bytes:
    if run.model.package == "onnx":
        return convert.to_onnx(model, run.model)
    return convert.to_skops(model, rows.of("train").columns, [f.name for f in run.model.features.features])


def _parity(run: Run, model: fitted.Fitted, rows: Rows, folder: Path, digest: str) -> tuple[float, int]:
    """Return the largest difference on the test rows and odd ones; refuse a package that is another model."""
    judged = rows.of("test") if (rows.fold == 2).any() else rows
    loaded = load_package(folder, digest=digest, trusted=custom_types(run))
    with fitted.fixed_threads(run.threads):
        largest, compared = parity.difference(loaded, model, judged.columns)
    if not math.isfinite(largest) or largest > _LARGEST_DIFFERENCE:
        raise refuse(
            "MLC458",
            run.model.estimator.origin,
            f"the {run.model.package} package of `{run.model.estimator.path}` scores otherwise than the trained model",
            note=f"they differ by up to {largest:.2g} on {compared:,} rows; {_LARGEST_DIFFERENCE:g} is the most",
            help="choose `package: {format: skops}`, or another estimator",
        )
    return largest, compared


def manifest(run: Run, rows: Rows) -> PackageManifest:
    """Return what the package says of itself."""
    model, query = run.model, run.model.features
    scores = np.load(run.folder("train estimator") / SCORES_FILE)
    seen = scores["validation"] if len(scores["validation"]) else scores["test"]
    return PackageManifest(
        project=run.project.name,
        model=model.name,
        version=model.version,
        task=model.task,
        format=model.package,
        timezone=run.project.timezone,
        features=packaged_features(query.features),
        request=request_columns(query),
        serving_sql=query.serving_sql,
        batch_sql=query.batch_sql,
        spine=query.spine,
        primary_key=query.primary_key,
        classes=rows.classes,
        positive_class=_positive(rows),
        threshold=run.outputs("train estimator")["threshold"],
        lookups=query.lookups,
        datasets=model.datasets,
        max_batch=model.serving.max_batch,
        refresh=query.refresh,
        libraries=run.libraries,
        reference=reference.score_reference(seen),
        training_sql=query.training_sql,
        row_sql=query.row_sql,
    )


def _positive(rows: Rows) -> Scalar:
    """Return the last class: true, 1, or the last in the alphabet."""
    return rows.classes[-1] if rows.classes else None
