"""Draw what depends on what: datasets, views, models, gates, rollouts, monitors, environments; or one rollout."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from mlc_compiler.cli.console import Console
from mlc_compiler.diagnostics import nearest
from mlc_compiler.frontend.project import Project

Edge = tuple[str, str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", nargs="?", choices=("rollout",), help="draw a model's rollout as a state machine")
    parser.add_argument("model", nargs="?", metavar="MODEL", help="the model whose rollout is drawn")
    parser.add_argument("--format", choices=("text", "mermaid", "dot"), default="text")


def run(options: argparse.Namespace, console: Console) -> int:
    from mlc_compiler.cli.project import Emission, open_project

    opened = open_project(options.directory, console, emission=Emission.NOTHING)
    if opened is None:
        return 1
    if options.kind:
        return _rollout(opened.project, options, console)
    edges = sorted(set(_edges(opened.project)))
    draw = {"text": _text, "mermaid": _mermaid, "dot": _dot}[options.format]
    console.out(draw(edges))
    return 0


def _rollout(project: Project, options: argparse.Namespace, console: Console) -> int:
    """Draw the rollout of one model; a model need not be named where only one has a rollout."""
    from mlc_compiler.cli.rollout_drawing import draw

    rolled = {model.name: model for model in project.models if model.rollout}
    name = options.model or next(iter(rolled), "")
    model = rolled.get(name)
    if model is None or model.rollout is None or (options.model is None and len(rolled) > 1):
        wrong = f"`{name}` has no rollout" if options.model else "say whose rollout to draw"
        near = nearest(name, rolled) if options.model else None
        known = f"did you mean {near}?" if near else f"models with a rollout: {', '.join(sorted(rolled)) or 'none'}"
        console.refuse(f"mlc graph rollout: {wrong}; {known}")
        return 2
    console.out(draw(model, model.rollout.spec, options.format))
    return 0


def _edges(project: Project) -> Iterator[Edge]:
    for dataset in project.datasets.values():
        if dataset.spec.source.query:
            from mlc_compiler.sql.query import parse_query

            for name in parse_query(dataset.spec.source.query, frozenset(project.datasets)).reads:
                yield f"Dataset/{name}", dataset.label
    for view in project.views.values():
        names = [view.spec.from_, *(j.dataset or n for n, j in view.spec.joins.items())]
        names += [f.over for f in view.spec.features.values() if f.over]
        yield from ((f"Dataset/{name}", view.label) for name in names)
    for model in project.models:
        yield from ((view.label, model.document.label) for view in model.views)
        for attached in (*model.gates, model.rollout, model.monitor):
            if attached is not None:
                yield model.document.label, attached.label
    for environment in project.environments:
        if environment.spec.promoted_from:
            yield f"Environment/{environment.spec.promoted_from}", environment.label


def _text(edges: list[Edge]) -> str:
    """Return a tree from each node that nothing leads to; a node met again is marked and not opened twice."""
    below: dict[str, list[str]] = {}
    for before, after in edges:
        below.setdefault(before, []).append(after)
    roots = sorted(set(below) - {after for _, after in edges})
    lines: list[str] = []
    seen: set[str] = set()
    for root in roots:
        _branch(root, "", below, seen, lines)
    return "\n".join(lines)


def _branch(node: str, indent: str, below: dict[str, list[str]], seen: set[str], lines: list[str]) -> None:
    again = node in seen and node in below
    lines.append(f"{indent}{node}{' (see above)' if again else ''}")
    seen.add(node)
    for after in () if again else below.get(node, ()):
        _branch(after, f"{indent}  ", below, seen, lines)


def _mermaid(edges: list[Edge]) -> str:
    nodes = sorted({n for edge in edges for n in edge})
    name = {n: f"n{i}" for i, n in enumerate(nodes)}
    rows = [f'  {name[n]}["{n}"]' for n in nodes] + [f"  {name[a]} --> {name[b]}" for a, b in edges]
    return "\n".join(["flowchart LR", *rows])


def _dot(edges: list[Edge]) -> str:
    rows = [f'  "{a}" -> "{b}";' for a, b in edges]
    return "\n".join(["digraph mlc {", "  rankdir=LR;", "  node [shape=box];", *rows, "}"])
