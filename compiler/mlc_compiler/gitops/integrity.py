"""Whether a pin and all that it names are whole: evidence, signatures, the summary of its promotion; all offline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from mlc_compiler import codec, ir
from mlc_compiler.conventions import evidence_path, provenance_path, summary_path
from mlc_compiler.diagnostics import Finding, Place
from mlc_compiler.gitops.git import Repository
from mlc_compiler.gitops.pins import pin_text
from mlc_compiler.gitops.requirements import Candidate, at_top, check_evidence, check_signed, check_statement
from mlc_compiler.gitops.signing import PublicKey
from mlc_compiler.middle.resolved import ResolvedModel
from mlc_compiler.records import dataclass


@dataclass(frozen=True, slots=True)
class Committed:
    """What a revision of the repository holds, or a work tree at its commit, and whom the project trusts."""

    repository: Repository
    revision: str
    keys: tuple[PublicKey, ...]
    work_tree: Path | None = None

    def read(self, path: str) -> str | None:
        if self.work_tree is not None:
            there = self.work_tree / path
            return there.read_bytes().decode("utf-8", "replace") if there.is_file() else None
        content = self.repository.read([(self.revision, path)])[0]
        return None if content is None else content.decode("utf-8", "replace")

    def evidence(self, model: str, pin: ir.Pin) -> str | None:
        """Return the evidence that a pin names.

        The file of a version that was judged anew holds the newer evidence; an environment that has not moved on still
        names the older one, which git keeps.
        """
        path = evidence_path(model, pin.version)
        now = self.read(path)
        if now is None or codec.text_digest(now) == pin.evidence:
            return now
        older = self.repository.log((path,), self.revision)
        texts = (t.decode("utf-8", "replace") for t in self.repository.read([(c, path) for c in older]) if t)
        return next((t for t in texts if codec.text_digest(t) == pin.evidence), now)


def candidate(held: Committed, environment: ir.Environment, pin: ir.Pin, model: ResolvedModel, at: Place) -> Candidate:
    """Return what is committed about the version of a pin, for the checks of what it rests on."""
    return Candidate(
        to=environment,
        pin=pin,
        model=model,
        champion=None,
        evidence=held.evidence(model.name, pin),
        provenance=held.read(provenance_path(model.name, pin.version)),
        rollouts=(),
        keys=held.keys,
        at=at,
    )


def check_pin(
    held: Committed, environment: ir.Environment, pin: ir.Pin, model: ResolvedModel, at: Place
) -> Iterator[Finding]:
    """Yield what is wrong with the files that a pin names, and with what was signed of them."""
    asked = candidate(held, environment, pin, model, at)
    yield from check_evidence(asked)
    newest = held.read(asked.evidence_path)
    if asked.evidence == newest:
        yield from check_signed(asked)
    yield from check_summary(held, environment, pin, model.name)


def check_summary(held: Committed, environment: ir.Environment, pin: ir.Pin, model: str) -> Iterator[Finding]:
    """Yield why the signed summary of the promotion that wrote a pin is missing or speaks of something else."""
    if environment.promoted_from is None:
        return
    path = summary_path(environment.name, model)
    text = held.read(path)
    if text is None:
        if environment.signed:
            said = f"{environment.name} requires signed promotions, and nobody has signed that of {model}"
            yield Finding("MLC941", said, at_top(pin.path), help="promote it with a key: --key FILE or MLC_SIGNING_KEY")
    elif held.keys:
        expected = {pin.path: codec.text_digest(pin_text(pin)), "package": pin.artifact}
        yield from check_statement(text, path, expected, held.keys, environment.signed)


def check_files(held: Committed, pins: Mapping[tuple[str, str], ir.Pin]) -> Iterator[Finding]:
    """Yield the evidence files that no pin of their version names as they stand."""
    named: dict[str, set[str | None]] = {}
    for (_, model), pin in pins.items():
        named.setdefault(evidence_path(model, pin.version), set()).add(pin.evidence)
    for path, digests in sorted(named.items()):
        text = held.read(path)
        if text is not None and codec.text_digest(text) not in digests:
            said = f"{path} is not what any pin of its version names: it was changed after its release"
            yield Finding("MLC940", said, at_top(path), help="restore it from git")
