"""Trace what flows into what: columns, features, labels, models, gates, rollouts, monitors, alerts, owners."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from mlc_compiler.cli.console import Console, reader

if TYPE_CHECKING:
    from mlc_compiler.cli.project import Workspace
    from mlc_compiler.lineage.view import View


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "node", nargs="?", metavar="NODE", help="flights.arr_delay, late-arrival, feature:VIEW.NAME ..."
    )
    parser.add_argument("--up", action="store_true", help="only what it depends on")
    parser.add_argument("--down", action="store_true", help="only what depends on it")
    parser.add_argument("--format", choices=("text", "json", "mermaid", "html"), default="text", help="text by default")


def run(options: argparse.Namespace, console: Console) -> int:
    from mlc_compiler.cli.project import Emission, open_project
    from mlc_compiler.lineage.build import lineage
    from mlc_compiler.lineage.names import Named, named
    from mlc_compiler.lineage.view import view

    opened = open_project(options.directory, console, emission=Emission.NOTHING)
    if opened is None:
        return 1
    graph = lineage(opened.project, opened.compilation.models)
    found = named(options.node, graph) if options.node is not None else Named(None)
    if found.problem:
        console.refuse(f"mlc lineage: {found.problem}")
        return 2
    if found.others:
        others = ", ".join(map(str, found.others))
        console.say(f"mlc lineage: this is {found.node}; there is {others}, too")
    up, down = (options.up, options.down) if options.up or options.down else (True, True)
    console.out(_shown(view(opened.project, graph, found.node, up=up, down=down), opened, console))
    return 0


def _shown(view: View, opened: Workspace, console: Console) -> str:
    from mlc_compiler.frontend.locate import span_finder
    from mlc_compiler.lineage import as_html, as_json, as_mermaid, as_text

    locate = span_finder(reader(opened.root))
    if console.format == "json":
        return as_json.lineage_json(view, locate)
    if console.format == "html":
        return as_html.lineage_html(view, opened.project.document.name, locate)
    if console.format == "text":
        return as_text.lineage_text(view, locate)
    text = as_mermaid.lineage_mermaid(view)
    if as_mermaid.too_large(text):
        limit = f"{as_mermaid.MAX_EDGES} edges and {as_mermaid.MAX_CHARACTERS:,} characters"
        console.say(f"mlc lineage: Mermaid draws {limit} unless told otherwise; name a node, or use --format html")
    return text
