"""Secrets in plain text: specs hold references only, because git keeps every value for ever."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import BaseModel

from mlc_compiler.diagnostics import Path, Place, Sink
from mlc_compiler.frontend.project import Project

# Shapes that issuers give to their tokens, and URLs that carry a password.
_SHAPES = re.compile(
    r"AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,}|xox[abprs]-[A-Za-z0-9-]{10,}|"
    r"sk-[A-Za-z0-9_-]{20,}|AIza[0-9A-Za-z_-]{35}|-----BEGIN [A-Z ]*PRIVATE KEY-----|glpat-[A-Za-z0-9_-]{20,}|"
    r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.|[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s:@]+@"
)
_WORDS = "(?:password|passwd|secret_key|api_key|access_key|auth_token|private_key)"
_NAMES = re.compile(rf"(?:^|_){_WORDS}$", re.IGNORECASE)
_KEYS = re.compile(rf'"(?:[^"]*_)?{_WORDS}":', re.IGNORECASE)


def check_secrets(project: Project, sink: Sink) -> None:
    """Report every string that looks like a secret, without repeating it."""
    for document in project.documents():
        if document.harmless:
            continue  # nearly always: one look at a file instead of one at each of its values
        for part, value in (("metadata", document.metadata), ("spec", document.spec)):
            written = value.model_dump_json(by_alias=True, exclude_unset=True)
            if not _suspicious(written):
                continue
            for path, text in _strings(value, (part,)):
                named = next(str(s) for s in reversed(path) if isinstance(s, str))
                _report(document.place.at(*path), named, text, sink)


def _suspicious(written: str) -> bool:
    return bool(_SHAPES.search(written) or _KEYS.search(written))


def _report(at: Place, named: str, text: str, sink: Sink) -> None:
    if _SHAPES.search(text) or (_NAMES.search(named) and text):
        help = "revoke it, and write `{secret: name/key}` where the field takes a reference"
        sink.error("MLC803", at, f"`{named}` holds what looks like a secret", help=help)


def _strings(value: object, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, BaseModel):
        for name in value.model_fields_set:
            field = type(value).model_fields[name]
            yield from _strings(getattr(value, name), (*path, field.alias or name))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(item, (*path, str(key)))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strings(item, (*path, index))
