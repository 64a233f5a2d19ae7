"""Sensitive attributes that a model's features depend on, and data used for what it was not collected for."""

from __future__ import annotations

from collections.abc import Iterator

from mlc_compiler.analysis.subject import Subject
from mlc_compiler.analysis.taint import ModelTraces, group_fields
from mlc_compiler.analysis.traces import Trace
from mlc_compiler.diagnostics import Finding, Place, Related, Severity, Sink, nearest
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.project import BoundModel, Project, SelectedFeature
from mlc_compiler.spec.dataset import Dataset

AUDIT = "fairness-audit"
"""The purpose of columns that gates group by."""


Use = tuple[str, Place]
"""What uses a column, in words, and where."""
Uses = dict[tuple[str, str], Use]
"""The first use of each column, by dataset and column."""


def check_sensitive(subject: Subject, traces: ModelTraces, sink: Sink) -> None:
    """Report sensitive inputs without a reason, reasons without an input, and uses beyond the stated purposes."""
    project = subject.project
    marked = {n for n, d in project.datasets.items() if _is_marked(d.spec)}
    for bound, resolved in subject.pairs():
        if any(d.name in marked for d in resolved.datasets):
            _Judge(project, bound, traces, sink).judge()
        elif bound.document.spec.card.sensitive_inputs:
            _unused_reasons(bound, set(), sink)


def _is_marked(dataset: Dataset) -> bool:
    return bool(dataset.purposes) or any(c.sensitive or c.purposes for c in dataset.columns.values())


class _Judge:
    """One model."""

    def __init__(self, project: Project, bound: BoundModel, traces: ModelTraces, sink: Sink) -> None:
        self.project, self.bound, self.traces, self.sink = project, bound, traces, sink
        self.card = bound.document.spec.card

    def judge(self) -> None:
        reached: set[str] = set()
        used: Uses = {}
        for feature in self.bound.features:
            for trace in self.traces.of(feature.view).get(feature.name, ()):
                use = f"feature `{feature.name}`", self._place(feature, trace)
                used.setdefault((trace.dataset, trace.column), use)
                if trace.sensitive and trace.flow != "time" and trace.column not in reached:
                    reached.add(trace.column)
                    if trace.column not in self.card.sensitive_inputs:
                        self._sensitive(feature, trace)
        _unused_reasons(self.bound, reached, self.sink)
        for trace in self.traces.label(self.bound):
            used.setdefault((trace.dataset, trace.column), ("the label", self.bound.document.at("label")))
        self._purposes(used)

    def _sensitive(self, feature: SelectedFeature, trace: Trace) -> None:
        high = self.card.risk == "high"
        why = f"`{self.bound.name}` is high-risk" if high else f"`{self.bound.name}` may tell groups apart by it"
        how = {"value": "takes its value from", "key": "is looked up by"}.get(trace.flow, "is decided by")
        dataset = self.project.datasets[trace.dataset]
        chain = (trace.source, *(f"{feature.view}.{n}" for n in (*trace.through, feature.name)), self.bound.name)
        self.sink.add(
            Finding(
                "MLC351" if high else "MLC352",
                f"feature `{feature.name}` {how} the sensitive column `{trace.source}`, and {why}",
                self._place(feature, trace),
                related=(
                    Related("way", " -> ".join(chain)),
                    Related("sensitive", trace.column, dataset.at("columns", trace.column, "sensitive")),
                    Related("input", feature.name, self.bound.document.at("features", feature.entry)),
                ),
                help=f"leave it out, or say why it is needed: `card: {{sensitive_inputs: {{{trace.column}: ...}}}}`",
                severity=Severity.ERROR if high else Severity.WARNING,
            )
        )

    def _place(self, feature: SelectedFeature, trace: Trace) -> Place:
        view = self.project.views[feature.view]
        if trace.at is None or trace.at.document != view.label:
            return view.at("features", feature.name)
        place = view.place.at(*trace.at.path)
        return place.slice(*trace.at.within) if trace.at.within else place

    # --- purposes ---
    def _purposes(self, used: Uses) -> None:
        """Report each column once; of those with the dataset's purposes, one stands for all."""
        told: set[tuple[str, tuple[str, ...]]] = set()
        groups = {(self.bound.spine.name, name): use for name, use in self._grouped()}
        for (name, column), use in {**groups, **used}.items():
            dataset = self.project.datasets[name]
            allowed, at = _allowed(dataset, column)
            audit = AUDIT in allowed and (name, column) not in used
            shared = not dataset.spec.columns[column].purposes
            key = (name if shared else f"{name}.{column}", allowed)
            if allowed and not audit and self.card.purpose not in allowed and key not in told:
                told.add(key)
                self._beyond(f"{name}.{column}", use, allowed, at)

    def _grouped(self) -> Iterator[tuple[str, Use]]:
        for gate in self.bound.gates:
            for index, check in enumerate(gate.spec.checks):
                for field, name in group_fields(check):
                    if name in self.bound.spine.spec.columns:
                        yield name, (f"a group of gate `{gate.name}`", gate.at("checks", index, *field))

    def _beyond(self, column: str, use: Use, allowed: tuple[str, ...], at: Place) -> None:
        purpose, document = self.card.purpose, self.bound.document
        user, place = use
        is_for = f"for `{purpose}`" if purpose else "for no stated purpose"
        near = nearest(purpose, allowed) if purpose else None
        self.sink.error(
            "MLC353",
            document.at("card", "purpose") if near else place,
            f"`{self.bound.name}` is {is_for}, and {user} uses `{column}`, kept for {', '.join(allowed)}",
            related=(
                Related("purposes", ", ".join(allowed), at),
                *([Related("purpose", purpose, document.at("card", "purpose"))] if purpose and not near else []),
            ),
            help=f"did you mean `{near}`?" if near else "leave the column out, or agree on the purpose with its owner",
            fix=near or "",
        )


def _allowed(dataset: Document[Dataset], column: str) -> tuple[tuple[str, ...], Place]:
    own = dataset.spec.columns[column].purposes
    if own:
        return tuple(own), dataset.at("columns", column, "purposes")
    return tuple(dataset.spec.purposes), dataset.at("purposes")


def _unused_reasons(bound: BoundModel, reached: set[str], sink: Sink) -> None:
    for name in bound.document.spec.card.sensitive_inputs:
        if name not in reached:
            near = nearest(name, reached)
            sink.warn(
                "MLC354",
                bound.document.at("card", "sensitive_inputs", name).name(),
                f"no feature of `{bound.name}` depends on a sensitive column `{name}`",
                help=f"did you mean `{near}`?" if near else "remove the reason",
                fix=near or "",
            )
