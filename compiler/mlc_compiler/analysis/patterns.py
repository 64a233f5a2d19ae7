"""Patterns of columns: what RE2 refuses would end a run at its data checks, and let the server take any text."""

from __future__ import annotations

from mlc_compiler.diagnostics import Place, Sink
from mlc_compiler.frontend.project import Project


def check_patterns(project: Project, sink: Sink) -> None:
    """Refuse patterns that RE2 can't read, and those of columns that hold no text."""
    for dataset in project.datasets.values():
        for name, column in dataset.spec.columns.items():
            if column.pattern is not None:
                _check(name, column.type, column.pattern, dataset.at("columns", name, "pattern"), sink)


def _check(name: str, type_: str, pattern: str, at: Place, sink: Sink) -> None:
    from mlc_compiler.sql.regex_syntax import PatternProblem, parse_pattern  # few columns have a pattern

    if type_ != "string":
        help = "use minimum, maximum or enum" if type_ != "bool" else "remove it"
        sink.error("MLC327", at, f"`pattern` is about texts, and `{name}` is of type {type_}", help=help)
        return
    parsed = parse_pattern(pattern)
    if isinstance(parsed, PatternProblem) and parsed.refused:
        help = parsed.help or "write it in the syntax of RE2, which has no lookarounds and no backreferences"
        sink.error("MLC327", at, f"the pattern of `{name}` can't be read: {parsed.reason}", help=help)
