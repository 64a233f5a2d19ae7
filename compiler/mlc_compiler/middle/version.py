"""A model's version: the digest of what it is trained from, known before training, and of nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from mlc_compiler import codec, ir
from mlc_compiler.sql.canonical_query import canonical_query

SEMANTICS = 1
"""Rises when mlc's own results change for the same inputs."""


def version(model: ir.Model, code: Mapping[str, str]) -> str:
    """Return `sha256:...` of the training inputs. `code` maps the model's own files to their digests.

    Serving, card, gates, rollout, monitor, environment, names, owners and mlc's version never enter.
    """
    return codec.digest(inputs(model, code))


def inputs(model: ir.Model, code: Mapping[str, str]) -> dict[str, object]:
    """Return the training inputs by name: what a version is the digest of."""
    return {
        "semantics": SEMANTICS,
        "task": model.task,
        "rows": model.features.definition,
        "features": [(f.name, f.kind, f.definition) for f in model.features.features],
        "refresh": model.features.refresh,
        "label": (model.label.definition, model.label.known_at, model.label.horizon),
        "split": _values(model.split),
        "estimator": _estimator(model.estimator),
        "search": _values(model.search),
        "decision": _values(model.decision),
        "seed": model.seed,
        "package": model.package,
        "refit": model.train.refit,
        "requirements": model.train.requirements,
        "code": code,
        "datasets": {d.name: _dataset(d) for d in model.datasets},
    }


def _dataset(dataset: ir.Dataset) -> object:
    """Return what of a dataset reaches the model: its rows, and how they are read."""
    return {
        "digest": dataset.digest,
        "source": (dataset.source.format, read_as(dataset.source), dataset.source.delimiter, dataset.source.header),
        "columns": {c.name: c.type for c in dataset.columns},
        "time": (dataset.event_time, dataset.delay, dataset.overwrite),
    }


def read_as(source: ir.Source) -> str | None:
    """Return what a source's query means; a query of a database stays as it is, in whatever dialect that is."""
    return canonical_query(source.query) if source.query and source.format == "query" else source.query


def _estimator(estimator: ir.Estimator) -> object:
    preprocessing = _values(estimator.preprocessing)
    return {"path": estimator.path, "params": estimator.params, "preprocessing": preprocessing}


def _values(node: object) -> object:
    """Return a node's values without the origins, which are places and not meaning."""
    if node is None:
        return None
    value = codec.to_json(node)
    return {k: v for k, v in value.items() if k != "origin"}
