"""3xx: datasets, columns, features, expressions and knowledge time."""

from __future__ import annotations

from mlc_compiler.codes.entry import Code

CODES: tuple[Code, ...] = (
    Code(
        "MLC301",
        "not an expression",
        "The text is not an expression of the typed SQL subset in docs/expressions.md. Expressions are one value: no"
        " statements, comments, queries or window functions, at most 10,000 characters and 100 levels. The range under"
        " the caret is where reading stopped.",
    ),
    Code(
        "MLC302",
        "feature knows the future",
        "A feature reads a column of its own row that becomes known only after the prediction is made (`known_at` of the"
        " column, against `predict_at` of the view). In training the column is filled in, so the model would look"
        " excellent; when serving it is empty. Aggregate earlier rows instead, or, if the caller does know the value, mend"
        " `known_at` in the dataset and list the column in `request`.",
    ),
    Code(
        "MLC303",
        "own-row column not in the request",
        "Of the row that is predicted, only the columns in `request` exist when serving: it is the schema that callers"
        " send. A feature, key or filter reads another one. Add it to `request` if the caller knows it when the"
        " prediction is made; otherwise aggregate earlier rows.",
    ),
    Code(
        "MLC304",
        "unknown column",
        "The name is no column of the dataset, no column of the join that it is qualified with, and no feature of the"
        " view. Names are compared without case. The help shows the nearest name.",
    ),
    Code(
        "MLC305",
        "function that is unknown or refused",
        "Only the functions of docs/expressions.md can be called. Clocks and random numbers are refused because training"
        " could not be repeated, functions that read files or settings because expressions see rows only, and a few"
        " names (log, date_diff, weekday) because databases disagree about what they mean.",
    ),
    Code(
        "MLC306",
        "types do not fit",
        "Expressions are typed when they are compiled: text is not compared with numbers, conditions are true or false,"
        " and the difference of two timestamps names its unit. Nothing is converted silently except int64 to float64."
        " Cast one side, or compare the value with something.",
    ),
    Code(
        "MLC307",
        "features that use each other in a circle",
        "A feature may use other features of its view, as long as they can be put in an order. The message shows the"
        " circle. Compute one of the features from columns alone.",
    ),
    Code(
        "MLC308",
        "time that is not a timestamp",
        "`predict_at` and `as_of` order rows in time, so they are timestamps. For a date, cast(x as timestamp) is the"
        " start of that day in the project's timezone.",
    ),
    Code(
        "MLC309",
        "join that does not say how",
        "A join either takes the newest row known before the prediction (`as_of: COLUMN`, perhaps with a `tolerance`) or"
        " the present content of a table without history (`static: true`). Both or neither is an error, and so is a join"
        " with the name of the spine.",
    ),
    Code(
        "MLC310",
        "history of an overwritten table",
        "A dataset with `updates: overwrite` is changed in place: what it said before is gone. As-of joins and aggregates"
        " would read today's values into past predictions. Join it with static: true, which says aloud that its present"
        " content stands for all times, or keep its history.",
    ),
    Code(
        "MLC311",
        "keys that cannot be equal",
        "The columns in `on` and `by` exist under one name in the spine and in the other dataset, and have one type."
        " Otherwise nothing would ever match, and every value would be missing.",
    ),
    Code(
        "MLC312",
        "static join of a table with history",
        "The table has an event time and keeps its rows, so its present content includes rows that came after the"
        " prediction: a static join would leak them into training. Join it as of its event time.",
    ),
    Code(
        "MLC313",
        "rows without a knowledge time",
        "As-of joins and aggregates see only what was known before the prediction. The dataset names no event time (a"
        " timestamp), so nothing says when its rows became known.",
    ),
    Code(
        "MLC314",
        "aggregate without a usable window",
        "An aggregate sees [predict_at - window, predict_at - online.refresh): rows of the last refresh are left out"
        " because the online snapshot would not have them. The window is missing, or not longer than the refresh, so"
        " that nothing is left. A label needs a horizon instead.",
    ),
    Code(
        "MLC315",
        "aggregates and row expressions mixed up",
        "`expr` computes with one row, `aggregate` with others. An aggregate function in `expr`, a bare column beside an"
        " aggregate, an aggregate in another, or an `aggregate` without one has no meaning.",
    ),
    Code(
        "MLC316",
        "not exactly one of expr and aggregate",
        "A feature, and a label, is either an expression over its row or an aggregate over others.",
    ),
    Code(
        "MLC317",
        "feature type that does not fit its value",
        "`type` says how models take a value: numbers as number, text as category or text, true and false as boolean,"
        " and so on. Whole numbers and booleans may be categories; floats may not, because equal values are chance.",
    ),
    Code(
        "MLC318",
        "request column that nobody can send",
        "`request` lists a column whose `known_at` is not at or before `predict_at`, as far as the specs can tell. The"
        " caller could not fill it in. Take it out, or mend `known_at`.",
    ),
    Code(
        "MLC319",
        "label that needs no prediction",
        "All columns that the label reads are sent with the request (or it reads none), so it can be computed instead of"
        " predicted; a model would score perfectly and be useless.",
    ),
    Code(
        "MLC320",
        "label whose time is missing or doubtful",
        "A label is used once it is known. Nothing says when that is, or it is said to be known no later than the"
        " prediction, so that every row would count as mature at once. Say `known_at`, or `horizon` after the prediction.",
    ),
    Code(
        "MLC321",
        "aggregate that sees its own row",
        "Aggregates leave out the row that is predicted. Here the row is known before its own prediction, so the online"
        " snapshot already counts it while training does not. Predict when the row becomes known, or aggregate values"
        " that become known later. Where the row can only be told by its key, the dataset needs a primary key.",
    ),
    Code(
        "MLC322",
        "static join that may match several rows",
        "Nothing declares the joined table unique on the keys. Of several rows with equal keys the greatest (by primary"
        " key, then by the columns read) is taken, the same one everywhere. Declare the primary key, which is checked.",
    ),
    Code(
        "MLC323",
        "features that cannot stand together",
        "The features of a model are looked up in one snapshot under different names: its views share"
        " `online.refresh`, and no two features (nor a feature and a primary key of another meaning) have one name.",
    ),
    Code(
        "MLC324",
        "rows chosen by their future",
        "`where` leaves out rows by a column that is known only after the prediction. The live model would be asked about"
        " those rows all the same, so training and evaluation would be about other rows than serving.",
    ),
    Code(
        "MLC325",
        "time of the prediction unknown to the server",
        "A join with a tolerance compares a row's age with the time of the prediction, which is computed from `request`"
        " when serving. A column that `predict_at` reads is not sent.",
    ),
    Code(
        "MLC326",
        "comparison with a value that never occurs",
        "The column's `enum` does not hold the constant that it is compared with, so the comparison is never true.",
    ),
)
