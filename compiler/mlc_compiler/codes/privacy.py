"""35x: classified values, sensitive attributes and purposes, from column to where they end up."""

from __future__ import annotations

from mlc_compiler.codes.entry import Code

CODES: tuple[Code, ...] = (
    Code(
        "MLC350",
        "classified value where it is not admitted",
        "Classifications follow values through features, labels and groups: public < internal < confidential < "
        "pseudonymous < pii < special. A value keeps its column's; what it filters or decides keeps it too; rows that "
        "are found by it (keys, times) are pseudonymous at most. Only these make it tell less: counts (internal), "
        "bands of five or more values, calendar parts and comparisons with a constant (confidential), hash_bucket "
        "(pseudonymous), and `if(n >= 20, value, null)` where n counts the very rows that the value aggregates "
        "(internal). A special category stays special but for the last. `privacy` of the project says what each place "
        "admits; the way shows how the value gets there.",
    ),
    Code(
        "MLC351",
        "sensitive attribute decides in a high-risk model",
        "A feature depends on a column marked `sensitive`, by its value or by what it chooses, and the model's card "
        "says `risk: high`. Leave the feature out, or state in `card.sensitive_inputs` why it is needed: the reason is "
        "printed in the card. Gates may group by the column without a reason.",
    ),
    Code(
        "MLC352",
        "feature that stands for a sensitive attribute",
        "A feature depends on a column marked `sensitive`. What is aggregated by it or looked up with it tells of it "
        "as well (a proxy). The card lists such features; a reason in `card.sensitive_inputs` ends the warning.",
    ),
    Code(
        "MLC353",
        "data used beyond its purpose",
        "A dataset, or a column, states `purposes`, and `card.purpose` of a model that uses it is none of them. "
        "Columns that gates only group by may be kept for `fairness-audit` instead.",
    ),
    Code(
        "MLC354",
        "reason for a sensitive input that there is not",
        "`card.sensitive_inputs` names a column that no feature of the model depends on, or that is not marked "
        "`sensitive`. The card would give a reason for nothing.",
    ),
    Code(
        "MLC355",
        "column of a query that forgets where it comes from",
        "A dataset that is a query declares neither classification nor `sensitive` for a column whose values come from "
        "a column that is marked. Write the mark that holds for what the query makes of it, `public` included.",
    ),
)
