"""Pin a version that passed its gates in an environment that tracks main."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

from mlc_compiler.cli.console import Console
from mlc_compiler.cli.project import Workspace
from mlc_compiler.ir import Release


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="the model's name, a pattern or a selector")
    parser.add_argument("-e", dest="environment", required=True, metavar="ENV", help="where to pin it")
    parser.add_argument("--image", metavar="REF", help="the image that carries it: name@sha256:...")
    parser.add_argument("--evidence", type=Path, metavar="FILE", help="the run's evidence; the last run's by default")


def run(options: argparse.Namespace, console: Console) -> int:
    from mlc_compiler.cli import selection
    from mlc_compiler.cli.project import LockUse, open_project

    opened = open_project(options.directory, console, lock=LockUse.REQUIRED, artifacts=False)
    if opened is None:
        return 1
    release = selection.environment(opened.releases, options.environment, console)
    models = selection.models(opened.releases, options.model, console)
    if release is None or not models:
        return 2
    if release.environment.tracks is None:
        source = release.environment.promoted_from
        console.say(f"mlc release: {options.environment} is promoted to from {source}; use `mlc promote`")
        return 1
    return max(_release(opened, release, m.name, options, console) for m in models)


def _release(opened: Workspace, release: Release, name: str, options: argparse.Namespace, console: Console) -> int:
    from mlc_compiler.gitops.release import Refusal, make_release

    resolved = opened.compilation.models[name]
    evidence = read_evidence(options.evidence or opened.root / evidence_file(name), name, console)
    if evidence is None:
        return 1
    made = make_release(opened.releases.project, release.environment, resolved, evidence, options.image)
    if isinstance(made, Refusal):
        console.say(f"error[MLC914]: {made.message}\n   = help: {made.help}")
        return 1
    return write_files(
        opened.root, made.files, f"{name} {made.pin.version[7:19]} is pinned in {options.environment}", console
    )


def evidence_file(model: str) -> str:
    from mlc_compiler.conventions import RUNS_FOLDER

    return f"{RUNS_FOLDER}/{model}/evidence.json"


def read_evidence(path: Path, model: str, console: Console) -> dict[str, object] | None:
    try:
        value = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        console.say(f"error[MLC914]: {model} was not run here\n   = help: `mlc run {model}` first")
        return None
    except (OSError, ValueError) as error:
        console.say(f"error[MLC914]: the evidence {path} can't be read: {error}\n   = help: run {model} again")
        return None
    return value if isinstance(value, dict) else None


def write_files(root: Path, files: Mapping[str, str], said: str, console: Console) -> int:
    """Write the files whole, the pin last, so that it never names what is not there."""
    from mlc_compiler.backend.text_file import replace_file

    changed = [path for path in reversed(list(files)) if replace_file(root / path, files[path].encode())]
    console.out(said if changed else f"{said} already")
    for path in sorted(changed):
        console.out(f"  wrote {path}")
    if changed:
        console.say("`mlc build` renders it")
    return 0
