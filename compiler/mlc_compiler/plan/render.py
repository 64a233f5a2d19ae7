"""A plan as text for a terminal: risks first, then what changes mean, then files. Terse unless detail is asked."""

from __future__ import annotations

from collections.abc import Iterator

from mlc_compiler.conventions import counted
from mlc_compiler.plan import words
from mlc_compiler.plan.meaning import Change, Hazard
from mlc_compiler.plan.summary import SIGNS, Group, ObjectChange, Plan
from mlc_compiler.records import dataclass

LINES = 24
"""The most that a terse plan takes, however large the project."""


@dataclass(frozen=True, slots=True)
class Room:
    """How much of a plan is shown: risks, changes, edits of each, groups of files, files of each."""

    risks: int
    changes: int
    edits: int
    groups: int
    files: int
    drags: bool = True


ALL = Room(10**9, 10**9, 10**9, 10**9, 10**9)
ROOMS = (Room(8, 6, 6, 6, 12), Room(4, 4, 2, 3, 2), Room(3, 3, 1, 2, 0, drags=False), Room(3, 2, 1, 1, 0, drags=False))


def plan_text(plan: Plan, detail: bool = False) -> str:
    """Return the plan for a terminal."""
    if not plan:
        return f"{words.nothing(plan)}\n"
    tried = (_lines(plan, room, detail) for room in ((ALL,) if detail else ROOMS[:-1]))
    fitting = next((lines for lines in tried if detail or len(lines) <= LINES), None)
    return "\n".join(fitting or _lines(plan, ROOMS[-1], detail)) + "\n"


def _lines(plan: Plan, room: Room, detail: bool) -> list[str]:
    risks, changes = plan.meaning.risks, plan.meaning.changes
    blocks = [_risks(risks, room.risks)] if risks else []
    blocks += [_change(change, plan, room) for change in changes[: room.changes]]
    blocks += _more(len(changes) - room.changes, "changes")
    blocks += [list(_group(group, room, detail)) for group in plan.groups[: room.groups]]
    blocks += _more(len(plan.groups) - room.groups, "groups of files")
    blocks.append([f"plan: {words.totals(plan)}"])
    return [line for number, block in enumerate(blocks) for line in (*([""] if number else []), *block)]


def _more(left: int, what: str) -> list[list[str]]:
    return [[f"... and {left} more {what}; --detail shows all"]] if left > 0 else []


def _risks(risks: tuple[Hazard, ...], room: int) -> list[str]:
    rows = [(_level(h), h.risk.code, words.hazard(h), h.risk.at) for h in risks[:room]]
    lines = [f"  {level:<7} {code}  {said}{f'  ({at})' if at else ''}" for level, code, said, at in rows]
    left = len(risks) - room
    return ["risks", *lines, *([f"  ... and {left} more"] if left > 0 else [])]


def _level(hazard: Hazard) -> str:
    return "waived" if hazard.risk.waived else hazard.risk.severity


def _change(change: Change, plan: Plan, room: Room) -> list[str]:
    head = f"{words.subject(change)}: {', '.join(change.impacts)}"
    version = words.versions(change, plan.against)
    shown = change.edits[: room.edits]
    wide = max((len(", ".join(e.impacts)) for e in shown), default=0)
    far = max((len(e.at) for e in shown), default=0)
    lines = [
        f"  {', '.join(e.impacts):<{wide}}  {e.at:<{far}}  {words.field(e, change)}: {words.values(e)}" for e in shown
    ]
    left = len(change.edits) - len(shown)
    lines += [f"  ... and {counted(left, 'more field')}"] if left > 0 else []
    dragged = words.drags(change)
    lines += [f"  drags along {dragged}"] if dragged and room.drags else []
    return [f"{head}{f'  ({version})' if version else ''}", *lines]


# --- files -----------------------------------------------------------------------------------------------------------
def _group(group: Group, room: Room, detail: bool) -> Iterator[str]:
    count = f"  ({counted(len(group.changes), 'file')})" if len(group.changes) > room.files else ""
    yield f"{group_title(group)}{count}"
    for change in group.changes[: room.files]:
        yield f"  {SIGNS[change.kind]} {change.name}{'' if detail else _fields_in_short(change)}"
        for field in change.fields if detail else ():
            yield f"      {field.path}: {field.before} -> {field.after}"
    if 0 < room.files < len(group.changes):
        yield f"  ... and {len(group.changes) - room.files} more"


def group_title(group: Group) -> str:
    """Return where the files of a group belong."""
    return f"{group.environment}{': ' if group.models else ''}{words.listed(group.models)}"


def _fields_in_short(change: ObjectChange) -> str:
    if not change.fields:
        return ""
    first = change.fields[0]
    more = f" and {len(change.fields) - 1} more" if len(change.fields) > 1 else ""
    return f"  {first.path}: {first.before} -> {first.after}{more}"
