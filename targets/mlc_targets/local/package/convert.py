"""From a fitted model to a model file: one ONNX graph with encoding and estimator, or a scikit-learn pipeline (skops).

skl2onnx converts the estimator; the encoding is written here, operation by operation as scikit-learn computes it, since
its converters multiply by reciprocals where scikit-learn divides, which moves rows across the splits of trees.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from mlc_compiler.ir import Estimator, Model
from mlc_targets.local.findings import refuse
from mlc_targets.local.train.encoding import UNSEEN, Encoder
from mlc_targets.local.train.fitted import Fitted
from mlc_targets.local.train.rows import Columns

OPSET, ML_OPSET, IR_VERSION = 17, 3, 8
_MATRIX = "mlc_matrix"
Node: TypeAlias = Any
Graph: TypeAlias = Any
"""onnx's protobuf messages, which have no annotations."""
Attribute = Any
"""An attribute or constant of a node: numbers, texts, arrays."""
Transformer = Any
"""A fitted transformer or estimator of scikit-learn, which has none either."""


def to_onnx(fitted: Fitted, model: Model) -> bytes:
    """Return the model as ONNX: an input [N, 1] a feature, `probabilities` [N, K] or `prediction` [N, 1].

    The same fit gives the same bytes. Raises ExecutionError where the estimator can't be converted.
    """
    from onnx import TensorProto, helper

    encoder = fitted.encoder
    inputs = [_input(f.name, f.name in encoder.numbers) for f in model.features.features]
    nodes, constants = _Graph(encoder).build()
    estimator = _converted(fitted, model.estimator)
    output = "probabilities" if model.task.endswith("classification") else "prediction"
    nodes += _estimator_nodes(estimator, output)
    graph = helper.make_graph(
        nodes, "model", inputs,
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, [None, _width(fitted)])],
        [*constants, *_prefixed_constants(estimator)],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
    built = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="mlc")
    content: bytes = built.SerializeToString(deterministic=True)
    return content


def _input(name: str, number: bool) -> Graph:
    from onnx import TensorProto, helper

    return helper.make_tensor_value_info(name, TensorProto.FLOAT if number else TensorProto.STRING, [None, 1])


def _width(fitted: Fitted) -> int:
    return len(fitted.estimator.classes_) if fitted.task.endswith("classification") else 1


# --- encoding --------------------------------------------------------------------------------------------------------
class _Graph:
    """Collects the nodes and constants of an encoder, ending in the matrix."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._nodes: list[Node] = []
        self._constants: list[Any] = []

    def build(self) -> tuple[list[Node], list[Any]]:
        parts = [self._numbers()] if self._encoder.numbers else []
        for name, values in zip(self._encoder.categories, self._encoder.category_values(), strict=True):
            parts.append(self._one_hot(name, values) if self._encoder.one_hot else self._ordinal(name, values))
        self._add("Concat", parts, _MATRIX, axis=1)
        return self._nodes, self._constants

    def _numbers(self) -> str:
        value = self._add("Concat", list(self._encoder.numbers), "mlc_numbers", axis=1)
        for step in self._encoder.number_steps:
            value = {
                "SimpleImputer": self._impute,
                "StandardScaler": self._standard,
                "RobustScaler": self._robust,
                "MinMaxScaler": self._min_max,
            }[type(step).__name__](value, step)
        return value

    def _impute(self, value: str, step: Transformer) -> str:
        missing = self._add("IsNaN", [value], "mlc_missing")
        filled = self._add(
            "Where", [missing, self._constant("mlc_fill", step.statistics_.astype(np.float64)), value], "mlc_filled"
        )
        indicated = self._encoder.indicated()
        if not indicated:
            return filled
        flags = self._add("Cast", [missing], "mlc_flags", to=1)
        chosen = self._constant("mlc_indicated", np.array(indicated, dtype=np.int64))
        indicators = self._add("Gather", [flags, chosen], "mlc_indicators", axis=1)
        return self._add("Concat", [filled, indicators], "mlc_imputed", axis=1)

    def _standard(self, value: str, step: Transformer) -> str:
        return self._centred(value, step.mean_, step.scale_)

    def _robust(self, value: str, step: Transformer) -> str:
        return self._centred(value, step.center_, step.scale_)

    def _centred(self, value: str, centre: Attribute, scale: Attribute) -> str:
        centred = self._add("Sub", [value, self._constant("mlc_centre", centre)], "mlc_centred")
        return self._add("Div", [centred, self._constant("mlc_scale", scale)], "mlc_scaled")

    def _min_max(self, value: str, step: Transformer) -> str:
        scaled = self._add("Mul", [value, self._constant("mlc_scale", step.scale_)], "mlc_multiplied")
        return self._add("Add", [scaled, self._constant("mlc_least", step.min_)], "mlc_scaled")

    def _one_hot(self, name: str, values: Sequence[str]) -> str:
        output = f"mlc_hot_{name}"
        self._add("OneHotEncoder", [name], f"{output}_3d", domain="ai.onnx.ml", cats_strings=list(values), zeros=1)
        shape = self._constant(f"{output}_shape", np.array([-1, len(values)], dtype=np.int64))
        return self._add("Reshape", [f"{output}_3d", shape], output)

    def _ordinal(self, name: str, values: Sequence[str]) -> str:
        return self._add(
            "LabelEncoder", [name], f"mlc_code_{name}", domain="ai.onnx.ml", keys_strings=list(values),
            values_floats=[float(code) for code in range(len(values))], default_float=float(UNSEEN),
        )  # fmt: skip

    def _add(self, operator: str, inputs: list[str], output: str, **attributes: Attribute) -> str:
        from onnx import helper

        self._nodes.append(helper.make_node(operator, inputs, [output], name=f"node_{output}", **attributes))
        return output

    def _constant(self, name: str, values: Attribute) -> str:
        from onnx import numpy_helper

        array = np.asarray(values)
        array = array.astype(np.float32) if array.dtype.kind == "f" else array
        self._constants.append(numpy_helper.from_array(array, name))
        return name


# --- estimator -------------------------------------------------------------------------------------------------------
def _converted(fitted: Fitted, spec: Estimator) -> Graph:
    """Return the estimator's graph as skl2onnx makes it, from one float matrix."""
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType

    columns = sum(fitted.encoder.width().values())
    classifies = fitted.task.endswith("classification")
    options = {id(fitted.estimator): {"zipmap": False}} if classifies else None
    try:
        converted = convert_sklearn(
            fitted.estimator, name="estimator", options=options, target_opset={"": OPSET, "ai.onnx.ml": ML_OPSET},
            initial_types=[("X", FloatTensorType([None, columns]))],
        )  # fmt: skip
    except Exception as failure:  # skl2onnx's errors share no class below Exception
        raise refuse(
            "MLC457",
            spec.origin,
            f"`{spec.path}` can't be converted to ONNX",
            note=(str(failure).splitlines() or [type(failure).__name__])[0],
            help="choose `package: {format: skops}`, or another estimator",
        ) from failure
    return converted.graph


