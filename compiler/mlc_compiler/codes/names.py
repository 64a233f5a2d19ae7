"""2xx: a name is taken twice or refers to nothing."""

from __future__ import annotations

from mlc_compiler.codes.entry import Code

CODES: tuple[Code, ...] = (
    Code(
        "MLC201",
        "no project here",
        "mlc looks for `mlc.yaml` in the folder given by -C and in the folders above it. `mlc init` writes one.",
    ),
    Code(
        "MLC202",
        "not exactly one Project document",
        "mlc.yaml holds one document of kind Project, and no other file does.",
    ),
    Code("MLC203", "name taken twice", "Two documents of a kind share a name. References could mean either."),
    Code(
        "MLC204",
        "reference to nothing",
        "The field names a document that no file declares. The help shows the nearest name of that kind.",
    ),
    Code(
        "MLC205",
        "pattern matches no model",
        "A `model:` field may be a pattern such as demand-*, but one that matches nothing has no effect.",
    ),
    Code(
        "MLC206",
        "feature selection matches nothing",
        "`features` of a model lists `view.feature` or `view.*`. The view or feature does not exist.",
    ),
    Code(
        "MLC207",
        "features of different spines",
        "All views of a model share one spine and one predict_at: a row of the spine is a prediction.",
    ),
    Code(
        "MLC208",
        "two documents for one model",
        "A model has at most one Rollout and one Monitor. Two would contradict each other.",
    ),
    Code(
        "MLC209",
        "reference cycle",
        "Documents refer to each other in a circle, so none of them can be resolved first.",
    ),
    Code(
        "MLC210",
        "feature name taken twice",
        "Two selected views define features of one name; the model can't tell them apart.",
    ),
    Code("MLC212", "unreadable file", "A spec file exists but can't be read: its permissions, or a broken link."),
    Code(
        "MLC213",
        "project without documents",
        "mlc.yaml names the folders that hold specs (`specs:` by default). They are missing or hold no YAML document.",
    ),
)
