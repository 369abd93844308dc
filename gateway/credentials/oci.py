"""Who we are to Oracle Cloud: an RSA key signs each request.

Source: docs.oracle.com, request signatures (version 1, rsa-sha256; the IETF draft of
HTTP signatures, version 8), and the files of its SDKs (`~/.oci/config`).
"""

import asyncio
import base64
import configparser
import hashlib
import time
from collections.abc import Mapping
from email.utils import formatdate
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from adapters.contract import Headers, WireRequest
from gateway.config.secrets import SecretError
from gateway.credentials.contract import Means, Signer, Wanted

FILE: Final = "~/.oci/config"
PROFILE: Final = "DEFAULT"
NAMES: Final = ("tenancy", "user", "fingerprint")
_SIGNED: Final = (
    "date (request-target) host content-length content-type x-content-sha256"
)


def make(wanted: Wanted, means: Means) -> Signer:
    """The signer of a deployment at Oracle: of OCI_TENANCY, OCI_USER, OCI_FINGERPRINT
    and OCI_KEY_FILE (or OCI_KEY), else of the profile in the file of its SDKs."""
    variable = means.secrets.variable
    said = {name: variable(f"OCI_{name.upper()}") or "" for name in NAMES}
    pem, file = variable("OCI_KEY") or "", variable("OCI_KEY_FILE") or ""
    phrase = variable("OCI_PASSPHRASE") or ""
    if not all(said.values()):
        path = Path(variable("OCI_CONFIG_FILE") or FILE).expanduser()
        profile = _profile(path, variable("OCI_CONFIG_PROFILE") or PROFILE)
        said = {name: said[name] or profile.get(name, "") for name in NAMES}
        file = file or profile.get("key_file", "")
        phrase = phrase or profile.get("pass_phrase", "")
    missing = [name for name in NAMES if not said[name]]
    if missing or not (pem or file):
        what = missing[0] if missing else "key_file"
        hint = f"set OCI_{what.upper()}, or write a profile into {FILE}"
        raise SecretError(f"oci: {what} is missing", hint, missing=True)
    pem = pem.replace("\\n", "\n") or _read(Path(file).expanduser())
    means.redactor.learn(pem)
    return RsaSigner("/".join(said[name] for name in NAMES), _key(pem, phrase))


class RsaSigner:
    """Signs with a key that stays."""

    def __init__(self, identity: str, key: Any) -> None:
        self.identity = f"oci {identity}"
        self._id = identity
        self._key = key

    async def sign(self, wire: WireRequest) -> WireRequest:
        date = formatdate(time.time(), usegmt=True)
        digest = base64.b64encode(hashlib.sha256(wire.body).digest()).decode()
        told = signing_string(wire, date, digest)
        # RSA takes a millisecond or two, which others would have to wait.
        made = await asyncio.to_thread(self._signature, told.encode())
        line = (
            f'Signature version="1",keyId="{self._id}",algorithm="rsa-sha256",'
            f'headers="{_SIGNED}",signature="{base64.b64encode(made).decode()}"'
        )
        headers: Headers = (
            *wire.headers,
            (b"date", date.encode()),
            (b"x-content-sha256", digest.encode()),
            (b"authorization", line.encode()),
        )
        return msgspec.structs.replace(wire, headers=headers)

    def _signature(self, told: bytes) -> bytes:
        from cryptography.hazmat.primitives.asymmetric import (  # noqa: PLC0415 - heavy
            padding,
        )
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415

        signature: bytes = self._key.sign(told, padding.PKCS1v15(), SHA256())
        return signature

    def refused(self, wire: WireRequest, status: int, headers: Headers) -> bool:
        return False  # the same key would sign once more

    async def aclose(self) -> None:
        """Nothing runs."""


def signing_string(wire: WireRequest, date: str, digest: str) -> str:
    """What is signed of a request with a body."""
    parts = urlsplit(wire.head.url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    kind = dict(wire.head.headers).get(b"content-type", b"application/json").decode()
    return "\n".join(
        (
            f"date: {date}",
            f"(request-target): {wire.head.method.lower()} {target}",
            f"host: {parts.netloc}",
            f"content-length: {len(wire.body)}",
            f"content-type: {kind}",
            f"x-content-sha256: {digest}",
        )
    )


def _profile(path: Path, name: str) -> Mapping[str, str]:
    """A profile of the SDKs' file; empty without it."""
    parser = configparser.ConfigParser(interpolation=None, default_section=PROFILE)
    try:
        parser.read_string(path.read_text("utf-8"))
        return dict(parser[name])
    except (OSError, UnicodeError, configparser.Error, KeyError):
        return {}


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "no text"
        message = f"oci: cannot read the key's file `{path}`: {reason}"
        raise SecretError(message, "it is a PEM file with an RSA key") from None


def _key(pem: str, phrase: str) -> Any:
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - heavy
        load_pem_private_key,
    )

    try:
        return load_pem_private_key(pem.encode(), phrase.encode() or None)
    except (ValueError, TypeError):
        raise SecretError(
            "oci: the key cannot be read",
            "it is a PEM file with an RSA key; OCI_PASSPHRASE opens a locked one",
        ) from None
