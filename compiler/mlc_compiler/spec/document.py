"""The envelope of every spec document, as in Kubernetes: apiVersion, kind, metadata, spec."""

from typing import Annotated

from pydantic import Field

from mlc_compiler.spec.types import Name, SpecModel, Text

API_VERSION = "mlc/v1"


class Metadata(SpecModel):
    """Who a document is and who owns it."""

    name: Name
    """The document's name, unique among the documents of its kind."""
    owner: Text | None = None
    """The team that answers for it; inherited from the project."""
    description: str | None = None
    """What it is for, in a sentence."""
    labels: dict[str, str] = {}
    """Labels for selectors; copied to the emitted objects."""
    annotations: dict[str, str] = {}
    """Free notes; copied nowhere."""
    matrix: dict[str, Annotated[list[str | int | float | bool], Field(min_length=1)]] | None = None
    """Expands one document into one for each combination; `${{ matrix.KEY }}` is replaced in every string."""


class SecretReference(SpecModel):
    """A secret by reference; its value is never read by the compiler, digested or printed."""

    secret: Text
    """`name/key`: an environment variable here, a secretKeyRef in Kubernetes, a secret in Actions."""
