"""Print the effective values of a model in an environment, or a feature's compiled SQL with its first rows."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from mlc_compiler.cli.console import Console
from mlc_compiler.cli.project import Workspace
from mlc_compiler.ir import Model


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="the model's name")
    parser.add_argument("-e", dest="environment", metavar="ENV", help="as it is in this environment")
    parser.add_argument(
        "--sql", nargs="?", const="*", metavar="FEATURE", help="the compiled query, with rows of FEATURE"
    )
    parser.add_argument("--rows", type=int, default=5, metavar="N", help="how many rows to show with --sql")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(options: argparse.Namespace, console: Console) -> int:
    from mlc_compiler.cli import selection
    from mlc_compiler.cli.project import open_project

    opened = open_project(options.directory, console, artifacts=False)
    if opened is None:
        return 1
    models = selection.models(opened.releases, options.model, console)
    if options.environment:
        release = selection.environment(opened.releases, options.environment, console)
        names = {m.name for m in models}
        models = tuple(m for m in release.models if m.name in names) if release else ()
    if not models:
        return 2
    if options.sql:
        return max(_sql(opened, m, options, console) for m in models)
    for model in models:
        _values(model, console)
    return 0


def _values(model: Model, console: Console) -> None:
    import json

    from mlc_compiler import codec
    from mlc_compiler.backend.emitter import yaml_text

    value = _without_origins(codec.to_json(model))
    for bulky in ("training_sql", "batch_sql", "serving_sql", "row_sql", "lookups"):
        value["features"].pop(bulky, None)
    text = json.dumps(value, indent=2) + "\n" if console.format == "json" else yaml_text(value)[0]
    console.out(text)


def _without_origins(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_origins(v) for k, v in value.items() if k != "origin"}
    return [_without_origins(v) for v in value] if isinstance(value, list) else value


def _sql(opened: Workspace, model: Model, options: argparse.Namespace, console: Console) -> int:
    from mlc_compiler.backend.target import ExecutionError
    from mlc_compiler.diagnostics import nearest

    names = [f.name for f in model.features.features]
    if options.sql != "*" and options.sql not in names:
        near = nearest(options.sql, names)
        hint = f"did you mean `{near}`?" if near else f"its features are {', '.join(names)}"
        console.say(f"mlc show: {model.name} has no feature `{options.sql}`; {hint}")
        return 2
    for feature in model.features.features:
        if options.sql in ("*", feature.name):
            console.out(f"-- {feature.name}: {feature.type}, {feature.kind}\n--   {feature.expression}")
    console.out(model.features.training_sql)
    executor = opened.registry.executor()
    if executor is None or options.rows <= 0:
        return 0
    wanted = names if options.sql == "*" else [options.sql]
    try:
        columns, rows = executor.preview(model, opened.root, wanted, options.rows)
    except ExecutionError as error:
        console.findings(opened.project.placed(error.findings), opened.root)
        return 1
    console.out("\n" + table(columns, rows))
    return 0


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return rows as aligned text.

    >>> print(table(("a", "b"), ((1, None), (22, "x"))))
    a   b
    1   null
    22  x
    """
    cells = [list(columns), *([("null" if v is None else str(v)) for v in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells)
