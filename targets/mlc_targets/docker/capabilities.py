"""What the images can hold, with the page that says so."""

from __future__ import annotations

from types import MappingProxyType

from mlc_compiler.backend.capability import Capability

CAPABILITIES: tuple[Capability, ...] = (
    Capability(
        "digest", ("Project.image_registry",), "yes", "images are pinned by digest once a registry has given one",
        "https://docs.docker.com/reference/cli/docker/image/pull/#pull-an-image-by-digest-immutable-identifier",
    ),
    Capability(
        "gpu", ("Model.serving.resources.gpu",), "no", "the image computes on processors: it holds no CUDA libraries",
        "https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html#requirements",
        alternative="leave `gpu` out, or name a server that has them under serving.runtime",
    ),
)  # fmt: skip

ROWS = MappingProxyType({row.name: row for row in CAPABILITIES})
