"""What chance makes of a rollout: healthy versions sent back, harmful ones let through, measurements without data.

The probabilities are those of the analysis that is emitted (see `measurements` and `trials`); where measurements
overlap, the lower bound is reported and nothing else.
"""

from __future__ import annotations

import math

from mlc_compiler.analysis.decisions import (
    FALSE_ABORTS,
    MISSES,
    Chance,
    Solution,
    Trial,
    any_abort,
    measurements_to_abort,
    solve,
)
from mlc_compiler.analysis.drift_null import BINS, bound_for
from mlc_compiler.analysis.figures import about, amount, count, percent
from mlc_compiler.analysis.mean_power import check_mean
from mlc_compiler.analysis.measurements import PROGRESSIVE, PROPAGATION_SECONDS, Look, window
from mlc_compiler.analysis.subject import Subject
from mlc_compiler.analysis.trials import Watch
from mlc_compiler.analysis.variants import Variant, report, variants
from mlc_compiler.conventions import duration_text, number_text
from mlc_compiler.diagnostics import Finding, Place, Related, Severity, Sink
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.project import BoundModel
from mlc_compiler.metrics import CLASSIFICATION
from mlc_compiler.records import dataclass
from mlc_compiler.spec.rollout import Rollout

HOPELESS = 0.5
"""Share of rollouts decided wrongly from which on the rollout does the opposite of what it is for."""


@dataclass(frozen=True, slots=True)
class _Case:
    """One analysis of one variant of a rollout, with where it stands."""

    watch: Watch
    index: int
    document: Document[Rollout]
    variant: Variant

    def at(self, field: str) -> Place:
        return self.document.at("analysis", self.index, field)

    def related(self, look: Look, *fields: str) -> tuple[Related, ...]:
        """Return the places of the numbers that a finding reckons with."""
        found = [Related(f, _text(getattr(self.watch.analysis, f)), self.at(f)) for f in fields]
        held = ("steps", look.step, "hold") if self.watch.rollout.strategy == "canary" else ("preview",)
        found.append(Related(f"step {look.step + 1}", f"holds {duration_text(look.hold)}", self.document.at(*held)))
        if not self.variant.overrides:
            found.append(Related("traffic", "", self.document.at("traffic", "requests_per_second")))
        return (*found, *self.variant.related)


def prove_rollouts(subject: Subject, sink: Sink) -> None:
    """Report rollouts that chance decides."""
    for bound, model in subject.pairs():
        if bound.rollout is None or model.rollout is None:
            continue
        _sequential(bound.rollout, sink)
        if model.rollout.spec.strategy not in PROGRESSIVE:
            continue
        entry = subject.lock.models.get(bound.name, {})
        folds = entry.get("folds", {})
        reference = (folds.get("validation") or {}).get("rows") or (folds.get("test") or {}).get("rows")
        labels = (folds.get("test") or {}).get("std")
        found = [(variant, Sink()) for variant in variants(subject.project, model)]
        for variant, told in found:
            _variant(bound, bound.rollout, variant, (reference, labels), told)
        report(found, sink)


def _variant(
    bound: BoundModel,
    document: Document[Rollout],
    variant: Variant,
    known: tuple[float | None, float | None],
    sink: Sink,
) -> None:
    """Report on one variant; known are the rows of the reference scores and how far labels spread, if they do."""
    reference, labels = known
    rollout = variant.model.rollout.spec if variant.model.rollout else document.spec
    if rollout.traffic is None:
        _unknown(document, rollout, sink)
        return
    monitor = variant.model.monitor
    availability = monitor.spec.slo.availability if monitor else None
    for index, analysis in enumerate(rollout.analysis):
        serving = bound.document.spec.serving
        more = {} if reference is None else {"reference": float(reference)}
        watch = Watch(rollout, analysis, serving, availability, **more)
        case = _Case(watch, index, document, variant)
        if not watch.looks or _silent(case, sink):
            continue
        if watch.judged:
            _judge(case, tuple(watch.trials()), sink)
        elif watch.means and (labels is not None or bound.document.spec.task in CLASSIFICATION):
            check_mean(watch, document.at("analysis", index, "metric"), variant.where, labels, sink)


def _unknown(document: Document[Rollout], rollout: Rollout, sink: Sink) -> None:
    """Say that nothing can be reckoned of a rollout whose traffic nobody states."""
    if rollout.analysis:
        sink.info(
            "MLC613",
            document.at("analysis").name(),
            "no `traffic` is stated, so how often chance decides the rollout was not judged",
            help="write `traffic: {requests_per_second: ...}`",
        )


