"""Print the versions of mlc and of what it runs on."""

from __future__ import annotations

import argparse
import platform

from mlc_compiler import __version__
from mlc_compiler.cli.console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    del parser  # no flags of its own


def run(options: argparse.Namespace, console: Console) -> int:
    del options
    console.out(f"mlc {__version__} (Python {platform.python_version()})")
    return 0
