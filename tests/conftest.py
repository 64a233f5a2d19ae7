"""What all tests share: golden trees, compared whole and rewritten on request."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest
from hypothesis import settings

from mlc_compiler.backend.target import Artifact

settings.register_profile("mlc", deadline=None)  # on a busy machine the time of one example says nothing
settings.load_profile("mlc")
GOLDEN = Path(__file__).parent / "golden"

Golden = Callable[[str, Mapping[str, str] | Iterable[Artifact]], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite tests/golden with what was made")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--update-golden", default=False) and os.environ.get("CI") == "true":
        raise pytest.UsageError("--update-golden is for people: what CI would write nobody would have read")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare artifacts, or texts by relative path, with the folder `tests/golden/<case>`: the set of files, each text.

    With --update-golden the folder is rewritten and the test reports as skipped.
    """

    def compare(case: str, made: Mapping[str, str] | Iterable[Artifact]) -> None:
        texts = dict(made) if isinstance(made, Mapping) else {a.path: a.text for a in made}
        folder = GOLDEN / case
        if request.config.getoption("--update-golden"):
            _rewrite(folder, texts)
            pytest.skip(f"rewrote tests/golden/{case}")
        kept = {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in _files(folder)}
        assert sorted(texts) == sorted(kept), "another set of files; see them with --update-golden"
        for path in sorted(texts):
            assert texts[path] == kept[path], f"{case}/{path} differs"

    return compare


def _rewrite(folder: Path, texts: Mapping[str, str]) -> None:
    for path in _files(folder):
        if path.relative_to(folder).as_posix() not in texts:
            path.unlink()
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
