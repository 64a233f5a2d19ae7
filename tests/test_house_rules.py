"""The house rules that no linter knows, checked on the source as it stands."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from mlc_compiler.backend.registry import installed
from mlc_compiler.codes import FAMILIES, REGISTRY
from mlc_targets import TARGETS

ROOT = Path(__file__).parent.parent
COMPILER, TARGETS_FOLDER = ROOT / "compiler" / "mlc_compiler", ROOT / "targets" / "mlc_targets"
LONGEST_FUNCTION, LONGEST_FILE = 60, 450
# What would bring a training library, a data engine or a client of something else into the compiler.
HEAVY = frozenset(
    {"docker", "duckdb", "evidently", "fsspec", "joblib", "lightgbm", "mlflow", "numpy", "onnx", "onnxruntime"}
    | {"optuna", "pandas", "pyarrow", "scipy", "skl2onnx", "sklearn", "skops", "starlette", "uvicorn", "xgboost"}
)


@cache
def sources() -> tuple[Path, ...]:
    folders = (ROOT / "compiler", ROOT / "targets", ROOT / "schemas", ROOT / "tools")
    return tuple(sorted(path for folder in folders for path in folder.rglob("*.py")))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports, anywhere in it."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def names(path: Path) -> Iterator[str]:
    """Yield every name, and every dotted name such as os.environ or datetime.now."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}"


def is_at_the_edge(path: Path) -> bool:
    """Tell whether a file may look at the world: the command line and what executes on this machine."""
    return (
        any(path.is_relative_to(f) for f in (COMPILER / "cli", TARGETS_FOLDER / "local")) or path.name == "__main__.py"
    )


# --- shape -----------------------------------------------------------------------------------------------------------
def test_functions_and_files_are_short() -> None:
    long_files = [shown(p) for p in sources() if len(p.read_text("utf-8").splitlines()) > LONGEST_FILE]
    long_functions = [
        f"{shown(path)}: {node.name}"
        for path in sources()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno >= LONGEST_FUNCTION
    ]
    assert (long_files, long_functions) == ([], [])


def test_no_name_says_nothing() -> None:
    empty = re.compile(r"(Manager|Helper|Util|Utils|Base|Impl)$")
    found = [
        f"{shown(path)}: {node.name}"
        for path in sources()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and empty.search(node.name)
    ]
    assert found == []


# --- purity ----------------------------------------------------------------------------------------------------------
def test_only_the_edge_reads_environment_and_clock_and_prints() -> None:
    # `incremental` and `unchanged` remember stamps of files; they live in the command line's package.
    refused = {"os.environ", "os.getenv", "datetime.now", "datetime.utcnow", "date.today", "time.time", "print"}
    found = [f"{shown(p)}: {name}" for p in sources() if not is_at_the_edge(p) for name in names(p) if name in refused]
    assert [f for f in found if not f.startswith("tools/")] == []


def test_the_compiler_imports_no_heavy_library() -> None:
    found = [
        f"{shown(path)}: {module}"
        for path in sources()
        if path.is_relative_to(COMPILER)
        for module in imports(path)
        if module.partition(".")[0] in HEAVY
    ]
    assert found == []


def test_pydantic_stays_with_the_specs() -> None:
    allowed = {"frontend/schema.py", "middle/overrides.py", "analysis/secrets.py", "cli/explain_command.py"}
    found = [
        path.relative_to(COMPILER).as_posix()
        for path in sources()
        if path.is_relative_to(COMPILER) and any(m.partition(".")[0].startswith("pydantic") for m in imports(path))
    ]
    assert [f for f in found if not f.startswith("spec/") and f not in allowed] == []


def test_targets_never_see_the_specs() -> None:
    refused = ("mlc_compiler.spec", "mlc_compiler.frontend", "mlc_compiler.analysis", "mlc_compiler.middle")
    found = [
        f"{shown(path)}: {module}"
        for path in sources()
        if path.is_relative_to(TARGETS_FOLDER) and not path.is_relative_to(TARGETS_FOLDER / "local")
        for module in imports(path)
        if module.startswith(refused)
    ]
    assert found == []


def test_no_file_names_a_place_of_a_machine() -> None:
    # Someone's home, a scratch folder, an internal registry: what makes a file true on one machine only.
    place = re.compile(r"/(?:home|Users)/(?!nonroot|mlc\b)[a-z]|/work/|/tmp/[a-z]|\.internal\b|artifactory")
    files = [
        p for folder in ("compiler", "targets", "schemas", "tools", "docs", "examples") for p in texts(ROOT / folder)
    ]
    files += [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "Makefile", "pyproject.toml")]
    found = [f"{shown(p)}: {m.group()}" for p in files for m in place.finditer(p.read_text("utf-8", "replace"))]
    assert found == []


def texts(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") or part == "__pycache__" for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden and path.suffix in (".py", ".md", ".yaml", ".json", ".toml", ".j2", ".sh"):
            yield path


# --- codes -----------------------------------------------------------------------------------------------------------
def test_every_code_is_registered_and_every_registered_code_is_used() -> None:
    used = {
        code
        for path in sources()
        if not path.is_relative_to(COMPILER / "codes") and shown(path).partition("/")[0] != "tools"
        for code in re.findall(r'"(MLC\d{3})"', path.read_text("utf-8"))
    }
    assert sorted(used - set(REGISTRY)) == []
    assert sorted(set(REGISTRY) - used) == []


def test_codes_stand_once_in_the_family_of_their_number() -> None:
    ids = [code.id for _, codes in FAMILIES for code in codes]
    assert len(ids) == len(set(ids))
    assert [sorted({c.id[3] for c in codes}) for _, codes in FAMILIES] == [[digit] for digit in "0123456789"]


def test_codes_explain_themselves() -> None:
    for code in REGISTRY.values():
        assert code.title[0].islower() or code.title.split()[0].isupper(), f"{code.id} has a title of its own style"
        assert not code.title.endswith("."), code.id
        assert code.explanation.endswith((".", ".)")), f"{code.id} is explained in sentences"
        assert len(code.explanation) > 70, f"{code.id}: say the rule, why, and how to mend"


# --- targets ---------------------------------------------------------------------------------------------------------
def folders_of_targets() -> list[str]:
    return sorted(path.parent.name for path in TARGETS_FOLDER.glob("*/__init__.py"))


def test_targets_are_sorted_and_each_folder_is_one() -> None:
    assert list(TARGETS) == sorted(TARGETS)
    assert [name.replace("-", "_") for name in TARGETS] == folders_of_targets()
    assert [target.name for target in installed().every()] == list(TARGETS)


@pytest.mark.parametrize("folder", folders_of_targets())
def test_a_target_has_readme_and_golden_and_a_consumer_row(folder: str) -> None:
    name = folder.replace("_", "-")
    assert (TARGETS_FOLDER / folder / "README.md").is_file()
    if name == "local":  # it emits nothing
        return
    assert (ROOT / "tests" / "golden" / name).is_dir()
    rows = [path.read_text("utf-8") for path in sorted((ROOT / "tests" / "consumers").glob("*.py"))]
    assert any(folder in row or name in row for row in rows), f"no consumer judges {name}"
