"""Golden diagnostics: what mlc says of small projects, each with one mistake, word for word.

`tests/errors/<CODE>-<slug>/` holds the files that differ from `tests/errors/_base`, perhaps `command.txt` (`validate`
otherwise) and `removed.txt`, and `expected.txt`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mlc_compiler import __version__
from mlc_compiler.codes import REGISTRY
from mlc_compiler.frontend.lock import minor
from specs_on_disk import ERRORS, a_project_on_disk, mlc

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
    if case in MADE:
        MADE[case](root)
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
    return text.replace(f"this is mlc {__version__}", "this is mlc X.Y.Z").replace(
        f"move to {minor(__version__)}", "move to X.Y"
    )


def test_the_base_project_has_no_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = mlc("validate", a_project_on_disk(tmp_path / "tiny"), capsys, monkeypatch)
    assert (outcome.code, outcome.err) == (0, "")


# --- every code has its case -----------------------------------------------------------------------------------------
# Codes that `mlc validate` and what it reads can't bring about, each family with the reason.
BY_A_RUN = "found by the local target when it meets data, estimators, stores and packages"
BY_THE_WRITER = "about generated files on disk, not about specs"
BY_THE_COMPILER = "the schema refuses it first (MLC107); the feature compiler checks what it is given all the same"
ELSEWHERE: dict[str, str] = {
    "MLC316": BY_THE_COMPILER,
    **{code: BY_A_RUN for code in REGISTRY if "MLC370" <= code < "MLC400" or "MLC450" <= code < "MLC500"},
    **{code: BY_THE_WRITER for code in REGISTRY if code >= "MLC950"},
}


def test_every_code_that_specs_can_reach_has_a_case() -> None:
    shown = {case[:6] for case in CASES}
    assert sorted(set(REGISTRY) - shown - set(ELSEWHERE)) == []
    assert sorted(shown - set(REGISTRY)) == []
    assert sorted(shown & set(ELSEWHERE)) == []


def test_every_other_code_is_named_by_the_test_that_brings_it_about() -> None:
    here = Path(__file__)
    tests = "\n".join(path.read_text("utf-8") for path in sorted(here.parent.rglob("test_*.py")) if path != here)
    assert sorted(code for code in ELSEWHERE if code not in tests) == []


def test_every_case_says_where_what_and_how_to_mend() -> None:
    for case in CASES:
        for block in (ERRORS / case / EXPECTED).read_text("utf-8").partition("\n")[2].split("\n\n"):
            if block.startswith(("error[", "warning[", "info[")):
                assert "--> " in block, case
                assert "= help: " in block or case[:6] in WITHOUT_HELP, f"{case} does not help"
                assert "mlc explain" in block, case


WITHOUT_HELP = frozenset({"MLC301"})  # "the expression breaks off here" is all that can be said


# --- what must stay silent -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("project", sorted(path.name for path in OK.iterdir()))
def test_a_tricky_project_has_no_finding(
    project: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = a_project_on_disk(tmp_path / "tiny")
    _overlay(OK / project, root)
    outcome = mlc("validate --strict", root, capsys, monkeypatch)
    assert (outcome.code, outcome.err) == (0, "")
