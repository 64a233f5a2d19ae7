"""Where a node comes from in the specs, and the free-form values that specs may carry."""

from __future__ import annotations

from mlc_compiler.records import dataclass

Scalar = str | int | float | bool | None
Frozen = Scalar | tuple["Frozen", ...] | tuple[tuple[str, "Frozen"], ...]
"""Free-form values (parameters, options), made of scalars, tuples and pairs."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A spec field: document as Kind/name, path below it in dots."""

    document: str
    field: str = ""

    def at(self, path: str) -> Origin:
        """Return the origin of a field below this one."""
        return Origin(self.document, f"{self.field}.{path}" if self.field else path)
