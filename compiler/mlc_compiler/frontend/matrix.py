"""`metadata.matrix`: one document written once, expanded into one for each combination before anything is resolved."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from mlc_compiler.diagnostics import Place, Related, Sink, nearest
from mlc_compiler.frontend.yaml_scalar import Value as Json

_OPENED = re.compile(r"\$\{\{[^}]*(?:\}\})?")
_PLACEHOLDER = re.compile(r"\$\{\{\s*matrix\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
MAX_DOCUMENTS = 10_000


class _UnknownKey(Exception):
    """A placeholder names no key of the matrix."""


def expand(value: dict[str, Json], place: Place, sink: Sink) -> Iterator[dict[str, Json]]:
    """Yield the document for each combination of its matrix, or the document itself when it has none."""
    metadata = value.get("metadata")
    matrix = metadata.get("matrix") if isinstance(metadata, dict) else None
    if not isinstance(metadata, dict) or not isinstance(matrix, dict):
        _refuse_placeholders(value, place, "the document has no `metadata.matrix`", sink)
        yield value
        return
    lists = {k: v for k, v in matrix.items() if isinstance(v, list) and v}
    if len(lists) != len(matrix) or not matrix:
        yield value  # of the wrong shape: the schema check says so
        return
    if not _fits(metadata, lists, place, sink):
        return
    bare = {**value, "metadata": {k: v for k, v in metadata.items() if k != "matrix"}}
    _refuse_placeholders(bare, place, "", sink)
    for combination in itertools.product(*lists.values()):
        try:
            yield _document(bare, dict(zip(lists, combination, strict=True)))
        except _UnknownKey:
            _report_unknown(bare, lists, place, sink)
            return


def _refuse_placeholders(value: Json, place: Place, always: str, sink: Sink) -> None:
    """Report every `${{ }}` that is not filled in: it would be taken for plain text."""
    if "${{" not in repr(value):
        return  # nearly always: walking all values takes twenty times as long
    for at, text in _texts(value, place):
        for found in _OPENED.finditer(text):
            if always or not _PLACEHOLDER.fullmatch(found[0]):
                said = f"`{found[0]}` is not filled in" + (f": {always}" if always else "")
                help = "only `${{ matrix.KEY }}` is filled in, from the lists under `metadata.matrix`"
                sink.error("MLC110", at.slice(*found.span()), said, help=help)


def _report_unknown(value: dict[str, Json], lists: dict[str, list[Json]], place: Place, sink: Sink) -> None:
    """Report every placeholder that names no key of the matrix."""
    for at, match in _placeholders(value, place):
        key = match[1]
        if key not in lists:
            near = nearest(key, lists)
            sink.error(
                "MLC110",
                at.slice(*match.span()),
                f"the matrix has no `{key}`",
                related=[Related("matrix", ", ".join(lists), place.at("metadata", "matrix"))],
                help=f"write `matrix.{near}`" if near else f"take one of {', '.join(lists)}, or add `{key}` to it",
                fix=f"${{{{ matrix.{near} }}}}" if near else "",
            )


def _placeholders(value: Json, place: Place) -> Iterator[tuple[Place, re.Match[str]]]:
    for at, text in _texts(value, place):
        yield from ((at, match) for match in _PLACEHOLDER.finditer(text))


def _texts(value: Json, place: Place) -> Iterator[tuple[Place, str]]:
    """Yield the texts with an opened placeholder, notes under `x-` keys left out."""
    if isinstance(value, str):
        if "${{" in value:
            yield place, value
    elif isinstance(value, dict):
        for key, item in value.items():
            if not key.startswith("x-"):
                yield from _texts(item, place.at(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, place.at(index))


def _fits(metadata: dict[str, Json], lists: dict[str, list[Json]], place: Place, sink: Sink) -> bool:
    name = metadata.get("name")
    used = set(_PLACEHOLDER.findall(name)) if isinstance(name, str) else set()
    missing = sorted(set(lists) - used)
    if missing:
        sink.error(
            "MLC110",
            place.at("metadata", "name"),
            f"the name does not contain the matrix key {missing[0]}, so several documents would share it",
            help=f"write it as e.g. {name}-${{{{ matrix.{missing[0]} }}}}",
        )
        return False
    count = 1
    for values in lists.values():
        count *= len(values)
    if count > MAX_DOCUMENTS:
        sink.error(
            "MLC110",
            place.at("metadata", "matrix"),
            f"the matrix makes {count:,} documents; at most {MAX_DOCUMENTS:,} are allowed",
            help="split it into several documents, or leave out values",
        )
        return False
    return True


def _document(value: dict[str, Json], combination: dict[str, Json]) -> dict[str, Json]:
    return {key: _fill(item, combination) for key, item in value.items()}


def _fill(value: Json, combination: dict[str, Json]) -> Json:
    if isinstance(value, str):
        return _fill_text(value, combination) if "${{" in value else value
    if isinstance(value, dict):
        return {k: _fill(v, combination) for k, v in value.items()}
    if isinstance(value, list):
        return [_fill(v, combination) for v in value]
    return value


def _fill_text(text: str, combination: dict[str, Json]) -> Json:
    whole = _PLACEHOLDER.fullmatch(text)
    if whole:
        return _lookup(whole[1], combination)
    return _PLACEHOLDER.sub(lambda m: _text(_lookup(m[1], combination)), text)


def _text(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _lookup(key: str, combination: dict[str, Json]) -> Json:
    if key not in combination:
        raise _UnknownKey(key)
    return combination[key]
