"""A model with everything that belongs to it, as specs: what a snapshot keeps and an environment is lowered from.

A promoted environment renders from the snapshot that was promoted, any other from the specs as they stand: both are a
`ResolvedModel`, so lowering has one way in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from mlc_compiler import codec
from mlc_compiler.ir import Dataset, FeatureQuery, Label
from mlc_compiler.records import dataclass
from mlc_compiler.spec.gate import Gate
from mlc_compiler.spec.model import Model
from mlc_compiler.spec.monitor import Monitor
from mlc_compiler.spec.rollout import Rollout
from mlc_compiler.spec.types import SpecModel

S_co = TypeVar("S_co", bound=SpecModel, covariant=True)
S = TypeVar("S", bound=SpecModel)
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Named(Generic[S_co]):
    """A spec with its document's name."""

    name: str
    spec: S_co


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """One model: its specs, its compiled features, its datasets, and the digest of all that it is trained from."""

    name: str
    owner: str
    description: str
    labels: tuple[tuple[str, str], ...]
    version: str
    spec: Model
    gates: tuple[Named[Gate], ...]
    rollout: Named[Rollout] | None
    monitor: Named[Monitor] | None
    features: FeatureQuery
    label: Label
    datasets: tuple[Dataset, ...]
    label_type: str = ""  # of the specs as they stand; a snapshot does not keep it


def snapshot_text(model: ResolvedModel) -> str:
    """Return the snapshot's text: JSON, sorted keys, all defaults written out where the spec has them."""
    return json.dumps(_snapshot(model), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def is_snapshot_of(text: str, model: ResolvedModel) -> bool:
    """Tell whether a text is the model's snapshot.

    Without its indentation, since json writes in C, ten times faster, only what it does not indent.
    """
    bare = json.dumps(_snapshot(model), sort_keys=True, ensure_ascii=False, separators=(",", ": "))
    # No string holds a line break or starts a line: JSON escapes the one and quotes the other.
    return "".join(map(str.lstrip, text.split("\n"))) == bare


def _snapshot(model: ResolvedModel) -> dict[str, Any]:
    return {
        "format_version": FORMAT,
        "name": model.name,
        "owner": model.owner,
        "description": model.description,
        "labels": dict(model.labels),
        "version": model.version,
        "model": _spec_json(model.spec),
        "gates": [{"name": g.name, "spec": _spec_json(g.spec)} for g in model.gates],
        "rollout": _named_json(model.rollout),
        "monitor": _named_json(model.monitor),
        "features": codec.to_json(model.features),
        "label": codec.to_json(model.label),
        "datasets": codec.to_json(model.datasets),
    }


def parse_snapshot(text: str) -> ResolvedModel:
    """Return the model that a snapshot keeps; raises ValueError, KeyError or TypeError when it is damaged."""
    value = json.loads(text)
    if value["format_version"] != FORMAT:
        raise ValueError(f"snapshot format {value['format_version']}")
    return ResolvedModel(
        name=value["name"],
        owner=value["owner"],
        description=value["description"],
        labels=tuple(sorted(value["labels"].items())),
        version=value["version"],
        spec=Model.model_validate(value["model"]),
        gates=tuple(Named(g["name"], Gate.model_validate(g["spec"])) for g in value["gates"]),
        rollout=_named(Rollout, value["rollout"]),
        monitor=_named(Monitor, value["monitor"]),
        features=codec.from_json(FeatureQuery, value["features"]),
        label=codec.from_json(Label, value["label"]),
        datasets=tuple(codec.from_json(Dataset, d) for d in value["datasets"]),
    )


def _spec_json(spec: SpecModel) -> dict[str, Any]:
    return spec.model_dump(mode="json", by_alias=True, exclude_none=True)


def _named_json(named: Named[Any] | None) -> dict[str, Any] | None:
    return None if named is None else {"name": named.name, "spec": _spec_json(named.spec)}


def _named(kind: type[S], value: Mapping[str, Any] | None) -> Named[S] | None:
    return None if value is None else Named(value["name"], kind.model_validate(value["spec"]))
