"""What must hold before a version may go to an environment: each check is a function that yields its findings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from mlc_compiler import codec, ir
from mlc_compiler.conventions import duration_text, evidence_path, provenance_path, rollout_path, short
from mlc_compiler.diagnostics import Finding, Place, Severity, Span
from mlc_compiler.evidence import gates_digest, snapshot_of_test_rows
from mlc_compiler.gitops.history import PinChange, change_of, until
from mlc_compiler.gitops.pins import pin_text
from mlc_compiler.gitops.signing import (
    PublicKey,
    SigningUnavailable,
    Unverified,
    unverified_statement,
    verify,
)
from mlc_compiler.gitops.statements import differing, read_rollout, subjects
from mlc_compiler.middle.lower import lower_model
from mlc_compiler.middle.resolved import ResolvedModel
from mlc_compiler.records import dataclass

SKEW = 120
"""Seconds that clocks may differ by before a commit is from the future, or older than what it follows."""
BLOCKING = ("failed", "undecided")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A version that asks to be let into an environment, with all that is committed about it.

    `pin` is as the environment before has it, `model` what its snapshot keeps; `champion` runs in the last environment.
    `rollouts` are the records of how its rollout there ended, newest first; `at` is where the environment is declared.
    """

    to: ir.Environment
    pin: ir.Pin
    model: ResolvedModel
    champion: ir.Pin | None
    evidence: str | None
    provenance: str | None
    rollouts: Sequence[str]
    keys: tuple[PublicKey, ...]
    at: Place

    @property
    def title(self) -> str:
        return f"{self.model.name} {short(self.pin.version)}"

    @property
    def named(self) -> str:
        """What findings call it."""
        return f"`{self.model.name}` {short(self.pin.version)}"

    @property
    def evidence_path(self) -> str:
        return evidence_path(self.model.name, self.pin.version)


def at_top(path: str) -> Span:
    """Return the place of findings about a whole file."""
    return Span(path, 1, 1, 1, 1)


def check_freeze(to: ir.Environment, now: int, at: Place) -> Iterator[Finding]:
    """Yield a finding on the days in which nothing is promoted."""
    today = datetime.fromtimestamp(now, UTC).date().isoformat()
    for freeze in (f for f in to.freezes if f.since <= today <= f.until):
        said = f"nothing is promoted to `{to.name}` from {freeze.since} until {freeze.until}: {freeze.reason}"
        help = f"promote it after {freeze.until}, or end the freeze in the environment's spec"
        yield Finding("MLC915", said, at, help=help)


