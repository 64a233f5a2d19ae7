"""Changes that make a release less safe, as data: what was given up, from what to what, and how much it matters."""

from __future__ import annotations

from typing import Literal

from mlc_compiler.records import dataclass

Severity = Literal["high", "medium"]
SEVERITIES: tuple[Severity, ...] = ("high", "medium")


@dataclass(frozen=True, slots=True)
class Risk:
    """One risk. `document` and `field` say where; `waived` is the reason that the document's x-allow gives.

    `model` is empty for what concerns an environment or the project as a whole; `at` is file:line once located.
    """

    code: str
    severity: Severity
    message: str
    before: str
    after: str
    document: str
    field: str
    model: str = ""
    environment: str = ""
    waived: str = ""
    at: str = ""
