"""Gates: what a version has to show before it is released."""

from __future__ import annotations

from typing import Literal

from mlc_compiler.ir.origin import Origin
from mlc_compiler.records import dataclass


@dataclass(frozen=True, slots=True)
class GateCheck:
    """One check. kind metric: `name` is the metric; fairness: the ratio; latency: the quantile; parity: the format."""

    kind: Literal["metric", "fairness", "latency", "parity"]
    name: str
    min: float | None = None
    max: float | None = None
    versus: Literal["champion", "baseline"] | None = None
    margin: float = 0.0
    slices: tuple[str, ...] = ()
    group: str | None = None
    min_rows: int = 1
    confidence: float = 0.95
    report_only: bool = False
    origin: Origin = Origin("")

    @property
    def title(self) -> str:
        """Return the check in words, the same in reports, evidence and pull requests."""
        subject = f"{self.kind} {self.name}" if self.kind != "metric" else self.name
        parts = [subject]
        if self.group:
            parts.append(f"over {self.group}")
        if self.slices:
            parts.append(f"by {', '.join(self.slices)}")
        if self.versus:
            parts.append(f"no worse than {self.versus} by more than {self.margin:g}")
        if self.min is not None:
            parts.append(f">= {self.min:g}")
        if self.max is not None:
            unit = " s" if self.kind == "latency" else ""
            parts.append(f"<= {self.max:g}{unit}")
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Gate:
    """The checks that a version passes before it is released."""

    name: str
    split: Literal["test", "validation"]
    checks: tuple[GateCheck, ...]
    origin: Origin = Origin("")
