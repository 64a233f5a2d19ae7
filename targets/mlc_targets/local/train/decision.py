"""The operating point: a threshold chosen on the validation fold, between two scores, so that rounding moves no row."""

from __future__ import annotations

import numpy as np

from mlc_compiler.ir import Decision
from mlc_targets.local.package.columns import Array

_DIGITS = 6


class UnmetRuleError(ValueError):
    """No threshold meets the rule; the message says the best there is."""


def choose_threshold(decision: Decision, y: Array, scores: Array) -> float:
    """Return the threshold, at or above which a row is positive; raises UnmetRuleError where none meets the rule.

    Of those that meet the rule, `max_false_positive_rate` and `min_precision` take the lowest (most recall),
    `min_recall` the highest; `f1` and `youden` the best, the higher of equals.
    """
    if decision.rule == "threshold":
        return decision.value
    cuts, true_positives, false_positives = _curve(y, scores)
    positives, negatives = max(int(y.sum()), 1), max(int((1 - y).sum()), 1)
    recall, fall_out = true_positives / positives, false_positives / negatives
    chosen = true_positives + false_positives
    precision = np.divide(true_positives, chosen, out=np.zeros(len(chosen)), where=chosen > 0)
    if decision.rule == "f1":
        return float(cuts[np.argmax(2 * true_positives / (chosen + positives))])
    if decision.rule == "youden":
        return float(cuts[np.argmax(recall - fall_out)])
    return _bounded(decision, cuts, recall, fall_out, precision)


def _bounded(decision: Decision, cuts: Array, recall: Array, fall_out: Array, precision: Array) -> float:
    if decision.rule == "max_false_positive_rate":
        met = np.flatnonzero(fall_out <= decision.value)
        return float(cuts[met[-1]])  # the cut above all scores has a rate of zero
    if decision.rule == "min_recall":
        met = np.flatnonzero(recall >= decision.value)
        return float(cuts[met[0]])
    met = np.flatnonzero(precision >= decision.value)
    if not len(met):
        raise UnmetRuleError(f"the best precision on the validation fold is {precision.max():.3f}")
    return float(cuts[met[-1]])


def _curve(y: Array, scores: Array) -> tuple[Array, Array, Array]:
    """Return cuts from above all scores down to below all, with the true and false positives at each."""
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], y[order]
    ends = np.flatnonzero(np.append(np.diff(ranked) != 0, True))
    below = np.append(ranked[ends][1:], ranked[-1] - 1.0)
    above = (ranked[0] + 1.0) / 2 if ranked[0] < 1.0 else np.nextafter(ranked[0], np.inf)
    cuts = np.concatenate([[above], _between(ranked[ends], below)])
    cuts[-1] = 0.0
    true_positives = np.concatenate([[0], np.cumsum(hits)[ends]])
    false_positives = np.concatenate([[0], np.cumsum(1 - hits)[ends]])
    return cuts, true_positives, false_positives


def _between(upper: Array, lower: Array) -> Array:
    """Return cuts between neighbouring scores: the middle, rounded where that stays between them."""
    middle = (upper + lower) / 2
    rounded = np.round(middle, _DIGITS)
    return np.where((rounded > lower) & (rounded < upper), rounded, middle)
