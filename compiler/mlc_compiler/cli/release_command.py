"""Pin a version that passed its gates in an environment that tracks main."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

from mlc_compiler.cli.console import Console
from mlc_compiler.cli.project import Emission, Workspace
from mlc_compiler.gitops.release import Refusal, Released
from mlc_compiler.ir import Origin, Release


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from mlc_compiler.cli.git_state import add_key_argument

    parser.add_argument("model", help="the model's name, a pattern or a selector")
    parser.add_argument("-e", dest="environment", required=True, metavar="ENV", help="where to pin it")
    parser.add_argument("--image", metavar="REF", help="the image that carries it: name@sha256:...")
    parser.add_argument("--evidence", type=Path, metavar="FILE", help="the run's evidence; the last run's by default")
    parser.add_argument(
        "--rolled-out", choices=("succeeded", "failed"), help="pin nothing; record how the rollout of the pin ended"
    )
    parser.add_argument("--source", metavar="TEXT", help="who says so, as a URL or a name; goes with --rolled-out")
    add_key_argument(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    from mlc_compiler.cli.git_state import private_key, unsigned
    from mlc_compiler.cli.project import LockUse, open_project
    from mlc_compiler.gitops.signing import SigningUnavailable

    opened = open_project(options.directory, console, lock=LockUse.REQUIRED, emission=Emission.NOTHING)
    if opened is None:
        return 1
    try:
        return _run(opened, options, private_key(options), console)
    except SigningUnavailable as error:
        console.findings([unsigned(error)], opened.root)
        return 1


def _run(opened: Workspace, options: argparse.Namespace, key: str | None, console: Console) -> int:
    from mlc_compiler.cli import selection
    from mlc_compiler.cli.rollouts import record_rollout

    release = selection.environment(opened.releases, options.environment, console)
    models = selection.models(opened.releases, options.model, console)
    if release is None or not models:
        return 2
    if options.rolled_out:
        return max(record_rollout(opened, release, m.name, options, key, console) for m in models)
    if release.environment.tracks is None:
        source = release.environment.promoted_from
        console.refuse(f"mlc release: {options.environment} is promoted to from {source}; use `mlc promote`")
        return 1
    return max(_release(opened, release, m.name, options, key, console) for m in models)


def _release(
    opened: Workspace, release: Release, name: str, options: argparse.Namespace, key: str | None, console: Console
) -> int:
    from mlc_compiler.gitops.release import make_release

    resolved = opened.compilation.models[name]
    evidence = read_evidence(options.evidence or opened.root / evidence_file(name), name)
    made = (
        evidence
        if isinstance(evidence, Refusal)
        else make_release(opened.releases.project, release.environment, resolved, evidence, options.image)
    )
    if isinstance(made, Refusal):
        refuse("MLC914", made, opened, f"Model/{name}", console)
        return 1
    if key is None and release.environment.signed:
        said = f"{release.environment.name} requires signed evidence, and there is no key here to sign with"
        refuse(
            "MLC941",
            Refusal(said, "let the release workflow do it, or name the key: --key FILE"),
            opened,
            f"Model/{name}",
            console,
        )
        return 1
    files = {**made.files, **_provenance(opened.root, name, made, key)}
    return write_files(
        opened.root, files, f"{name} {made.pin.version[7:19]} is pinned in {options.environment}", console
    )


def _provenance(root: Path, model: str, made: Released, key: str | None) -> dict[str, str | None]:
    """Return the signed statement of the run; None where one stands that speaks of other evidence."""
    from mlc_compiler import __version__
    from mlc_compiler.conventions import evidence_path, provenance_path
    from mlc_compiler.gitops.signing import sign, unverified_statement
    from mlc_compiler.gitops.statements import provenance, subjects

    path, evidence = provenance_path(model, made.pin.version), evidence_path(model, made.pin.version)
    if key is not None:
        return {path: sign(provenance(made.pin, made.files[evidence], __version__), key)}
    there = unverified_statement((root / path).read_text("utf-8", "replace")) if (root / path).is_file() else None
    stale = there is not None and subjects(there).get(evidence) != made.pin.evidence
    return {path: None} if stale else {}


def evidence_file(model: str) -> str:
    from mlc_compiler.conventions import RUNS_FOLDER

    return f"{RUNS_FOLDER}/{model}/evidence.json"


def read_evidence(path: Path, model: str) -> dict[str, object] | Refusal:
    """Return a run's evidence, or why there is none that can be read."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return Refusal(f"`{model}` was not run here", f"run it first: `mlc run {model}`")
    except (OSError, ValueError, RecursionError) as error:
        return Refusal(f"the evidence of `{model}` can't be read: {error}", f"run it again: `mlc run {model}`")
    if not isinstance(value, dict):
        return Refusal(f"the evidence of `{model}` is damaged", f"run it again: `mlc run {model}`")
    return value


def refuse(code: str, refusal: Refusal, opened: Workspace, document: str, console: Console) -> None:
    """Show a refusal as a finding on the name of a document such as Model/late-arrival."""
    from mlc_compiler.diagnostics import Finding

    at = opened.project.place(Origin(document, "metadata.name"))
    console.findings([Finding(code, refusal.message, at, help=refusal.help)], opened.root)


def write_files(root: Path, files: Mapping[str, str | None], said: str, console: Console, build: bool = True) -> int:
    """Write the files whole, the pin last, so that it never names what is not there; None removes one."""
    from mlc_compiler.backend.text_file import replace_file

    changed = []
    for path in reversed(list(files)):
        text = files[path]
        if text is None:
            (root / path).unlink(missing_ok=True)
        elif replace_file(root / path, text.encode()):
            changed.append(path)
    console.out(said if changed else f"{said} already")
    for path in sorted(changed):
        console.out(f"  wrote {path}")
    if changed and build:
        console.say("`mlc build` renders it")
    return 0
