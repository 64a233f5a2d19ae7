"""Which file and line set each effective value of a model: a spec, an override, a snapshot, or a default."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any, Literal

from mlc_compiler.cli.project import Workspace
from mlc_compiler.conventions import snapshot_path
from mlc_compiler.diagnostics import Sink
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.positions import Positions
from mlc_compiler.frontend.yaml_source import positions
from mlc_compiler.ir import Model
from mlc_compiler.middle.lower import lower_model
from mlc_compiler.middle.overrides import apply_overrides, reaches
from mlc_compiler.middle.resolved import ResolvedModel
from mlc_compiler.plan.leaves import dumped, leaves, text
from mlc_compiler.plan.places import steps_of
from mlc_compiler.records import dataclass
from mlc_compiler.spec.environment import Environment

SetBy = Literal["spec", "override", "snapshot", "default"]
Read = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Row:
    """One effective value, what set it, and where that stands: file:line, the snapshot, or nothing for a default."""

    document: str
    field: str
    value: str
    set_by: SetBy
    at: str


def rows(opened: Workspace, name: str, environment: str | None, read: Read) -> tuple[Row, ...]:
    """Return the effective values of a model: as the environment runs it, or as the specs say."""
    places = _Places(opened, read)
    current = opened.compilation.models[name]
    document = next((e for e in opened.project.environments if e.name == environment), None)
    promoted = opened.compilation.promoted.get((environment or "", name), current)
    effective = apply_overrides(promoted, document, Sink()) if document else promoted
    found: list[Row] = []
    parts = zip(_parts(effective), _parts(promoted), strict=True)
    specs = dict(_parts(current))
    for (label, values), (_, before) in parts:
        for field, value in values.items():
            at = _override(places, document, promoted, label, field) if value != before.get(field) else None
            if at is None and specs.get(label, {}).get(field) != before.get(field):
                pin = opened.inputs.pins.pins[environment or "", name]
                found.append(Row(label, field, value, "snapshot", snapshot_path(name, pin.snapshot)))
            else:
                found.append(_row(places, label, field, value, at))
    return tuple(found)


def _row(places: _Places, label: str, field: str, value: str, override: str | None) -> Row:
    if override is not None:
        return Row(label, field, value, "override", override)
    at = places.spec(label, field)
    return Row(label, field, value, "spec" if at else "default", at)


def _parts(model: ResolvedModel) -> list[tuple[str, Mapping[str, str]]]:
    """Return the documents of a model with their effective fields, those of the model itself first."""
    lowered = lower_model(model, frozenset(), None)
    found = [(f"Model/{model.name}", {**leaves(dumped(model.spec)), **_chosen(lowered)})]
    found += [(f"Gate/{gate.name}", leaves(dumped(gate.spec))) for gate in model.gates]
    for kind, named in (("Rollout", model.rollout), ("Monitor", model.monitor)):
        if named is not None:
            found.append((f"{kind}/{named.name}", leaves(dumped(named.spec))))
    signals = {s.name: s for s in lowered.monitor.signals} if lowered.monitor else {}
    for name, signal in signals.items():
        bounds = {f"signals.{name}.method": signal.method, f"signals.{name}.max": signal.max}
        found[-1] = found[-1][0], {**found[-1][1], **{k: text(v) for k, v in bounds.items() if v is not None}}
    return [(label, dict(sorted(values.items()))) for label, values in found]


def _chosen(model: Model) -> dict[str, str]:
    """Return the fields whose defaults depend on others, as lowering chooses them."""
    values: dict[str, Any] = {}
    for name, resources in (("serving.resources", model.serving.resources), ("train.resources", model.train.resources)):
        values |= {f"{name}.cpu": resources.cpu, f"{name}.memory": resources.memory}
    if (preprocessing := model.estimator.preprocessing) is not None:
        values |= {f"preprocessing.numeric.{name}": getattr(preprocessing, name) for name in ("impute", "scale")}
        values["preprocessing.category.encode"] = preprocessing.encode
    if model.search is not None:
        values["search.metric"] = model.search.metric
    return {name: text(value) for name, value in values.items()}


def _override(
    places: _Places, environment: Document[Environment] | None, model: ResolvedModel, label: str, field: str
) -> str | None:
    """Return where the last override stands that sets a field, or None."""
    kind = label.partition("/")[0]
    for index, override in reversed(list(enumerate(environment.spec.overrides if environment else ()))):
        if environment is None or override.kind != kind or not reaches(override, model):
            continue
        for path in override.set:
            if field == path or field.startswith(f"{path}.") or path.startswith(f"{field}."):
                return places.at(environment, ("spec", "overrides", index, "set", path))
    return None


class _Places:
    """Where fields stand; reads each file once."""

    def __init__(self, opened: Workspace, read: Read) -> None:
        self._documents = {d.label: d for d in opened.project.documents()}
        self._read = read
        self._files: dict[str, Mapping[int, Positions]] = {}

    def spec(self, label: str, field: str) -> str:
        """Return file:line of a field that a spec writes down; nothing for one that holds its default."""
        document = self._documents.get(label)
        if document is None:
            return ""
        path = ("spec", *steps_of(dumped(document.spec), field.split(".")))
        there = self._positions(document)
        return self.at(document, path) if there and there.value(path) is not None else ""

    def at(self, document: Document[Any], path: tuple[str | int, ...]) -> str:
        there = self._positions(document)
        line = there.find(document.place.at(*path)).line if there else 1
        return f"{document.place.file}:{line}"

    def _positions(self, document: Document[Any]) -> Positions | None:
        file = document.place.file
        if file not in self._files:
            content = self._read(file)
            self._files[file] = {} if content is None else positions(file, content)
        return self._files[file].get(document.place.document)


# --- showing ---------------------------------------------------------------------------------------------------------
def origins_text(found: tuple[Row, ...], width: int) -> str:
    """Return the rows aligned, each document under its name; long values are cut to fit the terminal."""
    field = max((len(row.field) for row in found), default=0)
    at = max((len(_where(row)) for row in found), default=0)
    room = max(12, min(max((len(row.value) for row in found), default=0), width - field - at - 8))
    return "\n".join(_text_lines(found, field, room))


def _text_lines(found: tuple[Row, ...], field: int, room: int) -> Iterator[str]:
    document = ""
    for row in found:
        if row.document != document:
            yield f"{'' if not document else chr(10)}{row.document}"
            document = row.document
        value = row.value if len(row.value) <= room else f"{row.value[: room - 3]}..."
        yield f"  {row.field:<{field}}  {value:<{room}}  {_where(row)}".rstrip()


def _where(row: Row) -> str:
    if row.set_by == "snapshot":
        return f"snapshot {row.at.rpartition('/')[2].removesuffix('.json')}"
    return f"{row.at} (override)" if row.set_by == "override" else row.at or row.set_by


def origins_json(model: str, environment: str | None, found: tuple[Row, ...]) -> dict[str, Any]:
    """Return the rows for programs."""
    return {"format_version": 1, "model": model, "environment": environment, "values": [asdict(row) for row in found]}
