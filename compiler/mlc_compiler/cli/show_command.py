"""Print the effective values of a model and what set them, a feature's compiled SQL, or a saved plan."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlc_compiler.cli.console import Console

if TYPE_CHECKING:
    from mlc_compiler.cli.project import Workspace
    from mlc_compiler.ir import Model


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="the model's name, or the file of a saved plan (*.json)")
    parser.add_argument("-e", dest="environment", metavar="ENV", help="as it is in this environment")
    parser.add_argument(
        "--sql", nargs="?", const="*", metavar="FEATURE", help="the compiled query, with rows of FEATURE"
    )
    parser.add_argument("--rows", type=int, default=5, metavar="N", help="how many rows to show with --sql")
    parser.add_argument("--origins", action="store_true", help="with the file and line that set each value")
    parser.add_argument("--detail", action="store_true", help="all of a saved plan")
    parser.add_argument("--detailed-exitcode", action="store_true", help="of a saved plan: 0 no changes, 2 changes")
    parser.add_argument("--format", choices=("text", "json", "markdown", "html"), default="text")


def run(options: argparse.Namespace, console: Console) -> int:
    if options.model.endswith(".json"):
        return _saved(options, console)
    if options.format not in ("text", "json"):
        console.refuse(f"mlc show: {options.format} is a format of saved plans; values are text or json")
        return 2
    from mlc_compiler.cli import selection
    from mlc_compiler.cli.project import Emission, open_project

    opened = open_project(options.directory, console, emission=Emission.NOTHING)
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
        if options.origins:
            _origins(opened, model, options.environment, console)
        else:
            _values(model, console)
    return 0


def _saved(options: argparse.Namespace, console: Console) -> int:
    """Show a saved plan: nothing is compiled, and the project need not be here."""
    from mlc_compiler.cli.plan_command import rendered
    from mlc_compiler.cli.saved_plan import load
    from mlc_compiler.diagnostics import Finding

    saved = load(Path(options.model))
    if isinstance(saved, Finding):
        console.findings([saved], options.directory)
        return 1
    console.out(rendered(saved.plan, options.format, options.detail))
    return 2 if saved.plan and options.detailed_exitcode else 0


def _origins(opened: Workspace, model: Model, environment: str | None, console: Console) -> None:
    import json
    import shutil

    from mlc_compiler.cli.console import reader
    from mlc_compiler.cli.origins import origins_json, origins_text, rows

    found = rows(opened, model.name, environment, reader(opened.root))
    if console.format == "json":
        console.out(json.dumps(origins_json(model.name, environment, found), indent=2, ensure_ascii=False))
    else:
        console.out(origins_text(found, shutil.get_terminal_size((120, 24)).columns))


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
        console.refuse(f"mlc show: {model.name} has no feature `{options.sql}`; {hint}")
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
