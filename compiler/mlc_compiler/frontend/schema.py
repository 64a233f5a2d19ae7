"""Values to typed specs: every error of a value in one run, each with its place and its mend.

pydantic finds the errors; their text is ours, chosen by the error's type, never by its message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from mlc_compiler.diagnostics import Path, Place, Sink, nearest
from mlc_compiler.frontend.yaml_scalar import Value as Json

M = TypeVar("M", bound=BaseModel)
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
_BOUNDS = {
    "greater_than": ("is {value}, not above {gt}", "write more than {gt}"),
    "greater_than_equal": ("is {value}, below {ge}", "write {ge} or more"),
    "less_than": ("is {value}, not below {lt}", "write less than {lt}"),
    "less_than_equal": ("is {value}, above {le}", "write {le} or less"),
    "too_short": ("has {length} entries, fewer than {min_length}", "list at least {min_length}"),
    "too_long": ("has {length:,} entries, more than {max_length:,}", "list at most {max_length:,}, or split it"),
    "string_too_short": ("is empty", "write it, or leave the field out"),
    "string_too_long": (
        "has {length:,} characters, more than {max_length:,}",
        "write at most {max_length:,} characters, or split it",
    ),
}
"""By the type of pydantic's error: what a message says of the value, and the help."""
LONGEST = 60
"""Characters of a value that a message repeats."""


def validate(
    model: type[M], value: Json, place: Place, sink: Sink, *, within: str = "", fixed_place: bool = False
) -> M | None:
    """Return the typed value, or None with a finding for each of its errors.

    `within` is the value's path for `mlc explain`. `fixed_place` puts all findings at `place`, for values that no file
    holds as they are.
    """
    try:
        return model.model_validate(_without_notes(value))
    except ValidationError as error:
        report = _Report(model, value, within, _Fixed.of(place) if fixed_place else place, sink)
        # A misspelt field first: that it is missing under its right name would be the same mistake again.
        for details in sorted(error.errors(include_url=False), key=lambda d: d["type"] != "extra_forbidden"):
            report.add(details)
        return None


class _Fixed(Place):
    """A place whose fields all stand at the place itself."""

    @classmethod
    def of(cls, place: Place) -> _Fixed:
        return cls(place.file, place.document, place.path)

    def at(self, *path: str | int) -> Place:  # noqa: ARG002  # the point is to stay
        return Place(self.file, self.document, self.path)


def _without_notes(value: Json) -> Json:
    """Return the value without its `x-` keys; nearly always the value itself."""
    written = repr(value)
    return _stripped(value) if "'x-" in written or '"x-' in written else value


def _stripped(value: Json) -> Json:
    if isinstance(value, dict):
        return {k: _stripped(v) for k, v in value.items() if not k.startswith("x-")}
    if isinstance(value, list):
        return [_stripped(v) for v in value]
    return value


class _Report:
    """Turns pydantic's errors of one value into findings."""

    def __init__(self, model: type[BaseModel], value: Json, within: str, place: Place, sink: Sink) -> None:
        self._model, self._value, self._within = model, value, within
        self._place, self._sink = place, sink
        self._meant: set[Path] = set()

    def add(self, details: ErrorDetails) -> None:
        """Add the finding of one error."""
        path = _yaml_path(self._value, details["loc"])
        at, kind, context = self._place.at(*path), details["type"], details.get("ctx", {})
        if kind == "extra_forbidden":
            near = unknown_field(at, str(path[-1]), _fields(self._model, path[:-1]), self._sink)
            self._meant |= {(*path[:-1], near)} if near else set()
        elif kind == "missing":
            self._missing(at, path, str(details["loc"][-1]))
        elif kind == "literal_error":
            self._wrong_choice(at, path, details["input"])
        elif kind == "mlc_scalar":
            said = f"{described(context['value'])} is not {context['kind']}"
            self._sink.error("MLC105", at, said, help=f"write {context['expected']}")
        elif kind == "mlc_one_of":
            self._one_of(at, context)
        elif kind in _WANTED:
            self._wrong_type(at, path, kind, details["input"])
        else:
            self._out_of_bounds(at, path, details)

    def _missing(self, at: Place, path: Path, field: str) -> None:
        if (*path, field) in self._meant:
            return
        subject = ".".join(filter(None, (self._within, *_named_steps(self._model, path), field)))
        help = f"add `{field}:`; `mlc explain {subject}` tells what it means"
        self._sink.error("MLC102", at, f"`{field}` is missing", help=help)

    def _wrong_choice(self, at: Place, path: Path, given: object) -> None:
        choices = _choices(self._model, path)
        near, listed = nearest(str(given), choices), ", ".join(choices)
        help = f"did you mean `{near}`? The choices are {listed}" if near else f"the choices are {listed}"
        self._sink.error("MLC104", at, f"{_name(path)} can't be {described(given)}", help=help, fix=near or "")

    def _one_of(self, at: Place, context: Mapping[str, Any]) -> None:
        forms = ", ".join(f"`{f}`" for f in context["forms"])
        given = context["given"]
        if given:
            said = f"{' and '.join(f'`{g}`' for g in given)} are given together"
            self._sink.error("MLC107", at.at(given[1]).name(), said, help=f"give exactly one of {forms}")
        else:
            self._sink.error("MLC107", at, f"none of {forms} is given", help="give exactly one of them")

    def _wrong_type(self, at: Place, path: Path, kind: str, given: object) -> None:
        said = f"{_name(path)} is {_typed(given)}, but {_WANTED[kind]} is wanted"
        self._sink.error("MLC103", at, said, help=_mapping_help(self._model, path) or _type_help(kind, given))

    def _out_of_bounds(self, at: Place, path: Path, details: ErrorDetails) -> None:
        given, (said, help) = details["input"], _BOUNDS.get(details["type"], ("is {value}", details["msg"]))
        length = len(given) if isinstance(given, str | list | dict) else 0
        if details["type"] == "too_short" and not length:
            said, help = "is empty", "list at least {min_length}"
        words = {**details.get("ctx", {}), "value": described(given), "length": length}
        self._sink.error("MLC106", at, f"{_name(path)} {said.format(**words)}", help=help.format(**words))


