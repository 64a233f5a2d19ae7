"""The Open Inference Protocol v2 over JSON: request columns as named tensors in, scores and labels as tensors out.

Texts, timestamps (ISO 8601), dates and decimals travel as BYTES; a null in `data` is a missing value of an optional
column, which the protocol leaves open.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mlc_compiler.conventions import short
from mlc_compiler.diagnostics import nearest
from mlc_compiler.ir import Column, Scalar
from mlc_targets.local.package.manifest import PackageManifest
from mlc_targets.local.serve.answer import Decided, threshold_of
from mlc_targets.local.serve.request import RequestError, RequestSchema, Rows, parse_json
from mlc_targets.local.serve.values import shown

_DATATYPES = {
    "string": "BYTES", "int64": "INT64", "int32": "INT32", "float64": "FP64", "float32": "FP32", "bool": "BOOL",
    "timestamp": "BYTES", "date": "BYTES", "decimal": "BYTES",
}  # fmt: skip
_INTEGERS = frozenset(f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64))
_FLOATS = frozenset({"FP16", "FP32", "FP64"})


def server_metadata(version: str) -> dict[str, object]:
    """Return the answer to GET /v2."""
    return {"name": "mlc", "version": version, "extensions": []}


def model_metadata(manifest: PackageManifest) -> dict[str, object]:
    """Return the answer to GET /v2/models/{name}; -1 stands for the number of rows."""
    platform = "onnxruntime_onnx" if manifest.format == "onnx" else "sklearn_skops"
    return {
        "name": manifest.model,
        "versions": [short(manifest.version)],
        "platform": platform,
        "inputs": [{"name": c.name, "datatype": _DATATYPES[c.type], "shape": [-1, 1]} for c in manifest.request],
        "outputs": _output_metadata(manifest),
    }


def _output_metadata(manifest: PackageManifest) -> list[dict[str, object]]:
    if not manifest.classifies:
        return [{"name": "prediction", "datatype": "FP64", "shape": [-1, 1]}]
    width = 1 if manifest.task == "binary_classification" else len(manifest.classes)
    label: dict[str, object] = {"name": "label", "datatype": _class_datatype(manifest.classes), "shape": [-1, 1]}
    return [{"name": "probability", "datatype": "FP64", "shape": [-1, width]}, label]


def _class_datatype(classes: Sequence[Scalar]) -> str:
    if all(isinstance(value, bool) for value in classes):
        return "BOOL"
    return "INT64" if all(isinstance(value, int) for value in classes) else "BYTES"


# --- requests --------------------------------------------------------------------------------------------------------
def read_infer(schema: RequestSchema, body: bytes) -> tuple[Rows, Mapping[str, Any]]:
    """Return the rows of an inference request, and the parsed request; raises RequestError."""
    request = parse_json(body)
    if not isinstance(request, dict):
        raise RequestError(400, f"the body is {shown(request)}; an object with `inputs` is wanted")
    inputs = request.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise RequestError(400, f"`inputs` is {shown(inputs)}; a list of tensors is wanted")
    columns = {column.name: column for column in schema.columns}
    data: dict[str, Sequence[object]] = {}
    for tensor in inputs:
        name, values = _read_tensor(tensor, columns)
        if name in data:
            raise RequestError(400, f"input `{name}` is given twice")
        data[name] = values
    lengths = {name: len(values) for name, values in data.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"`{name}` {count}" for name, count in list(lengths.items())[:10])
        raise RequestError(400, f"the inputs have different numbers of rows: {told}")
    return schema.read_columns(data, next(iter(lengths.values()))), request


def _read_tensor(tensor: object, columns: Mapping[str, Column]) -> tuple[str, Sequence[object]]:
    if not isinstance(tensor, dict) or not isinstance(tensor.get("name"), str):
        raise RequestError(400, "an input is not an object with a `name`")
    name: str = tensor["name"]
    column = columns.get(name)
    if column is None:
        close = nearest(name[:64], columns)
        hint = f"did you mean `{close}`?" if close else f"the inputs are {', '.join(columns)}"
        raise RequestError(422, f"`{name[:64]}` is not an input of this model; {hint}")
    if "data" not in tensor:
        raise RequestError(400, f"input `{name}` has no `data`; binary data is not supported")
    _check_datatype(name, column, tensor.get("datatype"))
    values = _flatten(name, tensor["data"])
    _check_shape(name, tensor.get("shape"), len(values))
    return name, values


def _check_datatype(name: str, column: Column, datatype: object) -> None:
    wanted = _DATATYPES[column.type]
    accepted = {wanted}
    if wanted in _INTEGERS:
        accepted = set(_INTEGERS)
    elif wanted in _FLOATS:
        accepted = set(_INTEGERS | _FLOATS)
    if not isinstance(datatype, str) or datatype not in accepted:
        raise RequestError(422, f"input `{name}` has datatype {shown(datatype)}; {wanted} is wanted")


def _flatten(name: str, data: object) -> Sequence[object]:
    if not isinstance(data, list):
        raise RequestError(400, f"`data` of input `{name}` is {shown(data)}; a list is wanted")
    if any(isinstance(item, list) for item in data):
        if not all(isinstance(item, list) and len(item) == 1 for item in data):
            raise RequestError(400, f"`data` of input `{name}` is nested, but not as rows of one value")
        return [item[0] for item in data]
    return data


def _check_shape(name: str, shape: object, count: int) -> None:
    sizes = shape if isinstance(shape, list) else []
    if len(sizes) not in {1, 2} or not all(type(size) is int and size >= 0 for size in sizes):
        raise RequestError(400, f"`shape` of input `{name}` is not [{count}, 1]")
    if math.prod(sizes) != count or (len(sizes) == 2 and sizes[1] != 1):
        raise RequestError(400, f"`shape` of input `{name}` is {sizes}, but `data` holds {count} rows of one value")


# --- answers ---------------------------------------------------------------------------------------------------------
def infer_body(manifest: PackageManifest, decided: Decided, request: Mapping[str, Any]) -> dict[str, object]:
    """Return the answer to an inference request, with the outputs that it asked for; raises RequestError."""
    answer: dict[str, object] = {
        "model_name": manifest.model,
        "model_version": short(manifest.version),
        "outputs": _wanted(_outputs(manifest, decided), request.get("outputs")),
    }
    if isinstance(request.get("id"), str):
        answer["id"] = request["id"]
    if manifest.task == "binary_classification":
        answer["parameters"] = {"threshold": threshold_of(manifest)}
    elif manifest.classifies:
        answer["parameters"] = {"classes": [str(value) for value in manifest.classes]}
    return answer


def _outputs(manifest: PackageManifest, decided: Decided) -> list[dict[str, object]]:
    values = []
    for output in _output_metadata(manifest):
        column = decided.labels if output["name"] == "label" else decided.scores.reshape(-1).tolist()
        width = output["shape"][1] if isinstance(output["shape"], list) else 1
        data = [str(v) for v in column or ()] if output["datatype"] == "BYTES" else list(column or ())
        values.append({**output, "shape": [len(decided.scores), width], "data": data})
    return values


def _wanted(outputs: list[dict[str, object]], asked: object) -> list[dict[str, object]]:
    if not asked:
        return outputs
    by_name = {output["name"]: output for output in outputs}
    names = [item.get("name") if isinstance(item, dict) else None for item in asked] if isinstance(asked, list) else []
    for name in names or [None]:
        if not isinstance(name, str) or name not in by_name:
            raise RequestError(400, f"output {shown(name)} does not exist; there are {', '.join(map(str, by_name))}")
    return [by_name[name] for name in dict.fromkeys(names)]
