"""6xx: steps, analyses and roll-back of a rollout."""

from __future__ import annotations

from mlc_compiler.codes.entry import Code

CODES: tuple[Code, ...] = (
    Code(
        "MLC601",
        "steps do not rise",
        "Each step of a canary sends more traffic to the new version than the one before; a step back is a "
        "roll-back, which the analysis decides on and not the plan.",
    ),
    Code(
        "MLC602",
        "last step is not 100",
        "A rollout ends with all traffic on the new version, or two versions would run for ever: the last "
        "weight is 100.",
    ),
    Code(
        "MLC603",
        "step without a hold",
        "A step that neither holds nor waits for an approval is passed at once: it watches nothing.",
    ),
    Code(
        "MLC604",
        "analysis without a bound",
        "An analysis needs `min` or `max`; without one it measures and can't fail, so that a bad version "
        "would be rolled out all the same.",
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
        "A canary needs steps, since they are the rollout; a shadow needs `mirror`, the share of requests "
        "that the new version gets a copy of.",
    ),
    Code(
        "MLC607",
        "online rollout of a batch model",
        "A rollout moves traffic from one version to another, and a batch model has none: its next run takes "
        "the version that is pinned. Gates are what protects it.",
    ),
    Code(
        "MLC608",
        "rollout that no target carries out",
        "A progressive strategy needs a target with a rollout controller. Without one the model would be replaced at "
        "once, and the steps and analyses of the spec would mean nothing.",
    ),
)
