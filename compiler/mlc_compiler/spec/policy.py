"""kind: Policy, house rules over the typed project, written in CEL."""

from typing import Annotated, Literal

from pydantic import Field

from mlc_compiler.spec.types import Name, SpecModel, Text, defaults

Enforcement = Literal["blocking", "advisory"]


class Builtin(SpecModel):
    """Rules that come with mlc; those that are named are in force."""

    owner: Enforcement | None = None
    """Datasets and models have an owner, their own or the project's."""
    risk_tier: Enforcement | None = None
    """Models write `card.risk`."""
    license: Enforcement | None = None
    """Datasets write their data's licence, and `licenses` allows it."""
    retention: Enforcement | None = None
    """Datasets with columns of pseudonymous, pii or special say how long rows are kept."""
    pinned_images: Enforcement | None = None
    """Images of other servers, and in targets' options, are named by digest."""
    pinned_datasets: Enforcement | None = None
    """Datasets stand in mlc.lock."""
    human_oversight: Enforcement | None = None
    """High-risk models write `card.human_oversight`."""
    fairness_gate: Enforcement | None = None
    """High-risk models on rows with sensitive columns pass a blocking fairness check over one of them."""


class Rule(SpecModel):
    id: Name
    for_: Annotated[
        Literal["Project", "Dataset", "FeatureView", "Model", "Gate", "Rollout", "Monitor", "Environment"],
        Field(alias="for"),
    ]
    """Kind of the documents that the rule judges; each is bound to its kind's name in snake_case."""
    when: Text | None = None
    """CEL condition under which the rule applies."""
    require: Text
    """CEL condition that must hold."""
    message: Text
    """What a document that breaks it is told."""
    at: Text | None = None
    """Field that the finding points at, in dots, such as `card.risk`; by default the field that `require` reads."""
    enforcement: Enforcement = "blocking"
    """`blocking` is an error, `advisory` a warning."""


class Licenses(SpecModel):
    """Licences of data, as SPDX identifiers or patterns such as CC-BY-*."""

    allow: list[Text] = []
    """The only ones allowed; empty: all that are not denied."""
    deny: list[Text] = ["*-NC-*", "*-NC", "*-ND-*", "*-ND"]
    """Refused, unless `allow` names the very same."""


class Policy(SpecModel):
    """House rules: those that come with mlc, switched on by name, and rules of your own in CEL."""

    builtin: Builtin = defaults(Builtin)
    """Rules that come with mlc, switched on by name."""
    licenses: Licenses = defaults(Licenses)
    """What the built-in rule `license` allows."""
    rules: list[Rule] = []
    """Rules of your own, over one kind of document each."""
