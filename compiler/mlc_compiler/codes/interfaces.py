"""43x: what callers send and read, while two versions of a model are live."""

from __future__ import annotations

from mlc_compiler.codes.entry import Code

CODES: tuple[Code, ...] = (
    Code(
        "MLC430",
        "no request fits both versions",
        "During a rollout, and while the way back is open, the version that runs and the next one get the same "
        "requests, and each refuses fields that it does not know. A column that one requires and the other does not "
        "know leaves no request that both take. Expand, migrate, contract: promote it as a column that is not "
        "`required`, let callers move, then promote the end.",
    ),
    Code(
        "MLC431",
        "requests of today that the next version may refuse",
        "The next version takes fewer values than the one that an environment runs: a column is removed or required, a "
        "type, an enum, a range or a pattern is narrower, or `max_batch` is lower. Requests that fit both exist, so it "
        "depends on the callers: let them comply first, then waive this with the date.",
    ),
    Code(
        "MLC432",
        "column that the live version does not know",
        "The next version takes a further column, which nobody has to send. The version that runs refuses it, so "
        "callers wait until the rollout has ended and nobody wants to go back.",
    ),
    Code(
        "MLC433",
        "answers that callers do not know",
        "Callers read what the live version answers: a probability and a label, probabilities by class, or a number. "
        "Another task, other classes, or batch instead of online leave them without. Serve it as a model of another "
        "name, move the callers, then remove the old one.",
    ),
    Code(
        "MLC434",
        "scored rows of another shape",
        "Readers of a scored dataset rely on its path, keys, partitions and columns. `append` and `replace_partition` "
        "would put rows of two shapes side by side.",
    ),
    Code(
        "MLC435",
        "watched in one of two live versions",
        "While two versions are live, a signal has no values of a feature that one of them lacks. Nothing breaks; "
        "expect gaps until the rollout has ended.",
    ),
    Code(
        "MLC436",
        "champion that can no longer be scored",
        "A gate compares with the version that runs on the same rows, by its own features. Its request columns must "
        "still be in the data.",
    ),
)
