"""4xx: task, label, split, estimator, packaging and serving of a model."""

from __future__ import annotations

from mlc_compiler.codes.entry import Code

CODES: tuple[Code, ...] = (
    Code(
        "MLC401",
        "estimator not allowed",
        "Estimators come from an allow-list of libraries, since specs are untrusted input, or from the model's own "
        "`code`.",
    ),
    Code(
        "MLC402",
        "metric does not fit the task",
        "The metric is not defined for the model's task: an error in minutes means nothing for classes, nor "
        "an area under a curve for numbers. The help lists those that are.",
    ),
    Code(
        "MLC403",
        "split does not add up",
        "The shares of train, validation and test add up to 100 %, and each fold that is used is larger than nothing.",
    ),
    Code(
        "MLC404",
        "search space malformed",
        "A range goes from its smaller to its larger bound, and a logarithmic one starts above zero, or there "
        "is nothing to draw parameters from.",
    ),
    Code(
        "MLC405",
        "field without effect",
        "The field has no effect in this combination, so that a reader would be misled: decisions are for "
        "classifiers, schedules for batch serving, and so on.",
    ),
    Code(
        "MLC406",
        "serving mode incomplete",
        "Batch serving needs a schedule and an output; online serving needs `request` columns in its views.",
    ),
    Code(
        "MLC407",
        "replicas contradict",
        "The smallest number of replicas is at most the largest, or the autoscaler could satisfy neither. "
        "Raise `max` or lower `min`; an environment may override both.",
    ),
    Code(
        "MLC408",
        "decision has several rules",
        "The operating point follows one rule: a threshold, a bound on one rate, or a score to maximise.",
    ),
    Code(
        "MLC409",
        "code of the model not found",
        "A glob of `code` matches no file, or an `entrypoint` names a module that is not in `code`.",
    ),
    Code(
        "MLC410",
        "parameter deprecated",
        "scikit-learn warns of the parameter or option and removes it in a later version; the version of the model "
        "would then have to change. The help names what takes its place.",
    ),
    Code(
        "MLC411",
        "estimator not to be had from a spec",
        "The class needs other estimators as arguments, which no spec can write, or it learns from one feature or of "
        "several labels only. Build such an estimator in the model's own `code` and name its `entrypoint`.",
    ),
    Code(
        "MLC412",
        "feature named to a matrix",
        "Features are encoded before the estimator sees them, as a matrix without names; a parameter that names "
        "features would fail there.",
    ),
    Code(
        "MLC413",
        "categories lost in ONNX",
        "HistGradientBoosting can split categories by itself, which skl2onnx converts as a comparison of numbers: the "
        "package would score otherwise than the model that was gated. Encoding by `preprocessing.category` is part of "
        "the package; skops keeps the splits.",
    ),
    Code(
        "MLC414",
        "nulls reach an estimator that takes none",
        "With `impute: none` numbers stay null where they are null. Few estimators learn from that: "
        "HistGradientBoosting, random forests and trees do; the others fail at the first null.",
    ),
    Code(
        "MLC415",
        "dimension of a search with nothing to find",
        "A choice of one value is a parameter, and a value that is listed twice makes trials that repeat one another.",
    ),
    Code(
        "MLC416",
        "trials do not fit the space",
        "A grid takes its points in order, the last dimension first, and ends after `trials`: with fewer trials than "
        "points its first dimensions hardly move. Random trials from fewer points than trials repeat one another. A "
        "range counts as five points of a grid.",
    ),
    Code(
        "MLC417",
        "weight of a class that is not there",
        "`class_weight` names classes of the label. A boolean label has the classes true and false.",
    ),
    Code(
        "MLC480",
        "package missing",
        "Serving, batch scoring and gates read a package: a folder with package.json and the model. Run `mlc run` to "
        "make it, or name a folder under `packages/` of the store.",
    ),
    Code(
        "MLC481",
        "package damaged",
        "The package's manifest or model cannot be read, or does not fit together. Packages are never repaired: fetch "
        "it again from the store, or run `mlc run`, which makes the same one again.",
    ),
    Code(
        "MLC482",
        "another package than expected",
        "A package is named by the digest of its files and written once. A different digest means that a file was "
        "changed or that another package stands in its place, so nothing that was gated would run.",
    ),
    Code(
        "MLC483",
        "output not writable",
        "Packages, online snapshots and scored datasets are written beside their place and then renamed. Make room on "
        "the disk and see that the folder is writable; nothing half-written is left behind.",
    ),
    Code(
        "MLC484",
        "address in use",
        "The server could not listen on its address: another process has the port, or the address is not this "
        "machine's. Stop the other process, or choose another port.",
    ),
    Code(
        "MLC485",
        "lookup with repeated keys",
        "A lookup of the online snapshot has one row a key; with several, one request would become several rows. Make "
        "the joined dataset unique by the columns of `on`, or join it `as_of` a time.",
    ),
    Code(
        "MLC486",
        "scored rows not unique",
        "A batch scores each row once, by primary key. Rows without a key, or several rows with one key, cannot be "
        "told apart in the output. Mend the input dataset or its `primary_key`.",
    ),
    Code(
        "MLC487",
        "query fails on the data",
        "The compiled query of a lookup or of a batch fails on the values that it meets. The note carries the engine's "
        "words; try_cast and nullif spare bad values.",
    ),
    Code(
        "MLC488",
        "unknown column or dataset of a batch",
        "A batch reads a dataset of the package and may be partitioned by the columns of its output, by columns of the "
        "spine, or by `predict_date`, the day of the prediction in the project's time zone.",
    ),
    Code(
        "MLC489",
        "signals not pushed",
        "The monitor job computes signals and puts them on a Prometheus Pushgateway, which did not take them. Until it "
        "does, the alert MlcSignalNotComputed tells of it. See that the gateway runs, that `pushgateway` of the target "
        "kubernetes names it, and that network policies let the job reach it.",
    ),
    Code(
        "MLC450",
        "estimator unknown",
        "`class` is the dotted path of an estimator of scikit-learn, and `entrypoint` is module:function in the "
        "model's own code. Estimators come from an allow-list, since specs are untrusted input. The help names "
        "the nearest one.",
    ),
    Code(
        "MLC451",
        "parameter unknown",
        "`params` and the search's `space` name parameters of the estimator's class. The help names the nearest one.",
    ),
    Code(
        "MLC452",
        "parameter's value refused",
        "scikit-learn constrains the type and range of each parameter; the note says how. Give a value that it allows.",
    ),
    Code(
        "MLC453",
        "label with one class",
        "A classifier needs rows of each class in the training fold to learn from, and in the test fold to be "
        "judged by. Mend the label's expression, or take more data or other shares of the split.",
    ),
    Code(
        "MLC454",
        "fold without rows",
        "After rows without a known or mature label and those in the gap were left out, a fold is empty. Take "
        "more data, a smaller gap, or other shares of the split.",
    ),
    Code(
        "MLC455",
        "estimator could not be fitted",
        "scikit-learn refused the data; the note says why. Often values are missing where the estimator allows "
        "none: set `preprocessing.numeric.impute`.",
    ),
    Code(
        "MLC456",
        "estimator without probabilities",
        "Thresholds, gates, calibration and drift monitors work on probabilities, so that a classifier must have "
        "predict_proba.",
    ),
    Code(
        "MLC457",
        "estimator not convertible to ONNX",
        "skl2onnx knows most estimators of scikit-learn, not all. Choose `package: {format: skops}`, which keeps "
        "scikit-learn's own objects without pickle, or another estimator.",
    ),
    Code(
        "MLC458",
        "package is another model",
        "The package's scores differ from the trained model's by more than rounding explains, so that what was "
        "evaluated would not be what is served. Choose the other package format or another estimator. A `parity` "
        "gate sets a tighter bound.",
    ),
    Code(
        "MLC459",
        "operating point not to be had",
        "The rule of `decision` is applied on the validation fold: it needs rows of both classes there, and a "
        "threshold that meets it. The note says what the best threshold reaches.",
    ),
    Code(
        "MLC460",
        "search without a result",
        "None of the trials could be fitted and scored. Each point of the space must be one that the estimator "
        "accepts.",
    ),
    Code(
        "MLC461",
        "version came to another package",
        "The same version gave a package with another digest: libraries, time zone, serving query or batch size "
        "differ from the run that made the former one. Gates were judged on the package of this run.",
    ),
    Code(
        "MLC462",
        "label does not fit the task",
        "A binary classification has a label of two values; regressions have numbers.",
    ),
    Code(
        "MLC463",
        "estimator does not fit the task",
        "Classifications need a classifier; regressions and forecasts a regressor.",
    ),
    Code(
        "MLC464",
        "fit did not converge",
        "The solver stopped at its limit of iterations; the model may be worse than it could be. Allow more "
        "iterations, or scale the numbers.",
    ),
    Code(
        "MLC465",
        "champion can't be compared",
        "The champion is scored on the very same rows, by primary key, with its own packaged features. Another "
        "task or another key makes that impossible.",
    ),
    Code(
        "MLC466",
        "local store is not a folder",
        "Runs on this machine keep steps and packages in a folder, where renaming makes each of them whole or "
        "absent. Only `store.ci` may be a URL.",
    ),
    Code(
        "MLC467",
        "champion not in the store",
        "Gates against the champion need its package, which the pin of the last environment names by digest. "
        "Fetch it into the store; a check that can't be decided would block the release.",
    ),
    Code(
        "MLC468",
        "run not tracked",
        "The run itself is done and its evidence written; only the copy for the tracking server could not be sent.",
    ),
)
