"""What evidence is keyed by besides the version: the gates that judged it. Written by runs, checked by releases."""

from __future__ import annotations

from mlc_compiler import codec, ir


def gates_digest(gates: tuple[ir.Gate, ...]) -> str:
    """Return `sha256:...` of the gates' checks, without the places where they stand."""
    return codec.digest([(g.name, g.split, [_check(c) for c in g.checks]) for g in gates])


def _check(check: ir.GateCheck) -> dict[str, object]:
    return {name: value for name, value in codec.to_json(check).items() if name != "origin"}
