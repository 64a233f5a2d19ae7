"""Repositories that tests of gitops start from: made once, copied for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from promotions import IDENTITY, Clone, a_clone


@pytest.fixture(autouse=True)
def away_from_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let git know one author and no settings, and let no token or key of the machine reach a command."""
    for name in (
        "GITHUB_ACTIONS",
        "GH_TOKEN",
        "GITHUB_TOKEN",
        "GITLAB_TOKEN",
        "MLC_SIGNING_KEY",
        "MLC_SIGNING_KEY_FILE",
    ):
        monkeypatch.delenv(name, raising=False)
    for name, value in IDENTITY.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def released_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    clone = a_clone(tmp_path_factory.mktemp("released") / "tiny")
    clone.release()
    return clone.root


@pytest.fixture
def released(released_once: Path, tmp_path: Path) -> Clone:
    """A repository with one version in staging and none in prod."""
    shutil.copytree(released_once, tmp_path / "tiny", symlinks=True)
    return Clone(tmp_path / "tiny")
