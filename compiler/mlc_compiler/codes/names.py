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
        "mlc.yaml holds one document of kind Project, and no other file does: name, stores and targets of the "
        "project stand in one place, where every command looks first.",
    ),
    Code(
        "MLC203",
        "name taken twice",
        "Two documents of a kind share a name, so that references could mean either. Rename one of them, and "
        "what refers to it. Documents of different kinds may share a name.",
    ),
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
        "A model has at most one Rollout and one Monitor, since two would contradict each other. Keep one, or "
        "narrow the pattern in `model:` so that each model is picked once.",
    ),
    Code(
        "MLC209",
        "reference cycle",
        "Documents refer to each other in a circle, so none of them can be resolved first: environments that "
        "are promoted from one another, or datasets that query one another. The message shows the circle; cut "
        "it in one place.",
    ),
    Code(
        "MLC210",
        "feature name taken twice",
        "Two selected views define features of one name, and the model's columns are named after its "
        "features. Exclude one with `exclude: [view.feature]`, or rename it in its view.",
    ),
    Code(
        "MLC212",
        "unreadable file",
        "A spec file exists but can't be read: its permissions, a broken link, or a folder or pipe that is "
        "named like a spec. Leaving it out in silence would build another project.",
    ),
    Code(
        "MLC213",
        "project without documents",
        "mlc.yaml names the folders that hold specs (`specs:` by default). They are missing or hold no YAML document.",
    ),
)
