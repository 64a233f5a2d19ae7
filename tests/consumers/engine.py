"""A real Docker engine for tests: the one that runs, or one started by hand that can pull nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from consumers import tools
from processes import a_process

BASE = "mlc-test/python:3.11"
"""What images of tests stand on: Python 3.11 on Debian bookworm, pulled or made here once."""

CACHE = Path(tempfile.gettempdir()) / "mlc-consumers"
_PULLED = "python:3.11-slim-bookworm"
_PACKAGES = "python3,python3-pip,python3-venv,ca-certificates"


@dataclass(frozen=True)
class Engine:
    """A Docker engine; `client` talks to it at `host`, None for the machine's own."""

    client: Path
    host: str | None

    def run(self, *arguments: str | Path, timeout: float = 120.0) -> tools.Outcome:
        """Run a docker command; its two outputs come as one."""
        return tools.run([self.client, *arguments], Path("/"), timeout, self._environment)

    def done(self, *arguments: str | Path, timeout: float = 120.0) -> str:
        """Run a docker command that must succeed, and return what it answers, without its warnings."""
        done = subprocess.run(
            [self.client, *arguments], env={**os.environ, **self._environment}, capture_output=True, text=True,
            timeout=timeout, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"docker {' '.join(map(str, arguments))}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    @property
    def _environment(self) -> dict[str, str]:
        return {"DOCKER_BUILDKIT": "1", **({"DOCKER_HOST": self.host} if self.host else {})}


@contextmanager
def an_engine() -> Iterator[Engine]:
    """Give an engine that has the image BASE; one that was started for this ends here."""
    # Debian's client builds with BuildKit by itself; others want a plugin for it that may be missing.
    client = Path("/usr/bin/docker")
    if not client.exists():
        client = Path(shutil.which("docker") or tools.absent("dockerd"))
    present = Engine(client, None)
    if present.run("info").accepted:
        if not present.run("image", "inspect", BASE).accepted:
            present.done("pull", _PULLED, timeout=300)
            present.done("tag", _PULLED, BASE)
        yield present
        return
    with _started(client) as engine:
        engine.done("import", _base_archive(), BASE)
        yield engine


@contextmanager
def _started(client: Path) -> Iterator[Engine]:
    daemon = tools.require("dockerd")
    if os.geteuid() != 0:
        tools.absent("dockerd")
    # The path of a socket may have 107 characters: the folders of pytest are too deep.
    folder = Path(tempfile.mkdtemp(prefix="mlc-engine-"))
    command: list[str | Path] = [
        daemon, "--data-root", folder / "data", "--exec-root", folder / "exec", "--pidfile", folder / "pid",
        "-H", f"unix://{folder}/socket", "--iptables=false", "--ip6tables=false", "--ip-forward=false",
        "--ip-masq=false", "--bip", "172.30.250.1/24", "--storage-driver=overlay2",
    ]  # fmt: skip
    try:
        with a_process(command, folder / "log", patience=60) as process:
            engine = Engine(client, f"unix://{folder}/socket")
            end = time.monotonic() + 60
            while not engine.run("info").accepted:
                if process.poll() is not None or time.monotonic() > end:
                    raise AssertionError((folder / "log").read_text("utf-8")[-2000:])
                time.sleep(0.2)
            yield engine
            # An engine waits for its containers before it ends.
            if left := engine.done("ps", "--all", "--quiet").split():
                engine.run("rm", "--force", *left)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _base_archive() -> Path:
    """Return the archive of a minimal Debian with Python, made once for all runs of the tests."""
    archive = CACHE / "bookworm-python.tar"
    if archive.exists():
        return archive
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        root, made = Path(folder) / "root", Path(folder) / "base.tar"
        command: list[str | Path] = [
            tools.require("debootstrap"),
            "--variant=minbase",
            f"--include={_PACKAGES}",
            "bookworm",
            root,
        ]
        assert (outcome := tools.run(command, CACHE, 600)).accepted, outcome.output[-2000:]
        (root / "usr/local/bin/python").symlink_to("/usr/bin/python3")
        shutil.rmtree(root / "var/cache/apt/archives")
        tools.run(["tar", "--create", f"--file={made}", f"--directory={root}", "."], CACHE, 120)
        made.rename(archive)
    return archive
