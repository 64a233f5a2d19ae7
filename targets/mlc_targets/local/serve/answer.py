"""From scores to answers: the label at the threshold, the probability, or the predicted value."""

from __future__ import annotations

import numpy as np

from mlc_compiler.conventions import short
from mlc_compiler.ir import Scalar
from mlc_compiler.records import dataclass
from mlc_targets.local.package.columns import Array
from mlc_targets.local.package.manifest import PackageManifest

DEFAULT_THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class Decided:
    """Scores of N rows with their labels (None for a regression).

    `live` is one number a row, [N], comparable with the package's reference scores.
    """

    scores: Array
    live: Array
    labels: tuple[Scalar, ...] | None


def threshold_of(manifest: PackageManifest) -> float:
    """Return the operating point; a package without one decides at 0.5."""
    return DEFAULT_THRESHOLD if manifest.threshold is None else manifest.threshold


def decide(manifest: PackageManifest, scores: Array) -> Decided:
    """Return the scores with the labels that they mean."""
    if not manifest.classifies:
        return Decided(scores, scores, None)
    if manifest.task == "multiclass_classification":
        best = np.argmax(scores, axis=1)
        return Decided(scores, scores[np.arange(len(scores)), best], tuple(manifest.classes[i] for i in best.tolist()))
    negative = next(value for value in manifest.classes if value != manifest.positive_class)
    above = (scores >= threshold_of(manifest)).tolist()
    return Decided(scores, scores, tuple(manifest.positive_class if yes else negative for yes in above))


def predictions(manifest: PackageManifest, decided: Decided) -> list[dict[str, object]]:
    """Return the predictions of a /predict answer, one object a row."""
    scores = decided.scores.tolist()
    if decided.labels is None:
        return [{"prediction": score} for score in scores]
    if manifest.task == "multiclass_classification":
        names = [class_text(value) for value in manifest.classes]
        return [
            {"probabilities": dict(zip(names, row, strict=True)), "label": label}
            for row, label in zip(scores, decided.labels, strict=True)
        ]
    threshold = threshold_of(manifest)
    return [
        {"probability": score, "label": label, "threshold": threshold}
        for score, label in zip(scores, decided.labels, strict=True)
    ]


def body(manifest: PackageManifest, decided: Decided) -> dict[str, object]:
    """Return the answer to /predict."""
    return {
        "model": manifest.model,
        "version": short(manifest.version),
        "predictions": predictions(manifest, decided),
    }


def class_text(value: Scalar) -> str:
    """Return a class as a name: in metric labels and in the keys of `probabilities`.

    >>> class_text(True), class_text("late"), class_text(2)
    ('true', 'late', '2')
    """
    return str(value).lower() if isinstance(value, bool) else str(value)