# --- evidence --------------------------------------------------------------------------------------------------------
def check_evidence(candidate: Candidate) -> Iterator[Finding]:
    """Yield why the committed evidence is not of this version, gates, test rows and champion, or did not pass."""
    text, path = candidate.evidence, candidate.evidence_path
    restore = "restore it from git: a version is promoted by the evidence of its own run"
    if text is None:
        said = f"the evidence of {candidate.named} is missing"
        yield Finding("MLC940", said, at_top(path), help=restore)
        return
    if codec.text_digest(text) != candidate.pin.evidence:
        said = f"the evidence of {candidate.named} was changed after it was released{_changed(candidate, text)}"
        yield Finding("MLC940", said, at_top(path), help=restore)
        return
    try:
        value = json.loads(text)
        found = [*_other_evidence(candidate, value), *_verdicts(candidate, value)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        said = f"the evidence of {candidate.named} can't be read"
        found = [Finding("MLC940", said, at_top(path), help=f"release it again: `mlc run {candidate.model.name}`")]
    yield from found


def _changed(candidate: Candidate, text: str) -> str:
    """Return which fields differ from what was signed, where that can be told."""
    statement = unverified_statement(candidate.provenance) if candidate.provenance else None
    fields = differing(text, statement, candidate.evidence_path) if statement else ()
    return f": {', '.join(f'`{f}`' for f in fields[:5])} differ from what was attested" if fields else ""


def _other_evidence(candidate: Candidate, value: Mapping[str, Any]) -> Iterator[Finding]:
    model = lower_model(candidate.model, frozenset(), None)
    datasets = {d.name: d.digest for d in model.datasets if d.digest}
    rows = snapshot_of_test_rows(value["inputs"]["datasets"], model.features, model.label, model.split)
    keys = (
        ("version", candidate.pin.version, value["version"]),
        ("package", candidate.pin.artifact, value["artifact"]),
        ("gates", gates_digest(model.gates), value["gates_digest"]),
        ("test rows", rows, value["test_snapshot"]),
        *((f"dataset {n}", d, value["inputs"]["datasets"].get(n)) for n, d in datasets.items()),
    )
    for what, pinned, judged in keys:
        if pinned != judged:
            said = f"the evidence of {candidate.named} is of another {what}: {_short(judged)}, not {_short(pinned)}"
            help = f"run it and release it again: `mlc run {model.name}`"
            yield Finding("MLC940", said, at_top(candidate.evidence_path), help=help)
    yield from _other_champion(candidate, model, value.get("champion"))


def _other_champion(candidate: Candidate, model: ir.Model, judged: Mapping[str, Any] | None) -> Iterator[Finding]:
    """Yield a finding when the version was compared with another champion than runs now."""
    compared = any(c.versus == "champion" and not c.report_only for g in model.gates for c in g.checks)
    champion = candidate.champion
    if not compared or champion is None or champion.version == candidate.pin.version:
        return
    then = None if judged is None else str(judged.get("version"))
    if then != champion.version:
        with_ = "no champion" if then is None else f"champion {_short(then)}"
        said = f"{candidate.named} was judged against {with_}, and {_short(champion.version)} runs there now"
        help = f"judge it anew: `mlc run {model.name}`, then release it again"
        yield Finding("MLC940", said, at_top(candidate.evidence_path), help=help)


def _verdicts(candidate: Candidate, value: Mapping[str, Any]) -> Iterator[Finding]:
    judged = {str(v["gate"]) for v in value["verdicts"]}
    for gate in (g for g in candidate.to.gates if g not in judged):
        said = f"`{candidate.to.name}` requires gate `{gate}`, of which the evidence of {candidate.named} says nothing"
        yield Finding("MLC915", said, candidate.at, help="run with that gate first, and release again")
    blocking = [v for v in value["verdicts"] if v["status"] in BLOCKING]
    if blocking or value.get("passed") is not True:
        reasons = "; ".join(f"{v['gate']} {v['status']}: {v['reason']}" for v in blocking) or "the run did not pass"
        said = f"{candidate.named} has not passed its gates: {reasons}"
        yield Finding("MLC915", said, candidate.at, help="mend the model or the gate, run and release again")


# --- signatures ------------------------------------------------------------------------------------------------------
def check_signed(candidate: Candidate) -> Iterator[Finding]:
    """Yield why the evidence's signature is missing or does not hold; an unsigned project asks for none."""
    path = provenance_path(candidate.model.name, candidate.pin.version)
    if candidate.provenance is None:
        if candidate.to.signed:
            said = f"{candidate.to.name} requires signed evidence, and nobody has signed that of {candidate.named}"
            help = "release it with a key: MLC_SIGNING_KEY holds it, or MLC_SIGNING_KEY_FILE names its file"
            yield Finding("MLC941", said, at_top(candidate.evidence_path), help=help)
    elif candidate.keys:
        expected = {"package": candidate.pin.artifact}
        if candidate.evidence is not None:
            expected[candidate.evidence_path] = codec.text_digest(candidate.evidence)
        yield from check_statement(candidate.provenance, path, expected, candidate.keys, candidate.to.signed)


def check_statement(
    text: str, path: str, expected: Mapping[str, str], keys: tuple[PublicKey, ...], required: bool
) -> Iterator[Finding]:
    """Yield why a signed statement is not of these files and packages, given by name with their digests."""
    restore = "restore it from git, or sign it again with one of the keys that mlc.yaml names"
    try:
        said = subjects(verify(text, keys).statement)
    except Unverified as error:
        yield Finding("MLC941", f"the signature in {path} does not hold: {error}", at_top(path), help=restore)
        return
    except SigningUnavailable as error:
        severity = Severity.ERROR if required else Severity.WARNING
        message = f"the signature in {path} can't be checked here"
        yield Finding("MLC948", message, at_top(path), help=str(error), severity=severity)
        return
    for name, digest in expected.items():
        if said.get(name) != digest:
            what = "does not speak of it" if name not in said else f"is of {_short(said[name])}"
            message = f"{name} is {_short(digest)}, and what was signed in {path} {what}"
            yield Finding("MLC941", message, at_top(path), help=restore)


# --- time ------------------------------------------------------------------------------------------------------------
def check_soak(candidate: Candidate, history: Sequence[PinChange], now: int) -> Iterator[Finding]:
    """Yield why the version has not yet run for long enough where it comes from, and well."""
    to, source = candidate.to, candidate.to.promoted_from
    if to.soak <= 0:
        return
    change = change_of(history, candidate.pin)
    if change is None:
        said = f"git does not tell since when {candidate.named} runs in {source}"
        yield Finding("MLC943", said, at_top(candidate.pin.path), help="commit the pin first; soak counts from there")
        return
    yield from _clock(candidate, change, now)
    yield from _ran(candidate, change, until(history, change, now))
    yield from _rolled_out(candidate)


def _clock(candidate: Candidate, change: PinChange, now: int) -> Iterator[Finding]:
    at, commit = at_top(candidate.pin.path), change.commit
    if change.cut:
        said = f"the history of {candidate.named} in {candidate.to.promoted_from} is cut off: the clone is shallow"
        yield Finding("MLC938", said, at, help="fetch the rest: `git fetch --unshallow`")
    if commit.time > now + SKEW:
        ahead = lapse(commit.time - now)
        said = f"commit {commit.id[:12]} that pinned {candidate.named} is dated {moment(commit.time)}, {ahead} from now"
        yield Finding("MLC942", said, at, help="set this clock, or wait: soak can't count from the future")
    elif commit.time < change.parent_time - SKEW:
        said = (
            f"commit {commit.id[:12]} that pinned {candidate.named} is dated {moment(commit.time)}, before what it "
            f"follows; soak counts from {moment(change.parent_time)}"
        )
        help = "set the clock of the machine that committed it"
        yield Finding("MLC942", said, at, help=help, severity=Severity.WARNING)


def _ran(candidate: Candidate, change: PinChange, end: int) -> Iterator[Finding]:
    ran, soak = end - change.since, candidate.to.soak
    if change.cut or ran >= soak:
        return
    said = (
        f"{candidate.named} has run in {candidate.to.promoted_from} for {lapse(ran)} of "
        f"{duration_text(soak)}, since commit {change.commit.id[:12]} of {moment(change.since)}"
    )
    help = f"promote it after {moment(int(change.since + soak))}"
    yield Finding("MLC943", said, candidate.at, help=help)


def _rolled_out(candidate: Candidate) -> Iterator[Finding]:
    """Yield why nothing says that the rollout of exactly this pin succeeded."""
    source, name = candidate.to.promoted_from, candidate.model.name
    path = rollout_path(source or "", name)
    records = [(t, read_rollout(s)) for t in candidate.rollouts if (s := unverified_statement(t))]
    pinned = {candidate.pin.path: codec.text_digest(pin_text(candidate.pin)), "package": candidate.pin.artifact}
    text, record = next(((t, r) for t, r in records if r and r.of == pinned), ("", None))
    record_it = f"once it has: `mlc release {name} -e {source} --rolled-out succeeded --source WHERE-THAT-SHOWS`"
    if record is None:
        said = f"nothing says that the rollout of {candidate.named} in {source} succeeded"
        yield Finding("MLC943", said, candidate.at, note="soak counts what serves", help=record_it)
        return
    if record.outcome != "succeeded":
        said = f"the rollout of {candidate.named} in {source} {record.outcome}, says {record.source}"
        yield Finding("MLC943", said, at_top(path), help="mend what failed, and release anew")
    if candidate.to.signed:
        yield from check_statement(text, path, pinned, candidate.keys, required=True)


def lapse(seconds: float) -> str:
    """Return a measured duration in its two largest units.

    >>> lapse(3600), lapse(76_332), lapse(59), lapse(-5)
    ('1h', '21h 12m', '59s', '0s')
    """
    left = max(0, int(seconds))
    parts: list[str] = []
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, size)
        parts += [f"{count}{unit}"] if count else [""] if parts else []
    return " ".join(part for part in parts[:2] if part) or "0s"


def moment(seconds: int) -> str:
    """Return a time as people and JSON read it.

    >>> moment(0)
    '1970-01-01T00:00:00Z'
    """
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _short(digest: object) -> str:
    return short(str(digest)) if str(digest).startswith("sha256:") else str(digest)
