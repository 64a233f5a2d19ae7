"""Propose the version of the environment before for this one: checks, a branch with one commit, a pull request."""

from __future__ import annotations

import argparse

from mlc_compiler.cli.console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from mlc_compiler.cli.git_state import add_key_argument

    parser.add_argument("model", nargs="?", help="the model's name, a pattern or a selector")
    parser.add_argument("--to", dest="environment", metavar="ENV", help="the environment to promote to")
    parser.add_argument("--verify", action="store_true", help="refuse pin changes since --base that no command writes")
    parser.add_argument("--base", metavar="REF", help="what --verify compares HEAD with; the default branch otherwise")
    parser.add_argument("--dry-run", action="store_true", help="check and print the pull request's text; make nothing")
    parser.add_argument("--no-commit", action="store_true", help="write the pin into the work tree; make no branch")
    parser.add_argument("--refresh", action="store_true", help="make an open proposal anew on top of HEAD")
    parser.add_argument("--push", action="store_true", help="push the branch even without a token for a pull request")
    parser.add_argument("--no-push", action="store_true", help="push nothing, even with a token")
    add_key_argument(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    from mlc_compiler.cli import selection
    from mlc_compiler.cli.git_state import git_failed, private_key, unsigned
    from mlc_compiler.cli.project import Emission, LockUse, open_project
    from mlc_compiler.gitops.git import GitError
    from mlc_compiler.gitops.signing import SigningUnavailable

    if not options.verify and (options.model is None or options.environment is None):
        console.refuse("mlc promote: say which model, and --to which environment; or --verify")
        return 2
    opened = open_project(
        options.directory,
        console,
        lock=LockUse.REQUIRED,
        emission=Emission.NOTHING if options.verify else Emission.ARTIFACTS,
    )
    if opened is None:
        return 1
    try:
        if options.verify:
            from mlc_compiler.cli.verifying import verify_changes

            return verify_changes(opened, options.base, console)
        release = selection.environment(opened.releases, options.environment, console)
        models = selection.models(opened.releases, options.model, console)
        if release is None or not models:
            return 2
        from mlc_compiler.cli.promoting import promote

        return promote(opened, release, [m.name for m in models], options, private_key(options), console)
    except SigningUnavailable as error:
        console.findings([unsigned(error)], opened.root)
    except GitError as error:
        console.findings([git_failed(error)], opened.root)
    return 1