def _estimator_nodes(graph: Graph, output: str) -> Iterator[Node]:
    """Return the estimator's nodes under names of their own, reading the matrix and writing the output."""
    from onnx import NodeProto

    result = graph.output[-1].name  # classifiers give the label first
    names = {graph.input[0].name: _MATRIX, result: output}
    for position, node in enumerate(graph.node):
        renamed = NodeProto()
        renamed.CopyFrom(node)
        renamed.name = f"estimator_{position}"
        del renamed.input[:], renamed.output[:]
        renamed.input.extend(_renamed(name, names) for name in node.input)
        renamed.output.extend(_renamed(name, names) for name in node.output)
        yield renamed


def _renamed(name: str, names: dict[str, str]) -> str:
    return names.get(name) or (f"estimator_{name}" if name else "")


def _prefixed_constants(graph: Graph) -> Iterator[Any]:
    from onnx import TensorProto

    for constant in graph.initializer:
        renamed = TensorProto()
        renamed.CopyFrom(constant)
        renamed.name = f"estimator_{constant.name}"
        yield renamed


# --- skops -----------------------------------------------------------------------------------------------------------
def to_skops(fitted: Fitted, columns: Columns, names: Sequence[str]) -> bytes:
    """Return the model as a scikit-learn pipeline over an object array [N, F], features in order of `names`.

    The transformers are put in as they were fitted, behind selections of columns that fit nothing.
    """
    import skops.io
    from sklearn.pipeline import Pipeline

    encode = _column_transformer(fitted.encoder, columns, names)
    content: bytes = skops.io.dumps(Pipeline([("encode", encode), ("estimator", fitted.estimator)]))
    return content


def _column_transformer(encoder: Encoder, columns: Columns, names: Sequence[str]) -> Transformer:
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    positions = {name: position for position, name in enumerate(names)}
    parts: list[tuple[str, Any, list[int]]] = []
    if encoder.numbers:
        numbers = make_pipeline(
            FunctionTransformer(np.asarray, kw_args={"dtype": "float32"}), *map(_frozen, encoder.number_steps)
        )
        parts.append(("number", numbers, [positions[n] for n in encoder.numbers]))
    if encoder.categories:
        parts.append(("category", _frozen(encoder.category_encoder), [positions[n] for n in encoder.categories]))
    rows = np.empty((len(columns[names[0]]), len(names)), dtype=object)
    for name, position in positions.items():
        rows[:, position] = columns[name]
    return ColumnTransformer(parts).fit(rows)


def _frozen(transformer: Transformer) -> Transformer:
    from sklearn.frozen import FrozenEstimator

    return FrozenEstimator(transformer)
