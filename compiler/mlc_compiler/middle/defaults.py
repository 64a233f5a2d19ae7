"""Defaults that depend on other fields: preprocessing by estimator, bounds by signal, resources by mode."""

from __future__ import annotations

from mlc_compiler import ir
from mlc_compiler.spec.model import Model, Resources
from mlc_compiler.spec.monitor import Signal

# What splits on thresholds needs no scaling; these also learn from missing values as they are.
TREES = (
    "sklearn.ensemble.HistGradientBoosting",
    "sklearn.ensemble.RandomForest",
    "sklearn.ensemble.ExtraTrees",
    "sklearn.ensemble.GradientBoosting",
    "sklearn.tree.DecisionTree",
    "sklearn.tree.ExtraTree",
)
NULLS_ALLOWED = ("sklearn.ensemble.HistGradientBoosting",)

SIGNAL_METHODS = {
    "feature_drift": "psi",
    "prediction_drift": "jensen_shannon",
    "performance": "metric",
    "estimated_performance": "cbpe",
    "data_quality": "missing_rate",
}
# The customary alert level of each method; a signal may set its own.
SIGNAL_BOUNDS = {
    "psi": 0.2,
    "jensen_shannon": 0.1,
    "ks": 0.1,
    "wasserstein": 0.1,
    "chi_square": 0.1,
    "missing_rate": 0.02,
}

MEBIBYTE = 2**20


def preprocessing(model: Model, path: str, origin: ir.Origin) -> ir.Preprocessing:
    """Return the preprocessing of an estimator: what the spec says, the rest as the estimator needs it."""
    numeric, category = model.preprocessing.numeric, model.preprocessing.category
    tree = path.startswith(TREES)
    return ir.Preprocessing(
        impute=numeric.impute or ("none" if path.startswith(NULLS_ALLOWED) else "median"),
        scale=numeric.scale or ("none" if tree else "standard"),
        indicator=numeric.indicator,
        encode=category.encode or ("ordinal" if tree else "one_hot"),
        min_frequency=category.min_frequency,
        max_categories=category.max_categories,
        origin=origin,
    )


def resources(given: Resources, cpu: float, memory_mib: int) -> ir.Resources:
    """Return the resources given, the rest as the caller says (cores, MiB)."""
    return ir.Resources(given.cpu or cpu, given.memory or memory_mib * MEBIBYTE, given.gpu)


def signal_method(signal: Signal) -> str:
    """Return how a signal is computed: as it says, or as its type usually is."""
    return signal.method or SIGNAL_METHODS[signal.type]


def signal_max(signal: Signal) -> float | None:
    """Return the upper bound of a signal: its own, or the customary one of its method where it has no bound at all."""
    if signal.max is not None or signal.min is not None:
        return signal.max
    return SIGNAL_BOUNDS.get(signal_method(signal))


def search_metric(model: Model) -> str:
    """Return what a search is scored by: as it says, or as the task usually is."""
    if model.search and model.search.metric:
        return model.search.metric
    return {"binary_classification": "roc_auc", "multiclass_classification": "log_loss"}.get(model.task, "rmse")
