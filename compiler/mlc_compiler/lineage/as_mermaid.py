"""A lineage as a Mermaid flowchart: what flows by value in whole lines, what only decides in dotted ones."""

from __future__ import annotations

from mlc_compiler.lineage.graph import KINDS, Node
from mlc_compiler.lineage.view import View

MAX_EDGES, MAX_CHARACTERS = 500, 50_000
"""What Mermaid draws unless its page says otherwise; a diagram cannot lift the limits itself."""
_SHAPES = {
    "column": ("[(", ")]"),
    "label": ("{{", "}}"),
    "model": ("[[", "]]"),
    "alert": (">", "]"),
    "owner": ("([", "])"),
}
_COLORS = {
    "column": "#dbeafe", "feature": "#dcfce7", "label": "#fef9c3", "model": "#fde68a", "gate": "#fecaca",
    "rollout": "#e9d5ff", "monitor": "#cffafe", "alert": "#fed7aa", "environment": "#e5e7eb", "owner": "#f5f5f4",
}  # fmt: skip


def lineage_mermaid(view: View) -> str:
    """Return a view as the text of a flowchart, from left to right."""
    flows: dict[tuple[Node, Node], list[str]] = {}
    for edge in view.edges:
        flows.setdefault((edge.source, edge.target), []).append(edge.flow)
    drawn = {node for pair in flows for node in pair} | ({view.focus} if view.focus else set())
    names = {node: f"n{number}" for number, node in enumerate(node for node in view.nodes if node in drawn)}
    rows = ["flowchart LR"]
    rows += [f"  {name}{_shape(node)}" for node, name in names.items()]
    rows += [f"  {names[a]} {_arrow(kinds)} {names[b]}" for (a, b), kinds in flows.items()]
    for kind in KINDS:
        members = [name for node, name in names.items() if node.kind == kind]
        if members:
            rows += [
                f"  classDef {kind} fill:{_COLORS[kind]},stroke:#64748b,color:#0f172a",
                f"  class {','.join(members)} {kind}",
            ]
    if view.focus:
        rows.append(f"  style {names[view.focus]} stroke:#dc2626,stroke-width:3px")
    return "\n".join(rows) + "\n"


def too_large(text: str) -> bool:
    """Tell whether Mermaid refuses a diagram of this size with its default limits."""
    return len(text) > MAX_CHARACTERS or text.count("->") > MAX_EDGES


def _shape(node: Node) -> str:
    opening, closing = _SHAPES.get(node.kind, ("[", "]"))
    return f'{opening}"{node.kind}<br/>{_escaped(node.name)}"{closing}'


def _arrow(kinds: list[str]) -> str:
    decides = [kind for kind in kinds if kind != "value"]
    if not decides:
        return "-->"
    text = ", ".join(dict.fromkeys(kinds))
    return f"-->|{text}|" if "value" in kinds else f"-.->|{text}|"


def _escaped(text: str) -> str:
    """Return text for a quoted label; every character with a meaning there becomes its number."""
    return "".join(c if c.isalnum() or c in " ._-/@:" else f"#{ord(c)};" for c in text)
