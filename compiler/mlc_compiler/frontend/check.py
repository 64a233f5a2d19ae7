"""YAML documents to typed ones: every schema error of a file in one run, each with its place and its mend.

pydantic finds the errors; their text is ours, chosen by the error's type, never by its message.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from mlc_compiler.diagnostics import Path, Place, Sink, nearest
from mlc_compiler.frontend.document import Document, Waiver
from mlc_compiler.frontend.matrix import Json, expand
from mlc_compiler.frontend.yaml_source import YamlDocument
from mlc_compiler.spec import API_VERSION, KINDS, Metadata

M = TypeVar("M", bound=BaseModel)
_ENVELOPE = ("apiVersion", "kind", "metadata", "spec")
_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


def check(documents: Iterable[YamlDocument], api_version: str | None, sink: Sink) -> tuple[Document[Any], ...]:
    """Return the documents that are sound; findings of the others go to the sink. Does not mutate the input."""
    checked: list[Document[Any]] = []
    for document in documents:
        place = Place(document.file, document.index)
        if _is_spec(document.value, place, api_version, sink):
            for value in expand(document.value, place, sink):
                checked.extend(_check_one(value, place, sink))
    return tuple(checked)


def _is_spec(value: Json, place: Place, api_version: str | None, sink: Sink) -> bool:
    if not isinstance(value, dict):
        sink.error(
            "MLC109",
            place,
            f"the document is {_describe(value)}, not a mapping",
            help="start it with `kind:`, `metadata:` and `spec:`",
        )
        return False
    return _check_kind(value, place, sink) & _check_version(value, place, api_version, sink)


def _check_kind(value: dict[str, Json], place: Place, sink: Sink) -> bool:
    kind = value.get("kind")
    if isinstance(kind, str) and kind in KINDS:
        return True
    near = nearest(str(kind), KINDS)
    known = f"the kinds are {', '.join(KINDS)}"
    if "kind" not in value:
        sink.error("MLC108", place, "the document has no `kind`", help=known)
    else:
        sink.error(
            "MLC108", place.at("kind"), f"unknown kind `{kind}`", help=f"did you mean `{near}`?" if near else known
        )
    return False


def _check_version(value: dict[str, Json], place: Place, inherited: str | None, sink: Sink) -> bool:
    version = value.get("apiVersion", inherited)
    if version == API_VERSION:
        return True
    at = place.at("apiVersion") if "apiVersion" in value else place
    said = f"unknown apiVersion `{version}`" if version is not None else "the document has no `apiVersion`"
    sink.error("MLC108", at, said, help=f"write `apiVersion: {API_VERSION}`, here or once in mlc.yaml")
    return False


def _check_one(value: dict[str, Json], place: Place, sink: Sink) -> Iterator[Document[Any]]:
    kind = str(value["kind"])
    for key in value:
        if key not in _ENVELOPE and not key.startswith("x-"):
            _unknown(place.at(key), key, _ENVELOPE, sink)
    metadata = validate(Metadata, value.get("metadata", {}), place.at("metadata"), sink)
    spec = validate(KINDS[kind], value.get("spec", {}), place.at("spec"), sink)
    waivers = _waivers(value, place, sink)
    if metadata is not None and spec is not None:
        yield Document(kind, metadata, spec, place, waivers)


def _waivers(value: dict[str, Json], place: Place, sink: Sink) -> tuple[Waiver, ...]:
    raw = value.get("x-allow")
    found = []
    for code, entry in raw.items() if isinstance(raw, dict) else ():
        if isinstance(entry, dict) and isinstance(entry.get("until"), str) and isinstance(entry.get("reason"), str):
            found.append(Waiver(code, str(entry["until"]), str(entry["reason"])))
        else:
            sink.error(
                "MLC102",
                place.at("x-allow", code).name(),
                "a waiver needs `until` and `reason`",
                help=f"write `{code}: {{until: 2030-01-31, reason: why it is right}}`",
            )
    return tuple(found)


def validate(model: type[M], value: Json, place: Place, sink: Sink, *, fixed_place: bool = False) -> M | None:
    """Return the typed value, or None with a finding for each of its errors.

    `fixed_place` puts them all at `place`, for values that no file holds as they are.
    """
    try:
        return model.model_validate(_without_notes(value))
    except ValidationError as error:
        for details in error.errors(include_url=False):
            _report(model, value, details, _Fixed.of(place) if fixed_place else place, sink)
        return None


class _Fixed(Place):
    """A place whose fields all stand at the place itself."""

    @classmethod
    def of(cls, place: Place) -> _Fixed:
        return cls(place.file, place.document, place.path)

    def at(self, *path: str | int) -> Place:  # noqa: ARG002  # the point is to stay
        return Place(self.file, self.document, self.path)


def _without_notes(value: Json) -> Json:
    """Return the value without its `x-` keys."""
    if isinstance(value, dict):
        return {k: _without_notes(v) for k, v in value.items() if not k.startswith("x-")}
    if isinstance(value, list):
        return [_without_notes(v) for v in value]
    return value


def _report(model: type[BaseModel], value: Json, details: ErrorDetails, place: Place, sink: Sink) -> None:
    path = _yaml_path(value, details["loc"])
    at, kind, context = place.at(*path), details["type"], details.get("ctx", {})
    name = str(path[-1]) if path else "spec"
    if kind == "extra_forbidden":
        _unknown(at, name, _fields(model, path[:-1]), sink)
    elif kind == "missing":
        field = str(details["loc"][-1])
        sink.error("MLC102", place.at(*path), f"`{field}` is missing", help=_field_help(model, path, field))
    elif kind == "literal_error":
        _wrong_choice(at, name, details["input"], _choices(model, path), sink)
    elif kind in ("mlc_scalar", "mlc_one_of"):
        _scalar(kind, at, context, sink)
    elif kind in _WANTED:
        got = _describe(details["input"])
        sink.error(
            "MLC103", at, f"`{name}` is {got}, but {_WANTED[kind]} is wanted", help=_type_help(kind, details["input"])
        )
    else:
        sink.error(
            "MLC106", at, f"`{name}` is out of bounds: {_bound(kind, context, details)}", help=_bound_help(context)
        )


def _unknown(at: Place, name: str, known: Iterable[str], sink: Sink) -> None:
    names = sorted(known)
    near = nearest(name, names)
    help = f"did you mean `{near}`?" if near else f"the fields here are {', '.join(names)}"
    sink.error("MLC101", at.name(), f"unknown field `{name}`", help=help)


def _wrong_choice(at: Place, name: str, given: object, choices: tuple[str, ...], sink: Sink) -> None:
    near = nearest(str(given), choices)
    listed = ", ".join(choices)
    help = f"did you mean `{near}`? The choices are {listed}" if near else f"the choices are {listed}"
    sink.error("MLC104", at, f"`{name}` can't be {_describe(given)}", help=help)


def _scalar(kind: str, at: Place, context: dict[str, Any], sink: Sink) -> None:
    if kind == "mlc_one_of":
        forms = ", ".join(f"`{f}`" for f in context["forms"])
        given = ", ".join(f"`{g}`" for g in context["given"])
        said = f"{given} are given together" if given else f"none of {forms} is given"
        sink.error("MLC107", at, f"exactly one form is wanted: {said}", help=f"give exactly one of {forms}")
        return
    got = _describe(context["value"])
    sink.error("MLC105", at, f"{got} is not {context['kind']}", help=f"write {context['expected']}")


def _bound(kind: str, context: dict[str, Any], details: ErrorDetails) -> str:
    words = {
        "greater_than": "more than {gt}",
        "greater_than_equal": "at least {ge}",
        "less_than": "less than {lt}",
        "less_than_equal": "at most {le}",
        "too_short": "at least {min_length} items",
        "too_long": "at most {max_length} items",
        "string_too_short": "at least {min_length} characters",
        "string_too_long": "at most {max_length} characters",
    }
    wanted = words[kind].format(**context) if kind in words else details["msg"]
    return f"{_describe(details['input'])}, but {wanted} is wanted" if kind in words else wanted


def _bound_help(context: dict[str, Any]) -> str:
    limits = [
        f"{k}: {v}" for k, v in sorted(context.items()) if k in ("ge", "gt", "le", "lt", "min_length", "max_length")
    ]
    return f"stay within the bound ({', '.join(limits)})" if limits else "see `mlc explain` for the field"


def _describe(value: object) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        return f"`{value[:57]}...`" if len(value) > 60 else f"`{value}`"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return f"`{value}`"


def _type_help(kind: str, value: object) -> str:
    if kind == "string_type" and isinstance(value, int | float | bool):
        return "put it in quotes, as it is meant to be text"
    if kind in ("int_type", "float_type", "int_from_float") and isinstance(value, str):
        return "write a plain number, without quotes or unit"
    if kind == "bool_type":
        return "write true or false; YAML 1.2 reads yes, no, on and off as text"
    return f"write {_WANTED[kind]}"


# --- from pydantic's locations to ours -------------------------------------------------------------------------------
def _yaml_path(value: Json, location: tuple[str | int, ...]) -> Path:
    """Return the steps of a pydantic location that exist in the document, union tags left out."""
    path: list[str | int] = []
    for index, step in enumerate(location):
        last = index == len(location) - 1
        if isinstance(value, dict) and step in value:
            value = value[str(step)]
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        elif last or not (isinstance(value, dict | list)):
            continue
        else:
            continue
        path.append(step)
    return tuple(path)


def _model_at(model: type[BaseModel], path: Path) -> type[BaseModel] | None:
    """Return the model class that describes the mapping at `path`."""
    kinds: tuple[object, ...] = (model,)
    for step in path:
        kinds = tuple(inner for kind in kinds for inner in _descend(kind, step))
    return next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), None)


def _descend(kind: object, step: str | int) -> tuple[object, ...]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            if (field.alias or name) == step:
                return _alternatives(field.annotation)
        return ()
    arguments = get_args(kind)
    return _alternatives(arguments[-1]) if arguments else ()


def _alternatives(annotation: object) -> tuple[object, ...]:
    """Return the members of a union, `Annotated` unwrapped."""
    arguments = get_args(annotation)
    if hasattr(annotation, "__metadata__"):
        return _alternatives(arguments[0])
    if (arguments and type(None) in arguments) or "Union" in type(annotation).__name__:
        return tuple(inner for a in arguments for inner in _alternatives(a))
    return (annotation,)


def _fields(model: type[BaseModel], path: Path) -> tuple[str, ...]:
    found = _model_at(model, path)
    return tuple(field.alias or name for name, field in found.model_fields.items()) if found else ()


def _choices(model: type[BaseModel], path: Path) -> tuple[str, ...]:
    kinds: tuple[object, ...] = (model,)
    for step in path:
        kinds = tuple(inner for kind in kinds for inner in _descend(kind, step))
    return tuple(str(a) for kind in kinds for a in get_args(kind) if not isinstance(a, type))


def _field_help(model: type[BaseModel], path: Path, field: str) -> str:
    found = _model_at(model, path)
    owner = found.__name__ if found else "document"
    return f"add `{field}:`; `mlc explain {owner}.{field}` tells what it means"
