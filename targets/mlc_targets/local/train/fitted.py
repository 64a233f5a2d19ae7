"""A fitted model: encoder and estimator, how it scores, and how it is kept between steps (skops, never pickle)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mlc_compiler.records import dataclass
from mlc_targets.local.package.columns import Array
from mlc_targets.local.train.encoding import Encoder
from mlc_targets.local.train.rows import Columns

_SCORED_AT_ONCE = 100_000  # rows; bounds the memory of one-hot matrices


@dataclass(frozen=True, slots=True)
class Fitted:
    """Encoder and estimator, fitted on the same rows."""

    encoder: Encoder
    estimator: Any
    task: str

    def scores(self, columns: Columns) -> Array:
        """Return float64 [N]: positive-class probabilities or values; [N, K] probabilities for multiclass."""
        rows = len(next(iter(columns.values())))
        parts = [
            self.score_matrix(self.encoder.matrix({n: c[start : start + _SCORED_AT_ONCE] for n, c in columns.items()}))
            for start in range(0, rows, _SCORED_AT_ONCE)
        ]
        return np.concatenate(parts) if parts else np.zeros(0)

    def score_matrix(self, matrix: Array) -> Array:
        """Return the scores of encoded rows."""
        if not self.task.endswith("classification"):
            return np.asarray(self.estimator.predict(matrix), dtype=np.float64).reshape(len(matrix))
        probabilities = np.asarray(self.estimator.predict_proba(matrix), dtype=np.float64)
        return probabilities[:, 1] if self.task == "binary_classification" else probabilities


def save(fitted: Fitted, path: Path) -> None:
    """Write a fitted model."""
    import skops.io

    encoder = fitted.encoder
    skops.io.dump(
        {
            "numbers": list(encoder.numbers),
            "categories": list(encoder.categories),
            "number_steps": list(encoder.number_steps),
            "category_encoder": encoder.category_encoder,
            "estimator": fitted.estimator,
            "task": fitted.task,
        },
        path,
    )


def load(path: Path, trusted: tuple[str, ...] = ()) -> Fitted:
    """Return a fitted model that a step of this store wrote; only plain types of the libraries are built."""
    import skops.io

    from mlc_targets.local.package.predictor import TRUSTED_TYPES, VERIFIED_TYPES

    # The file is an output of our own step, found by its key, so its trees may be followed.
    kept = skops.io.load(path, trusted=[*TRUSTED_TYPES, *VERIFIED_TYPES, *trusted])
    encoder = Encoder(
        tuple(kept["numbers"]), tuple(kept["categories"]), tuple(kept["number_steps"]), kept["category_encoder"]
    )
    return Fitted(encoder, kept["estimator"], kept["task"])


@contextlib.contextmanager
def fixed_threads(threads: int) -> Iterator[None]:
    """Hold native libraries to a fixed number of threads: BLAS to one, since its sums depend on it."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=threads, user_api="openmp"), threadpool_limits(limits=1, user_api="blas"):
        yield
