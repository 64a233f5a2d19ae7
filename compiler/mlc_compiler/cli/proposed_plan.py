"""The plan of a proposal: what an environment would run otherwise than it does, and the generated files with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mlc_compiler.backend.changes import Change
from mlc_compiler.backend.registry import installed
from mlc_compiler.cli.console import reader
from mlc_compiler.cli.project import Workspace
from mlc_compiler.conventions import MANIFEST_FILE
from mlc_compiler.middle.resolved import ResolvedModel, is_snapshot_of, parse_snapshot
from mlc_compiler.plan.as_markdown import plan_section
from mlc_compiler.plan.bearing import bearing_of
from mlc_compiler.plan.blast import with_drags
from mlc_compiler.plan.compare import against_pin
from mlc_compiler.plan.files import make_plan
from mlc_compiler.plan.meaning import Meaning
from mlc_compiler.plan.places import Finder, located
from mlc_compiler.plan.summary import Plan
from mlc_compiler.records import dataclass


@dataclass(frozen=True, slots=True)
class Move:
    """A model of an environment on its way from one snapshot to another: their texts, None or "" where there is none.

    `changes` are those of generated files; `specs` is the project as it stands, None where it does not compile.
    """

    model: str
    environment: str
    before: str | None
    after: str
    changes: tuple[Change, ...]
    root: Path
    specs: Workspace | None


def proposed_plan(move: Move) -> Callable[[int], str]:
    """Return what writes the plan as markdown in so many bytes, with what there is to say of it first."""
    before, after = (_parsed(text) for text in (move.before, move.after))
    plan = replace(_files(move), against=f"what {move.environment} runs", environment=move.environment)
    said = ""
    if not move.before:
        said = f"First promotion: nothing of {move.model} runs in {move.environment}, so all of it is new there.\n\n"
    elif before is None or after is None:
        said = "What runs now, or what is proposed, is in a snapshot of another mlc: only files are compared.\n\n"
    else:
        plan = replace(plan, meaning=_meaning(move, before, after))
    return lambda room: said + plan_section(plan, room - len(said.encode()), "the commit holds all of it")


def _parsed(text: str | None) -> ResolvedModel | None:
    try:
        return parse_snapshot(text) if text else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _files(move: Move) -> Plan:
    files = [c for c in move.changes if Path(c.path).name != MANIFEST_FILE]
    read = reader(move.root)
    before = {c.path: read(c.path) or "" for c in files if c.kind == "changed"}
    return make_plan(files, before, detail=True, bearing=bearing_of(installed().find))


def _meaning(move: Move, before: ResolvedModel, after: ResolvedModel) -> Meaning:
    """Return how the two differ, with lines of the specs and what is dragged along where the specs compile."""
    if move.specs is None:
        return against_pin(before, after, move.environment)
    project, current = move.specs.project, move.specs.compilation.models
    found = against_pin(before, after, move.environment, project)
    if after.name not in current:
        return found
    moved_on = not is_snapshot_of(move.after, current[after.name])
    finder = Finder(project, reader(move.root), suffix=" at HEAD" if moved_on else "")
    return located(_here(with_drags(found, project, current)), finder)


def _here(meaning: Meaning) -> Meaning:
    """Leave out the other environments of the model: a proposal moves one pin."""
    changes = (replace(c, drags=tuple(d for d in c.drags if d[0] != "environment")) for c in meaning.changes)
    return replace(meaning, changes=tuple(changes))
