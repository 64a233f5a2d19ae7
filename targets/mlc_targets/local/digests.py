"""Digests of release values: what a step read, without the places that it was read from."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping

_PLACES = frozenset({"origin"})


def plain(value: object) -> object:
    """Return a value as JSON values; origins are left out, since moving a spec changes no result."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value) if f.name not in _PLACES}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    return value


def text(value: object) -> str:
    """Return the canonical JSON text of a value."""
    return json.dumps(plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def digest(value: object) -> str:
    """Return `sha256:...` of a value's canonical text.

    >>> digest((1, "a")) == digest([1, "a"])
    True
    """
    return "sha256:" + hashlib.sha256(text(value).encode()).hexdigest()
