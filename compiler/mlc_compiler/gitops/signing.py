"""Signatures on statements: DSSE envelopes, made and checked without any server.

securesystemslib does both; it is the extra `sign`, imported only where a signature is made or looked at.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mlc_compiler.records import dataclass

if TYPE_CHECKING:
    from securesystemslib.signer import Key

PAYLOAD_TYPE = "application/vnd.in-toto+json"
MISSING = "install mlc-compiler[sign]: it holds what makes and checks signatures"

Json = object
Statement = Mapping[str, Json]


class SigningUnavailable(Exception):
    """What signs is not installed, or a key can't be used; the text says which, and never what is in a private key."""


class Unverified(Exception):
    """A text that no trusted key has signed as it stands; the text says why."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A trusted key: the file below the project that holds it as PEM, and its text."""

    path: str
    pem: str


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement that was verified, and the file of the key that signed it."""

    statement: Statement
    key: str


def sign(statement: Statement, private_key: str) -> str:
    """Return the text of an envelope around a statement, signed with a private key (PEM, PKCS #8)."""
    try:
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
        from securesystemslib.dsse import Envelope
        from securesystemslib.signer import CryptoSigner
    except ImportError as error:
        raise SigningUnavailable(MISSING) from error
    try:
        signer = CryptoSigner(load_pem_private_key(private_key.encode(), None))
    except (ValueError, TypeError) as error:
        # What a library says of a key may quote it.
        raise SigningUnavailable("the private key is no unencrypted PEM of an ed25519 key") from error
    envelope = Envelope(_text(statement).encode(), PAYLOAD_TYPE, {})
    envelope.sign(signer)
    return json.dumps(envelope.to_dict(), indent=1, sort_keys=True) + "\n"


def verify(text: str, keys: Sequence[PublicKey]) -> Signed:
    """Return the statement of an envelope that one of the keys signed; raises Unverified or SigningUnavailable."""
    try:
        from securesystemslib.dsse import Envelope
        from securesystemslib.exceptions import Error
    except ImportError as error:
        raise SigningUnavailable(MISSING) from error
    trusted = {path: _public(key) for key in keys for path in (key.path,)}
    if not trusted:
        raise Unverified("the project names no keys that sign")
    try:
        envelope = Envelope.from_dict(json.loads(text))
        if envelope.payload_type != PAYLOAD_TYPE:
            raise Unverified(f"it holds {envelope.payload_type}, not a statement")
        accepted = envelope.verify(list(trusted.values()), 1)
        statement = json.loads(envelope.payload)
    except (Error, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unverified(_why(text, trusted)) from error
    if not isinstance(statement, dict):
        raise Unverified("it holds no statement")
    return Signed(statement, next(path for path, key in trusted.items() if key.keyid in accepted))


def unverified_statement(text: str) -> Statement | None:
    """Return what a text says, signed or not, for telling what differs; None where it says nothing."""
    import base64

    try:
        value = json.loads(text)
        if isinstance(value, dict) and "payload" in value:
            value = json.loads(base64.b64decode(value["payload"], validate=True))
    except (ValueError, TypeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def statement_text(statement: Statement) -> str:
    """Return the text of a statement that nobody signs."""
    return json.dumps(statement, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _text(statement: Statement) -> str:
    return json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _public(key: PublicKey) -> Key:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.signer import SSlibKey

    try:
        return SSlibKey.from_crypto(load_pem_public_key(key.pem.encode()))
    except (ValueError, TypeError) as error:
        raise SigningUnavailable(f"{key.path} is no PEM of a public key") from error


def _why(text: str, trusted: Mapping[str, Key]) -> str:
    """Return in words what is wrong with an envelope, as far as its outside tells."""
    try:
        signers = [str(s["keyid"]) for s in json.loads(text)["signatures"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "it is no envelope with signatures"
    ids = {key.keyid: path for path, key in trusted.items()}
    known = next((ids[id] for id in signers if id in ids), None)
    if known is None:
        return f"none of the project's keys has signed it, but {', '.join(id[:12] for id in signers) or 'nobody'}"
    return f"its bytes are not those that {known} signed"
