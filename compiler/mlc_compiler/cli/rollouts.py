"""Records of how the rollout of a pin ended, as its engine or a person says; committed beside the pin."""

from __future__ import annotations

import argparse

from mlc_compiler.cli.console import Console
from mlc_compiler.cli.project import Workspace
from mlc_compiler.cli.release_command import refuse, write_files
from mlc_compiler.conventions import rollout_path, short
from mlc_compiler.gitops.release import Refusal
from mlc_compiler.gitops.signing import sign, statement_text
from mlc_compiler.gitops.statements import rollout_record
from mlc_compiler.ir import Release


def record_rollout(
    opened: Workspace, release: Release, model: str, options: argparse.Namespace, key: str | None, console: Console
) -> int:
    """Write the record of the pin that the environment has; return the exit code."""
    name = release.environment.name
    pin = opened.inputs.pins.pins.get((name, model))
    if pin is None:
        help = f"release or promote it first; then record how that went in {name}"
        refuse("MLC914", Refusal(f"`{name}` has no version of `{model}`", help), opened, f"Model/{model}", console)
        return 1
    if not options.source:
        console.say("mlc release: say with --source who says so: the URL of the rollout, or a name")
        return 2
    statement = rollout_record(pin, name, model, options.rolled_out, options.source)
    text = statement_text(statement) if key is None else sign(statement, key)
    said = f"the rollout of {model} {short(pin.version)} in {name} {options.rolled_out}, says {options.source}"
    return write_files(opened.root, {rollout_path(name, model): text}, said, console, build=False)
