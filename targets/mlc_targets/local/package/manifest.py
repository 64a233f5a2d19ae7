"""What a package says of itself: enough to serve it, score with it and rebuild its lookups, without the specs.

It is part of the package's digest, so it carries what the results depend on and leaves out what people read
(owners, descriptions, origins).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Literal, cast, get_args

from mlc_compiler.ir import Column, Dataset, FeatureQuery, Lookup, Scalar, Source
from mlc_compiler.records import dataclass

FORMAT_VERSION = 1
Json = Mapping[str, object]
"""A JSON object as it was parsed; every reader below checks what it takes from it."""

Task = Literal["binary_classification", "multiclass_classification", "regression", "forecast"]
Format = Literal["onnx", "skops"]
SourceFormat = Literal["parquet", "csv", "jsonl", "sql", "query"]
Kind = Literal["category", "number", "boolean", "timestamp", "text"]


class ManifestError(ValueError):
    """A manifest that cannot be read; the message says which field and why."""


@dataclass(frozen=True, slots=True)
class PackagedFeature:
    """One input of the model, in the order that it was trained with."""

    name: str
    kind: Kind
    type: str


@dataclass(frozen=True, slots=True)
class ScoreReference:
    """The scores that live scores are compared with: K + 1 rising edges, K counts; the outer bins are open."""

    edges: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class PackageManifest:
    """The manifest, `package.json`. `refresh` is seconds; `threshold` is None where nothing is decided."""

    project: str
    model: str
    version: str  # sha256:...
    task: Task
    format: Format
    timezone: str
    features: tuple[PackagedFeature, ...]
    request: tuple[Column, ...]
    serving_sql: str
    batch_sql: str
    spine: str
    primary_key: tuple[str, ...]
    classes: tuple[Scalar, ...] = ()  # in order of the model's columns; empty for regression
    positive_class: Scalar = None
    threshold: float | None = None
    lookups: tuple[Lookup, ...] = ()
    datasets: tuple[Dataset, ...] = ()
    max_batch: int = 1000
    refresh: float = 900.0
    missing_category: str = ""
    libraries: tuple[tuple[str, str], ...] = ()
    reference: ScoreReference = ScoreReference()
    format_version: int = FORMAT_VERSION
    training_sql: str | None = None  # batch_sql with the label and when it is known, for the monitor; None: not kept
    row_sql: str = (
        ""  # serving_sql over a request that brings what it looked up; empty: the lookups are joined as tables
    )

    @property
    def classifies(self) -> bool:
        """Return whether the model gives probabilities of classes."""
        return self.task in {"binary_classification", "multiclass_classification"}

    @property
    def positive_index(self) -> int:
        """Return the column of the positive class among `classes`."""
        return self.classes.index(self.positive_class)

    def to_json(self) -> str:
        """Return the text of `package.json`: sorted keys, two spaces, one newline at the end."""
        return json.dumps(_manifest_object(self), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> PackageManifest:
        """Return the manifest of a `package.json`; raises ManifestError where it is not one."""
        try:
            return _read_manifest(_mapping(json.loads(text), "package.json"))
        except (KeyError, TypeError, ValueError) as error:
            reason = f"no field {error}" if isinstance(error, KeyError) else str(error)
            raise ManifestError(reason) from error


def request_columns(query: FeatureQuery) -> tuple[Column, ...]:
    """Return a query's request columns as a package keeps them: without what people read."""
    return tuple(_read_column(_column_object(column)) for column in query.request)


# --- writing ---------------------------------------------------------------------------------------------------------
def _manifest_object(manifest: PackageManifest) -> dict[str, object]:
    plain = (
        "format_version", "project", "model", "version", "task", "format", "timezone", "serving_sql", "batch_sql",
        "spine", "positive_class", "threshold", "max_batch", "refresh", "missing_category", "training_sql",
        "row_sql",
    )  # fmt: skip
    return {name: getattr(manifest, name) for name in plain} | {
        "classes": list(manifest.classes),
        "primary_key": list(manifest.primary_key),
        "features": [{"name": f.name, "kind": f.kind, "type": f.type} for f in manifest.features],
        "request": [_column_object(column) for column in manifest.request],
        "lookups": [_lookup_object(lookup) for lookup in manifest.lookups],
        "datasets": [_dataset_object(dataset) for dataset in manifest.datasets],
        "libraries": dict(manifest.libraries),
        "reference": {
            "score_edges": list(manifest.reference.edges),
            "score_counts": list(manifest.reference.counts),
        },
    }


def _column_object(column: Column) -> dict[str, object]:
    return {
        "name": column.name,
        "type": column.type,
        "required": column.required,
        "unique": column.unique,
        "enum": list(column.enum),
        "minimum": column.minimum,
        "maximum": column.maximum,
        "pattern": column.pattern,
        "classification": column.classification,
        "known_at": column.known_at,
    }


def _lookup_object(lookup: Lookup) -> dict[str, object]:
    return {
        "name": lookup.name,
        "keys": list(lookup.keys),
        "columns": list(lookup.columns),
        "sql": lookup.sql,
        "reads": list(lookup.reads),
    }


def _dataset_object(dataset: Dataset) -> dict[str, object]:
    source = dataset.source
    return {
        "name": dataset.name,
        "source": {
            "format": source.format,
            "path": source.path,
            "url": source.url,
            "query": source.query,
            "reads": list(source.reads),
            "secret": source.secret,
            "delimiter": source.delimiter,
            "header": source.header,
        },
        "columns": [_column_object(column) for column in dataset.columns],
        "primary_key": list(dataset.primary_key),
        "event_time": dataset.event_time,
        "delay": dataset.delay,
        "overwrite": dataset.overwrite,
        "until": dataset.until,
        "freshness": dataset.freshness,
    }


