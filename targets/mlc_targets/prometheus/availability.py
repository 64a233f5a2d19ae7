"""Availability: the share of failed requests over five windows, and alerts on how fast the error budget burns.

Multi-window, multi-burn-rate alerts after the Site Reliability Workbook, chapter 5: 2 % of a 30-day budget in an hour
or 5 % in six hours page, 10 % in three days is a ticket; the short window ends an alert soon after the errors end.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlc_compiler import conventions
from mlc_compiler.backend.objectives import availability_objective
from mlc_compiler.backend.series import ERRORS
from mlc_compiler.backend.target import Unsupported
from mlc_compiler.conventions import duration_text
from mlc_compiler.ir import Model
from mlc_compiler.records import dataclass
from mlc_targets.prometheus.capabilities import ROWS
from mlc_targets.prometheus.rules import (
    PAGE,
    RATE_WINDOW,
    TICKET,
    Alert,
    Firing,
    Group,
    Record,
    Scenario,
    Scope,
    above,
    below,
    number,
    rounded,
)
from mlc_targets.prometheus.samples import sample

LOWEST, PERIOD = 0.5, "30d"
REQUESTS = "model:mlc_requests:rate5m"
_EACH_MINUTE = 1_000_000  # requests of a scenario: shares with three digits stay whole numbers


@dataclass(frozen=True, slots=True)
class Burn:
    """An alert on the speed at which the budget burns; 1 is the speed that spends it exactly in its period."""

    name: str
    factor: float
    long: float
    short: float
    severity: str
    pending: float


BURNS = (
    Burn("MlcErrorBudgetFastBurn", 14.4, 3600.0, 300.0, PAGE, 120.0),
    Burn("MlcErrorBudgetMediumBurn", 6.0, 21_600.0, 1800.0, PAGE, 900.0),
    Burn("MlcErrorBudgetSlowBurn", 1.0, 259_200.0, 21_600.0, TICKET, 1800.0),
)


def availability_group(scope: Scope) -> Group:
    """Return the group of the model's requests and errors; alerts only where the Monitor states an availability."""
    objective, origin = availability_objective(scope.model)
    alerts = _alerts(scope, objective) if objective is not None else ()
    windows = sorted({RATE_WINDOW, *(w for burn in BURNS if alerts for w in (burn.long, burn.short))})
    requests = scope.series.server(conventions.METRIC_REQUESTS)
    return Group(
        name="availability",
        interval=scope.slow_interval,
        records=(
            Record(REQUESTS, f"sum(rate({requests}[{duration_text(RATE_WINDOW)}]))", origin),
            *(Record(ratio_name(window), _ratio(scope, window), origin) for window in windows),
        ),
        alerts=alerts,
        scenarios=tuple(_scenarios(scope, alerts, objective)) if objective is not None else (),
    )


def check_availability(model: Model) -> Iterator[Unsupported]:
    """Yield what no alert can express of the objective."""
    objective, origin = availability_objective(model)
    if objective is None:
        return
    share = f"{conventions.number_text(rounded(objective * 100))} %"
    if objective >= 1:
        yield Unsupported(
            origin,
            f"an availability of {share} leaves no error budget to burn",
            ROWS["availability"].alternative,
            ROWS["availability"].source,
        )
    elif objective < LOWEST:
        message = f"an availability of {share} lets more requests fail than succeed: no burn rate can be told from it"
        yield Unsupported(origin, message, "use 50% or more", ROWS["availability"].source)


def threshold(burn: Burn, objective: float) -> float:
    """Return the share of failed requests at which the budget burns that fast.

    A wide budget would put it above 1, where it could never be reached: half-way from the budget to 1 is the most.
    """
    budget = 1 - objective
    return rounded(min(burn.factor * budget, (budget + 1) / 2))


def ratio_name(window: float) -> str:
    """Return the name of the recorded share of failed requests over a window."""
    return f"model:mlc_request_errors:ratio_rate{duration_text(window)}"


def _ratio(scope: Scope, window: float) -> str:
    over = duration_text(window)
    errors = scope.series.server(conventions.METRIC_REQUESTS, ERRORS)
    requests = scope.series.server(conventions.METRIC_REQUESTS)
    # Without any error there is no series of errors: that is a share of zero, unlike no requests at all.
    return f"(sum(rate({errors}[{over}])) or vector(0)) / sum(rate({requests}[{over}]))"


def _alerts(scope: Scope, objective: float) -> tuple[Alert, ...]:
    return tuple(_alert(scope, burn, objective) for burn in BURNS)


def _alert(scope: Scope, burn: Burn, objective: float) -> Alert:
    bound = number(threshold(burn, objective))
    long, short = (scope.recorded(ratio_name(window)) for window in (burn.long, burn.short))
    allowed = f"{conventions.number_text(rounded((1 - objective) * 100))} %"
    return Alert(
        name=burn.name,
        expr=f"{long} > {bound} and {short} > {bound}",
        pending=scope.pending(burn.pending),
        severity=burn.severity,
        summary=f"{scope.title} fails more requests than its objective allows",
        description=(
            f"{{value}} of requests failed in the last {duration_text(burn.long)}; over {PERIOD} no more than "
            f"{allowed} may fail. At this speed the error budget of {PERIOD} is gone {_soon(burn, objective)}."
        ),
        origin=availability_objective(scope.model)[1],
        shown="percent",
    )


def _soon(burn: Burn, objective: float) -> str:
    factor = threshold(burn, objective) / (1 - objective)
    hours = round(30 * 24 / factor)
    return f"in less than {hours} hours" if hours < 72 else f"in less than {round(hours / 24)} days"


# --- tests -----------------------------------------------------------------------------------------------------------
def _scenarios(scope: Scope, alerts: tuple[Alert, ...], objective: float) -> Iterator[Scenario]:
    bounds = {alert: threshold(burn, objective) for alert, burn in zip(alerts, BURNS, strict=True)}
    yield _scenario(scope, "no request fails", 0, bounds)
    for bound in sorted(set(bounds.values())):
        near = conventions.number_text(bound)
        yield _scenario(scope, f"a little less than {near} of requests fail", below(bound), bounds)
        yield _scenario(scope, f"a little more than {near} of requests fail", above(bound), bounds)
    yield Scenario("no request comes", tuple((name, "0+0") for name, _ in _series(scope, 0.1)))


def _scenario(scope: Scope, title: str, share: float, bounds: dict[Alert, float]) -> Scenario:
    firing = tuple(Firing(alert, share, scope.labels) for alert, bound in bounds.items() if share > bound)
    return Scenario(title, _series(scope, share), firing)


def _series(scope: Scope, share: float) -> tuple[tuple[str, str], ...]:
    failed = round(share * _EACH_MINUTE)
    counts = {"200": _EACH_MINUTE - failed, "500": failed}
    return tuple((sample(scope, conventions.METRIC_REQUESTS, code=code), f"0+{n}") for code, n in counts.items() if n)
