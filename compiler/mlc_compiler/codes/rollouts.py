"""6xx: steps, analyses and roll-back of a rollout."""

from __future__ import annotations

from mlc_compiler.codes.entry import Code

CODES: tuple[Code, ...] = (
    Code(
        "MLC601",
        "steps do not rise",
        "Each step of a canary sends more traffic to the new version than the one before.",
    ),
    Code(
        "MLC602",
        "last step is not 100",
        "A rollout ends with all traffic on the new version: the last weight is 100.",
    ),
    Code(
        "MLC603",
        "step without a hold",
        "A step that neither holds nor waits for an approval is passed at once: it watches nothing.",
    ),
    Code(
        "MLC604",
        "analysis without a bound",
        "An analysis needs `min` or `max`; without one it can't fail.",
    ),
    Code(
        "MLC605",
        "analysis slower than its step",
        "The analysis measures less than once in a step's hold, or needs more failures than there are measurements, "
        "so that step can't be judged.",
    ),
    Code(
        "MLC606",
        "strategy without what it needs",
        "A canary needs steps; a shadow needs `mirror`.",
    ),
    Code(
        "MLC607",
        "online rollout of a batch model",
        "A rollout moves traffic; a batch model has none.",
    ),
    Code(
        "MLC608",
        "rollout that no target carries out",
        "A progressive strategy needs a target with a rollout controller. Without one the model would be replaced at "
        "once, and the steps and analyses of the spec would mean nothing.",
    ),
)
