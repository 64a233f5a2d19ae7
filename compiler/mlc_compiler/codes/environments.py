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
        "mlc.lock holds conflict markers, is cut short or was edited by hand. It is only ever written by `mlc lock`. "
        "Digests, commits and versions in it go into images and workflows as they stand, so each is held to its form.",
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
        "MLC918",
        "field without effect where it stands",
        "The field belongs to another strategy, mode, type or format: nothing reads it here, so it only promises what "
        "does not happen. Remove it, or choose what it goes with, as the help says.",
    ),
    Code(
        "MLC930",
        "statistics of other rows",
        "mlc.lock holds, for each model, the rows, positives and days of its folds, and says what they are of: label, "
        "filters, split, groups, time zone and dataset snapshots. One of these has changed since, so that what is "
        "proven with the numbers would be about other rows. Nothing is judged by them until `mlc lock` measures anew.",
    ),
    Code(
        "MLC931",
        "model without statistics",
        "Whether a gate can decide, a rollout sees enough labels, a drift test keeps its promise depends on how many "
        "rows there are. `mlc lock` counts them once; until then these proofs are left out.",
    ),
    Code(
        "MLC932",
        "statistics of other columns",
        "The dataset's columns in the specs are not those that `mlc lock` measured, so null rates, ranges and "
        "categories in the lock do not cover them.",
    ),
    Code(
        "MLC935",
        "no git history",
        "What runs where, since when, and what ran before is read from git, and promotions are branches. There is no "
        "`git`, no repository around the project, no commit in it yet, or git refused a step. `git init` and a first "
        "commit mend the first three; `promote --no-commit` writes the pin without git where nothing soaks.",
    ),
    Code(
        "MLC936",
        "what was compiled is not what is committed",
        "A proposal is a commit on top of HEAD, so specs, lock, pins and generated files have to be as HEAD has them: "
        "otherwise it would rest on what nobody has reviewed, or bring along what a build left undone. Other files may "
        "differ; the work tree and the index are not touched.",
    ),
    Code(
        "MLC937",
        "HEAD is not the default branch",
        "A proposal starts from HEAD. From a detached commit it would start from an old state of the pins; from "
        "another branch it would carry that branch's commits. Switch to the default branch, or name yours as "
        "`ci.default_branch`.",
    ),
    Code(
        "MLC938",
        "history is cut off",
        "The clone is shallow, and the commit that pinned the version may lie before its first one, so since when it "
        "has run can't be told. Fetch the rest: `git fetch --unshallow`, or `fetch-depth: 0` in a workflow.",
    ),
    Code(
        "MLC939",
        "unknown git revision",
        "The branch, tag or commit that was named does not exist in this clone. Mend its name, or fetch it first.",
    ),
    Code(
        "MLC940",
        "evidence of something else",
        "A version is let in by the evidence of its own run: the same package, data, gates, test rows, and the "
        "champion that runs now where a gate compares with it. The evidence is missing, was changed after its release, "
        "or speaks of something else. Restore it from git, or run and release again.",
    ),
    Code(
        "MLC941",
        "signature missing or wrong",
        "Evidence and promotions are in-toto statements, signed with a key that mlc.yaml names under `signing.keys`. "
        "A signature that is there must hold; where the environment says `requires: {signed: true}`, it must be there. "
        "Restore what was changed, or release and promote with the key.",
    ),
    Code(
        "MLC942",
        "clocks disagree",
        "Soak counts from the commit that pinned the version. A commit from the future counts nothing yet; one that is "
        "dated before what it follows counts from there. Set the clock of the machine that committed, or of this one.",
    ),
    Code(
        "MLC943",
        "not run for long enough, or not well",
        "An environment that says `soak` takes a version only after it has run for that long in the environment "
        "before, and something has recorded that its rollout there succeeded: `mlc release MODEL -e ENV --rolled-out "
        "succeeded --source URL`. mlc looks at no cluster; the record says who claims it.",
    ),
    Code(
        "MLC944",
        "pin that no command would write",
        "`mlc promote --verify` recomputes every pin that changed: a release has its passed evidence and snapshot, a "
        "promotion is what ran in the environment before, a rollback is what ran here before. Undo the change, and let "
        "the command make it.",
    ),
    Code(
        "MLC945",
        "nothing to go back to",
        "`mlc rollback` pins what ran in the environment before, or the version that `--to` names if it ever ran "
        "there. Without such a version there is nothing to roll back to; release or promote one that is fine. A pin "
        "that no command wrote is none: one of a version that never existed, or whose snapshot was edited.",
    ),
    Code(
        "MLC946",
        "requirements and pins changed at once",
        "A change that both pins a version and loosens what the environment requires, or which keys may sign, would "
        "judge itself. Change the requirements first, in a pull request of their own.",
    ),
    Code(
        "MLC947",
        "another proposal is open",
        "For each model and environment one proposal may be open, on the branch mlc/promote/ENV/MODEL or "
        "mlc/rollback/ENV/MODEL: of two runs at once git lets one create it. Merge or close the other one, and delete "
        "its branch.",
    ),
    Code(
        "MLC948",
        "signing is not possible here",
        "Signatures need mlc-compiler[sign] and, to make them, a private key: an unencrypted PEM of an ed25519 key, as "
        "`openssl genpkey -algorithm ed25519` writes, in MLC_SIGNING_KEY, or in the file that MLC_SIGNING_KEY_FILE or "
        "`--key` names. Keys are never printed.",
    ),
    Code(
        "MLC949",
        "signing key that can't be used",
        "`signing.keys` of mlc.yaml names files with public keys, as `openssl pkey -pubout` writes. An environment "
        "that requires signatures needs one; a private key in the repository is no secret any more.",
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
        "A .mlc-manifest tells mlc's files, of a model or of its folder, from yours. It is damaged, holds conflict "
        "markers or was written by another mlc. Take it from git, or write it and its generated files again with "
        "`mlc build --force`.",
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
    Code(
        "MLC960",
        "gate loosened",
        "A plan found that a gate judges less strictly than before: a bound, the confidence or a check was given "
        "up, or the gate no longer applies. A version could pass that would have failed. Let the owners of the "
        "gate agree, and acknowledge it where it is meant: `x-allow: {MLC960: {until: ..., reason: ...}}` in the "
        "gate's document.",
    ),
    Code(
        "MLC961",
        "fairness floor lowered",
        "A plan found that a fairness check was removed, lets the groups differ more, or only reports. Say in the"
        " model card why, and acknowledge it with `x-allow` in the gate's document where it is meant.",
    ),
    Code(
        "MLC962",
        "personal data newly used",
        "A plan found that a model reads a column of people's data that it did not read before, or that a column "
        "it reads is now classified so. Check purpose and consent with the dataset's owner, and leave the column "
        "out if in doubt.",
    ),
    Code(
        "MLC963",
        "rollout tries a version less",
        "A plan found that a canary step was skipped or shortened, starts with more traffic, or is watched less "
        "closely: more users meet a bad version before it is sent back. Keep the steps, or acknowledge it in the "
        "rollout.",
    ),
    Code(
        "MLC964",
        "alert removed or loosened",
        "A plan found that a signal or an objective of a monitor was removed, or tells later than before. What "
        "breaks in production would be noticed late or never.",
    ),
    Code(
        "MLC965",
        "roll-back weakened",
        "A plan found that rolling back is no longer automatic, may take longer, or has fewer former versions to "
        "go back to. It is the last way out of a bad release.",
    ),
    Code(
        "MLC966",
        "promotion asks for less",
        "A plan found that an environment requires fewer gates or approvals or a shorter soak than before, that a"
        " freeze was lifted, or that a rule of a policy no longer blocks. Change that in a pull request of its "
        "own.",
    ),
    Code(
        "MLC967",
        "digest no longer pinned",
        "A plan found an image or an action that was named by digest and is named by a tag now: what runs could "
        "change without a commit. Name the digest, or lock it again: `mlc lock`.",
    ),
    Code(
        "MLC968",
        "saved plan out of date",
        "`mlc build --plan FILE` writes what the plan showed, or nothing. A file that the plan was made from, a "
        "generated file on disk or mlc itself has changed since; make the plan again and look at it.",
    ),
    Code(
        "MLC969",
        "nothing to compare with",
        "`mlc plan --against REF` reads the project at a git ref. There is no git, no repository, no such ref in "
        "this clone, or the specs there do not compile. Only the last is about a file: the message names its line as "
        "the ref has it. A ref itself stands on the command line and in no file, so the project's is shown.",
    ),
    Code(
        "MLC970",
        "override of another type",
        "An override sets a field to a value of another type than the field has. Its value is checked as if it "
        "stood in the spec itself; `mlc explain MODEL.FIELD` tells what the field takes.",
    ),
    Code(
        "MLC971",
        "override that reaches nothing",
        "An override names models, rollouts or monitors, and none of them runs in its environment, or a later "
        "override sets the same field again. Remove it, or mend its name or its order.",
    ),
)
