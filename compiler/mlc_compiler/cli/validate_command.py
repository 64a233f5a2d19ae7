"""Check the specs and report every finding, each with its place, its reason and its mend."""

from __future__ import annotations

import argparse
import sys

from mlc_compiler.cli.console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("text", "json", "sarif", "github"), default="text")
    parser.set_defaults(judges=True)
    parser.add_argument("--strict", action="store_true", help="warnings fail as errors do")


def run(options: argparse.Namespace, console: Console) -> int:
    from mlc_compiler.cli.outputs import Reach, open_outputs

    opened = open_outputs(options.directory, console, reach=Reach.FINDINGS)
    if opened is None:
        return 1
    opened.remember(console, on_disk=False)
    if options.strict and opened.warned:
        return 1
    if console.format == "text":
        from mlc_compiler.conventions import counted

        listed = ", ".join(counted(n, word) for n, word in opened.summary.counts if n)
        console.out(f"{opened.summary.name} is valid: {listed or 'it declares nothing yet'}")
    sys.stdout.flush()
    return 0
