"""4xx: task, label, split, estimator, packaging and serving of a model."""

from __future__ import annotations

from mlc_compiler.codes.entry import Code

CODES: tuple[Code, ...] = (
    Code(
        "MLC401",
        "estimator not allowed",
        "Estimators come from an allow-list of libraries, since specs are untrusted input, or from the model's own `code`.",
    ),
    Code(
        "MLC402",
        "metric does not fit the task",
        "The metric is not defined for the model's task. The help lists those that are.",
    ),
    Code(
        "MLC403",
        "split does not add up",
        'The shares of train, validation and test add up to 100 %, and each fold that is used is larger than nothing.',
    ),
    Code(
        "MLC404",
        "search space malformed",
        'A range goes from its smaller to its larger bound; a logarithmic one starts above zero.',
    ),
    Code(
        "MLC405",
        "field without effect",
        'The field has no effect in this combination, so that a reader would be misled: decisions are for classifiers, schedules for batch serving, and so on.',
    ),
    Code(
        "MLC406",
        "serving mode incomplete",
        'Batch serving needs a schedule and an output; online serving needs `request` columns in its views.',
    ),
    Code(
        "MLC407",
        "replicas contradict",
        'The smallest number of replicas is at most the largest.',
    ),
    Code(
        "MLC408",
        "decision has several rules",
        'The operating point follows one rule: a threshold, a bound on one rate, or a score to maximise.',
    ),
    Code(
        "MLC409",
        "code of the model not found",
        'A glob of `code` matches no file, or an `entrypoint` names a module that is not in `code`.',
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
)
