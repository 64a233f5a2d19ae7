"""3xx: datasets, columns, features, expressions and knowledge time."""

from __future__ import annotations

from mlc_compiler.codes.entry import Code

CODES: tuple[Code, ...] = ()
