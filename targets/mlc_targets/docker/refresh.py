"""Writes packages.txt anew: `python -m mlc_targets.docker.refresh requirements/run.txt`. For those who work on mlc.

pip resolves what images install, under the versions that mlc itself is tested with, for every Python and processor
that images are built for; nothing is downloaded but metadata.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mlc_compiler.records import dataclass
from mlc_targets.docker.packages import EXTRAS, PACKAGES_FILE, PYTHONS

PROCESSORS = ("x86_64", "aarch64")
# What python:*-slim-bookworm, with glibc 2.36, installs.
_PLATFORMS = ("manylinux_2_36", "manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014")
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Wheel:
    """One file that pip would install, for one Python."""

    name: str
    version: str
    sha256: str
    extra: str
    python: str


def main(arguments: list[str]) -> int:
    """Resolve and write; the argument is the requirements file with the versions."""
    versions = tested_versions(Path(arguments[0]).read_text("utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("".join(f"{name}=={version}\n" for name, version in sorted(versions.items())), "utf-8")
        found = tuple(
            wheel
            for extra in EXTRAS
            for python in PYTHONS
            for processor in PROCESSORS
            for wheel in resolved(extra, python, processor, constraints)
        )
    PACKAGES_FILE.write_text(packages_text(found), "utf-8")
    return 0


def tested_versions(requirements: str) -> dict[str, str]:
    """Return a version for each package; where newer Pythons have a newer one, the one that all of them take.

    >>> tested_versions("numpy==2.4.6 ; python_full_version < '3.12'\\nnumpy==2.5.5 ; python_full_version >= '3.12'")
    {'numpy': '2.4.6'}
    """
    versions: dict[str, str] = {}
    for name, version in _PIN.findall(requirements):
        versions.setdefault(canonical(name), version)
    return versions


def resolved(extra: str, python: str, processor: str, constraints: Path) -> Iterator[Wheel]:
    """Yield the wheels that pip would install; raises CalledProcessError where it finds no way."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        platforms = [part for name in _PLATFORMS for part in ("--platform", f"{name}_{processor}")]
        subprocess.run(
            [
                sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet",
                "--only-binary=:all:", "--implementation=cp", f"--python-version={python}", *platforms,
                "--target", folder, "--report", str(report), "--constraint", str(constraints), *EXTRAS[extra],
            ],
            check=True,
        )  # fmt: skip
        for item in json.loads(report.read_text("utf-8"))["install"]:
            name, version = canonical(item["metadata"]["name"]), item["metadata"]["version"]
            yield Wheel(name, version, item["download_info"]["archive_info"]["hashes"]["sha256"], extra, python)


def packages_text(wheels: tuple[Wheel, ...]) -> str:
    """Return the file: pip's own format, with the extras and the Pythons of each line behind `#`."""
    lines = ["# Written by mlc_targets.docker.refresh; do not edit."]
    for name, version in sorted({(w.name, w.version) for w in wheels}):
        own = [w for w in wheels if w.name == name]
        lines.append(f"{name}=={version} # {' '.join(sorted({w.extra for w in own}))}")
        pythons = {sha: {w.python for w in own if w.sha256 == sha} for sha in sorted({w.sha256 for w in own})}
        lines += [f"    --hash=sha256:{sha} # {' '.join(sorted(found))}" for sha, found in pythons.items()]
    return "\n".join(lines) + "\n"


def canonical(name: str) -> str:
    """Return a package's name as indexes compare it.

    >>> canonical("prometheus_client")
    'prometheus-client'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
