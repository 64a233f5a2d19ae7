"""8xx: policies, secrets, licences and security."""

from __future__ import annotations

from mlc_compiler.codes.entry import Code

CODES: tuple[Code, ...] = (
    Code(
        "MLC801",
        "policy violated",
        "A rule of a Policy document does not hold for this document. The message is the rule's own. `enforcement: "
        "advisory` makes it a warning. A document is let off one rule by `x-allow: {MLC801/RULE: {until: ..., reason: "
        "...}}`; `MLC801` alone lets it off all of them.",
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
        "waiver expired, or of nothing that exists",
        "`x-allow` turns a finding of its document off until a date, with a reason. The date has passed, or no "
        "finding has this code, or no policy has this rule.",
    ),
    Code(
        "MLC805",
        "owner missing",
        "The built-in rule `owner` is on: datasets and models name who answers for them, themselves or through the "
        "project.",
    ),
    Code(
        "MLC806",
        "risk tier not stated",
        "The built-in rule `risk_tier` is on: every model says `card.risk`. The tier by default, minimal, is a guess "
        "that nobody made.",
    ),
    Code(
        "MLC807",
        "licence missing or not allowed",
        "The built-in rule `license` is on: every dataset that is not a query states the licence of its data, and the "
        "policy's `licenses` allow it. By default those that forbid commercial use or derived works are denied; naming "
        "one in `allow` says that it was cleared.",
    ),
    Code(
        "MLC808",
        "retention not stated",
        "The built-in rule `retention` is on: a dataset with columns classified pseudonymous, pii or special says how "
        "long its rows may be kept.",
    ),
    Code(
        "MLC809",
        "image not pinned",
        "The built-in rule `pinned_images` is on: a tag may be moved to another image, so images are named by digest. "
        "Bases that the lock pins are fine.",
    ),
    Code(
        "MLC810",
        "dataset not pinned",
        "The built-in rule `pinned_datasets` is on: without an entry in mlc.lock a dataset is whatever its files hold "
        "on the day of the training.",
    ),
    Code(
        "MLC811",
        "human oversight not stated",
        "The built-in rule `human_oversight` is on: the card of a high-risk model says who may overrule or stop it.",
    ),
    Code(
        "MLC812",
        "fairness not gated",
        "The built-in rule `fairness_gate` is on: a high-risk model whose rows have columns marked `sensitive` passes "
        "at least one blocking fairness check over one of them.",
    ),
)
