"""kind: Environment, a place where models run, and what it takes to get there."""

from typing import Annotated, Any, Literal

from pydantic import Field

from mlc_compiler.spec.types import Date, Duration, Name, OneOf, SpecModel, Text, defaults


class Approval(SpecModel):
    team: Text
    count: Annotated[int, Field(ge=1)] = 1


class Freeze(SpecModel):
    """Days in which nothing is promoted here."""

    from_: Annotated[Date, Field(alias="from")]
    until: Date
    reason: Text


class Requires(SpecModel):
    gates: list[Name] = []
    """Gates that must have passed."""
    soak: Duration = 0.0
    """How long a version must have run in the environment before."""
    approvals: list[Approval] = []
    signed: bool = False
    """Evidence and promotions carry a signature of one of the project's keys."""


class Override(SpecModel):
    """Other values for fields outside a model's version."""

    kind: Literal["Model", "Rollout", "Monitor"]
    name: Text
    """A name, or a pattern such as demand-*."""
    set: Annotated[dict[str, Any], Field(min_length=1)]
    """Field paths below spec, e.g. serving.replicas.min, with their values."""


class PatchTarget(SpecModel):
    kind: Text
    name: Text


class JsonPatchOperation(SpecModel):
    op: Literal["add", "remove", "replace", "test", "move", "copy"]
    path: Text
    value: Any = None
    from_: Annotated[str | None, Field(alias="from")] = None


class Patch(OneOf):
    """The way out: a strategic-merge or JSON patch on an emitted object; exactly one of `patch`, `json_patch`."""

    forms = ("patch", "json_patch")
    target: PatchTarget
    patch: dict[str, Any] | None = None
    json_patch: list[JsonPatchOperation] | None = None


class Ingress(SpecModel):
    """Where requests come in."""

    gateway: Text | None = None
    """namespace/name of the Gateway that routes attach to."""
    host: Text | None = None
    """Domain that host names end with."""


class Environment(SpecModel):
    """A place where models run: a namespace of a cluster."""

    tracks: Text | None = None
    """The project's default branch: the release workflow pins here what passed its gates on it."""
    promoted_from: Name | None = None
    """Versions come from there, by pull request."""
    namespace: Name
    models: list[Text] = ["*"]
    """Patterns of the models that run here."""
    requires: Requires = defaults(Requires)
    freezes: list[Freeze] = []
    overrides: list[Override] = []
    patches: list[Patch] = []
    ingress: Ingress = defaults(Ingress)
