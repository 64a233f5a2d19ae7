"""The part of a lineage that is shown: what stands above a node, below it, or everything; and where things stand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from mlc_compiler.diagnostics import Path, Place, Span
from mlc_compiler.frontend.project import Project
from mlc_compiler.lineage.graph import Adjacent, Edge, Lineage, Node
from mlc_compiler.records import dataclass

Locate = Callable[[Place], Span]


@dataclass(frozen=True, slots=True)
class View:
    """`focus` is the node asked for, None for the whole graph; `nodes` are in a stable order, each with its place."""

    focus: Node | None
    up: bool
    down: bool
    nodes: Mapping[Node, Place | None]
    edges: tuple[Edge, ...]
    owners: Mapping[Node, str]


def view(project: Project, lineage: Lineage, focus: Node | None, *, up: bool = True, down: bool = True) -> View:
    """Return what is shown of a lineage: all that `focus` depends on, all that depends on it."""
    shown = set(lineage.nodes) if focus is None else {focus}
    edges: Iterable[Edge] = lineage.edges
    if focus is not None:
        above = {focus, *lineage.upstream(focus)} if up else set()
        below = {focus, *lineage.downstream(focus)} if down else set()
        shown |= above | below
        inside = {*_between(lineage.into, above), *_between(lineage.out_of, below)}
        edges = (edge for edge in lineage.edges if edge in inside)
    declared = _Declared(project)
    nodes = {node: declared.place(node) for node in lineage.nodes if node in shown}
    owners = {node: owner for node in nodes if (owner := declared.owner(node))}
    return View(focus, up, down, nodes, tuple(edges), owners)


def _between(adjacent: Adjacent, nodes: set[Node]) -> Iterator[Edge]:
    for node in nodes:
        yield from adjacent.get(node, ())


class _Declared:
    """Where nodes are declared, and who answers for them."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._documents = {document.label: document for document in project.documents()}

    def owner(self, node: Node) -> str:
        document = self._documents.get(_declared(node)[0])
        return "" if document is None else self._project.owner(document)

    def place(self, node: Node) -> Place | None:
        label, path = _declared(node)
        document = self._documents.get(label)
        if document is None:
            return None
        place = document.place.at(*path)
        if node.kind != "alert":
            return place if path[-1] in ("label", "name") else place.name()
        return self._alert(node, place)

    def _alert(self, node: Node, place: Place) -> Place:
        monitor, _, name = node.name.partition("/")
        signals = self._documents[f"Monitor/{monitor}"].spec.signals
        index = next((i for i, signal in enumerate(signals) if signal.name == name), None)
        return place.at("slo", name).name() if index is None else place.at("signals", index, "name")


def _declared(node: Node) -> tuple[str, Path]:
    """Return the document, as Kind/name, that declares a node, and the field of it."""
    first, _, rest = node.name.partition("." if node.kind in ("column", "feature") else "/")
    if node.kind == "column":
        return f"Dataset/{first}", ("spec", "columns", rest)
    if node.kind == "feature":
        return f"FeatureView/{first}", ("spec", "features", rest)
    if node.kind == "alert":
        return f"Monitor/{first}", ("spec",)
    if node.kind == "label":
        return f"Model/{node.name}", ("spec", "label")
    return f"{node.kind.capitalize()}/{node.name}", ("metadata", "name")
