"""What can be proven of a project before anything runs: one module a family of findings, each a pure function.

An analysis reads the specs alone; a proof also reads what was compiled of them, and the statistics of the lock.
"""

from __future__ import annotations

from collections.abc import Callable

from mlc_compiler.analysis.alerts import prove_alerts
from mlc_compiler.analysis.constant_predictor import prove_skill
from mlc_compiler.analysis.effects import check_effects
from mlc_compiler.analysis.environments import check_environments
from mlc_compiler.analysis.estimators import check_estimators
from mlc_compiler.analysis.exported import check_exported
from mlc_compiler.analysis.formats import check_formats
from mlc_compiler.analysis.gate_logic import check_gate_logic
from mlc_compiler.analysis.gate_power import prove_gates
from mlc_compiler.analysis.gates import check_gates
from mlc_compiler.analysis.governance import check_governance
from mlc_compiler.analysis.inherited import check_inherited
from mlc_compiler.analysis.leakage import check_queries, check_tolerances
from mlc_compiler.analysis.models import check_models
from mlc_compiler.analysis.monitors import check_monitors
from mlc_compiler.analysis.outcomes import check_outcomes
from mlc_compiler.analysis.patterns import check_patterns
from mlc_compiler.analysis.policies import check_policies
from mlc_compiler.analysis.privacy import prove_privacy
from mlc_compiler.analysis.promotion_paths import check_promotion
from mlc_compiler.analysis.rollback_proof import prove_rollback
from mlc_compiler.analysis.rollout_power import prove_rollouts
from mlc_compiler.analysis.rollouts import check_rollouts
from mlc_compiler.analysis.secrets import check_secrets
from mlc_compiler.analysis.signing import check_signing
from mlc_compiler.analysis.splits import check_splits
from mlc_compiler.analysis.subject import Subject
from mlc_compiler.diagnostics import Sink
from mlc_compiler.frontend.project import Project

Analysis = Callable[[Project, Sink], None]
Proof = Callable[[Subject, Sink], None]

ANALYSES: tuple[Analysis, ...] = (
    check_models,
    check_gates,
    check_gate_logic,
    check_promotion,
    check_rollouts,
    check_monitors,
    check_exported,
    check_environments,
    check_formats,
    check_policies,
    check_secrets,
    check_signing,
    check_inherited,
    check_tolerances,
    check_patterns,
    check_effects,
)

PROOFS: tuple[Proof, ...] = (
    check_estimators,
    check_outcomes,
    check_splits,
    check_queries,
    prove_privacy,
    check_governance,
    prove_gates,
    prove_skill,
    prove_rollouts,
    prove_rollback,
    prove_alerts,
)


def analyse(project: Project, sink: Sink) -> None:
    """Run every analysis; each reports all of its findings, whatever the others found."""
    for analysis in ANALYSES:
        analysis(project, sink)


def prove(subject: Subject, sink: Sink) -> None:
    """Run every proof, on the models that compiled."""
    for proof in PROOFS:
        proof(subject, sink)
