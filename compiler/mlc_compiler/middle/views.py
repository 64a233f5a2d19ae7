"""Feature views and labels of the specs as the definitions that the SQL compiler takes."""

from __future__ import annotations

from collections.abc import Mapping

from mlc_compiler import ir
from mlc_compiler.frontend.document import Document
from mlc_compiler.spec.feature_view import Feature, FeatureView
from mlc_compiler.spec.model import Model
from mlc_compiler.sql.definitions import (
    AggregateDefinition,
    FeatureDefinition,
    JoinDefinition,
    LabelDefinition,
    ViewDefinition,
)

Datasets = Mapping[str, ir.Dataset]


def view_definition(view: Document[FeatureView], datasets: Datasets, timezone: str) -> ViewDefinition:
    """Return a view's definition, its names bound to datasets."""
    spec = view.spec
    spine = datasets[spec.from_]
    return ViewDefinition(
        name=view.name,
        spine=spine,
        predict_at=spec.predict_at,
        request=tuple(spec.request),
        features=tuple(
            _feature(name, f, spine, datasets)
            for name, f in spec.features.items()
            if f.transform is None  # nothing computes these yet, as `analysis.capability` says
        ),
        joins=tuple(
            JoinDefinition(name, datasets[j.dataset or name], tuple(j.on), j.as_of, j.tolerance, j.static)
            for name, j in spec.joins.items()
        ),
        where=spec.where,
        refresh=spec.online.refresh,
        timezone=timezone,
    )


def _feature(name: str, feature: Feature, spine: ir.Dataset, datasets: Datasets) -> FeatureDefinition:
    aggregate = None
    if feature.aggregate is not None:
        over = datasets[feature.over] if feature.over else spine
        aggregate = AggregateDefinition(
            feature.aggregate, over, tuple(feature.by), feature.window, feature.window_on, feature.where
        )
    return FeatureDefinition(name, feature.expr, aggregate, feature.type, feature.description or "")


def label_definition(model: Document[Model], spine: str, datasets: Datasets) -> LabelDefinition:
    """Return a model's label; its aggregate reads the spine unless `over` names another dataset."""
    label = model.spec.label
    aggregate = None
    if label.aggregate is not None:
        over = datasets[label.over or spine]
        aggregate = AggregateDefinition(label.aggregate, over, tuple(label.by), where=label.where)
    return LabelDefinition(label.expr, aggregate, label.horizon, label.known_at)
