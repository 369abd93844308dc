"""What is spoken at a deployment: its provider's row, as configured, and the family."""

from typing import Final
from urllib.parse import urlsplit

import msgspec

from adapters import registry
from adapters.contract import Provider, Upstream
from adapters.providers import find, serving
from gateway.config import schema
from gateway.config.names import RESPONSES
from gateway.credentials.wallet import SIGNERS

_ONLY_THERE: Final = frozenset({"responses", "count_tokens", "compact"})
"""Operations that a server need not have because it speaks OpenAI's chat."""


def known(prefix: str, name: str, own: schema.ProviderRow | None) -> Provider:
    """The row of the table that a model's name means: by its prefix, empty without,
    else by the family of an own provider."""
    family = own.family if own is not None else ""
    found = find(prefix) or find(family or "openai")
    assert found is not None
    return serving(found, name)


def row(
    prefix: str, known: Provider, own: schema.ProviderRow | None, base_url: str
) -> Provider:
    """That row under the configuration's name for it; `base_url`: of the deployment."""
    found = _row(prefix or "openai", known, own, custom=bool(base_url))
    unknown = find(prefix) is None or (prefix == "openai" and _elsewhere(base_url))
    if found.family == "openai" and unknown:
        return msgspec.structs.replace(found, operations=found.operations - _ONLY_THERE)
    return found


def upstream(row: Provider, name: str) -> tuple[Upstream, str]:
    """What to speak there, and the model's name without the word that chose it."""
    if row.family == "openai" and name.startswith(RESPONSES):
        return registry.RESPONSES, name.removeprefix(RESPONSES)
    if row.family == "openai" and row.quirks.think:
        return registry.INLINE, name
    return registry.UPSTREAMS[row.family], name


def _row(
    id: str, known: Provider, own: schema.ProviderRow | None, *, custom: bool
) -> Provider:
    if own is None:
        # Another address may well be another server: its key must not be guessed
        # from the environment of the provider whose grammar it speaks.
        return msgspec.structs.replace(known, env=()) if custom and not id else known
    signer = own.auth if own.auth in SIGNERS else known.signer
    return msgspec.structs.replace(
        known,
        id=id,
        family=own.family if own.family in registry.UPSTREAMS else known.family,
        auth=own.auth if own.auth and own.auth not in SIGNERS else known.auth,
        signer=signer if not own.auth or own.auth in SIGNERS else "",
        env=known.env if known.id == id else (),
    )


def _elsewhere(url: str) -> bool:
    """Whether an address is not OpenAI's own."""
    return bool(url) and not f".{urlsplit(url).hostname}".endswith(".openai.com")