# --- reading ---------------------------------------------------------------------------------------------------------
def _read_manifest(data: Json) -> PackageManifest:
    if data["format_version"] != FORMAT_VERSION:
        raise ManifestError(f"format_version is {data['format_version']!r}; this mlc reads {FORMAT_VERSION}")
    reference = _mapping(data["reference"], "reference")
    return PackageManifest(
        project=_text(data, "project"),
        model=_text(data, "model"),
        version=_text(data, "version"),
        task=cast("Task", _choice(data, "task", get_args(Task))),
        format=cast("Format", _choice(data, "format", get_args(Format))),
        timezone=_text(data, "timezone"),
        features=tuple(_read_feature(f) for f in _objects(data, "features")),
        request=tuple(_read_column(c) for c in _objects(data, "request")),
        serving_sql=_text(data, "serving_sql"),
        batch_sql=_text(data, "batch_sql"),
        spine=_text(data, "spine"),
        primary_key=_texts(data, "primary_key"),
        classes=_scalars(data, "classes"),
        positive_class=_scalar(data["positive_class"], "positive_class"),
        threshold=_number(data, "threshold"),
        lookups=tuple(_read_lookup(x) for x in _objects(data, "lookups")),
        datasets=tuple(_read_dataset(d) for d in _objects(data, "datasets")),
        max_batch=int(_number(data, "max_batch") or 1),
        refresh=_number(data, "refresh") or 0.0,
        missing_category=_text(data, "missing_category"),
        libraries=tuple(sorted((k, str(v)) for k, v in _mapping(data["libraries"], "libraries").items())),
        reference=ScoreReference(
            _numbers(reference, "score_edges"), tuple(map(int, _numbers(reference, "score_counts")))
        ),
        training_sql=_optional_text({"training_sql": None, **data}, "training_sql"),
        row_sql=_text({"row_sql": "", **data}, "row_sql"),
    )


def _read_feature(data: Json) -> PackagedFeature:
    return PackagedFeature(
        _text(data, "name"), cast("Kind", _choice(data, "kind", get_args(Kind))), _text(data, "type")
    )


def _read_column(data: Json) -> Column:
    return Column(
        name=_text(data, "name"),
        type=_text(data, "type"),
        required=data["required"] is True,
        unique=data["unique"] is True,
        enum=_scalars(data, "enum"),
        minimum=_number(data, "minimum"),
        maximum=_number(data, "maximum"),
        pattern=_optional_text(data, "pattern"),
        classification=_text(data, "classification"),
        known_at=_optional_text(data, "known_at"),
    )


def _read_lookup(data: Json) -> Lookup:
    return Lookup(
        _text(data, "name"), _texts(data, "keys"), _texts(data, "columns"), _text(data, "sql"), _texts(data, "reads")
    )


def _read_source(data: Json) -> Source:
    return Source(
        format=cast("SourceFormat", _choice(data, "format", get_args(SourceFormat))),
        path=_optional_text(data, "path"),
        url=_optional_text(data, "url"),
        query=_optional_text(data, "query"),
        reads=_texts(data, "reads"),
        secret=_optional_text(data, "secret"),
        delimiter=_text(data, "delimiter"),
        header=data["header"] is True,
    )


def _read_dataset(data: Json) -> Dataset:
    return Dataset(
        name=_text(data, "name"),
        source=_read_source(_mapping(data["source"], "source")),
        columns=tuple(_read_column(c) for c in _objects(data, "columns")),
        primary_key=_texts(data, "primary_key"),
        event_time=_optional_text(data, "event_time"),
        delay=_number(data, "delay") or 0.0,
        overwrite=data["overwrite"] is True,
        until=_optional_text(data, "until"),
        freshness=_number(data, "freshness"),
    )


# --- values of parsed JSON -------------------------------------------------------------------------------------------
def _refuse(name: str, wanted: str, value: object) -> TypeError:
    return TypeError(f"`{name}` is {value!r}, not {wanted}")


def _mapping(value: object, name: str) -> Json:
    if not isinstance(value, dict):
        raise _refuse(name, "an object", value)
    return value


def _list(data: Json, name: str) -> Sequence[object]:
    value = data[name]
    if not isinstance(value, list):
        raise _refuse(name, "a list", value)
    return value


def _objects(data: Json, name: str) -> tuple[Json, ...]:
    return tuple(_mapping(item, name) for item in _list(data, name))


def _text(data: Json, name: str) -> str:
    value = data[name]
    if not isinstance(value, str):
        raise _refuse(name, "a text", value)
    return value


def _optional_text(data: Json, name: str) -> str | None:
    return None if data[name] is None else _text(data, name)


def _texts(data: Json, name: str) -> tuple[str, ...]:
    return tuple(_text({name: item}, name) for item in _list(data, name))


def _choice(data: Json, name: str, choices: tuple[str, ...]) -> str:
    value = _text(data, name)
    if value not in choices:
        raise _refuse(name, f"one of {', '.join(choices)}", value)
    return value


def _scalar(value: object, name: str) -> Scalar:
    if value is not None and not isinstance(value, str | int | float | bool):
        raise _refuse(name, "a scalar", value)
    return value


def _scalars(data: Json, name: str) -> tuple[Scalar, ...]:
    return tuple(_scalar(item, name) for item in _list(data, name))


def _number(data: Json, name: str) -> float | None:
    value = data[name]
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise _refuse(name, "a number", value)


def _numbers(data: Json, name: str) -> tuple[float, ...]:
    values = tuple(_number({name: item}, name) for item in _list(data, name))
    return tuple(0.0 if value is None else value for value in values)
