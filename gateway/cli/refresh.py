"""`routeiq models refresh`."""

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final
from urllib.parse import urlsplit

import httpx

from adapters.catalog import BadCatalog, Document, write
from gateway.cli.commands import OK, PROBLEM
from gateway.cli.opening import DEFAULT, opened
from gateway.cli.show import err, out
from gateway.config.models_file import convert

REFRESH: Final = "refresh"
MOST_BYTES: Final = 64 * 1024 * 1024
_TIMEOUT_S: Final = 60.0


def refresh(source: str, config: str | None) -> int:
    """Read a catalogue, and put it in the place of ours when it is sound: a bad one
    leaves the old one as it was."""
    file = config or (DEFAULT if Path(DEFAULT).is_file() else "")
    loaded = opened(file, demand=False)
    if loaded is None:
        return PROBLEM
    if not loaded.config.catalog.file:
        err("routeiq: catalog.file is empty: there is no place for it")
        return PROBLEM
    target, name = Path(loaded.config.catalog.file), _name(source)
    today = datetime.now(UTC).date().isoformat()
    try:
        document = convert(_fetched(source), name, today)
        _replace(target, write(document))
    except BadCatalog as bad:
        for reason in bad.reasons:
            err(f"{name}: {reason}")
        err(f"routeiq: {name} is no catalogue; {target} stays as it is")
        return PROBLEM
    except httpx.HTTPStatusError as error:
        err(f"routeiq: {name}: answered {error.response.status_code}")
        return PROBLEM
    except (OSError, httpx.HTTPError, httpx.InvalidURL) as error:
        err(f"routeiq: {name}: {getattr(error, 'strerror', None) or error}")
        return PROBLEM
    out(f"{_summary(document)} -> {target}; a gateway reads it when it starts")
    return OK


def _name(source: str) -> str:
    """What the file calls its source: no credentials, and nothing of this machine."""
    parts = urlsplit(source)
    if parts.scheme not in ("http", "https"):
        return Path(source).name
    return f"{parts.scheme}://{parts.hostname}{parts.path}"


def _fetched(source: str) -> bytes:
    """The bytes of a file, or of an address.

    Raises:
        OSError, httpx.HTTPError: it cannot be read.
    """
    if not source.startswith(("http://", "https://")):
        data = Path(source).read_bytes()
        if len(data) > MOST_BYTES:
            raise OSError(f"has more than {MOST_BYTES} bytes")
        return data
    found = bytearray()
    with httpx.stream(
        "GET", source, timeout=_TIMEOUT_S, follow_redirects=True
    ) as answer:
        answer.raise_for_status()
        for piece in answer.iter_bytes():
            found += piece
            if len(found) > MOST_BYTES:
                raise OSError(f"has more than {MOST_BYTES} bytes")
    return bytes(found)


def _replace(target: Path, data: bytes) -> None:
    """In one step: whoever reads finds the old file or the new one."""
    with NamedTemporaryFile(dir=target.parent, delete=False) as file:
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.chmod(file.name, 0o644)
            os.replace(file.name, target)
        except OSError:
            with suppress(OSError):
                os.unlink(file.name)
            raise


def _summary(document: Document) -> str:
    rows = [row for models in document.models.values() for row in models.values()]
    priced = sum(row.price is not None for row in rows)
    return (
        f"{len(rows)} models of {len(document.models)} providers, {priced} with prices,"
        f" as of {document.as_of}"
    )
