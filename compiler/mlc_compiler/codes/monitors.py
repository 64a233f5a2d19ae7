"""7xx: signals, alerts, objectives and retraining."""

from __future__ import annotations

from mlc_compiler.codes.entry import Code

CODES: tuple[Code, ...] = (
    Code(
        "MLC701",
        "signal without a bound",
        "The signal needs `min` or `max`, or a method that brings its own bound; otherwise it is computed and "
        "never alerts anybody. Take the bound from the report of a run.",
    ),
    Code(
        "MLC702",
        "signal's method does not fit its type",
        "psi, jensen_shannon, ks, wasserstein and chi_square compare distributions; cbpe estimates performance; "
        "performance needs a metric.",
    ),
    Code(
        "MLC703",
        "metric does not fit the task",
        "The signal's metric is not defined for the model's task. The help lists those that are.",
    ),
    Code(
        "MLC704",
        "signal on an unknown feature",
        "The signal compares features of the model, and the model has none of this name: it was renamed, "
        "excluded, or never selected. The help names the nearest.",
    ),
    Code(
        "MLC705",
        "signal name taken twice",
        "Alerts, rules and retraining name a signal, so that two of one name can't be told apart. Rename one "
        "of them, and what refers to it.",
    ),
    Code(
        "MLC706",
        "metric that the server does not export",
        "`serving.runtime` is another server than mlc's own, and `metrics` maps mlc's names to those that it "
        "exports. A rollout or an objective reads one that is not mapped, or the map names one that nothing "
        "reads.",
    ),
    Code(
        "MLC707",
        "window that the monitor does not see whole",
        "The monitor job runs four times in the shortest window, and once a minute at most. Of a shorter "
        "window it sees a part.",
    ),
    Code(
        "MLC708",
        "bound within noise",
        "Where nothing has drifted, a distance between n live rows and m reference rows is not zero: the "
        "stability index is about (1/n + 1/m) times chi-square on one degree less than there are cells. With "
        "this bound and so few rows a window, one feature or another is beyond it by chance in more than 5 % "
        "of the windows; or the window holds so few rows that its metric says nothing. Rows are taken as "
        "independent, and categories as ten cells. Use a higher bound, or a longer window.",
    ),
    Code(
        "MLC709",
        "more false alarms than accepted",
        "The sum, over signals, features and the windows of a week, of the probability that chance alone "
        "raises an alert, is above `alert_budget.per_week`. The monitor job lets a signal be out of bounds by "
        "chance in 1 % of its windows (Bonferroni over its features); what is beyond its bound but not beyond "
        "chance is unknown, which is an alert as well. Pages of the objective at its own error rate count "
        "too.",
    ),
    Code(
        "MLC710",
        "labels come later than stated",
        "`label_delay` is when the labels of a window are taken as complete. The lock measured that 5 % come "
        "later, and what comes late is seldom like what comes early, so the metric is biased.",
    ),
    Code(
        "MLC711",
        "training before the last one shows",
        "Between two trainings must lie the training itself and the time until the labels of what it predicts "
        "are known; else each is started by what the one before has already mended.",
    ),
    Code(
        "MLC712",
        "model reads its own predictions",
        "The batch writes a dataset that the model's features or labels read: a feedback loop, in which "
        "errors confirm themselves and drift stays hidden.",
    ),
    Code(
        "MLC713",
        "one failed request pages",
        "The first alert on the error budget fires when 14.4 times the allowed share of an hour's requests "
        "failed. With so little traffic that is less than one request, so each failed one pages.",
    ),
    Code(
        "MLC714",
        "window shorter than its labels take",
        "Performance is computed of rows whose labels have had time to come. Where the window is shorter than that, "
        "the alert ends before anybody could act on it and says nothing of now. Use a longer window, and "
        "`estimated_performance` for what cannot wait.",
    ),
    Code(
        "MLC715",
        "objective that healthy versions miss",
        "The rollout's `baseline` says what share of requests a healthy version fails, and the objective of "
        "availability allows less: its error budget is spent in good times, and the alerts on it have no end.",
    ),
)
