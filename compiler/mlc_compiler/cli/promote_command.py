"""Pin the version of the environment before in this one, with its evidence; commit the files for a pull request."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from mlc_compiler.cli.console import Console
from mlc_compiler.conventions import EVIDENCE_FOLDER
from mlc_compiler.ir import Pin, ProjectRelease


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="the model's name, a pattern or a selector")
    parser.add_argument("--to", dest="environment", required=True, metavar="ENV", help="the environment to promote to")


def run(options: argparse.Namespace, console: Console) -> int:
    from mlc_compiler.cli import selection
    from mlc_compiler.cli.project import LockUse, open_project
    from mlc_compiler.cli.release_command import refuse, write_files
    from mlc_compiler.gitops.promotion import make_promotion, still_to_hold
    from mlc_compiler.gitops.release import Refusal

    opened = open_project(options.directory, console, lock=LockUse.REQUIRED, artifacts=False)
    if opened is None:
        return 1
    release = selection.environment(opened.releases, options.environment, console)
    models = selection.models(opened.releases, options.model, console)
    if release is None or not models:
        return 2
    code, today = 0, datetime.now(UTC).date().isoformat()
    for model in models:
        before = _pin(opened.releases, release.environment.promoted_from, model.name)
        made = make_promotion(release.environment, model, before, _evidence(opened.root, model.name), today)
        if isinstance(made, Refusal):
            refuse("MLC915", made, opened, f"Environment/{options.environment}", console)
            code = 1
            continue
        said = f"{model.name} {made.pin.version[7:19]} is pinned in {options.environment}"
        write_files(opened.root, made.files, said, console)
        for wanted in still_to_hold(release.environment):
            console.say(f"  to hold before it is merged: {wanted}")
    return code


def _pin(releases: ProjectRelease, environment: str | None, model: str) -> Pin | None:
    release = next((r for r in releases.releases if r.environment.name == environment), None)
    found = next((m for m in release.models if m.name == model), None) if release else None
    return found.pin if found else None


def _evidence(root: Path, model: str) -> dict[str, str]:
    folder = root / EVIDENCE_FOLDER / model
    return {p.relative_to(root).as_posix(): _text(p) for p in sorted(folder.glob("*.json")) if p.is_file()}


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")  # a damaged file has another digest than its pin names
