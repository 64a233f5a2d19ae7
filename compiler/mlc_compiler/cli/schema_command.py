"""Print the JSON Schema of a kind, or of any spec document."""

from __future__ import annotations

import argparse
import json

from mlc_compiler.cli.console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", nargs="?", help="Dataset, Model, ...; without it the schema of any document")


def run(options: argparse.Namespace, console: Console) -> int:
    from mlc_compiler.diagnostics import nearest
    from mlc_compiler.spec import KINDS
    from mlc_compiler.spec.json_schema import schema_of, union_schema

    kind = options.kind and next((k for k in KINDS if k.lower() == options.kind.lower().replace("_", "")), None)
    if options.kind and kind is None:
        near = nearest(options.kind, KINDS)
        console.refuse(f"mlc schema: there is no kind `{options.kind}`" + (f"; did you mean `{near}`?" if near else ""))
        return 2
    console.out(json.dumps(schema_of(kind) if kind else union_schema(), indent=2, ensure_ascii=False))
    return 0
