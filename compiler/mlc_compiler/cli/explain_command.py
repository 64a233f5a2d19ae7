"""Explain a finding's code (MLC302), a kind or field of the specs (model.serving.replicas), or what a target can do."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from mlc_compiler.cli.console import Console

if TYPE_CHECKING:  # pydantic is off the path of `mlc explain MLC302`
    from pydantic import BaseModel


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "subject",
        nargs="?",
        help="a code such as MLC302, a field such as model.serving.replicas, or a target such as argo-rollouts",
    )


def run(options: argparse.Namespace, console: Console) -> int:
    from mlc_compiler.codes import REGISTRY

    subject = options.subject
    if subject is None:
        console.out(_overview())
        return 0
    if subject.upper() in REGISTRY:
        console.out(_code(subject.upper()))
        return 0
    text = _field(subject) or _target(subject)
    if text is not None:
        console.out(text)
        return 0
    console.refuse(f"mlc explain: nothing is called `{subject}`{_near(subject)}")
    return 2


def _overview() -> str:
    from mlc_compiler.codes import FAMILIES
    from mlc_compiler.spec import KINDS

    lines = ["kinds: " + ", ".join(k.lower() for k in KINDS), ""]
    for title, codes in FAMILIES:
        lines += [title, *(f"  {c.id}  {c.title}" for c in codes), ""]
    return "\n".join(lines)


def _code(code: str) -> str:
    from mlc_compiler.codes import REGISTRY
    from mlc_compiler.spec.documentation import wrapped

    entry = REGISTRY[code]
    return f"{entry.id}: {entry.title}\n\n{wrapped(entry.explanation, '')}\n"


def _field(subject: str) -> str | None:
    from mlc_compiler.spec import KINDS
    from mlc_compiler.spec.documentation import fields, find, summary, wrapped

    head, *path = subject.replace(".spec.", ".").split(".")
    kind = next((k for k in KINDS if k.lower() == head.lower().replace("_", "")), None)
    if kind is None:
        return None
    model: type[BaseModel] | None = KINDS[kind]
    if not path:
        title, text = f"kind {kind}", summary(KINDS[kind])
    else:
        found = find(KINDS[kind], tuple(path))
        if found is None:
            return None
        default = "required" if found.required else f"default {found.default}" if found.default else "optional"
        title, text = f"{kind}.{'.'.join(path)}: {found.type} ({default})", found.text
        model = found.model
    lines = [title, "", wrapped(text, "") if text else ""]
    for field in fields(model) if model else ():
        marks = "required" if field.required else f"default {field.default}" if field.default else ""
        lines += ["", f"  {field.name}  <{field.type}>  {marks}".rstrip()]
        lines += [wrapped(field.text, "      ")] if field.text else []
    return "\n".join(lines)


def _target(subject: str) -> str | None:
    """Return the table of what a target can express, row by row with its source."""
    from mlc_compiler.backend.capability import Capable, shown
    from mlc_compiler.backend.registry import installed
    from mlc_compiler.spec.documentation import wrapped

    tables = {t.name: t.capabilities() for t in installed().every() if isinstance(t, Capable)}
    if subject not in tables:
        return None
    lines = [f"target {subject}: what it can express", ""]
    for row in tables[subject]:
        when = f" ({shown(row)})" if shown(row) else ""
        lines += [f"  {row.support:<8}{row.name}{when}: {', '.join(row.fields)}", wrapped(row.detail, " " * 10)]
        lines += [wrapped(f"instead: {row.alternative}", " " * 10)] if row.alternative else []
        lines += [f"          {row.source}"]
    return "\n".join(lines)


def _near(subject: str) -> str:
    from mlc_compiler.codes import REGISTRY
    from mlc_compiler.diagnostics import nearest
    from mlc_compiler.middle.overrides import field_paths
    from mlc_compiler.spec import KINDS

    names = [f"{k.lower()}.{p}" for k, m in KINDS.items() for p in field_paths(m)]
    near = nearest(subject.lower(), [*names, *(k.lower() for k in KINDS), *(c.lower() for c in REGISTRY)])
    shown = near.upper() if near and near.upper() in REGISTRY else near
    return f"; did you mean `{shown}`?" if shown else "; `mlc explain` lists what there is"
