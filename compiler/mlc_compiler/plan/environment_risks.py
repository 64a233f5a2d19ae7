"""Environments that ask less of a promotion, policies that block less, and digests that became tags."""

from __future__ import annotations

from collections.abc import Iterator

from mlc_compiler.conventions import LOCK_FILE, duration_text
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.lock import LockFile
from mlc_compiler.frontend.project import Project
from mlc_compiler.ir import Pin
from mlc_compiler.middle.resolved import ResolvedModel
from mlc_compiler.plan.impact import ABSENT
from mlc_compiler.plan.risk import Risk
from mlc_compiler.spec.environment import Environment
from mlc_compiler.spec.policy import Policy


def environment_risks(before: Document[Environment] | None, after: Document[Environment]) -> Iterator[Risk]:
    """Yield what an environment no longer asks for."""
    for severity, message, old, new, field in _promotion(before.spec, after.spec) if before else ():
        said = f"{after.name}: {message}"
        yield Risk("MLC966", severity, said, old, new, after.label, f"spec.{field}", environment=after.name)  # type: ignore[arg-type]  # a table of literals


Row = tuple[str, str, str, str, str]


def _promotion(before: Environment, after: Environment) -> Iterator[Row]:
    was, now = before.requires, after.requires
    for gate in sorted(set(was.gates) - set(now.gates)):
        yield "high", f"gate `{gate}` is no longer required", gate, ABSENT, "requires.gates"
    if now.soak < was.soak:
        shown = duration_text(was.soak), duration_text(now.soak)
        yield "high" if now.soak == 0 else "medium", "a version soaks for less time", *shown, "requires.soak"
    counts = {a.team: a.count for a in now.approvals}
    for approval in was.approvals:
        if counts.get(approval.team, 0) < approval.count:
            shown = str(approval.count), str(counts.get(approval.team, 0))
            yield "high", f"fewer approvals of {approval.team}", *shown, "requires.approvals"
    if was.signed and not now.signed:
        yield "high", "evidence and promotions need no signature any more", "true", "false", "requires.signed"
    if before.promoted_from and not after.promoted_from:
        shown = f"promoted_from {before.promoted_from}", f"tracks {after.tracks or ABSENT}"
        yield "high", "versions come without a promotion", *shown, "tracks" if after.tracks else "promoted_from"
    kept = {(f.from_, f.until) for f in after.freezes}
    for freeze in before.freezes:
        if (freeze.from_, freeze.until) not in kept:
            yield "medium", "a freeze is lifted or moved", f"{freeze.from_} to {freeze.until}", ABSENT, "freezes"


def policy_risks(before: Project, after: Project) -> Iterator[Risk]:
    """Yield rules of policies that are gone or only advise."""
    now = {(p.name, r.id): r for p in after.policies.values() for r in p.spec.rules}
    for policy in before.policies.values():
        for rule in policy.spec.rules:
            found = now.get((policy.name, rule.id))
            if rule.enforcement == "blocking" and (found is None or found.enforcement == "advisory"):
                yield _rule(policy, rule.id, after, gone=found is None)


def _rule(policy: Document[Policy], rule: str, after: Project, gone: bool) -> Risk:
    message = f"rule `{rule}` of policy `{policy.name}` {'is removed' if gone else 'no longer blocks'}"
    field = "spec.rules" if policy.name in after.policies else ""
    return Risk("MLC966", "high", message, "blocking", ABSENT if gone else "advisory", policy.label, field)


# --- digests ---------------------------------------------------------------------------------------------------------
def lock_risks(before: LockFile, after: LockFile) -> Iterator[Risk]:
    """Yield what the lock no longer pins."""
    for section in ("images", "actions"):
        old, new = getattr(before, section), getattr(after, section)
        for name in sorted(set(old) - set(new)):
            shown = str(old[name]["sha"] if section == "actions" else old[name])[:19]
            message = f"{section[:-1]} {name} is no longer pinned"
            yield Risk("MLC967", "medium", message, shown, ABSENT, LOCK_FILE, f"{section}.{name}")


def runtime_risks(before: ResolvedModel, after: ResolvedModel) -> Iterator[Risk]:
    """Yield a server's image that went from a digest to a tag."""
    was, now = (m.spec.serving.runtime.image if m.spec.serving.runtime else "" for m in (before, after))
    if "@sha256:" in was and now and "@sha256:" not in now:
        message, field = f"the server of {after.name} is no longer pinned by digest", "spec.serving.runtime.image"
        yield Risk("MLC967", "high", message, was, now, f"Model/{after.name}", field, after.name)


def pin_risks(environment: str, model: str, before: Pin | None, after: Pin) -> Iterator[Risk]:
    """Yield an image that a pin named by digest and names by tag now."""
    if before is not None and "@sha256:" in before.image and "@sha256:" not in after.image:
        message = f"{environment} no longer pins the image of {model} by digest"
        yield Risk("MLC967", "high", message, before.image, after.image, after.path, "image", model, environment)
