"""What a model's statistics in the lock are of: the digest by which stale ones are told."""

from __future__ import annotations

from mlc_compiler import codec
from mlc_compiler.middle.resolved import ResolvedModel

MEASURE = 2
"""Rises when `mlc lock` counts otherwise for the same inputs."""


def statistics_digest(model: ResolvedModel, timezone: str) -> str:
    """Return `sha256:...` of all that decides on rows, labels, folds and groups: features aside, for none is measured.

    Every dataset counts, since a join may not change which rows there are but a query over it may.
    """
    split = model.spec.split
    return codec.digest(
        {
            "measure": MEASURE,
            "task": model.spec.task,
            "rows": (model.features.definition, model.features.primary_key),
            "label": (model.label.definition, model.label.known_at, model.label.horizon),
            "split": (split.strategy, split.train, split.validation, split.test, split.gap, tuple(split.group)),
            "groups": sorted({n for g in model.gates for c in g.spec.checks for n in (*c.slices, c.group or "")}),
            "timezone": timezone,
            "datasets": [(d.name, d.digest, d.source.query) for d in model.datasets],
        }
    )
