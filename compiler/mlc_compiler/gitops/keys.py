"""The keys that a project trusts: public ones, as files below it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mlc_compiler.conventions import PROJECT_FILE
from mlc_compiler.diagnostics import Place, Sink
from mlc_compiler.gitops.signing import PublicKey

PRIVATE = "PRIVATE KEY-----"


def read_keys(paths: Sequence[str], read: Callable[[str], str | None], sink: Sink) -> tuple[PublicKey, ...]:
    """Return the keys that mlc.yaml names; what is missing, or is a private key, is a finding."""
    found = []
    for index, path in enumerate(paths):
        at, pem = Place(PROJECT_FILE).at("spec", "signing", "keys", index), read(path)
        if pem is None:
            sink.error("MLC949", at, f"there is no key {path}", help="commit the public key there, as PEM")
        elif PRIVATE in pem:
            help = "take it out of git and its history, make another pair, and commit the public key alone"
            sink.error("MLC949", at, f"{path} holds a private key", help=help)
        else:
            found.append(PublicKey(path, pem))
    return tuple(found)
