"""How the gates of a model differ: checks are the same by what they measure, not by where they stand in the list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlc_compiler.conventions import counted
from mlc_compiler.evidence import gates_digest
from mlc_compiler.middle.lower import lower_model
from mlc_compiler.middle.resolved import ResolvedModel
from mlc_compiler.plan.impact import ABSENT, Edit
from mlc_compiler.plan.leaves import differences, dumped, leaves, text
from mlc_compiler.spec.gate import Gate, GateCheck

Checks = Mapping[str, GateCheck]


def gate_edits(before: ResolvedModel, after: ResolvedModel) -> Iterator[Edit]:
    """Yield how the gates differ; nothing where evidence that was judged by the one holds for the other."""
    old, new = ({g.name: g.spec for g in model.gates} for model in (before, after))
    digests = [gates_digest(lower_model(model, frozenset(), None).gates) for model in (before, after)]
    if digests[0] == digests[1]:
        return
    found = [edit for name in sorted({*old, *new}) for edit in _gate(name, old.get(name), new.get(name))]
    yield from found
    if not found:
        name = next(iter(new), "")
        yield Edit("re-evaluate", f"Gate/{name}", "spec.checks", "another order", "of the checks")


def _gate(name: str, before: Gate | None, after: Gate | None) -> Iterator[Edit]:
    label = f"Gate/{name}"
    if before is None or after is None:
        shown = (ABSENT, _summary(after)) if after else (_summary(before), ABSENT)
        yield Edit("re-evaluate", label, "", *shown)
        return
    for field in ("confidence", "split"):
        was, now = text(getattr(before, field)), text(getattr(after, field))
        if was != now:
            yield Edit("re-evaluate", label, f"spec.{field}", was, now)
    yield from _checks(label, keyed(before), keyed(after), after)


def _summary(gate: Gate | None) -> str:
    return counted(len(gate.checks), "check") if gate else ABSENT


def _checks(label: str, old: Checks, new: Checks, gate: Gate) -> Iterator[Edit]:
    for key in dict.fromkeys((*new, *old)):
        was, now = old.get(key), new.get(key)
        index = gate.checks.index(now) if now else len(gate.checks)
        if was is None or now is None:
            shown = (ABSENT, bounds(now)) if now else (bounds(was), ABSENT)
            yield Edit("re-evaluate", label, f"spec.checks.{index}" if now else f"spec.checks[{key}]", *shown)
        else:
            for path, before, after in differences(leaves(dumped(was)), leaves(dumped(now))):
                yield Edit("re-evaluate", label, f"spec.checks.{index}.{path}", before, after)


def keyed(gate: Gate) -> dict[str, GateCheck]:
    """Return a gate's checks by what they measure, such as `roc_auc by carrier`; equal ones are numbered."""
    found: dict[str, GateCheck] = {}
    for check in gate.checks:
        key, number = identity(check), 2
        while key in found:
            key, number = f"{identity(check)} ({number})", number + 1
        found[key] = check
    return found


def identity(check: GateCheck) -> str:
    """Return what a check measures, in words: what it is the same check by when its bounds change."""
    kind = next(k for k in check.forms if getattr(check, k) is not None)
    name = str(getattr(check, kind))
    words = [name if kind == "metric" else f"{kind} {name}"]
    words += [f"over {check.group}"] if check.group else []
    words += [f"by {', '.join(check.slices)}"] if check.slices else []
    words += [f"versus {check.versus}"] if check.versus else []
    return " ".join(words)


def bounds(check: GateCheck | None) -> str:
    """Return a check's own limits in short."""
    fields: dict[str, Any] = {} if check is None else dumped(check)
    names = ("min", "max", "margin", "max_difference", "min_rows", "confidence", "report_only")
    shown = [f"{n} {text(fields[n])}" for n in names if fields.get(n) not in (None, False, 0.0, 1)]
    return ", ".join(shown) or "no bound"