def unknown_field(at: Place, name: str, known: Iterable[str], sink: Sink) -> str | None:
    """Report a key that the mapping does not have; return the nearest that it has."""
    names = sorted(known)
    near = nearest(name, names)
    help = f"did you mean `{near}`?" if near else f"the fields here are {', '.join(names)}"
    sink.error("MLC101", at.name(), f"unknown field `{name}`", help=help, fix=near or "")
    return near


def described(value: object) -> str:
    """Return a value as a message names it: shortened, lists and mappings by their kind."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        text = " ".join(value.split())
        return f"`{text[: LONGEST - 3]}...`" if len(text) > LONGEST else f"`{text}`"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return f"`{value}`"


def _typed(value: object) -> str:
    """Return a value with its type, where the type is what is wrong."""
    if isinstance(value, str):
        return f"the text {described(value)}"
    return f"the number {described(value)}" if type(value) in (int, float) else described(value)


def _name(path: Path) -> str:
    """Return what a message calls the value at a path."""
    if not path:
        return "the value"
    last = path[-1]
    parent = next((str(s) for s in reversed(path) if isinstance(s, str)), None)
    if isinstance(last, str):
        return f"`{last}`"
    return f"item {last + 1} of `{parent}`" if parent else f"item {last + 1}"


def _mapping_help(model: type[BaseModel], path: Path) -> str:
    """Return the mapping to write: its required fields, else its first two; nothing where users choose the keys."""
    for kind in _kinds_at(model, path):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            fields = [(field.alias or name, field.is_required()) for name, field in kind.model_fields.items()]
            named = [name for name, required in fields if required] or [name for name, _ in fields[:2]]
            return f"write `{{{', '.join(f'{name}: ...' for name in named)}}}`"
    return ""


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
    """Return the steps of a pydantic location that exist in the document, tags of unions and checks left out."""
    path: list[str | int] = []
    for step in location:
        if isinstance(value, dict) and step in value:
            value = value[str(step)]
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            continue
        path.append(step)
    return tuple(path)


def _kinds_at(model: type[BaseModel], path: Path) -> tuple[object, ...]:
    """Return the types that the value at `path` may have."""
    kinds: tuple[object, ...] = (model,)
    for step in path:
        kinds = tuple(inner for kind in kinds for inner in _descend(kind, step))
    return kinds


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
    """Return the names of the fields that the mapping at `path` has."""
    for kind in _kinds_at(model, path):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return tuple(field.alias or name for name, field in kind.model_fields.items())
    return ()


def _choices(model: type[BaseModel], path: Path) -> tuple[str, ...]:
    return tuple(str(a) for kind in _kinds_at(model, path) for a in get_args(kind) if not isinstance(a, type))


def _named_steps(model: type[BaseModel], path: Path) -> list[str]:
    """Return the steps of a path that are fields of the language; keys that users choose and indices are none."""
    return [str(step) for index, step in enumerate(path) if step in _fields(model, path[:index])]
