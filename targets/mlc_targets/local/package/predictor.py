"""Predicting with a packaged model: one graph (ONNX) or one estimator (skops), called with the features by name.

Loading is safe: ONNX holds no code, and skops builds only types from the list below. Pickle is never read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from mlc_targets.local.package.columns import Array
from mlc_targets.local.package.manifest import PackageManifest

VERIFIED_TYPES = ("sklearn.tree._tree.Tree",)
"""Types for packages whose digest was checked: scikit-learn follows a tree's indices unchecked."""

TRUSTED_TYPES = (
    "numpy.asarray",
    "numpy.dtype",
    "sklearn._loss.link.BaseLink",
    "sklearn._loss.link.HalfLogitLink",
    "sklearn._loss.link.IdentityLink",
    "sklearn._loss.link.Interval",
    "sklearn._loss.link.LogLink",
    "sklearn._loss.link.LogitLink",
    "sklearn._loss.link.MultinomialLogit",
    "sklearn._loss.loss.AbsoluteError",
    "sklearn._loss.loss.HalfBinomialLoss",
    "sklearn._loss.loss.HalfGammaLoss",
    "sklearn._loss.loss.HalfMultinomialLoss",
    "sklearn._loss.loss.HalfPoissonLoss",
    "sklearn._loss.loss.HalfSquaredError",
    "sklearn._loss.loss.PinballLoss",
    "sklearn._loss._loss.CyAbsoluteError",
    "sklearn._loss._loss.CyHalfBinomialLoss",
    "sklearn._loss._loss.CyHalfGammaLoss",
    "sklearn._loss._loss.CyHalfMultinomialLoss",
    "sklearn._loss._loss.CyHalfPoissonLoss",
    "sklearn._loss._loss.CyHalfSquaredError",
    "sklearn._loss._loss.CyPinballLoss",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
)
"""What scikit-learn's estimators are made of that skops does not trust by itself: plain values, without effects."""


class ModelFileError(ValueError):
    """A model file that cannot be loaded; the message says why."""


class Predictor(Protocol):
    """A loaded model: encoded features in, raw outputs out."""

    def __call__(self, columns: Mapping[str, Array]) -> Array:
        """Return [N, K] probabilities of a classifier or [N] values of a regression, as float64."""
        ...


class OnnxPredictor:
    """A graph with one input [N, 1] a feature, run with a fixed number of threads."""

    def __init__(self, model: bytes, manifest: PackageManifest, threads: int) -> None:
        import onnxruntime  # heavy: 0.2 s, and training's packages are read without predicting

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors share no class below Exception
            raise ModelFileError(f"onnxruntime refuses it: {_first_line(error)}") from error
        self._output = "probabilities" if manifest.classifies else "prediction"
        self._check([feature.name for feature in manifest.features])

    def __call__(self, columns: Mapping[str, Array]) -> Array:
        """Run the graph once over all rows."""
        feed = {name: column.reshape(-1, 1) for name, column in columns.items()}
        output = self._session.run([self._output], feed)[0]
        return np.asarray(output, dtype=np.float64).reshape(len(output), -1)

    def _check(self, features: Sequence[str]) -> None:
        inputs = {value.name for value in self._session.get_inputs()}
        if inputs != set(features):
            raise ModelFileError(
                f"its inputs are not the manifest's features: {', '.join(sorted(inputs ^ set(features)))}"
            )
        if self._output not in {value.name for value in self._session.get_outputs()}:
            raise ModelFileError(f"it has no output named {self._output}")


class SkopsPredictor:
    """A scikit-learn estimator that takes an object array [N, F]: the features in the manifest's order."""

    def __init__(self, model: bytes, manifest: PackageManifest, trusted: Sequence[str]) -> None:
        import skops.io  # brings scikit-learn: seconds, and only models without ONNX need it

        try:
            held = skops.io.get_untrusted_types(data=model)
            unknown = sorted(name for name in held if not _is_trusted(name, (*TRUSTED_TYPES, *trusted)))
            if unknown:
                raise ModelFileError(f"it holds types that are not trusted: {', '.join(unknown)}")
            self._estimator: Any = skops.io.loads(model, trusted=held)
        except ModelFileError:
            raise
        except Exception as error:  # a damaged file fails anywhere in zip, JSON or the estimator's own state
            raise ModelFileError(f"skops refuses it: {_first_line(error)}") from error
        self._classifies = manifest.classifies
        self._features = tuple(feature.name for feature in manifest.features)

    def __call__(self, columns: Mapping[str, Array]) -> Array:
        """Call the estimator once over all rows."""
        rows = np.empty((len(columns[self._features[0]]), len(self._features)), dtype=object)
        for position, name in enumerate(self._features):
            rows[:, position] = columns[name]
        output = self._estimator.predict_proba(rows) if self._classifies else self._estimator.predict(rows)
        return np.asarray(output, dtype=np.float64).reshape(len(rows), -1)


def load_predictor(model: bytes, manifest: PackageManifest, threads: int, trusted: Sequence[str]) -> Predictor:
    """Return the predictor of a model file; raises ModelFileError."""
    if manifest.format == "onnx":
        return OnnxPredictor(model, manifest, threads)
    return SkopsPredictor(model, manifest, trusted)


def _is_trusted(name: str, trusted: Sequence[str]) -> bool:
    return any(name == entry or (entry.endswith(".") and name.startswith(entry)) for entry in trusted)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
