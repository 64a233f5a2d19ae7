"""What a name on the command line stands for: `flights.arr_delay`, `late-arrival`, or with its kind, `feature:a.b`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from mlc_compiler.diagnostics import nearest
from mlc_compiler.lineage.graph import KINDS, Kind, Lineage, Node
from mlc_compiler.records import dataclass


@dataclass(frozen=True, slots=True)
class Named:
    """The node that a name means and others of that name; without a node, `problem` says why."""

    node: Node | None
    others: tuple[Node, ...] = ()
    problem: str = ""


def named(text: str, lineage: Lineage) -> Named:
    """Return the node that a text names. A model comes before what belongs to it and has the same name."""
    kind, colon, name = text.partition(":")
    if colon:
        return _of_kind(kind, name, lineage)
    found = [n for n in lineage.nodes if n.name == text] or [n for n in lineage.nodes if n.name.lower() == text.lower()]
    if not found:
        return Named(None, problem=_unknown(text, lineage.nodes))
    models = [node for node in found if node.kind == "model"]
    others = tuple(node for node in found if node not in models and node.kind != "label")
    if models or len(others) == 1:
        node = models[0] if models else others[0]
        return Named(node, tuple(n for n in others if n != node))
    return Named(None, others, f"`{text}` is {_listed(others)}: write one with its kind")


def _of_kind(kind: str, name: str, lineage: Lineage) -> Named:
    if kind not in get_args(Kind):
        near = nearest(kind, KINDS)
        return Named(None, problem=f"there is no kind `{kind}`; {_meant(near) if near else ', '.join(KINDS)}")
    nodes = [node for node in lineage.nodes if node.kind == kind]
    found = next((node for node in nodes if node.name.lower() == name.lower()), None)
    return Named(found, problem="" if found else _unknown(name, nodes, kind))


def _unknown(name: str, nodes: Iterable[Node], kind: str = "name") -> str:
    """Return that nothing is called so, with what ends so, stands below such a dataset or view, or is spelt alike."""
    nodes = tuple(nodes)
    ending = [node for node in nodes if node.name.lower().endswith((f".{name}".lower(), f"/{name}".lower()))]
    below = [node for node in nodes if node.name.lower().startswith((f"{name}.".lower(), f"{name}/".lower()))]
    near = nearest(name, (node.name for node in nodes))
    if ending:
        return f"there is no {kind} `{name}`; did you mean {_listed(ending)}?"
    if below:
        return f"`{name}` holds {len(below)} nodes; name one of them, e.g. {below[0].name}"
    return f"there is no {kind} `{name}`" + (f"; {_meant(near)}" if near else "")


def _meant(near: str) -> str:
    return f"did you mean `{near}`?"


def _listed(nodes: Iterable[Node]) -> str:
    names = [f"`{node}`" for node in nodes]
    shown = names[:5] + ([f"{len(names) - 5} more"] if len(names) > 5 else [])
    return " or ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
