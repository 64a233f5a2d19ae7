"""What the commands of images share: a finding in plain text on standard error, and its exit code."""

from __future__ import annotations

import sys

from mlc_compiler.backend.target import ExecutionError
from mlc_targets.local.findings import findings_of


def tell(error: ExecutionError) -> int:
    """Write the findings of a refused command to standard error and return its exit code, 1."""
    for finding in findings_of(error):
        lines = [f"{finding.severity.value}[{finding.code}]: {finding.message}"]
        lines += [f"  = {finding.note}"] if finding.note else []
        lines += [f"  = help: {finding.help}"] if finding.help else []
        sys.stderr.write("\n".join(lines) + "\n")
    return 1
