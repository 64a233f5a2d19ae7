"""Golden diagnostics: what mlc says of small projects, each with one mistake, word for word.

`tests/errors/<CODE>-<slug>/` holds the files that differ from `tests/errors/_base`, perhaps `command.txt` (`validate`
otherwise) and `removed.txt`, and `expected.txt`. `statistics.json` is what the lock has measured of the model `late`.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mlc_compiler import __version__, codec
from mlc_compiler.codes import REGISTRY
from mlc_compiler.conventions import LOCK_FILE, PROJECT_FILE, snapshot_path
from mlc_compiler.diagnostics import Sink
from mlc_compiler.frontend.lock import lock_text, minor
from mlc_compiler.frontend.workspace import SpecFile
from mlc_compiler.gitops.pins import pin_data
from mlc_compiler.ir import Pin
from mlc_compiler.middle.models import resolve_models
from mlc_compiler.middle.resolved import snapshot_text
from mlc_compiler.middle.statistics import statistics_digest
from mlc_compiler.pipeline import load_project
from specs_on_disk import DIGEST, ERRORS, a_lock, a_model_of, a_project_on_disk, mlc

OK = Path(__file__).parent / "ok"
CASES = sorted(path.name for path in ERRORS.iterdir() if path.name.startswith("MLC"))
EXPECTED, COMMAND, REMOVED = "expected.txt", "command.txt", "removed.txt"
STATISTICS = "statistics.json"


def _too_large(root: Path) -> None:
    (root / "specs/large.yaml").write_text("# " + "x" * 6_000_000, "utf-8")


def _broken_link(root: Path) -> None:
    (root / "specs/link.yaml").symlink_to("nowhere.yaml")


def _live(root: Path) -> None:
    """Let prod run the base model as it was before the case changed the specs, or with the files of `live/`."""
    before = root / "live"
    model = a_model_of({p.relative_to(before).as_posix(): p.read_text("utf-8") for p in before.rglob("*.yaml")})
    shutil.rmtree(before, ignore_errors=True)
    text = snapshot_text(model)
    pin = Pin(model.version, DIGEST, "registry.example/late@" + DIGEST, codec.text_digest(text), "")
    path = root / snapshot_path("late", pin.snapshot)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    (root / "environments/prod").mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{name}: {value}\n" for name, value in pin_data(pin).items())
    (root / "environments/prod/late.yaml").write_text(lines, "utf-8")


# What would be silly or impossible to keep in git.
MADE: dict[str, Callable[[Path], None]] = {
    **{case: _live for case in CASES if case.startswith(("MLC43", "MLC644"))},
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
    if (root / STATISTICS).exists():
        _measured(root)
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


def _measured(root: Path) -> None:
    """Let the lock hold the case's statistics, as measured of what its specs say."""
    found = json.loads((root / STATISTICS).read_text("utf-8"))
    (root / STATISTICS).unlink()
    files = (root / PROJECT_FILE, *sorted((root / "specs").rglob("*.yaml")))
    project = load_project(tuple(SpecFile(p.relative_to(root).as_posix(), p.read_bytes()) for p in files), Sink())
    assert project is not None, "statistics are of specs that can be read"
    model = resolve_models(project, a_lock(), {}, Sink())["late"]
    entry = {"of": statistics_digest(model, "UTC"), **found}
    (root / LOCK_FILE).write_text(lock_text(a_lock(models={"late": entry})), "utf-8")


def _without_version(text: str) -> str:
    text = re.sub(r"runs [0-9a-f]{12}", "runs 0123456789ab", text)  # the base model's: it moves with mlc's results
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
BY_COMPARING = "about two states of a project, which `mlc plan` compares"
BY_THE_COMPILER = "the schema refuses it first (MLC107); the feature compiler checks what it is given all the same"
# What scikit-learn refuses is known without it; a run that meets the same says so by the same code.
TOLD_BEFORE_A_RUN = ("MLC450", "MLC451", "MLC452", "MLC456", "MLC457", "MLC462", "MLC463")
BY_GIT = "about the history of a repository, which no case has"
ELSEWHERE: dict[str, str] = {
    **{code: BY_GIT for code in REGISTRY if "MLC936" <= code < "MLC949"},
    "MLC316": BY_THE_COMPILER,
    "MLC360": BY_A_RUN,
    "MLC361": BY_A_RUN,
    "MLC362": BY_A_RUN,
    "MLC363": BY_A_RUN,
    **{code: BY_A_RUN for code in REGISTRY if "MLC370" <= code < "MLC400"},
    **{code: BY_A_RUN for code in REGISTRY if "MLC450" <= code < "MLC500" and code not in TOLD_BEFORE_A_RUN},
    **{code: BY_THE_WRITER for code in REGISTRY if "MLC950" <= code < "MLC960"},
    **{code: BY_COMPARING for code in REGISTRY if "MLC960" <= code < "MLC968"},
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
