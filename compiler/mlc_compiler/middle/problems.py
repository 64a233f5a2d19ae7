"""What the SQL compiler found, as findings with places in the specs."""

from __future__ import annotations

from collections.abc import Iterable

from mlc_compiler.conventions import PROJECT_FILE
from mlc_compiler.diagnostics import Finding, Place, Related, Severity, Sink
from mlc_compiler.frontend.project import Project
from mlc_compiler.sql.definitions import Problem, ProblemPlace
from mlc_compiler.sql.syntax import ExpressionProblem


def report_expression(problems: Iterable[ExpressionProblem], at: Place, sink: Sink) -> None:
    """Add the problems of one expression, which stands at `at`."""
    for problem in problems:
        severity = Severity.WARNING if problem.warning else Severity.ERROR
        place = at.slice(*problem.span)
        sink.add(Finding(problem.code, problem.message, place, problem.note, (), problem.help, severity, problem.fix))


def report(problems: Iterable[Problem], project: Project, sink: Sink) -> None:
    """Add the problems of compiled features."""
    places = {d.label: d.place for d in project.documents()} if problems else {}
    for problem in problems:
        related = tuple(Related(r.label, r.text, _place(r.at, places) if r.at else None) for r in problem.related)
        severity = Severity.WARNING if problem.warning else Severity.ERROR
        at = _place(problem.at, places)
        sink.add(Finding(problem.code, problem.message, at, problem.note, related, problem.help, severity, problem.fix))


def _place(at: ProblemPlace, places: dict[str, Place]) -> Place:
    place = places.get(at.document, Place(PROJECT_FILE)).at(*at.path)
    if at.key:
        return place.name()
    return place.slice(*at.within) if at.within else place
