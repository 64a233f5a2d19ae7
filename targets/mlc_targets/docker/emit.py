"""What the target writes: Dockerfile, .dockerignore and requirements of each model, as the specs have it now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlc_compiler import conventions
from mlc_compiler.backend.artifacts import text_artifact
from mlc_compiler.backend.capability import Capability
from mlc_compiler.backend.target import Artifact, Part, Sourced, Target, Unsupported
from mlc_compiler.ir import Lock, Model, Origin, Project, ProjectRelease, Release
from mlc_compiler.records import dataclass
from mlc_targets.docker.capabilities import CAPABILITIES, ROWS
from mlc_targets.docker.dockerfile import dockerfile
from mlc_targets.docker.options import BASE_IMAGES, NAME, Options, check_options, read_options
from mlc_targets.docker.packages import PYTHONS, Package, known_packages, requirements


@dataclass(frozen=True, slots=True)
class DockerTarget:
    """Images of all models; what is pinned runs the digest that its pin names, whatever the recipe says now."""

    name: str = NAME
    controllers: frozenset[str] = frozenset()

    def check(self, release: Release) -> Iterable[Unsupported]:
        yield from check_options(release.project)
        yield from _check_python(release.project)
        for model in release.models:
            yield from _check_model(model)

    def capabilities(self) -> tuple[Capability, ...]:
        """Return the table that the checks read."""
        return CAPABILITIES

    def emit_model(self, release: Release, model: Model) -> Iterable[Artifact]:  # noqa: ARG002  one image for all
        return ()

    def emit_environment(self, release: Release) -> Iterable[Artifact]:  # noqa: ARG002  environments share images
        return ()

    def emit_project(self, project: ProjectRelease) -> Iterable[Artifact]:
        options, known = read_options(project.project), known_packages()
        for model in project.models:
            yield from _image(project.project, model, options, known)

    def pins(self) -> Lock:
        """Return the bases and packages that this version of mlc was tried with."""
        return Lock(images=BASE_IMAGES, packages=tuple((p.name, p.version) for p in known_packages()))


TARGET: Target = DockerTarget()


def _image(project: Project, model: Model, options: Options, known: tuple[Package, ...]) -> Iterator[Artifact]:
    folder, origin = conventions.image_folder(model.name), Origin(model.origin.document)
    yield text_artifact(f"{folder}/Dockerfile", tuple(dockerfile(project, model, options)), origin, model=model.name)
    needed = ("requirements.txt", conventions.GOLDEN_VECTORS_FILE, "package", "wheels")
    ignored = ["# Nothing but this reaches the build.", "*", *(f"!{name}" for name in needed)]
    code = [Sourced("!code", model.origin.at("code"))] if model.code else []
    yield text_artifact(f"{folder}/.dockerignore", [*ignored, *code], origin, model=model.name)
    lines = requirements(project, model, known)
    yield text_artifact(f"{folder}/requirements.txt", lines, origin, model=model.name)
    yield _golden_vectors(project, model, f"{folder}/{conventions.GOLDEN_VECTORS_FILE}")


def _golden_vectors(project: Project, model: Model, path: str) -> Artifact:
    """Return the requests that training and serving are compared on; each column's come from its dataset."""
    from mlc_compiler.sql.vector_file import vector_lines  # read in each build, and used where an image is new

    made = vector_lines(model.features, project.timezone)
    spine = next(dataset for dataset in model.datasets if dataset.name == model.features.spine)
    parts = [Part(line, spine.origin.at(f"columns.{name}")) for name, line in made.columns]
    return Artifact(path, made.text, model.origin, (Part(1, model.origin), *parts), model=model.name)


# --- what it cannot express ------------------------------------------------------------------------------------------
def _check_python(project: Project) -> Iterator[Unsupported]:
    if project.python not in PYTHONS:
        yield Unsupported(
            project.origin.at("ci.python"),
            f"images are made for Python {', '.join(PYTHONS)}, not {project.python}",
            f"use `python: {PYTHONS[0]!r}`",
        )


def _check_model(model: Model) -> Iterator[Unsupported]:
    if model.serving.resources.gpu and not model.serving.runtime:
        yield Unsupported(
            model.serving.origin.at("resources.gpu"),
            ROWS["gpu"].detail,
            ROWS["gpu"].alternative,
            ROWS["gpu"].source,
        )
