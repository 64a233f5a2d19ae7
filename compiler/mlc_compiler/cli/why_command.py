"""Tell which spec field a line of an artifact comes from, and which target wrote it."""

from __future__ import annotations

import argparse
from pathlib import Path

from mlc_compiler.backend.manifest import Entry
from mlc_compiler.cli.console import Console
from mlc_compiler.conventions import MANIFEST_FILE
from mlc_compiler.ir import Origin


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("where", metavar="FILE[:LINE]", help="a generated file, and a line of it")


def run(options: argparse.Namespace, console: Console) -> int:
    from mlc_compiler.backend.manifest import DamagedManifest, owner
    from mlc_compiler.cli.project import find_root

    root = find_root(options.directory, console)
    if root is None:
        return 1
    path, line = _parse(options.where, root, options.directory)
    try:
        entry = owner(root, path)
    except DamagedManifest as error:
        console.findings([error.finding], root)
        return 1
    if entry is None:
        console.say(f"mlc why: mlc does not own `{path}`: no {MANIFEST_FILE} of its folder or of a model lists it")
        return 1
    console.out(_answer(root, path, line, entry))
    return 0


def _parse(where: str, root: Path, directory: Path) -> tuple[str, int]:
    """Return the path below the root and the line (0 for the whole file); paths may be given from here or the root."""
    path, colon, line = where.rpartition(":")
    given, number = (path, int(line)) if colon and line.isdigit() else (where, 0)
    for base in (Path.cwd(), directory, root):
        absolute = (base / given).resolve()
        if absolute.is_file() and absolute.is_relative_to(root):
            return absolute.relative_to(root).as_posix(), number
    return given, number


def _answer(root: Path, path: str, line: int, entry: Entry) -> str:
    part = next((p for p in reversed(entry.parts) if p.line <= line), None) if line else None
    origin = part.origin if part else Origin(entry.document)
    rows = [f"{path}:{line}" if line else path]
    if line:
        rows.append(f"  line:   {_line(root, path, line)}")
    rows.append(f"  target: {entry.target or 'mlc'}")
    rows.append(f"  field:  {origin.document} {origin.field}".rstrip())
    spec = _spec(root, origin)
    return "\n".join([*rows, f"  spec:   {spec}"] if spec else rows)


def _spec(root: Path, origin: Origin) -> str:
    """Return where the field stands in the specs, with its line; empty when it no longer does."""
    from mlc_compiler.cli.console import reader
    from mlc_compiler.cli.project import read_project
    from mlc_compiler.diagnostics import Finding, Severity, Sink
    from mlc_compiler.frontend.locate import locate

    project = read_project(root, Sink())
    if project is None or all(d.label != origin.document for d in project.documents()):
        return ""
    finding = Finding("", "", project.place(origin), severity=Severity.INFO)
    span = locate([finding], reader(root))[0].span()
    return f"{span.file}:{span.line}:{span.column}  {_line(root, span.file, span.line)}"


def _line(root: Path, file: str, line: int) -> str:
    lines = (root / file).read_text("utf-8", "replace").splitlines()
    return lines[line - 1].strip() if line <= len(lines) else ""
