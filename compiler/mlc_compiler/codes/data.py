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
        "A feature reads a column of its own row that becomes known only after the prediction is made (`known_at` of "
        "the"
        " column, against `predict_at` of the view). In training the column is filled in, so the model would look "
        "excellent; when serving it is empty. Aggregate earlier rows instead, or, if the caller does know the value, "
        "mend"
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
        "Only the functions of docs/expressions.md can be called. Clocks and random numbers are refused because "
        "training"
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
        "A join either takes the newest row known before the prediction (`as_of: COLUMN`, perhaps with a "
        "`tolerance`) or "
        "the present content of a table without history (`static: true`). Both or neither is an error, and so is a "
        "join"
        " with the name of the spine.",
    ),
    Code(
        "MLC310",
        "history of an overwritten table",
        "A dataset with `updates: overwrite` is changed in place: what it said before is gone. As-of joins and "
        "aggregates"
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
        "`expr` computes with one row, `aggregate` with others. An aggregate function in `expr`, a bare column "
        "beside an"
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
        "All columns that the label reads are sent with the request (or it reads none), so it can be computed "
        "instead of"
        " predicted; a model would score perfectly and be useless.",
    ),
    Code(
        "MLC320",
        "label whose time is missing or doubtful",
        "A label is used once it is known. Nothing says when that is, or it is said to be known no later than the "
        "prediction, so that every row would count as mature at once. Say `known_at`, or `horizon` after the "
        "prediction.",
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
        "`where` leaves out rows by a column that is known only after the prediction. The live model would be asked "
        "about"
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
    Code(
        "MLC327",
        "pattern that can't be read",
        "The `pattern` of a column is a regular expression of RE2 that a whole text must match. RE2 takes time linear "
        "in the text; for that it has neither lookarounds nor backreferences, and repeats 1,000 times at most. The "
        "data checks of a run would fail on a pattern that it can't read, and golden vectors can't be made from it.",
    ),
    Code(
        "MLC330",
        "query of a dataset that can't be used",
        "A dataset of `format: query` is one SELECT in DuckDB's SQL over other datasets of the project, by their "
        "names. Other statements, files, functions that read and tables elsewhere are refused, since specs are "
        "untrusted input. So is what gives other rows at each run: clocks, chance, samples, LIMIT without ORDER BY.",
    ),
    Code(
        "MLC331",
        "dataset names a column that it does not have",
        "The primary key, the event time and the checks of a dataset name columns of its own `columns`.",
    ),
    Code(
        "MLC332",
        "event time that is not a time",
        "`event_time` says when a row's event happened, so it is a column of type timestamp or date.",
    ),
    Code(
        "MLC333",
        "column in a query that none has, or two have",
        "A dataset's query names a column that none of the datasets and subqueries in its reach has, or two of them, "
        "or qualifies one with a table that it does not read. Names are compared without case. The help shows the "
        "nearest name, or the tables to choose from.",
    ),
    Code(
        "MLC334",
        "query that does not give a declared column",
        "Every column of the contract must come out of the query. Select it, give a column the name with `AS`, or take"
        " it out of `columns`. Queries with PIVOT, UNNEST or COLUMNS(...) are checked when they run.",
    ),
    Code(
        "MLC343",
        "query that hides when its rows are known",
        "A dataset made by a query has a contract of its own. A column made from one with a `known_at`, or rows chosen "
        "by it in WHERE, HAVING, CASE or a join, is known no earlier, whatever it is called: without that, a feature "
        "over the query learns from outcomes. Let the query carry the time, and say `known_at` or `event_time`.",
    ),
    Code(
        "MLC344",
        "tolerance shorter than the delay",
        "Rows of a dataset with a `delay` are that old when they arrive, and the online snapshot adds up to one "
        "`refresh`. A join whose tolerance is shorter than the delay never matches; one shorter than both has values "
        "in training that are missing when served.",
    ),
    Code(
        "MLC345",
        "random split of rows that lie in time",
        "With a random split the model is trained on rows from after those it is judged by, which it never is when it "
        "serves, and labels that look ahead count the same events in both folds. The metrics are then better than "
        "production's. Split by time; a spine of one moment, as the lock measures it, may be split at random.",
    ),
    Code(
        "MLC346",
        "entity in several folds",
        "Features are looked up by a key whose rows are spread over the folds at random: the model may recognise a "
        "customer instead of learning what customers do, and the test fold can't tell. Keep the key together with a "
        "group split, or split by time.",
    ),
    Code(
        "MLC347",
        "fold that its labels empty",
        "A time split leaves out rows whose label was not known when the next fold starts, so that a missing `gap` "
        "leaks nothing. A fold that is shorter than the time its labels take is left out as a whole.",
    ),
    Code(
        "MLC348",
        "gate on the rows that chose the model",
        "Search and decision rule choose on the validation fold, so what they chose looks better there than it is: of "
        "n equally good candidates the best is ahead by the expected largest of n normal errors. Gates judge on the "
        "test fold, which chose nothing.",
    ),
    Code(
        "MLC349",
        "query that sees later rows",
        "In the query of a dataset, lead(), windows without an order of time, frames that reach past the current row, "
        "and aggregates over a whole table (which is what target encoding without folds comes to) bring later rows "
        "into earlier ones. Features aggregate up to the prediction; or the query bounds its rows by time.",
    ),
    Code(
        "MLC370",
        "dataset's files missing",
        "Paths of `source` are below the project's folder and name a file, a folder or a glob. Put the data there "
        "(an example's README says how to build it), or mend the path.",
    ),
    Code(
        "MLC360",
        "training and serving differ",
        "`mlc test` sends golden vectors through both evaluators: nulls, empty and odd texts, greatest and smallest "
        "numbers, minus zero, leap days and the hours in which clocks change. Training runs the feature query over "
        "tables; the server reads the same row as a request and looks up the rest. A feature that comes out otherwise "
        "would be another one in production than the model has learned from.",
    ),
    Code(
        "MLC361",
        "features of golden vectors fail",
        "The query of the features fails on values that their columns allow, such as a number so large that the "
        "result does not fit. In training one such row would end the run; a request would be refused. Bound the "
        "column, or write the feature so that no value fails.",
    ),
    Code(
        "MLC362",
        "engine computes features otherwise",
        "A package keeps what training made of the golden vectors. Where the same query over the same rows now gives "
        "another value, what is installed here computes features otherwise than what the model has learned from, even "
        "though training and serving would agree with each other. Install the versions that the package names, or "
        "train the model again.",
    ),
    Code(
        "MLC363",
        "golden vectors of other requests",
        "The file of golden vectors is not one, or its columns are not those that the package's requests have: it was "
        "written for another version of the model. Build the recipe of the version that the package is of.",
    ),
    Code(
        "MLC371",
        "column missing in the data",
        "Every column of a dataset's contract must be in its files. Mend the name, remove the column, or add it "
        "to the data; further columns in the files do no harm.",
    ),
    Code(
        "MLC372",
        "column of another type",
        "Types are converted only where nothing can be lost: integers to wider ones and to floats, dates to "
        "timestamps. Declare what the file holds, or convert the data.",
    ),
    Code(
        "MLC373",
        "value that does not fit its type",
        "CSV and JSON hold text, and a value that can't be read as its declared type would otherwise become null "
        "unseen. Rows count from 1, without the header. Mend the data, or declare the column as string.",
    ),
    Code(
        "MLC374",
        "dataset can't be read",
        "The files are damaged, empty, not of the declared format, or the query of the source fails. The note is "
        "what the database says. Mend `format`, `delimiter`, `header` or the query, or bring the file again.",
    ),
    Code(
        "MLC375",
        "contract of a column broken",
        "Rows break `required`, `unique`, `enum`, `minimum`, `maximum`, `pattern` or the primary key. The finding "
        "counts them and shows a few by key. Mend the data, or the contract where it asks too much.",
    ),
    Code(
        "MLC376",
        "data check failed",
        "A check of the dataset does not hold: too many rows break it, or a measured value is out of bounds. Mend "
        "the data, or the check; `severity: warning` reports without stopping the run.",
    ),
    Code(
        "MLC377",
        "data is not what the lock says",
        "A model's version names the data that it is trained from by digest, so that other data would make "
        "another model under the same version. Run `mlc lock` to train on the new data, or restore the files.",
    ),
    Code(
        "MLC378",
        "dataset is stale",
        "The newest row of a live table is older than `freshness` allows. The run goes on, since what it trains "
        "is sound for its data. Bring the data up to date, or close the table with `history.until`.",
    ),
    Code(
        "MLC379",
        "source not read here",
        "Runs on this machine read files: Parquet, CSV, JSON lines, and queries over them. Export a database's "
        "table, or copy remote files below the project.",
    ),
    Code(
        "MLC380",
        "feature query fails on the data",
        "The compiled query met values that it can't compute with, such as a text that is no number, or more "
        "memory than it may use. Mend the expression or the data, or give `train.resources` more memory.",
    ),
    Code(
        "MLC381",
        "feature that tells the label alone",
        "On rows that the model was not fitted on, one feature separates the classes almost without the others (an "
        "area under the ROC curve above 0.98). Proofs see columns and times, never what they mean: this is what a "
        "proxy of the outcome looks like, such as a note that is written once it is known. See when the feature's "
        "columns are really known.",
    ),
)
