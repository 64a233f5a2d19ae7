"""1xx: a document does not have the shape of its kind."""

from __future__ import annotations

from mlc_compiler.codes.entry import Code

CODES: tuple[Code, ...] = (
    Code(
        "MLC101",
        "unknown field",
        "The mapping has no field of this name. A misspelt field would otherwise be ignored in silence. Take the field "
        "that the help names, or prefix a note of your own with `x-`.",
    ),
    Code(
        "MLC102",
        "missing field",
        "The kind requires this field and has no default for it. `mlc explain KIND` lists the fields of a kind.",
    ),
    Code(
        "MLC103",
        "wrong type",
        "The value is of another type than the field's. Nothing is converted in silence: `1.10` is a number and loses "
        "its zero, so a version or a code that looks like a number stands in quotes.",
    ),
    Code(
        "MLC104",
        "value not among the choices",
        "The field takes one of a few words, since each of them is carried out in its own way. The help lists "
        "them, and the nearest to what was written.",
    ),
    Code(
        "MLC105",
        "malformed value",
        "The text cannot be read as what the field holds: a duration (15m, 7d), a size (512Mi), a rate (0.01 or 1%), a "
        "weight in percent, a name (DNS label), a path inside the project, a cron schedule, a date.",
    ),
    Code(
        "MLC106",
        "value out of bounds",
        "The number, text or list is smaller or larger than the field allows. The help says what it takes; "
        "`mlc explain KIND.FIELD` tells what the field is for.",
    ),
    Code(
        "MLC107",
        "not exactly one form",
        "The mapping has several forms of which exactly one is to be given, such as `expr` or `aggregate` of a "
        "feature.",
    ),
    Code(
        "MLC108",
        "unknown kind or apiVersion",
        "A spec document starts with `kind` and, where mlc.yaml does not give it, `apiVersion: mlc/v1`.",
    ),
    Code(
        "MLC109",
        "not a spec document",
        "A spec document is a mapping with kind, metadata and spec. Files below the folders that mlc.yaml "
        "names hold nothing else; keep other YAML elsewhere.",
    ),
    Code(
        "MLC110",
        "matrix cannot be expanded",
        "`metadata.matrix` makes one document of each combination of its values. The name must contain a "
        "`${{ matrix.KEY }}` of every key, so that the documents' names differ, and every key that is used must exist.",
    ),
)
