"""The command line: which commands there are, the flags that all share, and what an exit code means.

Command modules are imported only when called, so that each starts as fast as what it needs.
"""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import sys
from pathlib import Path

from mlc_compiler import __version__
from mlc_compiler.cli.console import Console
from mlc_compiler.cli.garbage import uncollected
from mlc_compiler.cli.unchanged import ANSWERED, remember

OK, FAILED, USAGE, DIFFERENCE, BUG, INTERRUPTED = 0, 1, 2, 3, 70, 130

COMMANDS: tuple[tuple[str, str], ...] = (
    ("init", "start a project, or draft specs from a table"),
    ("validate", "check the specs and report every finding"),
    ("fmt", "lay out spec files canonically"),
    ("lock", "measure datasets and pin what a build rests on"),
    ("plan", "show what build would change"),
    ("build", "write the artifacts"),
    ("diff", "show the text that build would change"),
    ("why", "tell which spec field a line of an artifact comes from"),
    ("explain", "explain a finding's code or a spec field"),
    ("schema", "print the JSON Schema of a kind"),
    ("graph", "draw what depends on what"),
    ("lineage", "trace what flows into what, column by column"),
    ("show", "print effective values, or a feature's SQL"),
    ("run", "run a model's pipeline here: data, training, gates, package"),
    ("test", "run the feature tests of the specs"),
    ("serve", "serve a model's package here"),
    ("release", "pin a version that passed its gates"),
    ("promote", "propose the version of the environment before"),
    ("rollback", "propose the version that ran before"),
    ("status", "show what runs where, and what it waits for"),
    ("audit", "tell from git what ran where and when, and why"),
    ("verify", "check pins, evidence and signatures offline"),
    ("doctor", "check this machine and the project's set-up"),
    ("completion", "print a shell completion script"),
    ("version", "print the version"),
)


def run(arguments: list[str]) -> int:
    """Parse, dispatch, and turn whatever happens into an exit code."""
    if sys.stdout is None:  # closed by who called: what nobody can read is written nowhere
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away, e.g. `mlc plan | head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except OSError as error:
        return _failed(error, arguments)
    except SystemExit as exit:
        return exit.code if isinstance(exit.code, int) else USAGE
    except Exception as error:  # our own bug: the user gets a report to send, not a traceback
        from mlc_compiler.cli.crash import report

        return report(error, arguments)


def _failed(error: OSError, arguments: list[str]) -> int:
    """Say that the disk is full or the folder gone: no bugs of ours, as other errors that come this far are."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        said = f"{error.filename or 'the output'} can't be written: {error.strerror}"
    elif _is_nowhere():
        said = "the folder that this was started in no longer exists: change into another, or name one by -C"
    else:
        from mlc_compiler.cli.crash import report

        return report(error, arguments)
    print(f"mlc: {said}", file=sys.stderr)
    return FAILED


def _is_nowhere() -> bool:
    """Tell whether the working directory was removed, or can't be told."""
    try:
        Path.cwd()
    except OSError:
        return True
    return False


def _run(arguments: list[str]) -> int:
    given = arguments
    name = next((a for a in arguments if not a.startswith("-")), None)
    if name is None or arguments[0] in ("-h", "--help", "help"):
        print(usage())
        return OK if arguments else USAGE
    if arguments[0].startswith("-"):
        arguments = _command_first(arguments)
        name = arguments[0]
    if name not in dict(COMMANDS):
        return _unknown(name)
    module = importlib.import_module(f"mlc_compiler.cli.{name}_command")
    parser = argparse.ArgumentParser(prog=f"mlc {name}", description=module.__doc__, allow_abbrev=False)
    common_flags(parser)
    module.add_arguments(parser)
    options = parser.parse_args(arguments[1:])
    console = Console.of(options)
    if name not in ANSWERED:
        return int(module.run(options, console))
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"  # they are looked for in all that is installed, for our specs
    with uncollected():
        code: int = module.run(options, console)
        remember(given, console.record, code)
    return code


def _command_first(arguments: list[str]) -> list[str]:
    """Let the shared flags stand before the command, as in `mlc -C dir plan`."""
    names = dict(COMMANDS)
    position = next((i for i, a in enumerate(arguments) if a in names), None)
    if position is None:
        flags = argparse.ArgumentParser(prog="mlc", add_help=False, usage=usage(), allow_abbrev=False)
        common_flags(flags)
        _, rest = flags.parse_known_args(arguments)
        return rest or ["--help"]
    return [arguments[position], *arguments[:position], *arguments[position + 1 :]]


def common_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that every command has."""
    parser.add_argument("-C", dest="directory", type=Path, default=Path(), metavar="DIR", help="the project's folder")
    parser.add_argument("-q", dest="quiet", action="store_true", help="findings and results only")
    parser.add_argument("-v", dest="verbose", action="store_true", help="say more")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="colours on a terminal")


def usage() -> str:
    """Return the help of `mlc` itself."""
    rows = [f"  {name:<12}{summary}" for name, summary in COMMANDS]
    return "\n".join(
        [
            f"mlc {__version__}: compiles specs of datasets, features, models, gates and rollouts into what runs them",
            "",
            "usage: mlc COMMAND [-C DIR] [-q] [-v] [--color WHEN] ...",
            "",
            *rows,
            "",
            "`mlc COMMAND --help` tells a command's flags.",
        ]
    )


def _unknown(name: str) -> int:
    from mlc_compiler.diagnostics import nearest

    near = nearest(name, dict(COMMANDS))
    hint = f": did you mean `mlc {near}`?" if near else "; `mlc --help` lists the commands"
    print(f"mlc: there is no command `{name}`{hint}", file=sys.stderr)
    return USAGE
