"""Saved plans: bound to the digests of all that they were made from, so that one that is out of date is refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlc_compiler import __version__
from mlc_compiler.diagnostics import Finding, Span
from mlc_compiler.plan.as_json import parse_plan, plan_json
from mlc_compiler.plan.summary import Plan
from mlc_compiler.records import dataclass

if TYPE_CHECKING:
    from mlc_compiler.backend.changes import Change
    from mlc_compiler.cli.outputs import Outputs

SHOWN = 3
Files = Mapping[str, tuple[str | None, str | None]]
"""Generated files that change: the digests of what is there and of what will be."""


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan with the digests of its inputs, the generated files that it changes, and the mlc that made it."""

    plan: Plan
    inputs: Mapping[str, str]
    files: Files
    made_by: str


def save(path: Path, plan: Plan, opened: Outputs, changes: Iterable[Change]) -> None:
    """Write a plan to a file; raises OSError."""
    bound = {
        "made_by": __version__,
        "inputs": input_digests(opened),
        "files": {c.path: {"before": c.before, "after": c.after} for c in changes},
    }
    path.write_text(plan_json(plan, bound), encoding="utf-8")


def load(path: Path) -> SavedPlan | Finding:
    """Return the plan that a file holds, or what is wrong with it."""
    try:
        value: dict[str, Any] = json.loads(path.read_text("utf-8"))
        files = {p: (f["before"], f["after"]) for p, f in value["files"].items()}
        inputs = {str(p): str(digest) for p, digest in value["inputs"].items()}
        return SavedPlan(parse_plan(value), inputs, files, str(value["made_by"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        said = f"`{path}` is not a plan that `mlc plan -o` saved"
        return _refused(path, said, "save one: `mlc plan -o plan.json`")


def input_digests(opened: Outputs) -> dict[str, str]:
    """Return the digests of the files that the outputs were made from; folders and what is missing have none."""
    found = {}
    for path in opened.inputs:
        file = opened.root / path
        if file.is_file():
            found[path] = f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"
    return found


def stale(path: Path, saved: SavedPlan, opened: Outputs, changes: Iterable[Change]) -> Finding | None:
    """Return why a saved plan must not be built, or None."""
    again = f"plan again: `mlc plan -o {path}`"
    plan = saved.plan
    if plan.against or plan.environment or plan.preview:
        what = (
            f"compares with `{plan.against}`" if plan.against else "shows one environment" if plan.environment else ""
        )
        return _refused(path, f"the plan {what or 'is a preview'}, and a build writes everything", "plan without that")
    if saved.made_by != __version__:
        return _refused(path, f"the plan was made by mlc {saved.made_by}, this is mlc {__version__}", again)
    moved = _different(saved.inputs, input_digests(opened))
    if moved:
        return _refused(path, f"the plan is out of date: {_listed(moved)} changed since", again)
    files = {c.path: (c.before, c.after) for c in changes}
    if files != saved.files:
        moved = [p for p in sorted({*files, *saved.files}) if files.get(p) != saved.files.get(p)]
        return _refused(path, f"the plan is out of date: on disk, {_listed(moved)} changed since", again)
    return None


def _different(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return [p for p in sorted({*before, *after}) if before.get(p) != after.get(p)]


def _listed(paths: list[str]) -> str:
    left = len(paths) - SHOWN
    return ", ".join(paths[:SHOWN]) + (f" and {left} more" if left > 0 else "")


def _refused(path: Path, message: str, help: str) -> Finding:
    return Finding("MLC968", message, Span(path.as_posix(), 1, 1, 1, 1), help=help)
