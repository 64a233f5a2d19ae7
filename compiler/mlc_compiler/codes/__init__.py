"""The registry of finding codes: one entry a code, one module a family, in the order of DESIGN's ranges."""

from __future__ import annotations

from mlc_compiler.codes import (
    data,
    environments,
    gates,
    governance,
    interfaces,
    models,
    monitors,
    names,
    privacy,
    rollouts,
    schema,
    yaml,
)
from mlc_compiler.codes.entry import Code

FAMILIES: tuple[tuple[str, tuple[Code, ...]], ...] = (
    ("YAML", yaml.CODES),
    ("Schema", schema.CODES),
    ("Names and references", names.CODES),
    ("Data, features and privacy", (*data.CODES, *privacy.CODES)),
    ("Models and interfaces", (*models.CODES, *interfaces.CODES)),
    ("Gates", gates.CODES),
    ("Rollouts", rollouts.CODES),
    ("Monitors and alerts", monitors.CODES),
    ("Governance and security", governance.CODES),
    ("Environments, promotion, targets", environments.CODES),
)

REGISTRY: dict[str, Code] = {code.id: code for _, codes in FAMILIES for code in codes}
