"""What differs between two states of one model, field by field, each with its class: compared as compiled, not as text.

What is compared are resolved models, which snapshots keep as well: what runs in an environment and what the specs say.
Only fields whose compiled meaning differs are told, so that layout, order of keys and equal SQL are no change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mlc_compiler import codec, ir
from mlc_compiler.conventions import short
from mlc_compiler.frontend.project import Project
from mlc_compiler.middle.lower import lower_model
from mlc_compiler.middle.resolved import Named, ResolvedModel
from mlc_compiler.middle.version import inputs
from mlc_compiler.plan.data_edits import dataset_edits
from mlc_compiler.plan.gate_edits import gate_edits
from mlc_compiler.plan.impact import ABSENT, Edit, Impact, by_rank
from mlc_compiler.plan.leaves import below, differences, dumped, leaves, value_differences
from mlc_compiler.plan.view_edits import view_edits
from mlc_compiler.records import dataclass

# Names of training inputs, as `middle.version` calls them, with the fields of a Model that they are made of.
TRAINED: Mapping[str, tuple[str, ...]] = {
    "task": ("task",),
    "label": ("label",),
    "split": ("split",),
    "estimator": ("estimator", "preprocessing"),
    "search": ("search",),
    "decision": ("decision",),
    "seed": ("seed",),
    "package": ("package",),
    "refit": ("train.refit",),
    "requirements": ("train.requirements",),
}
# Other parts of a lowered model, with their class and the fields that they are made of.
BESIDE: tuple[tuple[Impact, Callable[[ir.Model], object], tuple[str, ...]], ...] = (
    ("re-evaluate", lambda m: m.baseline, ("baseline", "preprocessing")),
    ("redeploy", lambda m: m.serving, ("serving",)),
    ("docs", lambda m: m.card, ("card",)),
    ("docs", lambda m: (m.train.runner, m.train.resources, m.train.timeout), ("train",)),
)
Code = Mapping[str, str] | None
"""A model's own files with their digests, where they are known."""


@dataclass(frozen=True, slots=True)
class State:
    """A model at one time; `project` holds the documents that it was resolved from, where these are at hand."""

    model: ResolvedModel
    project: Project | None = None
    code: Code = None

    @property
    def lowered(self) -> ir.Model:
        return lower_model(self.model, frozenset(), None)

    def leaves(self) -> dict[str, str]:
        """Return the fields of the model's spec."""
        return leaves(dumped(self.model.spec))


def model_edits(before: State, after: State) -> tuple[Edit, ...]:
    """Return how a model differs from what it was, highest class first; nothing where both mean the same."""
    old, new = before.lowered, after.lowered
    moved = before.model.version != after.model.version
    found = [
        *(_trained(before, after, old, new) if moved else ()),
        *_beside(before, after, old, new),
        *_code(before, after, moved),
        *view_edits(before, after, moved),
        *dataset_edits(before.model, after.model, moved),
        *gate_edits(before.model, after.model),
        *_attached("Rollout", "rollout", (before.model.rollout, after.model.rollout), (old.rollout, new.rollout)),
        *_attached("Monitor", "monitor", (before.model.monitor, after.model.monitor), (old.monitor, new.monitor)),
        *_controller(before, after),
        *_envelope(before.model, after.model),
    ]
    if moved and not any(e.impact == "retrain" for e in found):
        found.append(_unexplained(before, after))
    return by_rank(found)


def _label(state: State) -> str:
    return f"Model/{state.model.name}"


def _spec_edits(
    before: State, after: State, prefixes: tuple[str, ...], impact: Impact, *, but: tuple[str, ...] = ()
) -> Iterator[Edit]:
    old, new = (below(state.leaves(), *prefixes) for state in (before, after))
    for path, was, now in differences(old, new):
        if path not in but:
            yield Edit(impact, _label(after), f"spec.{path}", was, now)


