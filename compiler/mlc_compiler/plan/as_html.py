"""A plan as one page that needs nothing beside it: no script, no font, no request."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from mlc_compiler.conventions import counted
from mlc_compiler.plan import words
from mlc_compiler.plan.impact import MEANING
from mlc_compiler.plan.meaning import Change, Hazard
from mlc_compiler.plan.render import group_title
from mlc_compiler.plan.summary import SIGNS, Group, Plan

NODES = 24
"""Of one column of the graph; more would not be read."""
STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --retrain: #b3261e; --re-evaluate: #b25e00;
  --redeploy: #7a4fbf; --rollout: #1565c0; --monitor: #00796b; --docs: #6b7280; }
@media (prefers-color-scheme: dark) { :root { --retrain: #ff8a80; --re-evaluate: #ffb74d; --redeploy: #c5a3ff;
  --rollout: #82b1ff; --monitor: #4db6ac; --docs: #9ca3af; } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
code, td.v { font-family: ui-monospace, monospace; font-size: .88em; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; } td, th { border-bottom: 1px solid var(--line); padding: .35rem .6rem;
  text-align: left; vertical-align: top; } th { font-weight: 600; }
.tag { border: 1px solid currentColor; border-radius: .7em; padding: 0 .55em; font-size: .85em; white-space: nowrap; }
.card { border: 1px solid var(--line); border-radius: .5rem; margin: .8rem 0; padding: .6rem 1rem; overflow-x: auto; }
.risk { border-left: .3rem solid var(--retrain); } .waived { border-left-color: var(--docs); }
.tiles { display: flex; flex-wrap: wrap; gap: .6rem; } .tile { background: var(--soft); border-radius: .5rem;
  padding: .5rem .9rem; min-width: 7rem; } .tile b { display: block; font-size: 1.4rem; }
summary { cursor: pointer; } .where { color: var(--docs); } pre { overflow-x: auto; margin: .4rem 0; }
svg text { font: 12px system-ui, sans-serif; fill: currentColor; } svg rect { fill: var(--soft); stroke: var(--line); }
svg path { fill: none; stroke: var(--docs); opacity: .6; }
"""


def plan_html(plan: Plan) -> str:
    """Return the page."""
    against = f" against {plan.against}" if plan.against else ""
    where = f" in {plan.environment}" if plan.environment else ""
    title = escape(f"mlc plan{against}{where}")
    body = "\n".join(_body(plan)) if plan else f"<p>{escape(words.nothing(plan).capitalize())}.</p>"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title><style>{STYLE}</style></head>\n<body><h1>{title}</h1>\n{body}\n</body></html>\n"
    )


def _body(plan: Plan) -> Iterator[str]:
    yield f'<div class="tiles">{"".join(_tiles(plan))}</div>'
    if plan.meaning.risks:
        yield "<h2>Risks</h2>"
        yield from map(_risk, plan.meaning.risks)
    if plan.meaning.changes:
        yield "<h2>What changes</h2>"
        yield from (_change(change, plan) for change in plan.meaning.changes)
        yield f'<h2>What it drags along</h2><div class="card">{_graph(plan)}</div>'
    if plan.groups:
        yield "<h2>Generated files</h2>"
        yield from map(_files, plan.groups)


def _tiles(plan: Plan) -> Iterator[str]:
    for impact, count in plan.counts().items():
        yield _tile(str(count), impact, f"var(--{impact})", MEANING[impact])
    yield _tile(f"{plan.created} / {plan.changed} / {plan.deleted}", "files new / changed / gone", "inherit", "")


def _tile(number: str, label: str, colour: str, title: str) -> str:
    return f'<div class="tile" title="{escape(title)}"><b style="color:{colour}">{number}</b>{escape(label)}</div>'


def _tags(impacts: tuple[str, ...]) -> str:
    return " ".join(f'<span class="tag" style="color:var(--{i})">{i}</span>' for i in impacts)


