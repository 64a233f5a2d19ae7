"""A rollout as a state machine: what it may become from each state, by itself or by a person, and on what condition.

Edges are those of the emitted rollout: analyses run while a step holds and at no other time, a measurement without data
holds it where it is, and what has been sent back stays so until git says the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from mlc_compiler.analysis.measurements import held, measurements, window
from mlc_compiler.conventions import duration_text, number_text
from mlc_compiler.records import dataclass
from mlc_compiler.spec.rollout import Analysis, Rollout, Step

STABLE, PROMOTED, ABORTED, BACK = "stable", "promoted", "aborted", "rolled back"
TERMINAL = (PROMOTED, BACK)

By = Literal["time", "analysis", "controller", "person", "git"]
EVERYONE: tuple[By, ...] = ("time", "analysis", "controller", "person", "git")
AUTOMATIC = ("time", "analysis", "controller")


@dataclass(frozen=True, slots=True)
class State:
    """A state: what share of the traffic the new version has in it, and which step it is of (None: of none)."""

    name: str
    weight: float
    step: int | None = None
    kind: Literal["measured", "pause", "approval", "held", "end"] = "end"


@dataclass(frozen=True, slots=True)
class Edge:
    """A transition, who or what makes it, and when."""

    source: str
    target: str
    condition: str
    by: By


@dataclass(frozen=True, slots=True)
class Machine:
    """States in order, and edges in the order in which their sources are passed."""

    states: tuple[State, ...]
    edges: tuple[Edge, ...]

    def reaches(self, start: str, goals: Iterable[str], by: Iterable[By], avoid: Iterable[str] = ()) -> bool:
        """Tell whether a goal can be reached over edges of these kinds without passing states to avoid."""
        wanted, kinds, shut = set(goals), set(by), set(avoid)
        seen, queue = {start}, deque([start])
        while queue:
            state = queue.popleft()
            if state in wanted:
                return True
            for edge in self.edges:
                if edge.source == state and edge.by in kinds and edge.target not in seen | shut:
                    seen.add(edge.target)
                    queue.append(edge.target)
        return False

    def unguarded(self) -> Iterator[State]:
        """Yield the states with traffic on the new version that no analysis can leave for `aborted`."""
        for state in self.states:
            direct = any(e.source == state.name and e.target == ABORTED and e.by == "analysis" for e in self.edges)
            if state.kind in ("pause", "approval") and not direct:
                yield state

    def stuck(self) -> Iterator[State]:
        """Yield the states of a rollout from which nobody can go back without sending more users ahead."""
        for state in self.states:
            ahead = {s.name for s in self.states if s.weight > state.weight} | {PROMOTED}
            if state.kind != "end" and not self.reaches(state.name, (BACK,), EVERYONE, ahead):
                yield state


def machine(rollout: Rollout) -> Machine:
    """Return the machine of a canary or blue_green; of any other strategy what its replacement of servers is."""
    chain = list(_chain(rollout))
    names = [*(state.name for state in chain), PROMOTED]
    edges = [Edge(STABLE, names[0], "a new version is pinned", "git")]
    for state, following in zip(chain, names[1:], strict=True):
        edges += _leaving(rollout, state, following)
    edges += _ends(rollout)
    states = (State(STABLE, 0.0), *_with_held(rollout, chain), State(PROMOTED, 100.0))
    return Machine((*states, State(ABORTED, 0.0), State(BACK, 0.0)), tuple(edges))


def _chain(rollout: Rollout) -> Iterator[State]:
    """Yield the states that a version which nothing is wrong with passes."""
    if rollout.strategy not in ("canary", "blue_green"):
        return
    if rollout.strategy == "blue_green":
        if any(step.approval for step in rollout.steps):
            yield State("waits for approval", 0.0, 0, "approval")
        for _, weight, _ in held(rollout):
            yield State("switched", weight, 0, "measured" if rollout.analysis else "pause")
        return
    for number, step in enumerate(rollout.steps):
        yield from _states(rollout, number, step)


def _states(rollout: Rollout, number: int, step: Step) -> Iterator[State]:
    name = f"step {number + 1} at {number_text(step.weight)} %"
    if step.hold and rollout.analysis:
        yield State(name, step.weight, number, "measured")
        if step.hold - _measured(rollout, step.hold) >= 1:
            yield State(f"{name}, rest of the hold", step.weight, number, "pause")
    elif step.hold:
        yield State(name, step.weight, number, "pause")
    if step.approval:
        yield State(f"{name}, waits for approval", step.weight, number, "approval")


def _measured(rollout: Rollout, hold: float) -> float:
    """Return for how long the analyses of a step measure."""
    times = ((a, measurements(a, hold)) for a in rollout.analysis)
    return max((window(a) + (n - 1) * a.interval for a, n in times if n), default=0.0)


def _with_held(rollout: Rollout, chain: list[State]) -> Iterator[State]:
    for state in chain:
        yield state
        if state.kind == "measured" and rollout.no_data == "hold":
            yield State(_held(state), state.weight, state.step, "held")


def _held(state: State) -> str:
    return f"{state.name}, without data"


def _leaving(rollout: Rollout, state: State, following: str) -> Iterator[Edge]:
    """Yield the edges from a state of the chain and from where a lack of data holds it."""
    if state.kind == "measured":
        for analysis in rollout.analysis:
            yield Edge(state.name, ABORTED, failing(analysis, rollout.no_data), "analysis")
        if rollout.no_data == "hold":
            yield Edge(state.name, _held(state), "a measurement has no data", "analysis")
            yield Edge(_held(state), state.name, "promoted: measures again", "person")
            yield Edge(_held(state), ABORTED, "aborted", "person")
    if rollout.rollback.automatic:
        yield Edge(state.name, ABORTED, "its pods do not become ready", "controller")
    yield Edge(state.name, ABORTED, "aborted", "person")
    if state.kind == "approval":
        yield Edge(state.name, following, "approved", "person")
    else:
        yield Edge(state.name, following, _passed(rollout, state), "time")


def _passed(rollout: Rollout, state: State) -> str:
    seconds = next((hold for number, _, hold in held(rollout) if number == state.step), 0.0)
    return f"held {duration_text(seconds)}" if state.kind == "measured" else "held"


def _ends(rollout: Rollout) -> Iterator[Edge]:
    keep = rollout.rollback.keep
    if any(True for _ in _chain(rollout)):
        yield Edge(ABORTED, BACK, "the pin is rolled back, or a new one is merged", "git")
    skips = f"the pin is rolled back: the last {keep} versions skip the steps" if keep else "the pin is rolled back"
    yield Edge(PROMOTED, BACK, skips, "git")


def failing(analysis: Analysis, no_data: str) -> str:
    """Return when an analysis aborts, in words."""
    latency = analysis.metric.startswith("latency")
    shown = duration_text if latency else number_text
    bounds = [f"above {shown(analysis.max)}"] if analysis.max is not None else []
    bounds += [f"below {shown(analysis.min)}"] if analysis.min is not None else []
    if no_data == "fail":
        bounds.append("without data")
    times = analysis.failure_limit + 1
    return f"{analysis.metric} {' or '.join(bounds)} {'once' if times == 1 else f'{times} times'}"


def by_source(machine: Machine) -> Mapping[str, tuple[Edge, ...]]:
    """Return the edges of each state."""
    return {s.name: tuple(e for e in machine.edges if e.source == s.name) for s in machine.states}
