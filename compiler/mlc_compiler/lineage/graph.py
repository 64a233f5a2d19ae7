"""The lineage of a project as a graph: nodes of every kind, edges that say how one depends on the other, and where."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Literal, NamedTuple, get_args

from mlc_compiler.diagnostics import Place
from mlc_compiler.records import dataclass
from mlc_compiler.sql.mentions import Flow

Kind = Literal["column", "feature", "label", "model", "gate", "rollout", "monitor", "alert", "environment", "owner"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class Node(NamedTuple):
    """`name` is dataset.column, view.feature, monitor/signal for an alert, its model's for a label, else its own.

    A tuple, since graphs of large projects look nodes up hundreds of thousands of times.
    """

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True, slots=True)
class Edge:
    """`target` depends on `source`; `at` is the field that says so."""

    source: Node
    target: Node
    flow: Flow
    at: Place | None = field(default=None, compare=False)


Adjacent = Mapping[Node, Sequence[Edge]]


@dataclass(frozen=True, slots=True)
class Lineage:
    """All edges, each flow between two nodes once; made by `Lineage.of`."""

    edges: tuple[Edge, ...]
    into: Adjacent = field(repr=False, compare=False)
    out_of: Adjacent = field(repr=False, compare=False)
    alone: tuple[Node, ...] = ()  # nodes that may have no edge

    @staticmethod
    def of(edges: Iterable[Edge], nodes: Iterable[Node] = ()) -> Lineage:
        """Return the graph of these edges, and of `nodes` that may have none."""
        unique: dict[tuple[Node, Node, Flow], Edge] = {}
        into: dict[Node, list[Edge]] = {}
        out_of: dict[Node, list[Edge]] = {}
        for edge in edges:
            key = (edge.source, edge.target, edge.flow)
            if key not in unique:
                unique[key] = edge
                into.setdefault(edge.target, []).append(edge)
                out_of.setdefault(edge.source, []).append(edge)
        return Lineage(tuple(unique.values()), into, out_of, tuple(nodes))

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes, in order."""
        return tuple(sorted({*self.alone, *self.into, *self.out_of}))

    def upstream(self, node: Node) -> Iterator[Node]:
        """Yield what a node depends on, nearest first, without the node itself."""
        return _reached(node, lambda n: (edge.source for edge in self.into.get(n, ())))

    def downstream(self, node: Node) -> Iterator[Node]:
        """Yield what depends on a node, nearest first, without the node itself."""
        return _reached(node, lambda n: (edge.target for edge in self.out_of.get(n, ())))

    def path(self, source: Node, target: Node) -> tuple[Edge, ...]:
        """Return a shortest chain of edges from one node to another, empty when there is none."""
        came: dict[Node, Edge] = {}
        waiting = deque((source,))
        while waiting and target not in came:
            for edge in self.out_of.get(waiting.popleft(), ()):
                if edge.target not in came and edge.target != source:
                    came[edge.target] = edge
                    waiting.append(edge.target)
        return _chain(came, source, target) if target in came else ()


def _reached(start: Node, beside: Callable[[Node], Iterable[Node]]) -> Iterator[Node]:
    seen, waiting = {start}, deque((start,))
    while waiting:
        for node in beside(waiting.popleft()):
            if node not in seen:
                seen.add(node)
                waiting.append(node)
                yield node


def _chain(came: Mapping[Node, Edge], source: Node, target: Node) -> tuple[Edge, ...]:
    """Return the edges by which a search from `source` came to `target`."""
    chain = [came[target]]
    while chain[-1].source != source:
        chain.append(came[chain[-1].source])
    return tuple(reversed(chain))
