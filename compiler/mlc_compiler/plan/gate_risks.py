"""Gates that judge less strictly than before: removed, loosened, or with a lower floor of fairness."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlc_compiler.middle.resolved import ResolvedModel
from mlc_compiler.plan.gate_edits import bounds, keyed
from mlc_compiler.plan.impact import ABSENT
from mlc_compiler.plan.leaves import text
from mlc_compiler.plan.risk import Risk, Severity
from mlc_compiler.spec.gate import Gate, GateCheck

# Fields whose change in this direction lets more pass; what is not set stands for the value given.
UP, DOWN = 1, -1
LOOSER = (("min", DOWN), ("max", UP), ("max_difference", UP), ("margin", UP), ("min_rows", UP), ("confidence", DOWN))


def gate_risks(before: ResolvedModel, after: ResolvedModel) -> Iterator[Risk]:
    """Yield what the gates of a model give up."""
    now = {g.name: g.spec for g in after.gates}
    for named in before.gates:
        gate = now.get(named.name)
        if gate is None:
            message = f"gate `{named.name}` no longer judges {after.name}"
            label, shown = f"Gate/{named.name}", bounds_of(named.spec)
            if not _is_elsewhere(named.spec, now):
                yield Risk("MLC960", "high", message, shown, ABSENT, label, "", after.name)
        else:
            yield from _gate(f"Gate/{named.name}", named.spec, gate, after.name)


def _is_elsewhere(gate: Gate, now: Mapping[str, Gate]) -> bool:
    """Tell whether another gate asks for all that this one did: it has another name, and nothing is given up."""
    return any(_asks(gate) == _asks(other) for other in now.values())


def _asks(gate: Gate) -> tuple[object, ...]:
    return gate.confidence, gate.split, keyed(gate)


def bounds_of(gate: Gate) -> str:
    """Return a gate's checks in one line."""
    return "; ".join(f"{key} {bounds(check)}" for key, check in keyed(gate).items())


def _gate(label: str, before: Gate, after: Gate, model: str) -> Iterator[Risk]:
    name = label.partition("/")[2]
    if after.confidence < before.confidence:
        shown = text(before.confidence), text(after.confidence)
        message = f"gate `{name}` asks for less confidence"
        yield Risk("MLC960", "medium", message, *shown, label, "spec.confidence", model)
    if before.split != after.split:
        severity: Severity = "high" if after.split == "validation" else "medium"
        message = f"gate `{name}` judges other rows"
        yield Risk("MLC960", severity, message, before.split, after.split, label, "spec.split", model)
    new = keyed(after)
    for key, check in keyed(before).items():
        yield from _check(label, key, check, new.get(key), after, model)


def _check(label: str, key: str, before: GateCheck, after: GateCheck | None, gate: Gate, model: str) -> Iterator[Risk]:
    code, severity = ("MLC961", "high") if before.fairness else ("MLC960", "high")
    subject = f"gate `{label.partition('/')[2]}`: {key}"
    if after is None:
        if not before.report_only:
            message = f"{subject} is no longer checked"
            yield Risk(code, "high", message, bounds(before), ABSENT, label, "spec.checks", model)
        return
    at = f"spec.checks.{gate.checks.index(after)}"
    if after.report_only and not before.report_only:
        message = f"{subject} no longer blocks"
        yield Risk(code, "high", message, "blocking", "report_only", label, f"{at}.report_only", model)
    for field, direction in LOOSER:
        was, now = getattr(before, field), getattr(after, field)
        if was == now or (after.report_only and before.report_only):
            continue
        if _is_looser(field, was, now, direction):
            shown = text(was) if was is not None else ABSENT, text(now) if now is not None else ABSENT
            level: Severity = "high" if field in ("min", "max", "max_difference") and severity == "high" else "medium"
            said = "has a lower floor" if code == "MLC961" and field == "min" else f"allows more: {field}"
            yield Risk(code, level, f"{subject} {said}", *shown, label, f"{at}.{field}", model)


def _is_looser(field: str, before: float | None, after: float | None, direction: int) -> bool:
    if before is None:
        return False
    return field != "confidence" if after is None else (after - before) * direction > 0
