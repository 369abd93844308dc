"""A pair of AWS keys from whoever gives one: services of AWS, files, programs.

Sources: docs.aws.amazon.com, "IAM role credential provider" of the SDKs (container and
instance metadata, IMDSv2), STS API reference (version 2011-06-15), "Sourcing
credentials with an external process"; botocore 1.44 for the order of things.
"""

import asyncio
import math
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple, Protocol
from urllib.parse import urlencode, urlsplit

import msgspec

from adapters import sigv4
from adapters.contract import Headers, WireHead, WireRequest, WireResponse
from adapters.errors import (
    Garbled,
    RateLimited,
    ServerError,
    Unauthorized,
    UpstreamError,
)
from adapters.sigv4 import Keys, Scope
from gateway.credentials.contract import Means
from gateway.credentials.tokens import FETCH_S, Token, Tokens
from gateway.net.client import Client, Limits

INSTANCE: Final = "http://169.254.169.254"
CONTAINER: Final = "http://169.254.170.2"
POD: Final = frozenset({"169.254.170.23", "fd00:ec2::23", "169.254.170.2"})
"""Where credentials of containers are asked besides this machine."""
LIMITS: Final = Limits(3.0, 10.0, 10.0)
LONGEST: Final = 400
"""Characters of an issuer's own words that are handed on."""

_METADATA_S: Final = b"21600"
_FORM: Final[Headers] = ((b"content-type", b"application/x-www-form-urlencoded"),)
_TAG: Final = re.compile(
    r"<(AccessKeyId|SecretAccessKey|SessionToken|Expiration|Code|Message)>([^<]*)</"
)


class Given(NamedTuple):
    """What an issuer gave."""

    keys: Keys
    lives_s: float = math.inf
    """From now."""


class Source(Protocol):
    """One who gives keys."""

    identity: str
    """Without secrets: equal for equal sources."""
    renews: bool
    """Whether asking again may give other keys."""

    async def give(self) -> Given:
        """Raises `UpstreamError`."""
        ...


def pack(keys: Keys) -> str:
    """The keys as the value of a token."""
    return "\n".join((keys.id, keys.secret, keys.token))


def unpack(value: str) -> Keys:
    """What was packed."""
    return Keys(*value.split("\n"))


class Pool:
    """The keys of a source, fetched once for all who wait, renewed before they end."""

    def __init__(self, source: Source, means: Means) -> None:
        self.identity = source.identity
        self.renews = source.renews
        self._source = source
        self._redactor = means.redactor
        self._used: list[Keys] = []
        self._tokens = Tokens(source.identity, self._fetch, means.redactor)

    async def get(self) -> Keys:
        """Raises `UpstreamError`."""
        return unpack(await self._tokens.get())

    def refused(self, id: str) -> bool:
        """The provider refused what was signed with these keys."""
        if not self.renews:
            return False
        for keys in self._used:
            if keys.id == id:
                return self._tokens.refused(pack(keys))
        return True

    async def aclose(self) -> None:
        await self._tokens.aclose()
        if isinstance(self._source, Role):
            await self._source.base.aclose()

    async def _fetch(self) -> Token:
        given = await self._source.give()
        keys = given.keys
        old = self._used.pop(0) if len(self._used) > 1 else Keys("", "")
        if keys not in self._used:
            self._redactor.learn(keys.secret, forget=old.secret)
            if keys.token or old.token:
                self._redactor.learn(keys.token, forget=old.token)
        self._used.append(keys)
        return Token(pack(keys), given.lives_s)


class Fixed:
    """Keys that are known."""

    renews = False

    def __init__(self, identity: str, keys: Keys) -> None:
        self.identity = identity
        self._keys = keys

    async def give(self) -> Given:
        return Given(self._keys)


class Container:
    """The role of the task or pod we run in."""

    renews = True

    def __init__(self, url: str, authorization: str, file: str, means: Means) -> None:
        """`authorization`, or the file it stands in, is sent along."""
        self.identity = f"aws container {url}"
        self._url = url
        self._authorization = authorization
        self._file = file
        self._client = means.client([_address(url)])

    async def give(self) -> Given:
        parts = urlsplit(self._url)
        host = parts.hostname or ""
        loopback = host in {"localhost", "::1"} or host.startswith("127.")
        if parts.scheme != "https" and host not in POD and not loopback:
            told = "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither HTTPS nor local"
            raise Unauthorized(told)
        token = self._authorization
        if self._file:
            token = await asyncio.to_thread(_read, self._file)
        headers: Headers = ()
        if token:
            headers = ((b"authorization", token.encode()),)
        body = await ask(self._client, "GET", self._url, headers=headers)
        return document(body, "the container's credentials")


class Instance:
    """The role of the machine we run on, by IMDSv2."""

    renews = True

    def __init__(self, endpoint: str, hint: str, means: Means) -> None:
        """`hint`: what to tell the operator when nobody answers there."""
        self.identity = f"aws instance {endpoint}"
        self._root = f"{endpoint.rstrip('/')}/latest"
        self._hint = hint
        self._client = means.client([_address(endpoint)])

    async def give(self) -> Given:
        lives: Headers = ((b"x-aws-ec2-metadata-token-ttl-seconds", _METADATA_S),)
        try:
            session = await ask(
                self._client, "PUT", f"{self._root}/api/token", headers=lives
            )
        except UpstreamError as error:
            raise Unauthorized(f"{self._hint} ({error.message})") from error
        headers: Headers = ((b"x-aws-ec2-metadata-token", session.strip()),)
        place = f"{self._root}/meta-data/iam/security-credentials/"
        role = (await ask(self._client, "GET", place, headers=headers)).decode().strip()
        if not role or not role.isprintable():
            raise Unauthorized("the instance has no role")
        name = role.splitlines()[0]
        body = await ask(self._client, "GET", place + name, headers=headers)
        return document(body, "the instance's credentials")


