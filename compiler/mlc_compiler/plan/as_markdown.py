"""A plan as one comment of a pull request: found again by its marker, folded, and never longer than a forge takes."""

from __future__ import annotations

from collections.abc import Iterator

from mlc_compiler.conventions import counted
from mlc_compiler.plan import words
from mlc_compiler.plan.impact import MEANING
from mlc_compiler.plan.meaning import Change
from mlc_compiler.plan.render import group_title
from mlc_compiler.plan.summary import SIGNS, Group, Plan

COMMENT_LIMIT = 60_000
"""Bytes; GitHub refuses comments over 65,536 characters."""
MARKER = "<!-- mlc-plan -->"
"""By which CI finds its own comment again."""
ROWS, NODES = 40, 40


def plan_markdown(plan: Plan, detail: bool = True) -> str:
    """Return the plan as one comment, with as many of its parts as fit, the most important first."""
    against = f" against `{_code(plan.against)}`" if plan.against else ""
    head = f"{MARKER}\n### mlc plan{against}\n\n"
    see = "run `mlc plan --detail` to see them"
    return head + plan_section(plan, COMMENT_LIMIT - len(head.encode()), see, detail)


def plan_section(plan: Plan, room: int, see: str, detail: bool = True) -> str:
    """Return the plan without marker and title, in so many bytes; `see` tells where the parts are that do not fit."""
    if not plan:
        return f"{words.nothing(plan).capitalize()}.\n"
    parts = [_risks(plan), *(_change(change, plan) for change in plan.meaning.changes), _graph(plan)]
    parts += [_files(group, detail) for group in plan.groups]
    return _fitted(_summary(plan), [part for part in parts if part], room, see)


def _fitted(text: str, parts: list[str], room: int, see: str) -> str:
    left, size = 0, len(text.encode())
    for part in parts:
        if size + len(part.encode()) > room - 100:
            left += 1
        else:
            text += part
            size += len(part.encode())
    return text + (f"\n{left} more parts: {see}.\n" if left else "")


def _summary(plan: Plan) -> str:
    rows = [f"| **{impact}** | {count} | {MEANING[impact]} |" for impact, count in plan.counts().items()]
    table = "\n".join(["| class | models | meaning |", "|---|---|---|", *rows]) + "\n\n" if rows else ""
    return f"{table}Files: **{plan.created}** to create, **{plan.changed}** to change, **{plan.deleted}** to delete\n"


def _risks(plan: Plan) -> str:
    if not plan.meaning.risks:
        return ""
    shown = plan.meaning.risks[:ROWS]
    rows = [
        f"> - **{'waived' if h.risk.waived else h.risk.severity}** {h.risk.code}: {_text(words.hazard(h))}"
        f"{f' (`{_code(h.risk.at)}`)' if h.risk.at else ''}{f' — {_text(h.risk.waived)}' if h.risk.waived else ''}"
        for h in shown
    ]
    rows += [f"> - and {len(plan.meaning.risks) - ROWS} more"] if len(plan.meaning.risks) > ROWS else []
    kind = "WARNING" if any(not h.risk.waived for h in plan.meaning.risks) else "NOTE"
    return "\n".join([f"\n> [!{kind}]", "> **Risks**", ">", *rows]) + "\n"


def _change(change: Change, plan: Plan) -> str:
    rows = [
        f"| {', '.join(e.impacts)} | `{_code(words.field(e, change))}` | `{_code(words.values(e))}` | {_at(e.at)} |"
        for e in change.edits[:ROWS]
    ]
    left = len(change.edits) - ROWS
    rows += [f"| | and {left} more fields | | |"] if left > 0 else []
    version, dragged = words.versions(change, plan.against), words.drags(change)
    notes = [f"{_text(version).capitalize()}."] if version else []
    notes += [f"Drags along `{_code(dragged)}`."] if dragged else []
    body = ["| class | field | change | where |", "|---|---|---|---|", *rows, *(["", " ".join(notes)] if notes else [])]
    return _folded(f"<b>{', '.join(change.impacts)}</b>: {_text(words.subject(change))}", "\n".join(body))


def _at(place: str) -> str:
    return f"`{_code(place)}`" if place else ""


def _files(group: Group, detail: bool) -> str:
    rows = []
    for change in group.changes:
        rows.append(f"{SIGNS[change.kind]} {change.name}")
        rows += [f"    {f.path}: {f.before} -> {f.after}" for f in change.fields] if detail else []
    title = f"{_text(group_title(group))}: {counted(len(group.changes), 'file')}"
    return _folded(title, "```diff\n" + "\n".join(rows).replace("```", "'''") + "\n```", opened=False)


def _folded(title: str, body: str, opened: bool = False) -> str:
    return f"\n<details{' open' if opened else ''}><summary>{title}</summary>\n\n{body}\n\n</details>\n"


def _code(text: str) -> str:
    """Return a text that stands in backticks and in a cell of a table."""
    return text.replace("`", "'").replace("|", "\\|").replace("\n", " ")


def _text(text: str) -> str:
    """Return a text that nothing of Markdown or HTML reads anything into; nobody is called by an @."""
    for sign, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "\\|"), ("@", "@\u200b"), ("\n", " ")):
        text = text.replace(sign, escaped)
    return text.replace("`", "'").replace("*", "\\*").replace("_", "\\_")


# --- the graph -------------------------------------------------------------------------------------------------------
def _graph(plan: Plan) -> str:
    lines = tuple(_graph_lines(plan))
    return _folded("impact graph", "\n".join(["```mermaid", "flowchart LR", *lines, "```"])) if lines else ""


def _graph_lines(plan: Plan) -> Iterator[str]:
    """Yield edges from changed documents to models, and from these to what they drag along."""
    names: dict[str, str] = {}
    edges: dict[str, None] = {}

    def node(text: str) -> str:
        names.setdefault(text, f"n{len(names)}")
        return names[text]

    for change in plan.meaning.changes:
        whom = words.subject(change)
        highest = {e.document: e.impact for e in reversed(change.edits)}  # it comes last
        for document, impact in highest.items():
            edges[f"  {node(document)} -- {impact} --> {node(whom)}"] = None
        for kind, dragged in change.drags:
            edges[f"  {node(whom)} --> {node(f'{kind} {words.listed(dragged)}')}"] = None
        if len(names) > NODES:
            break
    for text, name in names.items():
        shown = text.replace("&", "&amp;").replace('"', "#quot;").replace("<", "&lt;").replace(">", "&gt;")
        yield f'  {name}["{shown}"]'
    yield from edges
