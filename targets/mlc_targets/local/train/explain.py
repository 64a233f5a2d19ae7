"""Step explain: permutation importance of each feature, before encoding, on a sample of the validation fold."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from mlc_targets.local.job import Outcome, Run
from mlc_targets.local.train import fitted
from mlc_targets.local.train.fitted import Fitted
from mlc_targets.local.train.points import goodness, main_metric, point
from mlc_targets.local.train.rows import Columns, Rows, load_rows
from mlc_targets.local.train.telling import telling_features
from mlc_targets.local.train.training import CHOSEN_FILE, custom_types

_SAMPLE = 5_000
_REPEATS = 5


def explain(run: Run, out: Path) -> Outcome:
    """Return how much worse the metric gets when a feature's values are shuffled: mean and range of some repeats."""
    del out
    model = fitted.load(run.folder("train estimator") / CHOSEN_FILE, custom_types(run))
    rows = _sample(run)
    name = run.model.search.metric if run.model.search else main_metric(run.model.task)
    with fitted.fixed_threads(run.threads):
        whole = _value(run, model, rows, rows.columns, name)
        found = [_importance(run, model, rows, feature, name, whole) for feature in rows.columns]
    ordered = sorted(found, key=lambda row: (-float(str(row["value"])), str(row["feature"])))
    findings = tuple(telling_features(run.model, rows))
    return Outcome({"metric": name, "rows": len(rows), "importances": ordered}, findings)


def _sample(run: Run) -> Rows:
    rows = load_rows(run)
    fold = rows.of("validation") if (rows.fold == 1).any() else rows.of("train")
    if len(fold) <= _SAMPLE:
        return fold
    generator = np.random.default_rng(run.model.seed)
    return fold.take(np.sort(generator.choice(len(fold), _SAMPLE, replace=False)))


def _importance(run: Run, model: Fitted, rows: Rows, feature: str, name: str, whole: float) -> dict[str, object]:
    position = list(rows.columns).index(feature)
    generator = np.random.default_rng([run.model.seed, position])
    drops = []
    for _ in range(_REPEATS):
        shuffled = {**rows.columns, feature: rows.columns[feature][generator.permutation(len(rows))]}
        drops.append(whole - _value(run, model, rows, shuffled, name))
    return {"feature": feature, "value": float(np.mean(drops)), "low": min(drops), "high": max(drops)}


def _value(run: Run, model: Fitted, rows: Rows, columns: Columns, name: str) -> float:
    value = goodness(name, point(run.model.task, name, rows.y, model.scores(columns)))
    return value if math.isfinite(value) else 0.0
