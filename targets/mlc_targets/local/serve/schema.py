"""What callers may read about a model: the JSON Schema of its requests, and the OpenAPI document of its server."""

from __future__ import annotations

from collections.abc import Mapping

from mlc_compiler.conventions import short
from mlc_compiler.ir import Column
from mlc_targets.local.package.manifest import PackageManifest

_TYPES: Mapping[str, Mapping[str, object]] = {
    "string": {"type": "string"},
    "int64": {"type": "integer", "format": "int64"},
    "int32": {"type": "integer", "format": "int32"},
    "float64": {"type": "number", "format": "double"},
    "float32": {"type": "number", "format": "float"},
    "bool": {"type": "boolean"},
    "timestamp": {"type": "string", "format": "date-time"},
    "date": {"type": "string", "format": "date"},
    "decimal": {"type": ["number", "string"]},
}


def row_schema(manifest: PackageManifest) -> dict[str, object]:
    """Return the JSON Schema of one row: the request columns, nothing else."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {column.name: _column_schema(column) for column in manifest.request},
        "required": [column.name for column in manifest.request if column.required],
    }


def request_schema(manifest: PackageManifest, max_rows: int) -> dict[str, object]:
    """Return the JSON Schema (2020-12) of a /predict body: one row, or up to `max_rows` under `instances`."""
    rows = {"type": "array", "items": {"$ref": "#/$defs/row"}, "minItems": 1, "maxItems": max_rows}
    batch = {
        "type": "object",
        "additionalProperties": False,
        "properties": {"instances": rows},
        "required": ["instances"],
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Request of {manifest.model}",
        "oneOf": [{"$ref": "#/$defs/row"}, batch],
        "$defs": {"row": row_schema(manifest)},
    }


def _column_schema(column: Column) -> dict[str, object]:
    schema = dict(_TYPES[column.type])
    if not column.required:
        kinds = schema["type"]
        schema["type"] = [*(kinds if isinstance(kinds, list) else [kinds]), "null"]
    if column.enum:
        schema["enum"] = [*column.enum, *([] if column.required else [None])]
    if column.minimum is not None:
        schema["minimum"] = column.minimum
    if column.maximum is not None:
        schema["maximum"] = column.maximum
    if column.pattern is not None:
        schema["pattern"] = f"^(?:{column.pattern})$"
    return schema


def prediction_schema(manifest: PackageManifest) -> dict[str, object]:
    """Return the JSON Schema of one prediction."""
    if not manifest.classifies:
        return {"type": "object", "properties": {"prediction": {"type": "number"}}, "required": ["prediction"]}
    label: dict[str, object] = {"enum": list(manifest.classes)}
    probability = {"type": "number", "minimum": 0, "maximum": 1}
    if manifest.task == "binary_classification":
        properties: dict[str, object] = {"probability": probability, "label": label, "threshold": probability}
    else:
        properties = {"probabilities": {"type": "object", "additionalProperties": probability}, "label": label}
    return {"type": "object", "properties": properties, "required": sorted(properties)}


def openapi(manifest: PackageManifest, max_rows: int) -> dict[str, object]:
    """Return the OpenAPI 3.1 document of the server."""
    row = {"$ref": "#/components/schemas/Row"}
    answer = {
        "type": "object",
        "properties": {
            "model": {"type": "string"},
            "version": {"type": "string"},
            "predictions": {"type": "array", "items": {"$ref": "#/components/schemas/Prediction"}},
        },
        "required": ["model", "version", "predictions"],
    }
    batch_rows = {"type": "array", "items": row, "minItems": 1, "maxItems": max_rows}
    batch = {"type": "object", "properties": {"instances": batch_rows}, "required": ["instances"]}
    return {
        "openapi": "3.1.0",
        "info": {"title": manifest.model, "version": short(manifest.version)},
        "paths": {
            "/predict": {"post": _operation("Predict rows", {"oneOf": [row, batch]}, answer)},
            "/schema": {"get": _operation("JSON Schema of a request", None, {"type": "object"})},
            "/v2/models/{name}/infer": {"post": _infer_operation()},
            "/healthz": {"get": _operation("The process lives", None, {"type": "object"})},
            "/readyz": {"get": _operation("The model can answer", None, {"type": "object"})},
        },
        "components": {"schemas": {"Row": row_schema(manifest), "Prediction": prediction_schema(manifest)}},
    }


def _infer_operation() -> dict[str, object]:
    operation = _operation("Predict tensors (Open Inference Protocol v2)", {"type": "object"}, {"type": "object"})
    name = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
    return {**operation, "parameters": [name]}


def _operation(summary: str, body: object, answer: object) -> dict[str, object]:
    refused = {"description": "Refused: `error` says which field and why"}
    operation: dict[str, object] = {
        "summary": summary,
        "responses": {
            "200": {"description": "Answer", "content": {"application/json": {"schema": answer}}},
            **({"400": refused, "413": refused, "422": refused} if body else {}),
            "503": {"description": "Not ready, too many requests at once, or the prediction took too long"},
        },
    }
    if body:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return operation
