"""Who made an artifact: its manifest signed by a shared secret or a private key."""

import base64
import binascii
import hashlib
import hmac
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

HMAC: Final = "hmac-sha256"
ED25519: Final = "ed25519"
_LEAST_SECRET: Final = 16


class Signer(Protocol):
    """Signs."""

    def sign(self, data: bytes) -> str: ...


class Verifier(Protocol):
    """Tells whether a signature is of these bytes."""

    def verify(self, data: bytes, signature: str) -> bool: ...


class Secret:
    """A secret that both sides know."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < _LEAST_SECRET:
            raise ValueError(f"a secret has {_LEAST_SECRET} bytes or more")
        self._secret = secret

    def sign(self, data: bytes) -> str:
        return f"{HMAC}:{hmac.new(self._secret, data, hashlib.sha256).hexdigest()}"

    def verify(self, data: bytes, signature: str) -> bool:
        return hmac.compare_digest(self.sign(data).encode(), signature.encode())


class PrivateKey:
    """Of whoever trains."""

    def __init__(self, raw: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(raw)

    def sign(self, data: bytes) -> str:
        return f"{ED25519}:{base64.b64encode(self._key.sign(data)).decode()}"


class PublicKey:
    """Of whoever serves; it can sign nothing."""

    def __init__(self, raw: bytes) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(raw)

    def verify(self, data: bytes, signature: str) -> bool:
        kind, _, text = signature.partition(":")
        if kind != ED25519:
            return False
        try:
            self._key.verify(base64.b64decode(text, validate=True), data)
        except (binascii.Error, InvalidSignature):
            return False
        return True


def signer(text: str) -> Signer:
    """Of `hmac-sha256:BASE64` or `ed25519:BASE64` (the private key's 32 bytes).

    Raises:
        ValueError: it is neither.
    """
    kind, raw = _key(text)
    return Secret(raw) if kind == HMAC else PrivateKey(raw)


def verifier(text: str) -> Verifier:
    """Of `hmac-sha256:BASE64` or `ed25519:BASE64` (the public key's 32 bytes).

    Raises:
        ValueError: it is neither.
    """
    kind, raw = _key(text)
    return Secret(raw) if kind == HMAC else PublicKey(raw)


def _key(text: str) -> tuple[str, bytes]:
    kind, _, encoded = text.strip().partition(":")
    if kind not in {HMAC, ED25519}:
        raise ValueError(f"a key begins with {HMAC}: or {ED25519}:")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise ValueError(f"what follows {kind}: is not base64") from None
    if kind == ED25519 and len(raw) != 32:
        raise ValueError("an ed25519 key has 32 bytes")
    return kind, raw
