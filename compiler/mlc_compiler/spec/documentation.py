"""Field documentation, read from the spec modules' source: one text for `mlc explain`, schemas and reference."""

from __future__ import annotations

import ast
import functools
import inspect
import sys
import textwrap
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, get_args

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from mlc_compiler.records import dataclass
from mlc_compiler.spec.document import Metadata


@dataclass(frozen=True, slots=True)
class FieldDocumentation:
    """What there is to know of a field."""

    name: str
    model: type[BaseModel] | None  # of the mapping, or of the list's items
    type: str
    default: str  # "" when required
    required: bool
    text: str


@functools.cache
def _module_docs(module: str) -> Mapping[str, Mapping[str, str]]:
    """Return class name -> field -> docstring under the field, from a module's source."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: dict(_attribute_docs(node)) for node in tree.body if isinstance(node, ast.ClassDef)}


def _attribute_docs(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for statement, following in zip(node.body, node.body[1:], strict=False):
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
            yield statement.target.id, inspect.cleandoc(str(following.value.value))


def summary(model: type[BaseModel]) -> str:
    """Return a spec class's docstring."""
    return inspect.cleandoc(model.__doc__ or "")


def fields(model: type[BaseModel]) -> tuple[FieldDocumentation, ...]:
    """Return the fields of a spec class in the order declared."""
    docs = _module_docs(model.__module__).get(model.__name__, {})
    return tuple(_field(name, field, docs.get(name, "")) for name, field in model.model_fields.items())


def _field(name: str, field: FieldInfo, text: str) -> FieldDocumentation:
    inner = next(iter(_models(field.annotation)), None)
    if not text and inner is not None:
        text = summary(inner)
    default = "" if field.is_required() or field.default is None else _value(field)
    return FieldDocumentation(field.alias or name, inner, type_text(field), default, field.is_required(), text)


def _value(field: FieldInfo) -> str:
    """Return a default as a spec writes it: `15m`, `true`, `[]`; a mapping's fields tell their own."""
    if field.default_factory is not None:
        return ""
    written = _adapter(field).dump_python(field.default, mode="json")
    return str(written).lower() if isinstance(written, bool) else str(written)


def _adapter(field: FieldInfo) -> TypeAdapter[Any]:
    annotation: Any = field.annotation
    for item in field.metadata:
        annotation = Annotated[annotation, item]
    return TypeAdapter(annotation)


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def type_text(field: FieldInfo) -> str:
    """Return a field's type in the words of the language: text, number, list of text, ..."""
    return _schema_text(_adapter(field).json_schema())


def _schema_text(schema: object) -> str:
    if not isinstance(schema, Mapping):
        return "any"
    if "$ref" in schema or "properties" in schema:
        return "mapping"
    if "enum" in schema:
        return " | ".join(str(v) for v in schema["enum"])
    if "anyOf" in schema:
        parts = [_schema_text(s) for s in schema["anyOf"] if s != {"type": "null"}]
        return " or ".join(dict.fromkeys(parts))
    if schema.get("type") == "array":
        return f"list of {_schema_text(schema.get('items', {}))}"
    if schema.get("type") == "object":
        inner = schema.get("additionalProperties")
        return f"mapping to {_schema_text(inner)}" if isinstance(inner, Mapping) else "mapping"
    words = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
    return words.get(str(schema.get("type")), "any")


def find(model: type[BaseModel], path: tuple[str, ...]) -> FieldDocumentation | None:
    """Return the documentation of a dotted path below a spec class, or None."""
    found: FieldDocumentation | None = None
    current: type[BaseModel] | None = model
    for step in path:
        if current is None:
            return None
        found = next((f for f in fields(current) if f.name == step), None)
        if found is None and step == "metadata" and current is model:
            found = FieldDocumentation("metadata", Metadata, "mapping", "", True, summary(Metadata))
        if found is None:
            return None
        current = found.model
    return found


def wrapped(text: str, indent: str = "  ", width: int = 100) -> str:
    """Return a text folded and indented for a terminal."""
    return textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent)
