"""What an image installs besides mlc: exact versions, with the digests of the wheels where all of them are known."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from mlc_compiler.ir import Model, Project
from mlc_compiler.records import dataclass

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
EXTRAS: Mapping[str, tuple[str, ...]] = {
    "serve": (
        "duckdb", "numpy", "onnxruntime", "orjson", "prometheus-client", "protobuf", "pyarrow", "starlette", "uvicorn",
    ),
    "skops": ("scikit-learn", "skops"),
}  # fmt: skip
"""What mlc's servers and jobs import, and what models that are no ONNX graph need besides."""

PACKAGES_FILE = Path(__file__).with_name("packages.txt")

_PIN = re.compile(r"(?P<name>\S+)==(?P<version>\S+) # (?P<extras>.+)")
_HASH = re.compile(r"\s+--hash=(?P<digest>\S+) # (?P<pythons>.+)")
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_SEPARATORS = re.compile(r"[-_.]+")


@dataclass(frozen=True, slots=True)
class Package:
    """A package at the version that mlc was tried with; `wheels` are digests with the Pythons that take them."""

    name: str
    version: str
    extras: tuple[str, ...]
    wheels: tuple[tuple[str, tuple[str, ...]], ...]

    def digests(self, python: str) -> tuple[str, ...]:
        """Return the digests of the wheels for one Python, on any processor."""
        return tuple(digest for digest, pythons in self.wheels if python in pythons)


def known_packages() -> tuple[Package, ...]:
    """Return the packages of packages.txt, sorted by name."""
    packages: list[Package] = []
    wheels: list[tuple[str, tuple[str, ...]]] = []
    for line in reversed(PACKAGES_FILE.read_text("utf-8").splitlines()):
        if found := _HASH.fullmatch(line):
            wheels.append((found["digest"], tuple(found["pythons"].split())))
        elif found := _PIN.fullmatch(line):
            extras = tuple(found["extras"].split())
            packages.append(Package(found["name"], found["version"], extras, tuple(reversed(wheels))))
            wheels = []
    return tuple(reversed(packages))


def requirements(project: Project, model: Model, known: tuple[Package, ...]) -> tuple[str, ...]:
    """Return the lines of requirements.txt. With digests all or none: pip wants them of every package or of no one.

    The lock's versions come before those that this mlc was tried with; a version that mlc does not know has no digest.
    """
    extras = {"serve"} | ({"skops"} if needs_estimator(model) else set())
    wanted = [package for package in known if extras & set(package.extras)]
    locked = dict(project.lock.packages)
    own = _own(model)
    tried = all(locked.get(p.name, p.version) == p.version and p.digests(project.python) for p in wanted)
    if tried and not own:
        return tuple(line for package in wanted for line in _hashed(package, project.python))
    pinned = {p.name: f"{p.name}=={locked.get(p.name, p.version)}" for p in wanted}
    return tuple(line for _, line in sorted({**pinned, **own}.items()))


def needs_estimator(model: Model) -> bool:
    """Return whether the image runs scikit-learn or the model's own code, and not an ONNX graph alone."""
    return model.package == "skops" or bool(model.code)


def _own(model: Model) -> dict[str, str]:
    """Return the model's own training requirements by name: they are what it was trained with, so they win."""
    if not needs_estimator(model):
        return {}
    named = ((_NAME.match(requirement), requirement) for requirement in model.train.requirements)
    return {_SEPARATORS.sub("-", name[0]).lower(): requirement for name, requirement in named if name}


def _hashed(package: Package, python: str) -> Iterator[str]:
    digests = package.digests(python)
    yield f"{package.name}=={package.version} \\"
    for index, digest in enumerate(digests, 1):
        yield f"    --hash={digest}" + (" \\" if index < len(digests) else "")
