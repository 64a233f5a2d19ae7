"""Check this machine and the project's set-up: each line says what is well and how to mend what is not."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from mlc_compiler.cli.console import Console
from mlc_compiler.records import dataclass

EXTRAS = {
    "run": ("duckdb", "pyarrow", "sklearn", "skl2onnx", "onnxruntime", "skops"),
    "serve": ("starlette", "uvicorn", "orjson", "prometheus_client"),
}


@dataclass(frozen=True, slots=True)
class Check:
    """One line: state is ok, note (a limitation) or bad."""

    state: str
    title: str
    remedy: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    del parser  # no flags of its own


def run(options: argparse.Namespace, console: Console) -> int:
    checks = [*_machine(), *_project(options.directory)]
    for check in checks:
        remedy = f"\n       {check.remedy}" if check.remedy else ""
        console.out(f"{check.state:<5}{check.title}{remedy}")
    return 1 if any(c.state == "bad" for c in checks) else 0


def _machine() -> Iterator[Check]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield (
        Check("ok", f"Python {version}")
        if sys.version_info >= (3, 11)
        else Check("bad", f"Python {version}", "use 3.11+")
    )
    import yaml

    if yaml.__with_libyaml__:
        yield Check("ok", f"PyYAML {yaml.__version__} with libyaml")
    else:
        yield Check(
            "note",
            f"PyYAML {yaml.__version__} without libyaml: loading is ten times slower",
            "reinstall PyYAML from a wheel",
        )
    for extra, modules in EXTRAS.items():
        missing = [m for m in modules if find_spec(m) is None]
        if missing:
            yield Check(
                "note", f"`{extra}` is not installed: {', '.join(missing)}", f"pip install 'mlc-compiler[{extra}]'"
            )
        else:
            yield Check("ok", f"`{extra}`: {', '.join(modules)}")
    for tool, use in (("git", "plans against a ref"), ("docker", "building images")):
        found = shutil.which(tool)
        yield (
            Check("ok", f"{tool}: {found}")
            if found
            else Check("note", f"no {tool}: needed for {use}", f"install {tool}")
        )


def _project(directory: Path) -> Iterator[Check]:
    from mlc_compiler.backend.capability import Capable
    from mlc_compiler.backend.registry import installed
    from mlc_compiler.cli.project import read_project
    from mlc_compiler.conventions import LOCK_FILE, PROJECT_FILE, counted
    from mlc_compiler.diagnostics import Sink
    from mlc_compiler.frontend.workspace import find_root

    registry = installed()
    yield Check("ok", f"targets: {', '.join(registry.names())}")
    root = find_root(directory)
    if root is None:
        yield Check("note", f"no {PROJECT_FILE} here", "mlc init")
        return
    sink = Sink()
    project = read_project(root, sink)
    if project is None or sink.failed():
        yield Check("bad", "the specs have errors", "mlc validate")
        return
    yield Check("ok", f"project {project.document.name}: {counted(len(project.models), 'model')}")
    for target in registry.chosen(project.spec.targets):
        if isinstance(target, Capable):
            rows = target.capabilities()
            limits = sum(row.support != "yes" for row in rows)
            yield Check(
                "ok", f"{target.name}: {len(rows)} capabilities, {limits} of them limits; mlc explain {target.name}"
            )
    if (root / LOCK_FILE).is_file():
        yield Check("ok", LOCK_FILE)
    else:
        yield Check("note", f"no {LOCK_FILE}", "mlc lock")
