"""8xx: policies, secrets, licences and security."""

from __future__ import annotations

from mlc_compiler.codes.entry import Code

CODES: tuple[Code, ...] = (
    Code(
        "MLC801",
        "policy violated",
        "A rule of a Policy document does not hold for this document. The message is the rule's own. `enforcement: "
        "advisory` makes it a warning.",
    ),
    Code(
        "MLC802",
        "policy can't be evaluated",
        "The rule's CEL is malformed, names something that is not bound, or does not yield true or false. A rule "
        "that can't be evaluated blocks, since it would otherwise pass in silence.",
    ),
    Code(
        "MLC803",
        "literal secret",
        "The value looks like a secret. Secrets stand in specs by reference only, `{secret: name/key}`: git keeps "
        "every value for ever.",
    ),
    Code(
        "MLC804",
        "waiver expired or for an unknown code",
        "`x-allow` turns a finding of its document off until a date, with a reason. The date has passed, or no "
        "finding has this code.",
    ),
)
