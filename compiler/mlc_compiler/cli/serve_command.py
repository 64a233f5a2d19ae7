"""Serve a model's package here, as the image does: Open Inference Protocol, JSON, metrics; a batch is scored once."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from mlc_compiler.backend.target import ExecutionError, Executor
from mlc_compiler.cli.console import Console
from mlc_compiler.cli.project import Emission, Workspace
from mlc_compiler.ir import Model


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="the model's name")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--online", type=Path, metavar="DIR", help="an online snapshot; made from the data by default")


def run(options: argparse.Namespace, console: Console) -> int:
    from mlc_compiler.cli import selection
    from mlc_compiler.cli.project import LockUse, open_project

    opened = open_project(options.directory, console, lock=LockUse.REQUIRED, emission=Emission.NOTHING)
    if opened is None:
        return 1
    models = selection.models(opened.releases, options.model, console)
    executor = opened.registry.executor()
    if executor is None:
        console.say("mlc serve: no installed target serves packages here; install mlc-compiler[run,serve]")
        return 1
    if len(models) != 1:
        if models:
            console.say(f"mlc serve: `{options.model}` picks {len(models)} models; name one")
        return 2
    package = _package(opened, models[0], console)
    if package is None:
        return 1
    try:
        if models[0].serving.mode == "batch":
            console.out(f"scored into {executor.score_batch(models[0], package, opened.root)}")
            return 0
        return _serve(opened, executor, models[0], package, options, console)
    except ExecutionError as error:
        console.findings(opened.project.placed(error.findings), opened.root)
        return 1


def _package(opened: Workspace, model: Model, console: Console) -> Path | None:
    """Return the folder of the package that the last run of this version made."""
    from mlc_compiler.cli.selection import store_folder
    from mlc_compiler.conventions import short

    store = store_folder(opened.root, opened.releases.project)
    try:
        realised = json.loads((store / "realisations" / f"{short(model.version)}.json").read_text("utf-8"))
        return store / "packages" / short(realised["artifact"])
    except (OSError, ValueError, KeyError, TypeError):
        console.say(f"mlc serve: {model.name} {model.version[7:19]} was not run here; `mlc run {model.name}` first")
        return None


def _serve(
    opened: Workspace, executor: Executor, model: Model, package: Path, options: argparse.Namespace, console: Console
) -> int:
    from mlc_compiler.conventions import STATE_FOLDER

    online = options.online
    if online is None and model.features.lookups:
        online = opened.root / STATE_FOLDER / "online" / model.name
        console.say("writing the online snapshot ...")
        executor.snapshot_online(model, opened.root, online)
    console.say(f"serving {model.name} {model.version[7:19]} on http://{options.host}:{options.port}; Ctrl-C stops it")
    executor.serve(package, options.host, options.port, online)
    return 0
