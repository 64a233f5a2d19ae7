"""9xx: environments, lock, pins, promotion, targets and ownership of files."""

from __future__ import annotations

from mlc_compiler.codes.entry import Code

CODES: tuple[Code, ...] = (
    Code(
        "MLC901",
        "dataset not in the lock",
        "A model's version is the digest of its training inputs, dataset snapshots included, so a dataset must be "
        "measured once: run `mlc lock`.",
    ),
    Code(
        "MLC902",
        "unreadable lock",
        "mlc.lock holds conflict markers, is cut short or was edited by hand. It is only ever written by `mlc lock`.",
    ),
    Code(
        "MLC903",
        "lock of another mlc",
        "The lock names the major.minor of mlc that the project builds with, so that every machine emits the same "
        "bytes. `mlc lock --upgrade` moves it.",
    ),
    Code(
        "MLC904",
        "unreadable pin",
        "environments/<env>/<model>.yaml names the version that runs, by digests. It is written by release and "
        "promote, never by hand.",
    ),
    Code(
        "MLC905",
        "snapshot missing or damaged",
        "A pin names the snapshot of the specs that were promoted; the environment is rendered from it, so it must "
        "be in git, unchanged.",
    ),
    Code(
        "MLC906",
        "model without a pin",
        "Nothing of the model is rendered in this environment until a version is released or promoted to it. `mlc "
        "build --preview` shows what it would be.",
    ),
    Code(
        "MLC907",
        "override of a field that does not exist or is part of the version",
        "Overrides change fields outside the version: serving, card, rollout and monitor fields. A field that is "
        "trained on would make the environment run another model than was promoted.",
    ),
    Code(
        "MLC908",
        "override without effect",
        "The override sets what the field already holds, so it only misleads its readers. Remove it, or set "
        "another value.",
    ),
    Code(
        "MLC909",
        "environment that nothing reaches",
        "An environment says `tracks: main` or `promoted_from:` another one; otherwise no version ever gets there.",
    ),
    Code(
        "MLC910",
        "target cannot express this",
        "The target has no way to do what the field asks. Nothing is dropped in silence: change the field, or choose "
        "the target that the help names.",
    ),
    Code(
        "MLC911",
        "unknown target",
        "`targets:` of mlc.yaml names a back end that is not installed. Mend its name, or install the package "
        "that brings it; the help lists what is installed.",
    ),
    Code(
        "MLC913",
        "patch applies to nothing",
        "A patch names an emitted object by kind and name. No artifact of the environment is that object, or the "
        "patch does not fit it.",
    ),
    Code(
        "MLC914",
        "nothing to release",
        "`mlc release` pins a version that was run and has passed its gates. Run `mlc run` first; when gates failed "
        "or were undecided, the version may not be released.",
    ),
    Code(
        "MLC915",
        "promotion refused",
        "`mlc promote` moves the version of the environment before, with its evidence, once the environment's "
        "requirements hold.",
    ),
    Code(
        "MLC916",
        "field that nothing acts on",
        "The language has the field, and no installed target does anything with it yet. It is refused rather than "
        "ignored.",
    ),
    Code(
        "MLC917",
        "older mlc than the project wants",
        "`min_version` of mlc.yaml names the oldest mlc that may build the project, so that nobody overwrites what a "
        "newer one wrote.",
    ),
    Code(
        "MLC950",
        "generated file edited by hand",
        "The bytes on disk are not those that mlc wrote, so writing the file would lose the edit. "
        "Make the change in the spec or as a patch of the environment, then throw the edit away: `mlc build --force`.",
    ),
    Code(
        "MLC951",
        "something else stands where a file is to be written",
        "mlc replaces only files that its manifests say it wrote. Move the other one away, "
        "or let `mlc build --force` take its place; a folder or a special file is never replaced.",
    ),
    Code(
        "MLC952",
        "unreadable manifest of generated files",
        "A .mlc-manifest tells mlc's files in its folder from yours. It is damaged, holds conflict markers or was "
        "written by another mlc. Take it from git, or write the folder's generated files again with `mlc build "
        "--force`.",
    ),
    Code(
        "MLC953",
        "generated files can't be written",
        "The file system refuses: a missing right, a read-only mount, a name that is too long. Files are replaced "
        "whole, "
        "so none is half-written, and the next build goes on from there.",
    ),
    Code(
        "MLC954",
        "another build is running",
        "Only one build of a project may write at a time. The lock belongs to a running process and goes when it ends.",
    ),
    Code(
        "MLC955",
        "disk full",
        "There is no room for a file. No file is half-written; free some space and build again.",
    ),
    Code(
        "MLC956",
        "output folder leaves the project",
        "Generated files stay inside the project, so a folder on their way may be neither a file nor a symbolic link "
        "that leads out of it.",
    ),
    Code(
        "MLC957",
        "edited file is no longer generated",
        "Nothing asks for the file any more. Since it was edited by hand it is not deleted; it is yours from now on.",
    ),
    Code(
        "MLC958",
        "file changed during the build",
        "Another build or an editor wrote the file between comparing and writing. Run the build again.",
    ),
)
