"""Digests of release values: what a step read, without the places that it was read from."""

from __future__ import annotations

import hashlib
import json

from mlc_compiler.evidence import plain


def text(value: object) -> str:
    """Return the canonical JSON text of a value."""
    return json.dumps(plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def digest(value: object) -> str:
    """Return `sha256:...` of a value's canonical text.

    >>> digest((1, "a")) == digest([1, "a"])
    True
    """
    return "sha256:" + hashlib.sha256(text(value).encode()).hexdigest()
