"""Golden diagnostics: what mlc says of small projects, each with one mistake, word for word.

`tests/errors/<CODE>-<slug>/` holds the files that differ from `tests/errors/_base`, perhaps `command.txt` (`validate`
otherwise) and `removed.txt`, and `expected.txt`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from specs_on_disk import ERRORS, a_project_on_disk, mlc

from mlc_compiler import __version__
from mlc_compiler.codes import REGISTRY
from mlc_compiler.frontend.lock import minor

OK = Path(__file__).parent / "ok"
CASES = sorted(path.name for path in ERRORS.iterdir() if path.name.startswith("MLC"))
EXPECTED, COMMAND, REMOVED = "expected.txt", "command.txt", "removed.txt"


def _too_large(root: Path) -> None:
    (root / "specs/large.yaml").write_text("# " + "x" * 6_000_000, "utf-8")


def _broken_link(root: Path) -> None:
    (root / "specs/link.yaml").symlink_to("nowhere.yaml")


# What would be silly or impossible to keep in git.
MADE: dict[str, Callable[[Path], None]] = {
    "MLC012-too-large": _too_large,
    "MLC212-broken-link": _broken_link,
}


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_is_told_as_expected(
    case: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    folder = ERRORS / case
    root = a_project_on_disk(tmp_path / "tiny")
    _overlay(folder, root)
    MADE.get(case, lambda _: None)(root)
    command = (folder / COMMAND).read_text("utf-8").strip() if (folder / COMMAND).exists() else "validate"
    outcome = mlc(command, root, capsys, monkeypatch)
    said = _without_version(f"$ mlc {command}\n{outcome.text}exit {outcome.code}\n")
    if request.config.getoption("--update-golden"):
        (folder / EXPECTED).write_text(said, "utf-8")
        pytest.skip(f"rewrote {case}/{EXPECTED}")
    assert said == (folder / EXPECTED).read_text("utf-8")
    assert f"[{case[:6]}]" in said, "the case does not show the code that it is named for"


def _overlay(folder: Path, root: Path) -> None:
    ignored = shutil.ignore_patterns(EXPECTED, COMMAND, REMOVED)
    shutil.copytree(folder, root, dirs_exist_ok=True, ignore=ignored)
    if (folder / REMOVED).exists():
        for name in (folder / REMOVED).read_text("utf-8").split():
            (root / name).unlink()


def _without_version(text: str) -> str:
    return text.replace(f"this is mlc {__version__}", "this is mlc X.Y.Z").replace(f"move to {minor(__version__)}", "move to X.Y")


def test_the_base_project_has_no_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = mlc("validate", a_project_on_disk(tmp_path / "tiny"), capsys, monkeypatch)
    assert (outcome.code, outcome.err) == (0, "")
