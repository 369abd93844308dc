"""The user's own catalogue: a file that comes before the built-in one."""

from pathlib import Path

from adapters.catalog import BadCatalog, Catalog, Document, read
from adapters.providers import find
from gateway.config.schema import Config


def catalogue(config: Config) -> Catalog:
    """What is known of models.

    Raises:
        BadCatalog: the file is there, and is none.
    """
    try:
        data = _bytes(config)
    except OSError as error:
        raise BadCatalog([f"cannot be read: {error.strerror}"]) from error
    if data:
        read(data, ours=True)
    return Catalog(data)


def slips(config: Config) -> list[str]:
    """Why the file cannot be used; nothing when it can, or is not there."""
    try:
        catalogue(config)
    except BadCatalog as bad:
        return bad.reasons
    return []


def convert(data: bytes, name: str, today: str) -> Document:
    """A catalogue from elsewhere, ours or LiteLLM's, with our ids of providers.

    Raises:
        BadCatalog: it is none.
    """
    return read(data, name=name, today=today, canonical=canonical)


def canonical(provider: str) -> str:
    """Our id of a provider, whatever it is called; its own name if we have none."""
    row = find(provider) or find(provider.replace("-", "_"))
    return row.id if row is not None else provider


def _bytes(config: Config) -> bytes:
    try:
        return Path(config.catalog.file).read_bytes() if config.catalog.file else b""
    except FileNotFoundError:
        return b""
