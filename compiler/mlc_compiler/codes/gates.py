"""5xx: checks that decide on a release."""

from __future__ import annotations

from mlc_compiler.codes.entry import Code

CODES: tuple[Code, ...] = (
    Code(
        "MLC501",
        "check without a bound",
        "A check needs `min`, `max` or `versus`; without one it can't fail, and is not a gate. What is only "
        "to be measured and shown says `report_only: true`.",
    ),
    Code(
        "MLC502",
        "bound on the wrong side",
        "A metric where more is better takes `min`, one where less is better takes `max`; the other side would pass "
        "every bad model.",
    ),
    Code(
        "MLC503",
        "bound outside the metric's range",
        "The metric never takes such a value, so the check always passes or never does. Often a percentage "
        "was written as a plain number: 70 instead of 70% or 0.7.",
    ),
    Code(
        "MLC504",
        "comparison with what does not exist",
        "`versus: baseline` compares with the simple model that `baseline` of the model names, trained and "
        "scored on the same rows. This model has none.",
    ),
    Code(
        "MLC505",
        "group or slice of an unknown column",
        "Slices and groups are columns of the spine or features of the model: nothing else is known of the "
        "rows that are scored. The help names the nearest.",
    ),
    Code(
        "MLC506",
        "field of another form",
        "The field belongs to another form of check: `group` to fairness, `max_difference` to parity, `versus` to "
        "metrics.",
    ),
)
