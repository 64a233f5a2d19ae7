"""Waivers: findings that a document turns off for itself, with a reason and until a date."""

from __future__ import annotations

from typing import Any

from mlc_compiler.codes import REGISTRY
from mlc_compiler.diagnostics import Finding, Sink, Waivers, nearest
from mlc_compiler.frontend.document import Document, Waiver
from mlc_compiler.frontend.project import Project

RULES = "MLC801"
"""The finding of policies' rules, of which a waiver may name one: `MLC801/rule`."""


def active_waivers(project: Project, today: str, sink: Sink) -> Waivers:
    """Return what the documents waive on a day (ISO date); expired and unknown waivers go to the sink."""
    active: dict[tuple[str, int], frozenset[str]] = {}
    rules = frozenset(rule.id for policy in project.policies.values() for rule in policy.spec.rules)
    for document in project.documents():
        codes = {w.code for w in document.waivers if _holds(document, w, rules, today, sink)}
        if codes:
            key = (document.place.file, document.place.document)
            active[key] = active.get(key, frozenset()) | codes
    return active


def _holds(document: Document[Any], waiver: Waiver, rules: frozenset[str], today: str, sink: Sink) -> bool:
    at = document.place.at("x-allow", waiver.code)
    if problem := _unknown(waiver.code, rules):
        sink.add(Finding("MLC804", problem[0], at.name(), help=problem[1], fix=problem[2]))
        return False
    if waiver.until < today:
        help = f"mend what it waived ({waiver.reason}), or move the date"
        sink.add(Finding("MLC804", f"the waiver of {waiver.code} ended on {waiver.until}", at.at("until"), help=help))
        return False
    return True


def _unknown(waived: str, rules: frozenset[str]) -> tuple[str, str, str] | None:
    """Return what is wrong with a waiver's key, what to do, and the key that may be meant; None where it is fine."""
    code, slash, rule = waived.partition("/")
    if code not in REGISTRY:
        # Every code is near to ten others: only one that is written otherwise is sure to be meant.
        near = next((n for n in (code.upper().replace("O", "0"),) if n in REGISTRY), "")
        help = (
            f"did you mean `{near}`?" if near else "write the code that the finding shows; `mlc explain` lists them all"
        )
        return f"there is no finding `{code}`", help, near and f"{near}{slash}{rule}"
    if slash and code != RULES:
        return f"{code} is not about rules of policies, so none can be named", f"write `{code}`", code
    if slash and rule not in rules:
        near = nearest(rule, rules) or ""
        known = f"the rules are {', '.join(sorted(rules))}" if rules else "no policy of this project has rules"
        return (
            f"no policy has a rule `{rule}`",
            f"did you mean `{code}/{near}`?" if near else known,
            near and f"{code}/{near}",
        )
    return None
