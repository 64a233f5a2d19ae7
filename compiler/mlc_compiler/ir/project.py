"""What all environments of a project have in common: names, stores, targets with their options, the lock."""

from __future__ import annotations

from dataclasses import field

from mlc_compiler.ir.origin import Frozen, Origin
from mlc_compiler.records import dataclass


@dataclass(frozen=True, slots=True)
class TargetOptions:
    """A target and its options of mlc.yaml."""

    name: str
    options: tuple[tuple[str, Frozen], ...] = ()
    origin: Origin = Origin("")

    def get(self, key: str, default: Frozen = None) -> Frozen:
        return dict(self.options).get(key, default)


@dataclass(frozen=True, slots=True)
class Action:
    """A pinned GitHub action."""

    name: str
    sha: str
    version: str


@dataclass(frozen=True, slots=True)
class Lock:
    """What the lock pins besides datasets."""

    actions: tuple[Action, ...] = ()
    images: tuple[tuple[str, str], ...] = ()  # image -> digest
    packages: tuple[tuple[str, str], ...] = ()  # package -> version
    mlc: str = ""

    def action(self, name: str) -> Action:
        return next(a for a in self.actions if a.name == name)


@dataclass(frozen=True, slots=True)
class Project:
    """What all environments have in common."""

    name: str
    owner: str
    timezone: str
    image_registry: str | None
    store_local: str
    store_ci: str | None
    mlflow: str | None
    default_branch: str
    app_token: str | None
    python: str
    runs_on: tuple[str, ...]
    ci_timeout: float
    alert_receiver: str
    alert_webhook: str | None
    runbooks: str | None
    targets: tuple[TargetOptions, ...]
    environments: tuple[str, ...]  # in order of promotion
    specs: tuple[str, ...] = ("specs",)
    signing_keys: tuple[str, ...] = ()  # files with public keys
    lock: Lock = field(default_factory=Lock)
    origin: Origin = Origin("")

    def options(self, target: str) -> TargetOptions:
        return next((t for t in self.targets if t.name == target), TargetOptions(target))

    def uses(self, target: str) -> bool:
        return any(t.name == target for t in self.targets)
