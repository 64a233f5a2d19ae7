"""A lineage as one HTML file that needs nothing else: search it, click through it, see it drawn."""

from __future__ import annotations

import json
from pathlib import Path

from mlc_compiler.diagnostics import Place
from mlc_compiler.lineage.graph import KINDS
from mlc_compiler.lineage.view import Locate, View

_PAGE = Path(__file__).with_name("page.html")


def lineage_html(view: View, project: str, locate: Locate) -> str:
    """Return the page; nodes and edges stand in it as rows of numbers and texts, each text once."""
    texts: dict[str, int] = {}
    number = {node: i for i, node in enumerate(view.nodes)}

    def text(value: str) -> int:
        return texts.setdefault(value, len(texts))

    def at(place: Place | None) -> int:
        if place is None:
            return -1
        span = locate(place)
        return text(f"{span.file}:{span.line}:{span.column}")

    nodes = [
        [KINDS.index(n.kind), n.name, at(place), text(view.owners[n]) if n in view.owners else -1]
        for n, place in view.nodes.items()
    ]
    edges = [[number[e.source], number[e.target], text(e.flow), at(e.at)] for e in view.edges]
    shown = {
        "project": project, "kinds": KINDS, "focus": number[view.focus] if view.focus else -1,
        "nodes": nodes, "edges": edges, "texts": list(texts),
    }  # fmt: skip
    # Inside a script element only `<` can end it; in JSON it may be written as an escape.
    value = json.dumps(shown, separators=(",", ":")).replace("<", "\\u003c")
    return _PAGE.read_text("utf-8").replace("{{lineage}}", value)
