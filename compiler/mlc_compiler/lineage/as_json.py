"""A lineage as JSON for programs; `mlc_schemas/output/lineage.schema.json` publishes the shape."""

from __future__ import annotations

import json

from mlc_compiler.diagnostics import Place
from mlc_compiler.lineage.view import Locate, View

FORMAT_VERSION = 1


def lineage_json(view: View, locate: Locate) -> str:
    """Return a view as one JSON object; nodes are called kind:name."""
    shown = {
        "format_version": FORMAT_VERSION,
        "node": str(view.focus) if view.focus else None,
        "upstream": view.up,
        "downstream": view.down,
        "nodes": [
            {"id": str(n), "kind": n.kind, "name": n.name, "owner": view.owners.get(n), "at": _at(place, locate)}
            for n, place in view.nodes.items()
        ],
        "edges": [
            {"source": str(e.source), "target": str(e.target), "flow": e.flow, "at": _at(e.at, locate)}
            for e in view.edges
        ],
    }
    return json.dumps(shown, indent=2) + "\n"


def _at(place: Place | None, locate: Locate) -> dict[str, object] | None:
    if place is None:
        return None
    span = locate(place)
    return {
        "file": span.file,
        "field": ".".join(str(step) for step in place.path),
        "line": span.line,
        "column": span.column,
    }
