"""What evidence is keyed by besides the version: gates, test rows, champion. Written by runs, checked by promotions."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping

from mlc_compiler import codec, ir

_PLACES = frozenset({"origin"})


def gates_digest(gates: tuple[ir.Gate, ...]) -> str:
    """Return `sha256:...` of the gates' checks, without the places where they stand."""
    return codec.digest([(g.name, g.split, [_check(c) for c in g.checks]) for g in gates])


def _check(check: ir.GateCheck) -> dict[str, object]:
    return {name: value for name, value in codec.to_json(check).items() if name != "origin"}


def snapshot_of_test_rows(inputs: Mapping[str, str], query: ir.FeatureQuery, label: ir.Label, split: ir.Split) -> str:
    """Return `sha256:...` of what the test rows depend on: digests of the data, feature query, label and split."""
    value = plain((dict(inputs), query.training_sql, label.definition, split))
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def plain(value: object) -> object:
    """Return a value as JSON values; origins are left out, since moving a spec changes no result."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value) if f.name not in _PLACES}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    return value
