"""kind: Policy, house rules over the typed project, written in CEL."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mlc_compiler.spec.types import Name, SpecModel, Text


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
    enforcement: Literal["blocking", "advisory"] = "blocking"


class Policy(SpecModel):
    """House rules."""

    rules: Annotated[list[Rule], Field(min_length=1)]
