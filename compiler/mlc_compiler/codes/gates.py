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
        "Slices and groups are columns of the spine, which are kept beside the rows that are scored. A feature is not "
        "among them; name the column that it is made of. The help names the nearest.",
    ),
    Code(
        "MLC506",
        "field of another form",
        "The field belongs to another form of check: `group` to fairness, `max_difference` to parity, `versus` to "
        "metrics.",
    ),
    Code(
        "MLC507",
        "check that the expected model often fails",
        "The check says what a good model scores (`expect`). By the rows of its fold, the interval around that "
        "value is so wide that its careful end misses the bound more than one time in five: the release of a good "
        "model is then a matter of luck, and people learn to run again. Rows of one day or group vary together, and "
        "count for less by the intraclass correlation of the label in `mlc.lock`. Of metrics whose spread nothing "
        "tells before the training, nothing is said (docs/gates.md).",
    ),
    Code(
        "MLC508",
        "bound that the rows can hardly clear",
        "Even a model halfway between the bound and a perfect one fails more than one time in five on so few rows. "
        "The help says how many rows do, and what true value the bound asks for. With `expect`, the value of a "
        "good model, the check is judged by that value instead (MLC507).",
    ),
    Code(
        "MLC509",
        "slices too small or too many to pass",
        "Every judged slice must pass by itself. On a small one a good model fails by chance, and the more slices "
        "there are, the more often it fails on one of them. `min_rows` leaves small ones out: they are shown, not "
        "judged.",
    ),
    Code(
        "MLC510",
        "groups too small for the ratio",
        "The smaller of two observed rates over the larger falls short of 1 by chance alone, the more so the fewer "
        "rows a group has: with the four-fifths rule and 50 rows, groups that are treated alike fail about one "
        "time in five before any interval is asked for. Judge groups that are large enough, and report the others.",
    ),
    Code(
        "MLC511",
        "check that can't be decided",
        "An interval needs at least five days, groups or rows that inform the value. By the lock's counts there are "
        "fewer, so the check is undecided in every run, and an undecided check blocks the release. Where the table is "
        "closed (`history: {until: ...}`) that never changes, which is an error; a table that grows may yet get the "
        "rows, which is a warning.",
    ),
    Code(
        "MLC512",
        "no group is large enough",
        "`min_rows` is above the rows of every group (of all but one, for a ratio), so nothing is judged and the "
        "check is undecided, which blocks the release. An error where the table is closed (`history: {until: ...}`), "
        "a warning where it grows.",
    ),
    Code(
        "MLC513",
        "margin finer than the rows can tell",
        "Non-inferiority needs a margin: the interval of the difference has a width, and a new version that is "
        "exactly as good as the champion passes only if the margin exceeds it. With `margin: 0` it passes in the "
        "tail of the confidence alone, one time in forty at 95 %.",
    ),
    Code(
        "MLC514",
        "confidence that lets bad models pass",
        "A model exactly at its bound passes as often as the tail beyond the careful end of its interval: (1 - "
        "confidence) / 2. Below a confidence of 80 % that is more than one time in ten.",
    ),
    Code(
        "MLC515",
        "latency that can't be bounded",
        "The interval of a quantile lies between order statistics, and a high quantile at a high confidence needs "
        "more timings than a run takes: ln((1 - confidence) / 2) / ln(quantile). The check stays undecided, which "
        "blocks.",
    ),
    Code(
        "MLC516",
        "gate stricter than the operating point",
        "The model's `decision` chooses the threshold so that a rate is just at its limit. A gate that asks for "
        "less of the same rate contradicts the choice: no version passes, however good.",
    ),
    Code(
        "MLC517",
        "check that another one implies",
        "All checks of all gates of a model must pass. One with a looser bound on the same rows, or on a metric "
        "that never exceeds the other, decides nothing and hides which bound counts. A pattern's gate, a floor for "
        "many models, may be overtaken.",
    ),
    Code(
        "MLC518",
        "bound that a constant answer clears",
        "By the counts of the test fold, a model that gives every row the same answer passes: at 5 % positives, "
        "always saying no is 95 % accurate. The bound has to lie beyond what no skill reaches.",
    ),
    Code(
        "MLC519",
        "required gate that does not judge a model",
        "An environment lets a version in only with the verdicts of the gates that it requires. The gate's "
        "`model:` does not pick a model that runs there, so that no version of it ever gets in.",
    ),
    Code(
        "MLC520",
        "required gate that can't block",
        "All checks of the gate say `report_only: true`: they are measured and shown, and every version passes. "
        "Whoever requires the gate counts on more.",
    ),
    Code(
        "MLC521",
        "way to production past a gate",
        "For a model of high risk, every way into production must pass its gates. `mlc release` judges all of "
        "them; `mlc promote` asks for those that the environment requires, of a version that may be older than a "
        "gate.",
    ),
    Code(
        "MLC522",
        "first version passes unjudged",
        "Checks versus the champion do not apply while there is none, and do not block. When a model has no "
        "others, its first version is released whatever it scores.",
    ),
    Code(
        "MLC523",
        "high risk without approval",
        "A model whose card says `risk: high` reaches production, an environment that nothing is promoted from, on "
        "a way where no environment asks for a person's approval.",
    ),
    Code(
        "MLC524",
        "bounds that exclude each other",
        "Two checks of one model's gates leave no value that passes both, so that no version is ever released.",
    ),
    Code(
        "MLC525",
        "expected value that misses its own bound",
        "`expect` is what a good model scores. The bound of the same check refuses that value even without its "
        "interval, so one of the two is wrong.",
    ),
)
