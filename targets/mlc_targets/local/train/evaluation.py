"""Step evaluate: the scores of estimator, baseline and champion on the same rows, and their metrics with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mlc_compiler.ir import Model
from mlc_targets.local.data.days import local_days, slice_texts
from mlc_targets.local.data.features import FEATURES_FILE, copy_query, stored_connection
from mlc_targets.local.findings import refuse
from mlc_targets.local.gates import Estimate, Evaluation, measure_all
from mlc_targets.local.job import Champion, Outcome, Run
from mlc_targets.local.package.columns import Array
from mlc_targets.local.train.points import main_metric
from mlc_targets.local.train.rows import Rows, load_rows, read_columns
from mlc_targets.local.train.training import SCORES_FILE, save_scores

SPLITS = ("validation", "test")
CHAMPION_TASK = "evaluate champion"
_CHAMPION_FILE = "champion.parquet"
_CONFIDENCE = 0.95


def evaluate(run: Run, out: Path) -> Outcome:
    """Write the metrics of both splits; `out` is left without files, since the scores lie with the steps before."""
    del out
    evaluations = load_evaluations(run)
    metrics = {split: _metrics(run, evaluation) for split, evaluation in evaluations.items()}
    return Outcome({"metrics": metrics}, detail=_summary(run.model, metrics))


def _metrics(run: Run, evaluation: Evaluation) -> dict[str, object]:
    estimates = measure_all(evaluation, _CONFIDENCE, run.model.seed)
    return {name: estimate.to_json() for name, estimate in sorted(estimates.items())}


def _summary(model: Model, metrics: Mapping[str, Mapping[str, object]]) -> str:
    name = main_metric(model.task)
    found = metrics.get("test", {}).get(name)
    if not isinstance(found, Mapping) or found["value"] is None or found["low"] is None:
        return ""
    return f"{name} {found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"


def estimates_of(run: Run) -> dict[str, dict[str, Estimate]]:
    """Return the metrics that step evaluate recorded, by split and name."""
    recorded = run.outputs("evaluate")["metrics"]
    return {
        split: {name: Estimate(metric=name, **{"reason": "", **values}) for name, values in metrics.items()}
        for split, metrics in recorded.items()
    }


def load_evaluations(run: Run) -> dict[str, Evaluation]:
    """Return validation and test, scored by the model, its baseline and the champion where there are such."""
    rows = load_rows(run)
    slices = _slices(run)
    scored = {name: _scores(run, name) for name in ("train estimator", "train baseline") if name in run.keys}
    champion = np.load(run.folder(CHAMPION_TASK) / SCORES_FILE) if run.champion else None
    evaluations = {}
    for split in SPLITS:
        chosen = rows.fold == ("train", *SPLITS).index(split)
        if not chosen.any():
            continue
        evaluations[split] = Evaluation(
            task=run.model.task,
            split=split,
            y_true=rows.y[chosen],
            scores=scored["train estimator"][split],
            baseline_scores=scored["train baseline"][split] if "train baseline" in scored else None,
            champion_scores=champion[split] if champion is not None else None,
            champion_version=run.champion.version if run.champion else None,
            blocks=_blocks(run, rows, slices, chosen),
            block_unit={"time": "days", "group": "groups", "random": "rows"}[run.model.split.strategy],
            slices={name: values[chosen] for name, values in slices.items()},
            classes=tuple(map(_class_text, rows.classes)),
            threshold=run.outputs("train estimator")["threshold"],
            baseline_threshold=run.outputs("train baseline")["threshold"] if "train baseline" in scored else None,
            champion_threshold=run.outputs(CHAMPION_TASK)["threshold"] if run.champion else None,
        )
    return evaluations


def _class_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _scores(run: Run, task: str) -> Mapping[str, Array]:
    found: Mapping[str, Array] = np.load(run.folder(task) / SCORES_FILE)
    return found


def _slices(run: Run) -> dict[str, Array]:
    """Return the slice columns of the rows that are in a fold, as text; "" where null."""
    fold = np.load(run.folder("split") / "folds.npy")
    names = run.model.features.slices
    table = read_columns(run.folder("features") / FEATURES_FILE, [f"__slice_{n}" for n in names], fold >= 0)
    return {n: slice_texts(table[f"__slice_{n}"]) for n in names}


def _blocks(run: Run, rows: Rows, slices: Mapping[str, Array], chosen: Array) -> Array | None:
    """Return what intervals resample: days in the project's time zone for time splits, groups for group splits."""
    if run.model.split.strategy == "time":
        return local_days(rows.predict_at[chosen], run.project.timezone)
    if run.model.split.strategy == "group":
        texts = [
            "\x1f".join(values) for values in zip(*(slices[g][chosen] for g in run.model.split.group), strict=True)
        ]
        return np.unique(np.array(texts), return_inverse=True)[1]
    return None


# --- champion --------------------------------------------------------------------------------------------------------
def score_champion(run: Run, champion: Champion, out: Path) -> Outcome:
    """Score validation and test rows with the champion's own package and features, matched by primary key."""
    from mlc_targets.local.package.bundle import load_package

    package = load_package(champion.folder, digest=champion.artifact)
    manifest = package.manifest
    _check_comparable(run, champion, manifest.primary_key, manifest.task)
    names = [d.name for d in champion.datasets]
    connection = stored_connection(run, names, out, champion=True)
    target = out / _CHAMPION_FILE
    copy_query(connection, run.model, manifest.batch_sql, manifest.primary_key, target)
    fold = np.load(run.folder("split") / "folds.npy")
    scores = {}
    for index, split in enumerate(SPLITS, start=1):
        position = _positions(run, fold == index, target, split, champion)
        columns = read_columns(target, [f.name for f in manifest.features])
        scores[split] = package.predict({name: column[position] for name, column in columns.items()})
    target.unlink()
    save_scores(out, scores)
    return Outcome({"threshold": manifest.threshold, "version": champion.version})


def _positions(run: Run, chosen: Array, target: Path, split: str, champion: Champion) -> Array:
    """Return where the champion's features of each chosen row stand."""
    keys = list(run.model.features.primary_key)
    ours = _key_tuples(read_columns(run.folder("features") / FEATURES_FILE, keys, chosen), keys)
    theirs = {key: position for position, key in enumerate(_key_tuples(read_columns(target, keys), keys))}
    absent = sum(key not in theirs for key in ours)
    if absent:
        raise refuse(
            "MLC465",
            run.model.origin.at("features"),
            f"the champion {champion.version} has no features for {absent:,} of {len(ours):,} {split} rows",
            note="both must be scored on the same rows",
            help="compare with a champion of the same spine, or remove the pin that names it",
        )
    return np.array([theirs[key] for key in ours], dtype=np.int64)


def _key_tuples(table: Mapping[str, Array], keys: list[str]) -> list[tuple[object, ...]]:
    return list(zip(*(table[k].tolist() for k in keys), strict=True))


def _check_comparable(run: Run, champion: Champion, keys: tuple[str, ...], task: str) -> None:
    if keys == run.model.features.primary_key and task == run.model.task:
        return
    raise refuse(
        "MLC465",
        run.model.origin,
        f"the champion {champion.version} can't be compared: it is a {task} by {', '.join(keys)}",
        note=f"this model is a {run.model.task} by {', '.join(run.model.features.primary_key)}",
        help="start over without a pin, or give the new task a model of its own",
    )
