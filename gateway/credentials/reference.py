"""A token or key that stands behind a reference and changes: a command's, a file's."""

import asyncio
import hashlib
import math
from collections.abc import Awaitable, Callable
from typing import Final

from adapters.contract import Provider
from adapters.errors import Unauthorized
from gateway.config.command import is_command
from gateway.config.secrets import SecretError, Secrets
from gateway.credentials.contract import Means, Signer
from gateway.credentials.tokens import Bearer, Token, Tokens

FILE_S: Final = 60.0
"""How long a file's token is believed: whoever rotates it keeps the old one a while."""


def read_again(reference: str, secrets: Secrets) -> Callable[[], Awaitable[Token]]:
    """Fetches what the reference stands for by then.

    Raises:
        SecretError: the reference is no good, as far as can be told without it.
    """
    lives = math.inf
    if is_command(reference):
        lives = secrets.command(reference).ttl_s
    elif reference.startswith("file:"):
        lives = FILE_S

    async def fetch() -> Token:
        try:
            value = await asyncio.to_thread(secrets.resolve, reference)
        except SecretError as error:
            raise Unauthorized(error.message) from None
        if not value.isprintable():
            raise Unauthorized("the credential holds a control character")
        return Token(value, lives)

    return fetch


def key_signer(reference: str, provider: Provider, means: Means) -> Signer:
    """Sends a key that changes as the provider wants its key sent.

    Raises:
        SecretError: the reference is no good.
    """
    fetch = read_again(reference, means.secrets)
    header, scheme = b"authorization", b"Bearer "
    if provider.auth not in ("bearer", "none"):
        name, _, word = provider.auth.partition(":")
        header = name.lower().encode()
        scheme = f"{word.strip()} ".encode() if word else b""
    identity = f"{provider.id} key {digest(reference)} {header.decode()}"
    return Bearer(Tokens(identity, fetch, means.redactor), header, scheme)


def digest(text: str) -> str:
    """A name for a secret that tells nothing of it."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]
