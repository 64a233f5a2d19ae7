"""Variants of the base project whose columns are classified, sensitive, or kept for a purpose."""

from __future__ import annotations

from typing import Any

from specs_on_disk import changed

DATA = "specs/data.yaml"
VIEW = "specs/features.yaml"
MODEL = "specs/model.yaml"


def data(**marks: str) -> dict[str, str]:
    """Return the datasets of the base project with more said of some columns of flights."""
    text = changed(DATA, "kind", "kind")[DATA]
    for column, said in marks.items():
        start = text.index(f"    {column}: {{type: ")
        end = text.index("}\n", start)
        text = f"{text[:end]}, {said}{text[end:]}"
    return {DATA: text}


def features(**given: str) -> dict[str, str]:
    """Return a view of flights with these features."""
    lines = "".join(f"    {name}: {{{said}}}\n" for name, said in given.items())
    return {
        VIEW: "kind: FeatureView\nmetadata: {name: departures}\nspec:\n  from: flights\n  predict_at: departure\n"
        "  request: [flight_id, departure, carrier, tailnum, distance]\n"
        "  joins: {planes: {on: [tailnum], static: true}}\n"
        f"  features:\n{lines}"
    }


def model(more: str = "", task: str = "binary_classification", label: str = "delay > 15") -> dict[str, str]:
    text = changed(MODEL, "delay > 15", label)[MODEL].replace("binary_classification", task)
    return {MODEL: f"{text}{more}"}


def gate(check: str) -> dict[str, str]:
    spec = f"{{model: late, checks: [{{{check}}}]}}"
    return {"specs/gate.yaml": f"kind: Gate\nmetadata: {{name: release}}\nspec: {spec}\n"}


def privacy(**limits: Any) -> dict[str, str]:
    said = ", ".join(f"{place}: {limit}" for place, limit in limits.items())
    return changed("mlc.yaml", "{targets: {kubernetes: {}}}", f"{{targets: {{kubernetes: {{}}}}, privacy: {{{said}}}}}")