class Sts:
    """Where roles are assumed."""

    def __init__(self, region: str, endpoint: str, means: Means) -> None:
        suffix = "com.cn" if region.startswith("cn-") else "com"
        place = f"sts.{region}.amazonaws.{suffix}" if region else "sts.amazonaws.com"
        self.url = endpoint.rstrip("/") or f"https://{place}"
        self.region = region or "us-east-1"
        self.client = means.client([_address(self.url)] if endpoint else [])

    async def assume(self, form: Mapping[str, str], base: Keys | None) -> Given:
        """The keys of a role; signed with those of `base`."""
        body = urlencode({"Version": "2011-06-15", **form}).encode()
        head = WireHead("POST", f"{self.url}/", _FORM)
        wire = WireRequest(head, body)
        if base is not None:
            scope = Scope(self.region, "sts")
            wire = sigv4.sign(wire, base, scope, datetime.now(UTC))
        said = dict(_TAG.findall((await send(self.client, wire)).decode()))
        return _given(
            said.get("AccessKeyId", ""),
            said.get("SecretAccessKey", ""),
            said.get("SessionToken", ""),
            said.get("Expiration", ""),
            "STS",
        )


class Role:
    """A role that other keys may assume."""

    renews = True

    def __init__(self, base: Pool, sts: Sts, form: Mapping[str, str]) -> None:
        self.identity = f"aws role {form['RoleArn']} by {base.identity}"
        self.base = base
        self._sts = sts
        self._form = {"Action": "AssumeRole", **form}

    async def give(self) -> Given:
        return await self._sts.assume(self._form, await self.base.get())


class WebIdentity:
    """A role that an identity token stands for: of a pod, a workflow."""

    renews = True

    def __init__(self, token: str, sts: Sts, form: Mapping[str, str]) -> None:
        """`token`: the file it stands in, read anew each time."""
        self.identity = f"aws role {form['RoleArn']} by {token}"
        self._token = token
        self._sts = sts
        self._form = {"Action": "AssumeRoleWithWebIdentity", **form}

    async def give(self) -> Given:
        token = await asyncio.to_thread(_read, self._token)
        return await self._sts.assume({**self._form, "WebIdentityToken": token}, None)


# --- asking ------------------------------------------------------------------------


async def ask(client: Client, method: str, url: str, *, headers: Headers = ()) -> bytes:
    """The body of a 2xx answer. Raises `UpstreamError`."""
    return await send(client, WireRequest(WireHead(method, url, headers), b""))


async def send(client: Client, wire: WireRequest) -> bytes:
    """The body of a 2xx answer. Raises `UpstreamError`."""
    deadline = asyncio.get_running_loop().time() + FETCH_S
    response = await client.ask(wire, LIMITS, deadline)
    if 200 <= response.status < 300:
        return response.body
    raise _refusal(urlsplit(wire.head.url).hostname or "", response)


def _refusal(host: str, response: WireResponse) -> UpstreamError:
    kind: type[UpstreamError] = Unauthorized
    if response.status == 429:
        kind = RateLimited
    elif response.status >= 500:
        kind = ServerError
    text = response.body.decode(errors="replace")
    said = dict(_TAG.findall(text))
    words = [word for word in (said.get("Code"), said.get("Message")) if word]
    told = ": ".join(words) or text.strip()
    message = f"{host} gives no AWS credentials ({response.status})"
    told = told[:LONGEST]
    return kind(f"{message}: {told}" if told else message, status=response.status)


class _Document(msgspec.Struct, frozen=True):
    """What metadata services and programs answer."""

    id: str = msgspec.field(default="", name="AccessKeyId")
    secret: str = msgspec.field(default="", name="SecretAccessKey")
    token: str = msgspec.field(default="", name="Token")
    session: str = msgspec.field(default="", name="SessionToken")
    expiration: str = msgspec.field(default="", name="Expiration")
    code: str = msgspec.field(default="", name="Code")
    message: str = msgspec.field(default="", name="Message")


def document(body: bytes, whose: str) -> Given:
    """The keys in a JSON document.

    Raises:
        UpstreamError: there are none.
    """
    try:
        told = msgspec.json.decode(body, type=_Document)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise Garbled(f"{whose} are no JSON object of strings") from None
    if told.code not in ("", "Success"):
        raise Unauthorized(f"{whose}: {told.code}: {told.message[:LONGEST]}")
    token = told.token or told.session
    return _given(told.id, told.secret, token, told.expiration, whose)


def _given(id: str, secret: str, token: str, expiration: str, whose: str) -> Given:
    if not id or not secret:
        raise Garbled(f"{whose} hold no pair of keys")
    return Given(Keys(id, secret, token), _lives(expiration, whose))


def _lives(expiration: str, whose: str) -> float:
    """Seconds until then, by our own clock."""
    if not expiration:
        return math.inf
    try:
        end = datetime.fromisoformat(expiration)
    except ValueError:
        raise Garbled(f"{whose} end at no time we can read") from None
    if end.tzinfo is None:
        end = end.replace(tzinfo=UTC)
    left = end.timestamp() - time.time()
    if left <= 0:
        raise Unauthorized(f"{whose} have expired")
    return left


def _read(file: str) -> str:
    try:
        return Path(file).read_text().strip()
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        raise Unauthorized(f"cannot read `{file}`: {reason}") from None


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (80 if parts.scheme == "http" else 443)
