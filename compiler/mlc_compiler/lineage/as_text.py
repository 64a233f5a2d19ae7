"""A lineage as trees of text: what stands above a node, then what stands below, each line with its flow and place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlc_compiler.diagnostics import Place
from mlc_compiler.lineage.graph import Edge, Node
from mlc_compiler.lineage.view import Locate, View
from mlc_compiler.records import dataclass

_WIDEST = 64


@dataclass(frozen=True, slots=True)
class _Line:
    depth: int
    node: Node
    flows: str
    at: Place | None
    again: bool


def lineage_text(view: View, locate: Locate) -> str:
    """Return the trees of a view. A node met again is marked and not opened twice; owners stand behind their own."""
    edges = [edge for edge in view.edges if edge.target.kind != "owner" or view.focus == edge.target]
    if view.focus is None:
        return "\n".join(_roots(view, edges, locate))
    place = view.nodes.get(view.focus)
    lines = [f"{_name(view.focus)}{_owner(view, view.focus)}{f'  {_at(place, locate)}' if place else ''}"]
    for wanted, title, up in ((view.up, "depends on", True), (view.down, "is used by", False)):
        if wanted:
            tree = list(_tree(view.focus, _adjacent(edges, up=up)))
            lines += [f"\n{title}", *(_rows(view, tree, locate) or ["  nothing"])]
    return "\n".join(lines)


def _roots(view: View, edges: list[Edge], locate: Locate) -> Iterator[str]:
    """Yield a tree from each node that nothing leads to."""
    below = _adjacent(edges, up=False)
    targets = {edge.target for edge in edges}
    seen: set[Node] = set()
    for node in view.nodes:
        if node not in targets and node in below:
            yield f"{_name(node)}{_owner(view, node)}"
            yield from _rows(view, list(_tree(node, below, seen)), locate)


def _adjacent(edges: list[Edge], *, up: bool) -> dict[Node, dict[Node, list[Edge]]]:
    """Return each node's neighbours with the edges that lead to them."""
    found: dict[Node, dict[Node, list[Edge]]] = {}
    for edge in edges:
        here, there = (edge.target, edge.source) if up else (edge.source, edge.target)
        found.setdefault(here, {}).setdefault(there, []).append(edge)
    return found


def _tree(
    start: Node, beside: Mapping[Node, Mapping[Node, list[Edge]]], opened: set[Node] | None = None
) -> Iterator[_Line]:
    """Yield what stands beside a node, each line deeper than the one that led to it; `opened` nodes are not opened."""
    opened = set() if opened is None else opened
    opened.add(start)
    waiting = [(1, node, edges) for node, edges in reversed(list(beside.get(start, {}).items()))]
    while waiting:
        depth, node, edges = waiting.pop()
        again = node in opened and bool(beside.get(node))
        flows = ", ".join(dict.fromkeys(edge.flow for edge in edges))
        yield _Line(depth, node, flows, edges[0].at, again)
        if node not in opened:
            opened.add(node)
            waiting += [(depth + 1, n, e) for n, e in reversed(list(beside.get(node, {}).items()))]


def _rows(view: View, lines: list[_Line], locate: Locate) -> list[str]:
    names = ["  " * line.depth + _name(line.node) + (" (above)" if line.again else "") for line in lines]
    first = min(max(map(len, names), default=0), _WIDEST)
    second = max((len(line.flows) for line in lines), default=0)
    return [
        f"{name:<{first}}  {line.flows:<{second}}  {_at(line.at, locate)}{_answers(view, line.node)}".rstrip()
        for name, line in zip(names, lines, strict=True)
    ]


def _name(node: Node) -> str:
    return f"{node.kind} {node.name}"


def _answers(view: View, node: Node) -> str:
    """Return the owner of what acts on its own; of each column and feature it would only be noise."""
    return "" if node.kind in ("column", "feature", "label", "environment") else _owner(view, node)


def _owner(view: View, node: Node) -> str:
    owner = view.owners.get(node)
    return f"  owner {owner}" if owner else ""


def _at(place: Place | None, locate: Locate) -> str:
    if place is None:
        return ""
    span = locate(place)
    return f"{span.file}:{span.line}:{span.column}"