def _risk(hazard: Hazard) -> str:
    risk = hazard.risk
    level = "waived" if risk.waived else risk.severity
    why = f"<br>Waived: {escape(risk.waived)}" if risk.waived else ""
    return (
        f'<div class="card risk {"waived" if risk.waived else ""}"><b>{level}</b> <code>{risk.code}</code> '
        f'{escape(words.hazard(hazard))} <span class="where">{escape(risk.at)}</span>{why}</div>'
    )


def _change(change: Change, plan: Plan) -> str:
    rows = "".join(
        f"<tr><td>{_tags(e.impacts)}</td><td><code>{escape(words.field(e, change))}</code></td>"
        f'<td class="v">{escape(words.values(e))}</td><td class="where">{escape(e.at)}</td></tr>'
        for e in change.edits
    )
    version, dragged = words.versions(change, plan.against), words.drags(change)
    notes = "".join(f"<p>{escape(note)}</p>" for note in (version, f"Drags along {dragged}" if dragged else "") if note)
    names = f"<p>{escape(', '.join(change.models))}</p>" if len(change.models) > words.FEW else ""
    return (
        f'<details class="card" open><summary><b>{escape(words.subject(change))}</b> {_tags(change.impacts)}</summary>'
        f"<table><tr><th>class</th><th>field</th><th>change</th><th>where</th></tr>{rows}</table>{notes}"
        f"{f'<details><summary>all models</summary>{names}</details>' if names else ''}</details>"
    )


def _files(group: Group) -> str:
    lines = []
    for change in group.changes:
        lines.append(f"{SIGNS[change.kind]} {change.name}")
        lines += [f"    {f.path}: {f.before} -> {f.after}" for f in change.fields]
    title = f"{escape(group_title(group))}: {counted(len(group.changes), 'file')} {_tags(group.impacts)}"
    return f'<details class="card"><summary>{title}</summary><pre>{escape(chr(10).join(lines))}</pre></details>'


# --- the graph -------------------------------------------------------------------------------------------------------
Columns = tuple[dict[str, None], dict[str, None], dict[str, None]]
WIDTH, HEIGHT, GAP, LONGEST = 300, 26, 120, 44


def _graph(plan: Plan) -> str:
    """Return documents, models and what these drag along, in three columns with lines between them."""
    columns: Columns = ({}, {}, {})
    lines: dict[tuple[int, str, str], None] = {}
    for change in plan.meaning.changes:
        whom = words.subject(change)
        columns[1].setdefault(whom)
        for document in dict.fromkeys(e.document for e in change.edits):
            columns[0].setdefault(document)
            lines[0, document, whom] = None
        for kind, names in change.drags:
            dragged = f"{kind} {words.listed(names)}"
            columns[2].setdefault(dragged)
            lines[1, whom, dragged] = None
    at = {(c, name): row for c, column in enumerate(columns) for row, name in enumerate(column) if row < NODES}
    tall = max((row for row in at.values()), default=0) + 1
    boxes = "".join(_box(column, row, name) for (column, name), row in at.items())
    paths = "".join(_line(c, at[c, a], at[c + 1, b]) for c, a, b in lines if (c, a) in at and (c + 1, b) in at)
    wide = 3 * WIDTH + 2 * GAP
    size = f'viewBox="0 0 {wide} {tall * (HEIGHT + 8)}" width="100%" style="max-width:{wide}px"'
    return f'<svg {size} role="img" aria-label="impact graph">{paths}{boxes}</svg>'


def _box(column: int, row: int, name: str) -> str:
    x, y = column * (WIDTH + GAP), row * (HEIGHT + 8)
    shown = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
    return (
        f'<rect x="{x + 1}" y="{y + 1}" width="{WIDTH - 2}" height="{HEIGHT - 2}" rx="5"/>'
        f'<text x="{x + 8}" y="{y + 17}">{escape(shown)}<title>{escape(name)}</title></text>'
    )


def _line(column: int, start: int, end: int) -> str:
    x = column * (WIDTH + GAP) + WIDTH
    a, b = (row * (HEIGHT + 8) + HEIGHT // 2 for row in (start, end))
    return f'<path d="M{x} {a} C{x + GAP // 2} {a} {x + GAP // 2} {b} {x + GAP} {b}"/>'
