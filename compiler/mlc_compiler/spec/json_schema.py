"""JSON Schemas of the spec language, for editors and for other tools; generated from the models, never written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from mlc_compiler.spec import API_VERSION, KINDS, Metadata
from mlc_compiler.spec.documentation import fields, summary

DIALECT = "https://json-schema.org/draft/2020-12/schema"
NOTES: Mapping[str, Mapping[str, str]] = {"^x-": {}}
"""Keys of the user's own pass everywhere."""
MATRIX = r"\$\{\{ *matrix\."
PLACEHOLDER: Mapping[str, str] = {"type": "string", "pattern": MATRIX}
"""`${{ matrix.KEY }}` may stand for any scalar: what it expands to is checked later."""


def schema_of(kind: str) -> dict[str, Any]:
    """Return the schema of one kind of document; raises KeyError for an unknown kind."""
    definitions: dict[str, Any] = {}
    document = _document(kind, definitions)
    return {"$schema": DIALECT, "title": f"mlc {kind}", **document, "$defs": dict(sorted(definitions.items()))}


def union_schema() -> dict[str, Any]:
    """Return the schema of any spec document, chosen by its kind."""
    definitions: dict[str, Any] = {}
    documents = {kind: _document(kind, definitions) for kind in sorted(KINDS)}
    cases = [
        {
            "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
            "then": {"$ref": f"#/$defs/{kind}Document"},
        }
        for kind in documents
    ]
    for kind, document in documents.items():
        definitions[f"{kind}Document"] = document
    return {
        "$schema": DIALECT,
        "title": "mlc spec document",
        "type": "object",
        "required": ["kind", "metadata", "spec"],
        "properties": {"kind": {"enum": sorted(KINDS)}},
        "allOf": cases,
        "$defs": dict(sorted(definitions.items())),
    }


def _document(kind: str, definitions: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "description": summary(KINDS[kind]),
        "required": ["kind", "metadata", "spec"],
        "additionalProperties": False,
        "patternProperties": NOTES,
        "properties": {
            "apiVersion": {"const": API_VERSION, "description": "Inherited from mlc.yaml when left out."},
            "kind": {"const": kind},
            "metadata": _reference(Metadata, definitions),
            "spec": _reference(KINDS[kind], definitions),
        },
    }


def _reference(model: type[BaseModel], definitions: dict[str, Any]) -> dict[str, Any]:
    schema = model.model_json_schema(ref_template="#/$defs/{model}")
    models = _reachable(model)
    for name, definition in schema.pop("$defs", {}).items():
        definitions.setdefault(name, _complete(definition, models.get(name)))
    definitions[model.__name__] = _complete(schema, model)
    return {"$ref": f"#/$defs/{model.__name__}"}


def _reachable(model: type[BaseModel]) -> Mapping[str, type[BaseModel]]:
    found = {model.__name__: model}
    for field in fields(model):
        if field.model is not None and field.model.__name__ not in found:
            found.update(_reachable(field.model))
    return found


def _complete(schema: Mapping[str, Any], model: type[BaseModel] | None) -> dict[str, Any]:
    """Return a mapping's schema with our descriptions and open to `x-` keys."""
    completed = {k: v for k, v in schema.items() if k not in ("title", "description")}
    if model is None:
        return completed
    properties = {name: _or_placeholder(p) for name, p in schema.get("properties", {}).items()}
    for field in fields(model):
        properties[field.name].pop("title", None)
        if field.text:
            properties[field.name]["description"] = field.text
    forms = getattr(model, "forms", ())
    one_of = [{"required": [model.model_fields[f].alias or f]} for f in forms]
    return {
        **completed,
        "description": summary(model),
        "properties": properties,
        "patternProperties": NOTES,
        **({"oneOf": one_of} if one_of else {}),
    }


def _or_placeholder(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a value, open to a placeholder wherever a scalar is wanted."""
    opened = dict(schema)
    if "anyOf" in schema:
        opened["anyOf"] = [_or_placeholder(s) if _takes_text(s) else s for s in schema["anyOf"]]
        opened["anyOf"] += [] if any(map(_takes_text, schema["anyOf"])) else [PLACEHOLDER]
    elif "enum" in schema or "const" in schema or schema.get("type") in ("integer", "number", "boolean"):
        notes = ("default", "title", "description")
        bare = {key: value for key, value in schema.items() if key not in notes}
        opened = {"anyOf": [bare, PLACEHOLDER], **{key: schema[key] for key in notes if key in schema}}
    elif "pattern" in schema:
        opened["pattern"] = f"{MATRIX}|{schema['pattern']}"
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), Mapping):
            opened[key] = _or_placeholder(schema[key])
    return opened


def _takes_text(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "string" and "enum" not in schema and "const" not in schema
