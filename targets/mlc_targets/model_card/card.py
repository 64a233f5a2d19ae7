"""The card: what the model is for, what it learned from, what it had to pass, where it runs, what is watched."""

from __future__ import annotations

from mlc_compiler import conventions
from mlc_compiler.backend.target import Sourced
from mlc_compiler.conventions import number_text
from mlc_compiler.ir import Model, Origin, Pin, ProjectRelease
from mlc_targets.model_card import learning, running, sensitive
from mlc_targets.model_card.facts import ROOT
from mlc_targets.model_card.markdown import (
    Line,
    bullets,
    cell,
    link,
    paragraph,
    prose,
    reference,
    section,
    table,
)


def card(project: ProjectRelease, model: Model) -> list[Line]:
    """Return the lines of a model's card."""
    return [
        *_head(model),
        *_purpose(model),
        *learning.data(model),
        *learning.features(model),
        *sensitive.attributes(model),
        *learning.target(model),
        *learning.training(model),
        *_gates(model),
        *_versions(project, model),
        *running.rollout(model),
        *running.monitoring(model),
        *_judgement(model),
    ]


def _head(model: Model) -> list[Line]:
    document = model.origin.document
    facts = [
        ("Task", prose(model.task.replace("_", " ")), model.origin.at("task")),
        ("Owner", prose(model.owner), Origin(document, "metadata.owner")),
        ("Risk", prose(model.card.risk), model.card.origin.at("risk")),
        ("Purpose", prose(model.card.purpose), model.card.origin.at("purpose")),
        ("Version of the specs", cell(conventions.short(model.version)), model.origin),
        ("Contacts", ", ".join(map(reference, model.card.contacts)), model.card.origin.at("contacts")),
    ]
    rows = [((name, value), origin) for name, value, origin in facts if value]
    described: list[Line] = [Sourced(prose(model.description), Origin(document, "metadata.description")), ""]
    return [f"# {prose(model.name)}", "", *(described if model.description else []), *table(("", ""), rows)]


def _purpose(model: Model) -> list[Line]:
    card, origin = model.card, model.card.origin
    return [
        *section("Intended use", paragraph(card.intended_use, origin.at("intended_use"))),
        *section("Out of scope", bullets(map(prose, card.out_of_scope), origin.at("out_of_scope"))),
        *section("Human oversight", paragraph(card.human_oversight, origin.at("human_oversight"))),
    ]


def _judgement(model: Model) -> list[Line]:
    card, origin = model.card, model.card.origin
    found = [
        *section("Limitations", bullets(map(prose, card.limitations), origin.at("limitations"))),
        *section(
            "Ethical considerations",
            bullets(map(prose, card.ethical_considerations), origin.at("ethical_considerations")),
        ),
    ]
    if card.references:
        found += section("References", bullets(map(reference, card.references), origin.at("references")))
    return found


# --- gates -----------------------------------------------------------------------------------------------------------
def _gates(model: Model) -> list[Line]:
    rows = [
        (
            (
                cell(gate.name),
                prose(check.title),
                gate.split,
                f"{number_text(round(check.confidence * 100, 6))} %",
                "reported only" if check.report_only else "blocks",
            ),
            check.origin,
        )
        for gate in model.gates
        for check in gate.checks
    ]
    if not rows:
        return section("Gates", ["No gate is defined: nothing keeps a version back.", ""])
    note = "The bound of the confidence interval on the careful side must clear each threshold."
    return section("Gates", [note, ""], table(("gate", "check", "rows", "confidence", ""), rows))


# --- versions --------------------------------------------------------------------------------------------------------
def _versions(project: ProjectRelease, model: Model) -> list[Line]:
    rows = [
        (cells, Origin(release.environment.origin.document))
        for release in project.releases
        for cells in [_version_cells(release.environment.name, model, _pin(release.models, model.name))]
    ]
    heads = ("environment", "version", "described here", "package", "image", "evidence")
    note = (
        "Measured metrics, with their intervals, and the verdicts of the gates stand in the evidence of each version. "
        "A version that is not the one described here keeps its own specs in its snapshot."
    )
    return section("Versions", [note, ""], table(heads, rows))


def _pin(models: tuple[Model, ...], name: str) -> Pin | None:
    return next((other.pin for other in models if other.name == name), None)


def _version_cells(environment: str, model: Model, pin: Pin | None) -> tuple[str, ...]:
    if pin is None:
        return (cell(environment), "none", "", "", "", "")
    evidence = conventions.evidence_path(model.name, pin.version)
    snapshot = conventions.snapshot_path(model.name, pin.snapshot)
    version = conventions.short(pin.version)
    return (
        cell(environment),
        link(version, f"{ROOT}/{pin.path}") if pin.path else cell(version),  # a preview has no file
        "yes" if pin.version == model.version else f"no, in its {link('snapshot', f'{ROOT}/{snapshot}')}",
        cell(conventions.short(pin.artifact)),
        cell(pin.image),
        link("evidence", f"{ROOT}/{evidence}") if pin.evidence else "none recorded",
    )
