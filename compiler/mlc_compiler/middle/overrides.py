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
from mlc_compiler.spec.environment import Environment, Override
from mlc_compiler.spec.types import SpecModel

S = TypeVar("S", bound=SpecModel)
OF_TYPE = ("MLC103", "MLC104", "MLC105")
"""Findings of values that are not what a field takes."""
# Fields of a model outside its version: all others are trained on.
FREE = {"Model": ("serving", "card"), "Rollout": None, "Monitor": None}


def apply_overrides(resolved: ResolvedModel, environment: Document[Environment], sink: Sink) -> ResolvedModel:
    """Return the model with the environment's overrides; fields that may not be set go to the sink."""
    for index, override in enumerate(environment.spec.overrides):
        place = environment.at("overrides", index, "set")
        if not reaches(override, resolved):
            continue
        if override.kind == "Model":
            resolved = replace(resolved, spec=_apply(override, resolved.spec, place, sink))
        elif override.kind == "Rollout" and resolved.rollout:
            resolved = replace(resolved, rollout=_apply_named(override, resolved.rollout, place, sink))
        elif override.kind == "Monitor" and resolved.monitor:
            resolved = replace(resolved, monitor=_apply_named(override, resolved.monitor, place, sink))
    return resolved


def reaches(override: Override, resolved: ResolvedModel) -> bool:
    """Tell whether an override sets fields of a model, or of its rollout or monitor."""
    named = {"Rollout": resolved.rollout, "Monitor": resolved.monitor}
    target = resolved if override.kind == "Model" else named[override.kind]
    return target is not None and fnmatchcase(target.name, override.name)


def _apply_named(override: Override, named: Named[S], place: Place, sink: Sink) -> Named[S]:
    return Named(named.name, _apply(override, named.spec, place, sink))


def _apply(override: Override, spec: S, place: Place, sink: Sink) -> S:
    data = spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    for path, value in override.set.items():
        at = place.at(path)
        if _allowed(override.kind, type(spec), path, at, sink):
            _set(data, path.split("."), value)
            candidate = _checked(type(spec), data, path, value, at, sink)
            if candidate is None:
                data = spec.model_dump(mode="json", by_alias=True, exclude_none=True)
                continue
            if candidate == spec and not _is_pattern(override.name):  # of a pattern's models, others may differ
                said = f"`{path}` of {override.kind} `{override.name}` already is {described(value)}"
                sink.warn("MLC908", at, said, help="remove the override")
            spec = candidate
    return spec


def _is_pattern(name: str) -> bool:
    return any(sign in name for sign in "*?[")


def _checked(model: type[S], data: Mapping[str, Any], path: str, value: object, at: Place, sink: Sink) -> S | None:
    """Return the spec with the value in it; a value of another type than the field's goes to the sink, as others do."""
    found = Sink()
    candidate = validate(model, dict(data), at, found, fixed_place=True)
    for finding in found:
        if finding.code in OF_TYPE and not isinstance(value, dict):
            said = f"the override of `{path}` has another type than the field: {finding.message}"
            sink.add(replace(finding, code="MLC970", message=said, at=at))
        else:
            sink.add(finding)
    return candidate


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
