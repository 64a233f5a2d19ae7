"""Which features of a view use which others, in what order they are computed, and where they go round in circles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mlc_compiler.sql.definitions import FeatureDefinition, ViewDefinition
from mlc_compiler.sql.parser import parse
from mlc_compiler.sql.syntax import ExpressionProblem, Name, Node, operands

Graph = Mapping[str, tuple[str, ...]]


def names_in(node: Node) -> Iterator[Name]:
    """Yield the names in a syntax tree, in the order of the text."""
    if isinstance(node, Name):
        yield node
    for part in operands(node):
        yield from names_in(part)


def uses(view: ViewDefinition, feature: FeatureDefinition) -> tuple[str, ...]:
    """Return the view's features that an expression means: columns of the request come first, then features."""
    node = parse(feature.expr) if feature.expr is not None else None
    if node is None or isinstance(node, ExpressionProblem):
        return ()
    features = {other.name.lower(): other.name for other in view.features}
    request = {name.lower() for name in view.request}
    columns = {column.name.lower() for column in view.spine.columns}
    found: dict[str, None] = {}
    for name in names_in(node):
        low = name.name.lower()
        itself = features.get(low) == feature.name and low in columns
        if name.qualifier is None and low in features and low not in request and not itself:
            found[features[low]] = None
    return tuple(found)


def cycles(graph: Graph) -> tuple[tuple[str, ...], ...]:
    """Return the circles that a walk in order of definition runs into, each once, starting where it was entered."""
    state: dict[str, int] = {}
    found: list[tuple[str, ...]] = []
    for start in graph:
        path: list[str] = []
        pending: list[tuple[str, Iterator[str]]] = [] if start in state else [(start, iter(graph[start]))]
        while pending:
            name, rest = pending[-1]
            if name not in state:
                state[name] = 1
                path.append(name)
            following = next(rest, None)
            if following is None:
                state[name] = 2
                path.pop()
                pending.pop()
            elif following not in state:
                pending.append((following, iter(graph.get(following, ()))))
            elif state[following] == 1:
                found.append(tuple(path[path.index(following) :]))
    return tuple(found)


def ordered(graph: Graph, left_out: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the names so that each follows what it uses, else in order of definition; `left_out` names are skipped."""
    done: dict[str, None] = dict.fromkeys(left_out)
    skipped = set(done)
    for start in graph:
        pending = [start]
        while pending:
            name = pending[-1]
            open_ = [other for other in graph.get(name, ()) if other not in done]
            if name in done or not open_:
                done.setdefault(name)
                pending.pop()
            else:
                pending += open_
    return tuple(name for name in done if name not in skipped)
