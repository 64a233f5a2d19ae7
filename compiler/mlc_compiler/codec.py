"""Frozen dataclasses to JSON values and back, by their type hints: how snapshots, caches and packages keep the IR."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import types
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
_SCALARS = frozenset((str, int, float, bool, type(None)))
Json = Any
"""A JSON value; `Any`, since type hints can't describe decoding by a type that is only known when it runs."""


def to_json(value: object) -> Json:
    """Return the JSON value of a dataclass, tuple, mapping or scalar; fields that hold their default are left out."""
    if type(value) in _SCALARS:
        return value
    if fields := _defaults(type(value)):  # type: ignore[arg-type]  # a class is hashable
        return {
            name: item if type(item) in _SCALARS else to_json(item)
            for name, default in fields
            if (item := getattr(value, name)) is not default and item != default
        }
    if isinstance(value, tuple | list):
        return [v if type(v) in _SCALARS else to_json(v) for v in value]
    if isinstance(value, Mapping):
        return {str(k): to_json(v) for k, v in value.items()}
    return value


@functools.cache
def _defaults(cls: type) -> tuple[tuple[str, object], ...]:
    return tuple((f.name, f.default) for f in dataclasses.fields(cls)) if dataclasses.is_dataclass(cls) else ()


def from_json(cls: type[T], value: Json) -> T:
    """Return the value that `to_json` made; raises KeyError, TypeError or ValueError for anything else."""
    decoded: T = _decoder(cls)(value)  # type: ignore[arg-type]  # a class is hashable
    return decoded


@functools.cache
def _decoder(hint: Any) -> Callable[[Json], Any]:
    if dataclasses.is_dataclass(hint):
        return _dataclass_decoder(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _union_decoder(arguments)
    if origin is tuple:
        return _tuple_decoder(arguments)
    if origin is Literal or hint in (str, int, bool, object, Any, types.NoneType):
        return lambda value: value
    if hint is float:
        return _number
    raise TypeError(f"no decoding for {hint!r}")


def _number(value: Json) -> float:
    """Return a number as it was: a whole one that stands where others have a fraction stays whole, in every text."""
    return value if type(value) is int else float(value)


def _dataclass_decoder(cls: Any) -> Callable[[Json], Any]:
    hints = get_type_hints(cls)
    names = [f.name for f in dataclasses.fields(cls)]

    def decode(value: Json) -> Any:
        unknown = set(value) - set(names)
        if unknown:
            raise ValueError(f"{cls.__name__} has no field {sorted(unknown)[0]}")
        return cls(**{n: _decoder(hints[n])(value[n]) for n in names if n in value})

    return decode


def _union_decoder(arguments: tuple[Any, ...]) -> Callable[[Json], Any]:
    """Decode an optional by its other member; a union of scalars and tuples (free-form values) by freezing."""
    others = [a for a in arguments if a is not types.NoneType]
    if len(others) == 1:
        inner = others[0]
        return lambda value: None if value is None else _decoder(inner)(value)
    return freeze


def _tuple_decoder(arguments: tuple[Any, ...]) -> Callable[[Json], Any]:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        inner = arguments[0]
        return lambda value: tuple(map(_decoder(inner), value))
    return lambda value: tuple(_decoder(a)(v) for a, v in zip(arguments, value, strict=True))


def freeze(value: Json) -> Any:
    """Return a free-form value made of scalars and tuples: lists become tuples, mappings tuples of sorted pairs."""
    if isinstance(value, Mapping):
        return tuple((str(k), freeze(v)) for k, v in value.items())
    if isinstance(value, list | tuple):
        return tuple(freeze(v) for v in value)
    return value


def canonical(value: object) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, plain UTF-8."""
    return json.dumps(to_json(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: object) -> str:
    """Return `sha256:` and the digest of the value's canonical JSON."""
    return "sha256:" + hashlib.sha256(canonical(value).encode()).hexdigest()


def text_digest(text: str) -> str:
    """Return `sha256:` and the digest of a text's UTF-8 bytes."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
