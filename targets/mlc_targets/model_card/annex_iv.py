"""Technical documentation of a high-risk system: the headings of the EU AI Act's Annex IV, and what people must write.

Section titles follow Regulation (EU) 2024/1689, Annex IV, points 1 to 9. Nothing here says that a system complies.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlc_compiler.ir import Model
from mlc_targets.model_card.markdown import TO_BE_WRITTEN, Line, link, section


@dataclass(frozen=True, slots=True)
class Point:
    """A point of the Annex: sections of the card that inform it, and what only people can write."""

    title: str
    sections: tuple[str, ...]
    human: tuple[str, ...]


POINTS = (
    Point(
        "General description of the AI system",
        ("Intended use", "Out of scope", "Versions", "Serving and rollout"),
        (
            "the provider, and how the system interacts with hardware or software that is not part of it",
            "the forms in which it is placed on the market or put into service",
            "the user interface for the deployer, and the instructions for use",
        ),
    ),
    Point(
        "Elements of the system and the process of its development",
        ("Data", "Features", "Label", "Split", "Training", "Gates"),
        (
            "the design choices, with their reasons and assumptions about persons or groups",
            "how the data was obtained, selected, labelled and cleaned",
            "the assessment of the human oversight measures (Article 14)",
            "pre-determined changes, and how compliance is kept through them",
            "dated and signed test reports",
            "cybersecurity measures",
        ),
    ),
    Point(
        "Monitoring, functioning and control",
        ("Limitations", "Human oversight", "Monitoring"),
        (
            "expected accuracy for the persons or groups on which the system is meant to be used",
            "foreseeable unintended outcomes, and sources of risk to health, safety and fundamental rights",
            "specifications on input data for deployers",
        ),
    ),
    Point("Appropriateness of the performance metrics", ("Gates",), ("why these metrics fit this use",)),
    Point(
        "Risk management system",
        ("Ethical considerations",),
        ("the risk management system (Article 9): risks identified, estimated, evaluated, and measures taken",),
    ),
    Point(
        "Changes through the lifecycle",
        ("Versions",),
        ("relevant changes made by the provider, in words; the repository's history has them as data",),
    ),
    Point(
        "Harmonised standards applied",
        (),
        ("the standards applied in full or in part, or the solutions adopted instead",),
    ),
    Point("EU declaration of conformity", (), ("a copy of the declaration (Article 47)",)),
    Point(
        "Post-market monitoring",
        ("Monitoring",),
        ("the post-market monitoring plan (Article 72(3)), and how serious incidents are reported",),
    ),
)

_FIELDS = {
    "intended_use": "Intended use",
    "out_of_scope": "Out of scope",
    "human_oversight": "Human oversight",
    "limitations": "Limitations",
    "ethical_considerations": "Ethical considerations",
}


def annex_iv(model: Model) -> list[Line]:
    """Return the section of a high-risk model: each point with what the card has and what is missing."""
    note = (
        "The specs call this model high-risk. The card informs the technical documentation of the EU AI Act "
        "(Regulation (EU) 2024/1689, Annex IV); it is not that documentation, and says nothing about conformity. What "
        "stands below as a box is for people to write, and to check against the Regulation."
    )
    blank = tuple(title for field, title in _FIELDS.items() if not getattr(model.card, field))
    points = [line for index, point in enumerate(POINTS, 1) for line in _point(index, point, blank)]
    return section("Technical documentation (EU AI Act, Annex IV)", [note, ""], points)


def _point(index: int, point: Point, blank: tuple[str, ...]) -> list[Line]:
    there = [title for title in point.sections if title not in blank]
    missing = [f"the section {link(title, _anchor(title))} of this card" for title in point.sections if title in blank]
    informed = [f"From the specs: {', '.join(link(title, _anchor(title)) for title in there)}.", ""] if there else []
    boxes = [f"- [ ] {text}: {TO_BE_WRITTEN}" for text in (*missing, *point.human)]
    return section(f"{index}. {point.title}", informed, [*boxes, ""], level=3)


def _anchor(title: str) -> str:
    """Return the anchor that forges give a heading of plain words."""
    return "#" + title.lower().replace(" ", "-")
