"""Print a completion script: `source <(mlc completion bash)`."""

from __future__ import annotations

import argparse

from mlc_compiler.cli.console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))


def run(options: argparse.Namespace, console: Console) -> int:
    from mlc_compiler.cli.main import COMMANDS

    names = " ".join(name for name, _ in COMMANDS)
    scripts = {
        "bash": f'_mlc() {{ COMPREPLY=($(compgen -W "{names}" -- "${{COMP_WORDS[COMP_CWORD]}}")); }}\n'
        "complete -o default -F _mlc mlc",
        "zsh": "#compdef mlc\n_arguments '1:command:(("
        + " ".join(f'{n}\\:"{s}"' for n, s in COMMANDS)
        + "))' '*:file:_files'",
        "fish": "\n".join(f"complete -c mlc -n __fish_use_subcommand -a {n} -d '{s}'" for n, s in _quoted(COMMANDS)),
    }
    console.out(scripts[options.shell])
    return 0


def _quoted(commands: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    return [(name, summary.replace("'", "\\'")) for name, summary in commands]
