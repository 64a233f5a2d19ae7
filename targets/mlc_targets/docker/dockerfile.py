"""The Dockerfile of a model: one stage installs, the other holds what was installed, the package and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator

from mlc_compiler import __version__, conventions
from mlc_compiler.backend.target import Sourced
from mlc_compiler.ir import Batch, Model, Origin, Project
from mlc_targets.docker.options import Options

Lines = Iterator[str | Sourced]

HOME = "/opt/mlc"
_VENV = f"{HOME}/venv"
_SPINE = "dataset"  # what a batch scores by default
# pip's configuration comes as a secret: a build argument would keep an index's password in the image's history.
_SECRET = "--mount=type=secret,id=pip.conf,target=/etc/pip.conf"  # noqa: S105  a mount, not a password
_INSTALL = f"python -m pip --python {_VENV}/bin/python install --no-compile"

_BUILD = f"""\
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_FIND_LINKS=wheels PIP_NO_CACHE_DIR=1 PIP_ONLY_BINARY=:all:
WORKDIR /build
COPY requirements.txt ./
COPY wheels/ wheels/
RUN {_SECRET} \\
    python -m venv --without-pip {_VENV} \\
    && {_INSTALL} -r requirements.txt \\
    && {_INSTALL} --no-deps mlc-compiler=={__version__} \\
    # Bytecode without times: the same wheels give the same files.
    && python -m compileall -q --invalidation-mode unchecked-hash {_VENV}/lib"""

# In the first stage, on which the other depends: the image gets no layer by it, and isn't made where it fails.
_PARITY = f"""\
# Golden vectors: training and serving give the same features with what was installed, or there is no image.
COPY {conventions.GOLDEN_VECTORS_FILE} ./
COPY package/ {conventions.PACKAGE_MOUNT}/
RUN --mount=type=tmpfs,target=/tmp \\
    {_VENV}/bin/python -m {conventions.GOLDEN_MODULE} --package {conventions.PACKAGE_MOUNT} \\
        --vectors {conventions.GOLDEN_VECTORS_FILE}"""


def dockerfile(project: Project, model: Model, options: Options) -> Lines:
    """Yield the lines of a Dockerfile. Its context holds what stands beside it, package/, wheels/ (which may be empty)
    and, where the model has code, code/ with the files at their paths in the repository.
    """
    base = f"FROM {options.base}"
    yield Sourced(f"{base} AS build", options.origin)
    yield _BUILD
    yield _PARITY
    yield ""
    yield Sourced(base, options.origin)
    yield from _labels(project, model, options)
    yield f"ENV HOME=/tmp PATH={_VENV}/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1"
    yield f"COPY --from=build {_VENV} {_VENV}"
    if model.code:
        yield Sourced(f"ENV PYTHONPATH={HOME}/code", model.origin.at("code"))
        yield Sourced(f"COPY code/ {HOME}/code/", model.origin.at("code"))
    yield f"COPY package/ {conventions.PACKAGE_MOUNT}/"
    yield f"WORKDIR {HOME}"
    yield f"USER {conventions.RUN_AS_USER}:{conventions.RUN_AS_USER}"
    yield from _start(model)


def _labels(project: Project, model: Model, options: Options) -> Lines:
    document = model.origin.document
    texts = {
        "org.opencontainers.image.title": Sourced(model.name, Origin(document, "metadata.name")),
        "org.opencontainers.image.description": Sourced(model.description, Origin(document, "metadata.description")),
        "org.opencontainers.image.authors": Sourced(model.owner, Origin(document, "metadata.owner")),
        "org.opencontainers.image.base.name": Sourced(options.base_image.partition("@")[0], options.origin),
        "org.opencontainers.image.base.digest": Sourced(options.base.partition("@")[2], options.origin),
        conventions.LABEL_PART_OF: Sourced(project.name, project.origin),
        # The whole recipe changes with the version: a new version is a new image, even of the same files.
        conventions.LABEL_VERSION: Sourced(model.version, model.origin),
        conventions.LABEL_COMPILER: Sourced(__version__, project.origin),
    }
    for name, text in texts.items():
        if text.value:
            yield Sourced(f"LABEL {name}={quoted(str(text.value))}", text.origin)


def quoted(text: str) -> str:
    r"""Return a text as a Dockerfile's instruction holds it: one line, nothing expanded.

    >>> print(quoted('costs $5, "net"'))
    "costs \$5, \"net\""
    """
    escaped = "".join(f"\\{c}" if c in '\\"$' else c for c in " ".join(text.split()))
    return f'"{escaped}"'


# --- how it starts ---------------------------------------------------------------------------------------------------
def _start(model: Model) -> Lines:
    batch = model.serving.batch
    if batch:
        yield Sourced(f"CMD {json.dumps(_batch_command(batch))}", model.serving.origin)
        return
    probe = f"http://127.0.0.1:{conventions.SERVE_PORT}{conventions.HEALTH_PATH}"
    check = f"import urllib.request as r; r.urlopen('{probe}', timeout=2)"
    yield f"EXPOSE {conventions.SERVE_PORT}"
    yield "HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \\"
    yield f"    CMD {json.dumps(['python', '-c', check])}"
    yield Sourced(f"CMD {json.dumps(_serve_command(model))}", model.serving.origin)


def _serve_command(model: Model) -> list[str]:
    command = ["python", "-m", conventions.SERVE_MODULE, "--package", conventions.PACKAGE_MOUNT]
    command += ["--host", "0.0.0.0", "--port", str(conventions.SERVE_PORT)]  # noqa: S104  the container's own network
    command += ["--max-batch", str(model.serving.max_batch)]
    if model.features.lookups:
        command += ["--online", conventions.ONLINE_MOUNT]
    if model.serving.log_requests:
        command += ["--log-requests", conventions.number_text(model.serving.log_requests)]
        if model.serving.log_classification != "internal":
            command += ["--log-classification", model.serving.log_classification]
    return command


def _batch_command(batch: Batch) -> list[str]:
    command = ["python", "-m", conventions.BATCH_MODULE, "--package", conventions.PACKAGE_MOUNT]
    command += ["--data-root", conventions.DATA_MOUNT]
    if batch.input != _SPINE:
        command += ["--input", batch.input]
    command += ["--out", f"{conventions.DATA_MOUNT}/{batch.path}", "--write", batch.write]
    for column in batch.partition_by:
        command += ["--partition-by", column]
    return command
