"""Technical documentation of a high-risk system: the points of the EU AI Act's Annex IV, and what people must write.

Titles follow Regulation (EU) 2024/1689, Annex IV, points 1 to 9. Nothing here says that a system conforms.
"""

from __future__ import annotations

import re

from mlc_compiler.backend.target import Sourced
from mlc_compiler.ir import Model, ProjectRelease
from mlc_compiler.records import dataclass
from mlc_targets.model_card.facts import FACTS, ROOT
from mlc_targets.model_card.markdown import Line, code, link, prose, reference, section


@dataclass(frozen=True, slots=True)
class Topic:
    """What only people can write: the key below `card.technical_documentation`, and the words for it."""

    key: str
    words: str


@dataclass(frozen=True, slots=True)
class Point:
    """A point of the Annex: sections of the card that inform it, and the topics that people write."""

    title: str
    sections: tuple[str, ...]
    topics: tuple[Topic, ...]


POINTS = (
    Point(
        "General description of the AI system",
        ("Intended use", "Out of scope", "Versions", "Serving and rollout"),
        (
            Topic("provider", "the provider, and how this version relates to earlier ones"),
            Topic("interaction", "hardware, software and other AI systems that it interacts with"),
            Topic("forms", "the forms in which it is placed on the market or put into service"),
            Topic("interface", "the user interface for the deployer"),
            Topic("instructions", "the instructions for use"),
        ),
    ),
    Point(
        "Elements of the AI system and the process for its development",
        ("Data", "Features", "Label", "Split", "Training", "Gates"),
        (
            Topic("design_choices", "the design choices, with their reasons and assumptions about persons or groups"),
            Topic("data_collection", "how the data was obtained, selected, labelled and cleaned"),
            Topic("oversight_assessment", "the assessment of the human oversight measures (Article 14)"),
            Topic("predetermined_changes", "pre-determined changes, and how conformity is kept through them"),
            Topic("test_reports", "test logs and reports, dated and signed by the persons responsible"),
            Topic("cybersecurity", "the cybersecurity measures"),
        ),
    ),
    Point(
        "Monitoring, functioning and control of the AI system",
        ("Limitations", "Human oversight", "Sensitive attributes", "Monitoring"),
        (
            Topic("accuracy_for_groups", "the accuracy to expect for the persons or groups that it is meant for"),
            Topic("unintended_outcomes", "foreseeable unintended outcomes, and risks to health, safety and rights"),
            Topic("input_specifications", "what deployers must know of the input data"),
        ),
    ),
    Point(
        "Appropriateness of the performance metrics",
        ("Gates",),
        (Topic("metric_choice", "why these metrics and bounds fit this use"),),
    ),
    Point(
        "Risk management system",
        ("Ethical considerations",),
        (Topic("risk_management", "the risk management system (Article 9)"),),
    ),
    Point(
        "Changes made through the lifecycle",
        ("Versions",),
        (Topic("changes", "the relevant changes, in words; the repository's history has them as data"),),
    ),
    Point(
        "Harmonised standards applied",
        (),
        (Topic("standards", "the standards applied in full or in part, or the solutions adopted instead"),),
    ),
    Point(
        "EU declaration of conformity",
        (),
        (Topic("declaration", "a copy of the declaration (Article 47)"),),
    ),
    Point(
        "Evaluation of the performance in the post-market phase",
        ("Monitoring",),
        (Topic("post_market_plan", "the post-market monitoring plan (Article 72(3))"),),
    ),
)

_FIELDS = {
    "Intended use": "intended_use",
    "Out of scope": "out_of_scope",
    "Human oversight": "human_oversight",
    "Limitations": "limitations",
    "Ethical considerations": "ethical_considerations",
}
"""Sections that are one field of the card."""

_DOCUMENT = re.compile(r"(?!/)[\w./-]+\.(?:md|pdf|html|docx|odt|txt)")

_NOTE = (
    "The specs call this model high-risk. What they know is put under the headings of the technical documentation that "
    "the EU AI Act asks for (Regulation (EU) 2024/1689, Annex IV). It is not that documentation, and says nothing of "
    "conformity: people complete it, and check it against the Regulation."
)


def annex_iv(project: ProjectRelease, model: Model) -> list[Line]:
    """Return the section of a high-risk model: each point with what is known, then what people have yet to write."""
    points = [line for index, point in enumerate(POINTS, 1) for line in _point(index, point, project, model)]
    missing = _missing(model)
    total = sum(len(point.topics) for point in POINTS) + len(_FIELDS)
    head = f"{total - len(missing)} of {total} parts that people write are there."
    lacking: list[Line] = [*missing, ""] if missing else ["Nothing: every part has a text or a reference.", ""]
    return [
        *section("Technical documentation (EU AI Act, Annex IV)", [_NOTE, "", head, ""], points),
        *section("What a human has yet to write", lacking, level=3),
    ]


def _point(index: int, point: Point, project: ProjectRelease, model: Model) -> list[Line]:
    written, origin = dict(model.card.technical_documentation), model.card.origin
    blank = {title for title, field in _FIELDS.items() if not getattr(model.card, field)}
    there = [link(title, _anchor(title)) for title in point.sections if title not in blank]
    lines: list[Line] = [f"In this card: {', '.join(there)}.", ""] if there else []
    facts = [Sourced(f"- {text}", at) for text, at in FACTS[index](project, model)]
    texts = [
        Sourced(f"- {prose(_sentence(topic.words))}: {_text(written[topic.key])}", origin.at(_field(topic)))
        for topic in point.topics
        if topic.key in written
    ]
    open_ = len(point.topics) - len(texts)
    rest = [f"Left to people: {open_} of {len(point.topics)} ([list]({_ANCHOR})).", ""]
    return section(
        f"{index}. {point.title}", lines, [*facts, *texts, ""] if facts or texts else [], rest if open_ else [], level=3
    )


def _missing(model: Model) -> list[Line]:
    """Return a box for each part that nobody has written, with the field to write it in."""
    written, card = dict(model.card.technical_documentation), model.card
    boxes: list[Line] = [
        f"- [ ] {link(title, _anchor(title))}: {code(f'card.{field}')}"
        for title, field in _FIELDS.items()
        if not getattr(card, field)
    ]
    topics = ((index, topic) for index, point in enumerate(POINTS, 1) for topic in point.topics)
    return [
        *boxes,
        *(
            f"- [ ] {index}: {prose(topic.words)}: {code(f'card.{_field(topic)}')}"
            for index, topic in topics
            if topic.key not in written
        ),
    ]


def _field(topic: Topic) -> str:
    return f"technical_documentation.{topic.key}"


def _text(text: str) -> str:
    """Return a text, or a link to the document of the repository or elsewhere that it names."""
    return link(text, f"{ROOT}/{text}") if _DOCUMENT.fullmatch(text) else reference(text)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


_ANCHOR = "#what-a-human-has-yet-to-write"


def _anchor(title: str) -> str:
    """Return the anchor that forges give a heading of plain words."""
    return "#" + title.lower().replace(" ", "-")