def _sequential(document: Document[Rollout], sink: Sink) -> None:
    """Say that nothing can be reckoned of a test that nothing runs."""
    for index, analysis in enumerate(document.spec.analysis):
        if analysis.method == "sequential":
            sink.info(
                "MLC619",
                document.at("analysis", index, "method"),
                "how often chance decides a sequential test is not known: no target here carries one out",
                help="use `method: threshold` in a canary, of which it is",
            )


# --- no data ---------------------------------------------------------------------------------------------------------
def _silent(case: _Case, sink: Sink) -> bool:
    """Report measurements without data where one of them stops the rollout; tell whether there are any."""
    watch = case.watch
    if watch.rollout.no_data != "hold":
        return False
    quiet = [(look, watch.silent(look)) for look in watch.looks]
    # A server that once had enough scores has them for good.
    stuck = 1.0 - math.prod((1.0 - p) ** (1 if watch.drifts else look.count) for look, p in quiet)
    if stuck <= FALSE_ABORTS:
        return False
    look, alone = max(quiet, key=lambda pair: pair[1])
    sink.add(Finding(
        "MLC612",
        f"{case.variant.where}{percent(stuck)} of the rollouts stop for lack of data: {_missing(watch, look, alone)}",
        case.at("interval"),
        related=case.related(look),
        help=_more_requests(watch, look),
        severity=_severity(stuck),
    ))  # fmt: skip
    return True


def _missing(watch: Watch, look: Look, alone: float) -> str:
    rule = f"one without data holds the rollout ({count(look.count, 'measurement')})"
    if watch.drifts:
        first = f"{percent(alone)} of the first ones find fewer than the 100 scores that a server's index takes"
        return f"{watch.arithmetic(look)}, after {duration_text(window(watch.analysis))}; {first}, and that holds it"
    few = "none" if watch.least == 1 else f"fewer than {watch.least:,}"
    return f"{watch.arithmetic(look)}; {percent(alone)} of them see {few}, and {rule}"


def _more_requests(watch: Watch, look: Look) -> str:
    """Return what gives a measurement enough requests that one hardly ever lacks them."""
    traffic = watch.rollout.traffic
    arriving = (traffic.requests_per_second if traffic else 0.0) * look.weight / 100
    least = 130.0 * watch.pods(look) if watch.drifts else _ample(watch.least)
    seconds = least / arriving if arriving > 0 else math.inf
    if seconds > look.hold:
        return f"send more than {number_text(look.weight)} % in step {look.step + 1}, or leave the analysis out"
    minutes = math.ceil(seconds / 60)
    return f"measure over `interval: {duration_text(minutes * 60.0)}`, or send more in step {look.step + 1}"


def _ample(least: int) -> float:
    """Return how many requests to expect so that one window in a thousand has fewer than the least."""
    return least + 3.1 * math.sqrt(least) + 7


# --- false aborts and misses -----------------------------------------------------------------------------------------
def _judge(case: _Case, trials: tuple[Trial, ...], sink: Sink) -> None:
    watch = case.watch
    limit, overlap = watch.analysis.failure_limit, watch.overlap
    if watch.healthy is not None:
        pairs = [(t.count, t.healthy or 0.0) for t in trials]
        sent_back = _at_least(watch, any_abort(pairs, limit, overlap))
        if sent_back.low > FALSE_ABORTS:
            _false_abort(case, trials, sent_back, sink)
    caught = _at_least(watch, any_abort([(t.count, t.harmful) for t in trials], limit, overlap))
    if 1.0 - caught.high > MISSES and watch.harmful > watch.bound:
        _missed(case, trials, caught, sink)


def _at_least(watch: Watch, chance: Chance) -> Chance:
    """Return the chance as a lower bound where a `min`, which is not reckoned with, aborts too."""
    return chance if watch.analysis.min is None else Chance(chance.low, 1.0)


def _false_abort(case: _Case, trials: tuple[Trial, ...], sent_back: Chance, sink: Sink) -> None:
    watch, limit = case.watch, case.watch.analysis.failure_limit
    worst = max(range(len(trials)), key=lambda i: any_abort([(trials[i].count, trials[i].healthy or 0.0)], limit).low)
    look, fails = watch.looks[worst], trials[worst].healthy or 0.0
    version = watch.shows(watch.healthy or 0.0, watch.analysis.baseline)
    sink.add(Finding(
        "MLC610",
        f"{case.variant.where}{watch.arithmetic(look)}; a healthy version ({version}) shows {_failing(watch)} in "
        f"{percent(fails)} of them; {count(look.count, 'measurement')}, failure_limit {limit}: "
        f"{_bounded(sent_back)} of healthy versions are sent back",
        case.at("failure_limit"),
        related=case.related(look, "max", *(("baseline",) if watch.analysis.baseline is not None else ())),
        help=_better(case, trials),
        severity=_severity(sent_back.low),
    ))  # fmt: skip


