"""Sensitive attributes: which features depend on them, for what reason, and which gates compare their groups."""

from __future__ import annotations

from mlc_compiler.ir import Column, Dataset, Model
from mlc_targets.model_card.markdown import TO_BE_WRITTEN, Line, cell, prose, section, table


def attributes(model: Model) -> list[Line]:
    """Return the section; nothing for a model of low risk whose data has none."""
    found = [(d, c) for d in model.datasets for c in d.columns if c.sensitive]
    if not found and model.card.risk != "high":
        return []
    if not found:
        said = ["No column is marked as sensitive. Whether that is so, people have to judge.", ""]
        return section("Sensitive attributes", said)
    note = (
        "A feature depends on an attribute by its value, by what it chooses, or by what is looked up with it. Values "
        "that go along with an attribute by chance or custom, as a postcode may, only show in comparisons of groups."
    )
    rows = [(_cells(model, d, c), d.origin.at(f"columns.{c.name}.sensitive")) for d, c in found]
    heads = ("attribute", "features that depend on it", "reason", "gates between its groups")
    return section("Sensitive attributes", [note, ""], table(heads, rows))


def _cells(model: Model, dataset: Dataset, column: Column) -> tuple[str, ...]:
    name = f"{dataset.name}.{column.name}"
    reached = [feature.name for feature in model.features.features if name in feature.reaches]
    reason = dict(model.card.sensitive_inputs).get(column.name, "")
    gates = _gates(model, column.name) if dataset.name == model.features.spine else []
    return (
        cell(name),
        ", ".join(map(cell, reached)) or "none",
        (prose(reason) or TO_BE_WRITTEN) if reached else "",
        ", ".join(map(prose, gates)) or "none",
    )


def _gates(model: Model, column: str) -> list[str]:
    """Return the checks that compare or judge the groups of a column."""
    checks = [check for gate in model.gates for check in gate.checks]
    return [
        f"{check.name} (reported)" if check.report_only else check.name
        for check in checks
        if check.group == column or column in check.slices
    ]
