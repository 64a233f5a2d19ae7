"""Small repositories whose model `late` was released to staging: for tests of promotion, rollback and audit."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mlc_compiler.cli.main import run
from mlc_compiler.evidence import gates_digest, snapshot_of_test_rows
from mlc_compiler.middle.lower import lower_model
from mlc_compiler.middle.resolved import ResolvedModel
from specs_on_disk import DIGEST, a_model_of, a_project_on_disk

IDENTITY = {
    **{f"GIT_{who}_NAME": "Ada" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "ada@example.org" for who in ("AUTHOR", "COMMITTER")},
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
}
PROMOTION, ROLLBACK = "mlc/promote/prod/late", "mlc/rollback/prod/late"
ENVIRONMENTS = """\
kind: Environment
metadata: {name: staging}
spec: {tracks: main, namespace: ml-staging}
---
kind: Environment
metadata: {name: prod}
spec: {promoted_from: staging, namespace: ml-prod%s}
"""
SERVING = "specs/model.yaml"
MINIMAL = Path(__file__).parents[1] / "examples" / "minimal"


def an_evidence(model: ResolvedModel, **fields: Any) -> dict[str, Any]:
    """Return the evidence of a run of the model that passed."""
    lowered = lower_model(model, frozenset(), None)
    datasets = {d.name: d.digest or DIGEST for d in lowered.datasets}
    verdict = {"gate": "release", "title": "roc_auc >= 0.7", "status": "passed", "reason": "roc_auc 0.75 >= 0.7"}
    metric = {"value": 0.75, "low": 0.72, "high": 0.78, "confidence": 0.95, "rows": 900}
    return {
        "format_version": 1,
        "project": "tiny",
        "model": model.name,
        "version": model.version,
        "artifact": DIGEST,
        "gates_digest": gates_digest(lowered.gates),
        "test_snapshot": snapshot_of_test_rows(datasets, lowered.features, lowered.label, lowered.split),
        "champion": None,
        "inputs": {"datasets": datasets, "lock": DIGEST},
        "metrics": {"test": {"roc_auc": metric}},
        "verdicts": [{**verdict, **metric}],
        "passed": True,
        "seed": 0,
        **fields,
    }


@dataclass(frozen=True, slots=True)
class Clone:
    """A repository with the base project, and git on it."""

    root: Path

    def git(self, *arguments: str, at: int | None = None) -> str:
        """Return what git prints; `at` is the time of what it commits."""
        time = {} if at is None else {f"GIT_{who}_DATE": f"{at} +0000" for who in ("AUTHOR", "COMMITTER")}
        variables = {**os.environ, **IDENTITY, **time}
        command = ["git", "-c", "init.defaultBranch=main", *arguments]
        done = subprocess.run(command, cwd=self.root, env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def commit(self, subject: str, at: int | None = None) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", subject, at=at)
        return self.git("rev-parse", "HEAD")

    def write(self, files: Mapping[str, str]) -> None:
        for path, text in files.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text, "utf-8")

    def change(self, path: str, old: str, new: str) -> None:
        text = (self.root / path).read_text("utf-8")
        assert old in text, f"{path} holds no {old!r}"
        (self.root / path).write_text(text.replace(old, new, 1), "utf-8")

    def mlc(self, *arguments: str) -> int:
        """Run a command in this process; the tests read its words from capsys."""
        return run([arguments[0], "-C", str(self.root), *arguments[1:]])

    def release(self, *flags: str, at: int | None = None, **evidence: Any) -> str:
        """Release what the specs say to staging, by evidence made for it; return the commit."""
        files = {
            p.relative_to(self.root).as_posix(): p.read_text("utf-8")
            for p in (self.root / "mlc.yaml", *self.root.glob("specs/*.yaml"))
        }
        made = an_evidence(a_model_of(files), **evidence)
        self.write({".mlc/evidence.json": json.dumps(made)})
        given = ("--evidence", str(self.root / ".mlc/evidence.json"))
        assert self.mlc("release", "late", "-e", "staging", *given, *flags) == 0
        assert self.mlc("build") == 0
        return self.commit("Release late to staging", at=at)

    def promote(self, *flags: str) -> int:
        return self.mlc("promote", "late", "--to", "prod", *flags)

    def merge(self, branch: str, *trailers: str) -> str:
        message = "\n".join([f"Merge {branch}", *(["", *trailers] if trailers else [])])
        self.git("merge", "--quiet", "--no-ff", "-m", message, branch)
        return self.git("rev-parse", "HEAD")

    def commits(self, branch: str) -> list[str]:
        """Return the commits of a branch that main has not."""
        return self.git("rev-list", f"main..{branch}").split()


def minimal_specs(requires: str) -> str:
    """Return mlc.yaml of examples/minimal with staging and prod instead of its one environment, for `bad-day`."""
    rest, cut, _ = (MINIMAL / "mlc.yaml").read_text("utf-8").rpartition("---\n")
    return rest + cut + ENVIRONMENTS % requires


def a_clone(root: Path, requires: str = "", files: Mapping[str, str] | None = None) -> Clone:
    """Return a repository of the base project; `requires` is added to the spec of prod, as in `, requires: {...}`."""
    given = {"specs/environments.yaml": ENVIRONMENTS % requires, ".gitignore": ".mlc/\n", **(files or {})}
    clone = Clone(a_project_on_disk(root, given))
    clone.git("init", "--quiet")
    clone.commit("Start")
    return clone


def a_key() -> tuple[str, str]:
    """Return a private and its public key, as openssl writes them."""
    private = Ed25519PrivateKey.generate()
    secret = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return secret.decode(), public.decode()
