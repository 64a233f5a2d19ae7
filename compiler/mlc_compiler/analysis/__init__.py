"""What can be proven of a project before anything runs: one module a family of findings, each a pure function.

An analysis reads the specs alone; a proof also reads what was compiled of them, and the statistics of the lock.
"""

from __future__ import annotations

from collections.abc import Callable

from mlc_compiler.analysis.environments import check_environments
from mlc_compiler.analysis.formats import check_formats
from mlc_compiler.analysis.gates import check_gates
from mlc_compiler.analysis.models import check_models
from mlc_compiler.analysis.monitors import check_monitors
from mlc_compiler.analysis.policies import check_policies
from mlc_compiler.analysis.rollouts import check_rollouts
from mlc_compiler.analysis.secrets import check_secrets
from mlc_compiler.analysis.subject import Subject
from mlc_compiler.diagnostics import Sink
from mlc_compiler.frontend.project import Project

Analysis = Callable[[Project, Sink], None]
Proof = Callable[[Subject, Sink], None]

ANALYSES: tuple[Analysis, ...] = (
    check_models,
    check_gates,
    check_rollouts,
    check_monitors,
    check_environments,
    check_formats,
    check_policies,
    check_secrets,
)

PROOFS: tuple[Proof, ...] = ()


def analyse(project: Project, sink: Sink) -> None:
    """Run every analysis; each reports all of its findings, whatever the others found."""
    for analysis in ANALYSES:
        analysis(project, sink)


def prove(subject: Subject, sink: Sink) -> None:
    """Run every proof, on the models that compiled."""
    for proof in PROOFS:
        proof(subject, sink)