def _missed(case: _Case, trials: tuple[Trial, ...], caught: Chance, sink: Sink) -> None:
    watch, limit = case.watch, case.watch.analysis.failure_limit
    best = max(range(len(trials)), key=lambda i: any_abort([(trials[i].count, trials[i].harmful)], limit).low)
    look, fails = watch.looks[best], trials[best].harmful
    missed = Chance(1.0 - caught.high, 1.0 - caught.low)
    stated = watch.analysis.harmful if watch.analysis.harmful is not None else 2 * (watch.analysis.max or 0.0)
    sink.add(Finding(
        "MLC611",
        f"{case.variant.where}{watch.arithmetic(look)}; a harmful version ({watch.shows(watch.harmful, stated)}) shows "
        f"{_failing(watch)} in {percent(fails)} of them; {count(look.count, 'measurement')}, failure_limit {limit}: "
        f"{_bounded(missed)} of harmful versions reach all users",
        case.at("failure_limit"),
        note=_slow(watch, look, fails),
        related=case.related(look, "max", *(("harmful",) if watch.analysis.harmful is not None else ())),
        help=_better(case, trials),
        severity=_severity(missed.low),
    ))  # fmt: skip


def _failing(watch: Watch) -> str:
    return f"more than {watch.limit}" + (" or no data" if watch.rollout.no_data == "fail" else "")


def _slow(watch: Watch, look: Look, fails: float) -> str:
    """Return how long it takes on average until a harmful version is sent back, and how many requests that is."""
    needed = measurements_to_abort(fails, watch.analysis.failure_limit)
    seconds = window(watch.analysis) + (needed - 1) * watch.analysis.interval
    if not seconds < 1e9:
        return ""
    traffic = watch.rollout.traffic
    answered = (traffic.requests_per_second if traffic else 0.0) * look.weight / 100 * seconds
    return f"at {number_text(look.weight)} % it takes {about(seconds)} on average: {amount(answered)} requests"


def _severity(wrong: float) -> Severity:
    return Severity.ERROR if wrong > HOPELESS else Severity.WARNING


def _bounded(chance: Chance) -> str:
    return percent(chance.low) if chance.exact else f"at least {percent(chance.low)}"


# --- what would be better --------------------------------------------------------------------------------------------
def _better(case: _Case, trials: tuple[Trial, ...]) -> str:
    watch = case.watch
    if watch.drifts:
        return _better_index(watch, trials)
    if watch.overlap > 1:
        return f"measure every {duration_text(window(watch.analysis))}: what overlaps counts an error more than once"
    found = solve(trials, max(look.hold for look in watch.looks))
    if found is None:
        return "send more traffic in each step, measure over a longer `interval`, or move `max` away from the baseline"
    healthy = (
        f"{percent(found.false_abort)} of healthy versions are sent back and " if watch.healthy is not None else ""
    )
    outcome = f"then {healthy}{percent(found.miss)} of harmful ones missed"
    return f"use {_changes(watch, found)}: {outcome}"


def _changes(watch: Watch, found: Solution) -> str:
    """Return the fields to change; holds are whole measurements."""
    interval, filled = watch.analysis.interval, window(watch.analysis)
    parts = [f"`failure_limit: {found.failure_limit}`"]
    if found.longer > 1:
        counts = [math.floor(look.count * found.longer + 1e-9) for look in watch.looks]
        holds = [duration_text(filled + (n - 1) * interval) for n in counts]
        parts.append(f"`hold: {holds[0]}`" if len(holds) == 1 else f"holds of {' and '.join(holds)}")
    needed = filled + found.failure_limit * interval + PROPAGATION_SECONDS
    if watch.rollout.rollback.automatic and needed > watch.rollout.rollback.within:
        parts.append(f"`rollback: {{within: {duration_text(math.ceil(needed / 60) * 60.0)}}}`")
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]


def _better_index(watch: Watch, trials: tuple[Trial, ...]) -> str:
    tries = sum(t.count for t in trials)
    scores = min(watch.scores(look) for look in watch.looks)
    least = bound_for("psi", max(scores, 1.0), watch.reference, BINS, FALSE_ABORTS / max(tries, 1))
    return f"chance alone reaches {least:.2g} in {count(tries, 'measurement')}: use a `max` above that"


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
