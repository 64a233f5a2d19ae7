"""Overrides of an environment: other values for fields outside the version, applied to the specs and checked again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from pydantic import BaseModel

from mlc_compiler.diagnostics import Place, Sink, nearest
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.schema import described, validate
from mlc_compiler.middle.resolved import Named, ResolvedModel
from mlc_compiler.spec.environment import Environment
from mlc_compiler.spec.types import SpecModel

S = TypeVar("S", bound=SpecModel)
# Fields of a model outside its version: all others are trained on.
FREE = {"Model": ("serving", "card"), "Rollout": None, "Monitor": None}


def apply_overrides(resolved: ResolvedModel, environment: Document[Environment], sink: Sink) -> ResolvedModel:
    """Return the model with the environment's overrides; fields that may not be set go to the sink."""
    for index, override in enumerate(environment.spec.overrides):
        place = environment.at("overrides", index, "set")
        if override.kind == "Model" and fnmatchcase(resolved.name, override.name):
            resolved = replace(resolved, spec=_apply("Model", resolved.spec, override.set, place, sink))
        elif override.kind == "Rollout" and resolved.rollout and fnmatchcase(resolved.rollout.name, override.name):
            resolved = replace(resolved, rollout=_apply_named("Rollout", resolved.rollout, override.set, place, sink))
        elif override.kind == "Monitor" and resolved.monitor and fnmatchcase(resolved.monitor.name, override.name):
            resolved = replace(resolved, monitor=_apply_named("Monitor", resolved.monitor, override.set, place, sink))
    return resolved


def _apply_named(kind: str, named: Named[S], values: Mapping[str, Any], place: Place, sink: Sink) -> Named[S]:
    return Named(named.name, _apply(kind, named.spec, values, place, sink))


def _apply(kind: str, spec: S, values: Mapping[str, Any], place: Place, sink: Sink) -> S:
    data = spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    for path, value in values.items():
        at = place.at(path)
        if _allowed(kind, type(spec), path, at, sink):
            _set(data, path.split("."), value)
            candidate = validate(type(spec), data, at, sink, fixed_place=True)
            if candidate is None:
                return spec
            if candidate == spec:
                sink.warn("MLC908", at, f"`{path}` already is {described(value)}", help="remove the override")
            spec = candidate
    return spec


def _allowed(kind: str, model: type[BaseModel], path: str, at: Place, sink: Sink) -> bool:
    free = FREE[kind]
    head = path.split(".", maxsplit=1)[0]
    known = list(field_paths(model))
    if path not in known and not any(k.startswith(path + ".") for k in known):
        near = nearest(path, known)
        sink.error(
            "MLC907",
            at.name(),
            f"{kind} has no field `{path}`",
            help=f"did you mean `{near}`?" if near else "see `mlc explain` for the fields",
        )
        return False
    if free is not None and head not in free:
        sink.error(
            "MLC907",
            at.name(),
            f"`{path}` is part of the model's version, so no environment can differ in it",
            help=f"override fields of {' or '.join(free)}, or make it another model",
        )
        return False
    return True


def field_paths(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield the dotted paths of all fields below a spec model."""
    for name, field in model.model_fields.items():
        path = f"{prefix}{field.alias or name}"
        yield path
        for inner in _models(field.annotation):
            yield from field_paths(inner, f"{path}.")


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif "Union" in type(annotation).__name__:
        for member in getattr(annotation, "__args__", ()):
            yield from _models(member)


def _set(data: dict[str, Any], path: list[str], value: object) -> None:
    for step in path[:-1]:
        data = data.setdefault(step, {})
    data[path[-1]] = value
