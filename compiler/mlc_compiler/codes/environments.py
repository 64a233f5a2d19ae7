"""9xx: environments, lock, pins, promotion, targets and ownership of files."""

from __future__ import annotations

from mlc_compiler.codes.entry import Code

CODES: tuple[Code, ...] = (
    Code(
        "MLC901",
        "dataset not in the lock",
        "A model's version is the digest of its training inputs, dataset snapshots included, so a dataset must be measured once: run `mlc lock`.",
    ),
    Code(
        "MLC902",
        "unreadable lock",
        'mlc.lock holds conflict markers, is cut short or was edited by hand. It is only ever written by `mlc lock`.',
    ),
    Code(
        "MLC903",
        "lock of another mlc",
        'The lock names the major.minor of mlc that the project builds with, so that every machine emits the same bytes. `mlc lock --upgrade` moves it.',
    ),
    Code(
        "MLC904",
        "unreadable pin",
        'environments/<env>/<model>.yaml names the version that runs, by digests. It is written by release and promote, never by hand.',
    ),
    Code(
        "MLC905",
        "snapshot missing or damaged",
        'A pin names the snapshot of the specs that were promoted; the environment is rendered from it, so it must be in git, unchanged.',
    ),
    Code(
        "MLC906",
        "model without a pin",
        'Nothing of the model is rendered in this environment until a version is released or promoted to it. `mlc build --preview` shows what it would be.',
    ),
    Code(
        "MLC907",
        "override of a field that does not exist or is part of the version",
        'Overrides change fields outside the version: serving, card, rollout and monitor fields. A field that is trained on would make the environment run another model than was promoted.',
    ),
    Code(
        "MLC908",
        "override without effect",
        'The override sets what the field already holds, so it only misleads its readers.',
    ),
    Code(
        "MLC909",
        "environment that nothing reaches",
        'An environment says `tracks: main` or `promoted_from:` another one; otherwise no version ever gets there.',
    ),
    Code(
        "MLC910",
        "target cannot express this",
        'The target has no way to do what the field asks. Nothing is dropped in silence: change the field, or choose the target that the help names.',
    ),
    Code(
        "MLC911",
        "unknown target",
        '`targets:` of mlc.yaml names a back end that is not installed.',
    ),
    Code(
        "MLC912",
        "no shared store for CI",
        'A CI target trains in one job and packs the image in another: both need `store.ci`, a URL that every job reaches.',
    ),
    Code(
        "MLC913",
        "patch applies to nothing",
        'A patch names an emitted object by kind and name. No artifact of the environment is that object, or the patch does not fit it.',
    ),
    Code(
        "MLC914",
        "nothing to release",
        '`mlc release` pins a version that was run and has passed its gates. Run `mlc run` first; when gates failed or were undecided, the version may not be released.',
    ),
    Code(
        "MLC915",
        "promotion refused",
        "`mlc promote` moves the version of the environment before, with its evidence, once the environment's requirements hold.",
    ),
)