def _trained(before: State, after: State, old: ir.Model, new: ir.Model) -> Iterator[Edit]:
    was, now = (inputs(model, {}) for model in (old, new))
    for name, prefixes in TRAINED.items():
        if was[name] != now[name]:
            yield from _spec_edits(before, after, prefixes, "retrain")


def _beside(before: State, after: State, old: ir.Model, new: ir.Model) -> Iterator[Edit]:
    for impact, part, prefixes in BESIDE:
        if _values(part(old)) != _values(part(new)):
            yield from _spec_edits(before, after, prefixes, impact, but=("train.refit", "train.requirements"))


def _values(node: object) -> object:
    """Return a node's values without the places that they came from."""
    return _without_origins(codec.to_json(node))


def _without_origins(value: Any) -> Any:  # noqa: ANN401  a JSON value
    if isinstance(value, dict):
        return {k: _without_origins(v) for k, v in value.items() if k != "origin"}
    return [_without_origins(v) for v in value] if isinstance(value, list) else value


def _code(before: State, after: State, moved: bool) -> Iterator[Edit]:
    """Yield the model's own files that differ, where both sides know them, and the globs that pick them."""
    if moved and before.code is not None and after.code is not None:
        for path, was, now in differences(before.code, after.code):
            yield Edit("retrain", path, "", _digest(was), _digest(now))
    yield from _spec_edits(before, after, ("code",), "retrain" if moved else "redeploy")


def _digest(shown: str) -> str:
    return shown if shown == ABSENT else short(shown)


def _attached(
    kind: str,
    impact: Impact,
    named: tuple[Named[Any] | None, Named[Any] | None],
    lowered: tuple[object, object],
) -> Iterator[Edit]:
    """Yield how a model's rollout or monitor differs."""
    was, now = named
    if was is None or now is None:
        for known in (was or now,):
            if known is not None:
                shown = (known.name, ABSENT) if now is None else (ABSENT, known.name)
                yield Edit(impact, f"{kind}/{known.name}", "", *shown)
    elif _values(lowered[0]) != _values(lowered[1]):
        old, new = ({k: v for k, v in dumped(n.spec).items() if k != "model"} for n in (was, now))
        for path, before, after in value_differences(old, new):
            yield Edit(impact, f"{kind}/{now.name}", f"spec.{path}", before, after)
        if was.name != now.name:
            yield Edit("docs", f"{kind}/{now.name}", "metadata.name", was.name, now.name)


def _controller(before: State, after: State) -> Iterator[Edit]:
    """Yield a change of the workload's controller: a progressive rollout is another object than a rolling one."""
    old, new = (_strategy(state.model) for state in (before, after))
    if (old == "rolling") != (new == "rolling"):
        both = before.model.rollout is not None and after.model.rollout is not None
        rollout = after.model.rollout or before.model.rollout
        label = f"Rollout/{rollout.name}" if rollout else _label(after)
        yield Edit("redeploy", label, "spec.strategy" if both else "", old, new)


def _strategy(model: ResolvedModel) -> str:
    return model.rollout.spec.strategy if model.rollout else "rolling"


def _envelope(before: ResolvedModel, after: ResolvedModel) -> Iterator[Edit]:
    label = f"Model/{after.name}"
    for field in ("owner", "description"):
        was, now = getattr(before, field), getattr(after, field)
        if was != now:
            yield Edit("docs", label, f"metadata.{field}", was or ABSENT, now or ABSENT)
    for key, was, now in differences(dict(before.labels), dict(after.labels)):
        yield Edit("redeploy", label, f"metadata.labels.{key}", was, now)


def _unexplained(before: State, after: State) -> Edit:
    """Return the edit of a version that moved although all fields are alike.

    That is its code, mlc's semantics, or columns in the order of another mlc.
    """
    old, new = ([(f.view, f.name) for f in state.model.features.features] for state in (before, after))
    if old != new and sorted(old) == sorted(new):
        return Edit("retrain", _label(after), "spec.features", "columns as they stood", "columns by name")
    field = "spec.code" if after.model.spec.code else "version"
    return Edit("retrain", _label(after), field, short(before.model.version), short(after.model.version))
