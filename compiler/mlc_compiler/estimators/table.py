"""Reads the tables: the row of one estimator is parsed when it is asked for, so that a thousand models cost few."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlc_compiler.records import dataclass

FOLDER = Path(__file__).parent / "tables"
PREDICTORS = ("classifier", "regressor")
_FILE = "scikit-learn-{}.json"
_ROW = re.compile(r'^"(sklearn\.[\w.]+)": \{"kind": "(\w+)"', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Parameter:
    """What one parameter takes: `allows` are kinds and ranges, `options` texts, of which `old` are on their way out."""

    name: str
    default: object = None
    allows: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    old: tuple[str, ...] = ()
    required: bool = False
    deprecated: bool = False


@dataclass(frozen=True, slots=True)
class EstimatorRow:
    """What one class takes and can do. `probabilities` are None where no value of a parameter brings them, or the
    values that do; `unfit`, `no_onnx` and `no_onnx_multiclass` say why it can't be fitted or converted, by default."""

    path: str
    kind: str
    parameters: Mapping[str, Parameter]
    probabilities: Mapping[str, tuple[object, ...]] | None
    nulls: bool
    unfit: str
    no_onnx: str
    no_onnx_multiclass: str

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Table:
    """One minor version of scikit-learn."""

    version: str
    text: str

    def paths(self, kinds: tuple[str, ...] = PREDICTORS) -> tuple[str, ...]:
        """Return where the estimators of these kinds are imported from, sorted."""
        return tuple(path for path, kind in _ROW.findall(self.text) if kind in kinds)


def versions() -> tuple[str, ...]:
    """Return the minor versions that there are tables of, the newest last."""
    found = (path.stem.rpartition("-")[2] for path in FOLDER.glob(_FILE.format("*")))
    return tuple(sorted(found, key=lambda version: [int(part) for part in version.split(".")]))


@functools.lru_cache(maxsize=4)
def table(locked: str | None) -> Table:
    """Return the table of the version that a lock pins, or the newest one."""
    minor = ".".join((locked or "").split(".")[:2])
    known = versions()
    version = minor if minor in known else known[-1]
    return Table(version, (FOLDER / _FILE.format(version)).read_text("utf-8"))


@functools.lru_cache(maxsize=256)
def estimator_row(of: Table, path: str) -> EstimatorRow | None:
    """Return the row of a class, or None where the version has no such estimator."""
    start = of.text.find(f'\n"{path}": ')
    if start < 0:
        return None
    line = of.text[start + len(path) + 5 : of.text.find("\n", start + 1)]
    return _row(path, json.loads(line.removesuffix(",")))


def _row(path: str, value: Mapping[str, Any]) -> EstimatorRow:
    parameters = {name: _parameter(name, given) for name, given in value.get("parameters", {}).items()}
    return EstimatorRow(
        path=path,
        kind=value["kind"],
        parameters=parameters,
        probabilities=_probabilities(value.get("probabilities", False)),
        nulls=value.get("nulls", False),
        unfit=value.get("unfit", ""),
        no_onnx=value.get("no_onnx", ""),
        no_onnx_multiclass=value.get("no_onnx_multiclass", ""),
    )


def _parameter(name: str, given: Mapping[str, Any]) -> Parameter:
    return Parameter(
        name,
        given.get("default"),
        tuple(given.get("allows", ())),
        tuple(given.get("options", ())),
        tuple(given.get("old", ())),
        required=given.get("required", False),
        deprecated=given.get("deprecated", False),
    )


def _probabilities(value: bool | Mapping[str, list[object]]) -> Mapping[str, tuple[object, ...]] | None:
    if isinstance(value, bool):
        return {} if value else None
    return {name: tuple(values) for name, values in value.items()}
