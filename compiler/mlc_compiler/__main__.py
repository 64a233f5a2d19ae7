"""The command `mlc`. Answers --version and --help, and an unchanged build, before anything heavy is imported."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line and return its exit code (DESIGN: 0, 1, 2, 3, 70, 130)."""
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"]):
        from mlc_compiler import __version__

        print(f"mlc {__version__}")
        return 0
    from mlc_compiler.cli.unchanged import answer

    code = answer(arguments)
    if code is not None:
        return code
    from mlc_compiler.cli.main import run

    return run(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
