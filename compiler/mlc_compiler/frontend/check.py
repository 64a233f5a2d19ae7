"""YAML documents to typed ones: envelope, kind and waivers here, the fields in `frontend.schema`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from mlc_compiler.diagnostics import Place, Sink, nearest
from mlc_compiler.frontend.document import Document, Waiver
from mlc_compiler.frontend.matrix import expand
from mlc_compiler.frontend.schema import described, unknown_field, validate
from mlc_compiler.frontend.yaml_scalar import Value as Json
from mlc_compiler.frontend.yaml_source import YamlDocument
from mlc_compiler.spec import API_VERSION, KINDS, Metadata

_ENVELOPE = ("apiVersion", "kind", "metadata", "spec")
WAIVERS = "x-allow"


def check(documents: Iterable[YamlDocument], sink: Sink) -> tuple[Document[Any], ...]:
    """Return the documents that are sound; findings of the others go to the sink. Does not mutate the input."""
    checked: list[Document[Any]] = []
    for document in documents:
        place = Place(document.file, document.index)
        if not isinstance(document.value, dict):
            said = f"the document is {described(document.value)}, not a mapping"
            sink.error("MLC109", place, said, help="start it with `kind:`, `metadata:` and `spec:`")
        elif _check_kind(document.value, place, sink) & _check_version(document.value, place, sink):
            for value in expand(document.value, place, sink):
                checked.extend(_check_one(value, place, document.harmless, sink))
    return tuple(checked)


def _check_kind(value: dict[str, Json], place: Place, sink: Sink) -> bool:
    kind = value.get("kind")
    if isinstance(kind, str) and kind in KINDS:
        return True
    known = f"the kinds are {', '.join(KINDS)}"
    if "kind" not in value:
        _no_kind(value, place, known, sink)
        return False
    near = nearest(kind, KINDS) if isinstance(kind, str) else None
    said = f"unknown kind `{kind}`" if isinstance(kind, str) else f"the kind is {described(kind)}"
    sink.error("MLC108", place.at("kind"), said, help=f"did you mean `{near}`?" if near else known, fix=near or "")
    return False


def _no_kind(value: dict[str, Json], place: Place, known: str, sink: Sink) -> None:
    near = nearest("kind", (key for key in value if key not in _ENVELOPE))
    if near is None:
        sink.error("MLC108", place, "the document has no `kind`", help=known)
    else:
        said = f"the document has no `kind`, but `{near}`"
        sink.error("MLC108", place.at(near).name(), said, help="did you mean `kind`?", fix="kind")


def _check_version(value: dict[str, Json], place: Place, sink: Sink) -> bool:
    version = value.get("apiVersion", API_VERSION)  # mlc.yaml's, where the document says nothing
    if version == API_VERSION:
        return True
    said = f"unknown apiVersion {described(version)}"
    sink.error("MLC108", place.at("apiVersion"), said, help=f"write `apiVersion: {API_VERSION}`")
    return False


def _check_one(value: dict[str, Json], place: Place, harmless: bool, sink: Sink) -> Iterator[Document[Any]]:
    kind = str(value["kind"])
    unknown = [key for key in value if key not in _ENVELOPE and not key.startswith("x-")]
    meant = {unknown_field(place.at(key), key, _ENVELOPE, sink) for key in unknown}
    for part, help in (("metadata", "add `metadata: {name: ...}`"), ("spec", "add `spec:` with the kind's fields")):
        if part not in value and part not in meant:
            sink.error("MLC102", place, f"the {kind} has no `{part}`", help=help)
    waivers = _waivers(value, place, sink)
    if "metadata" not in value or "spec" not in value:
        return
    metadata = validate(Metadata, value["metadata"], place.at("metadata"), sink, within=f"{kind.lower()}.metadata")
    spec = validate(KINDS[kind], value["spec"], place.at("spec"), sink, within=kind.lower())
    if metadata is not None and spec is not None:
        yield Document(kind, metadata, spec, place, waivers, harmless)


def _waivers(value: dict[str, Json], place: Place, sink: Sink) -> tuple[Waiver, ...]:
    raw, at = value.get(WAIVERS, {}), place.at(WAIVERS)
    if not isinstance(raw, dict):
        said = f"`{WAIVERS}` is {described(raw)}, but a mapping is wanted"
        sink.error("MLC103", at, said, help=f"write `{WAIVERS}: {{MLC502: {{until: 2030-01-31, reason: ...}}}}`")
        return ()
    found = (_waiver(code, entry, at.at(code), sink) for code, entry in raw.items())
    return tuple(w for w in found if w is not None)


def _waiver(code: str, entry: Json, at: Place, sink: Sink) -> Waiver | None:
    until, reason = (entry.get("until"), entry.get("reason")) if isinstance(entry, dict) else (None, None)
    if not isinstance(until, str) or not isinstance(reason, str) or not reason.strip():
        help = f"write `{code}: {{until: 2030-01-31, reason: why it is right}}`"
        sink.error("MLC102", at.name(), f"the waiver of {code} needs `until` and `reason`", help=help)
        return None
    if not _is_date(until):
        help = "write year-month-day, such as 2030-01-31"
        sink.error("MLC105", at.at("until"), f"`{until}` is not a date", help=help)
        return None
    return Waiver(code, until, reason)


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
