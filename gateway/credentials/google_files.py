"""Google's credential files: each kind -> how its token is fetched."""

import asyncio
import time
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from adapters.contract import Headers
from adapters.errors import Garbled, Unauthorized
from gateway.config.secrets import SecretError
from gateway.credentials.contract import Means
from gateway.credentials.issuer import Issuer, address
from gateway.credentials.tokens import Fetch, Passing, Token

SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
TOKEN_URL: Final = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
IMPERSONATE_URL: Final = (
    "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"
    "{email}:generateAccessToken"
)
ASSERTION_S: Final = 3600
MAX_SUBJECT: Final = 64 * 1024

_JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
_ACCESS: Final = "urn:ietf:params:oauth:token-type:access_token"

Json = dict[str, Any]


class Source(msgspec.Struct, frozen=True):
    """Where a token comes from."""

    identity: str
    fetch: Fetch
    headers: Headers
    """To be sent with it."""


def source_of(info: Json, named: str, means: Means) -> Source:
    """What a credential file is good for; `named` is how to call it.

    Raises:
        SecretError: it is of an unknown kind, or something is missing in it.
    """
    kind = info.get("type")
    make = _KINDS.get(kind) if isinstance(kind, str) else None
    if make is None:
        known = ", ".join(_KINDS)
        raise SecretError(f"google: {named} is of the type {kind!r}", f"known: {known}")
    for name in ("private_key", "client_secret", "refresh_token"):
        if isinstance(info.get(name), str):
            means.redactor.learn(info[name])
    try:
        return make(info, means)
    except KeyError as error:
        raise SecretError(f"google: {named} has no {error}") from None


def _service_account(info: Json, means: Means) -> Source:
    url = info.get("token_uri") or TOKEN_URL
    email, key = info["client_email"], info["private_key"]
    key_id = info.get("private_key_id")
    issuer = Issuer(means.client([address(url)]))

    async def fetch() -> Token:
        now = int(time.time())
        claims = {
            "iss": email,
            "scope": SCOPE,
            "aud": url,
            "iat": now,
            "exp": now + ASSERTION_S,
        }
        form = {"grant_type": _JWT_BEARER, "assertion": signed(claims, key, key_id)}
        return await issuer.token("POST", url, form=form)

    return Source(f"google {email}", fetch, ())


def signed(claims: Json, key: str, key_id: str | None = None) -> str:
    """A JWT. Raises `Unauthorized` for a key that is none."""
    import jwt  # noqa: PLC0415 - a heavy one, and few need it

    header = {"kid": key_id} if key_id else None
    try:
        return jwt.encode(claims, key, algorithm="RS256", headers=header)
    except (ValueError, TypeError, jwt.PyJWTError):
        raise Unauthorized("the private key of the credential is no RSA key") from None


def _person(info: Json, means: Means) -> Source:
    """`gcloud auth application-default login`."""
    url = info.get("token_uri") or TOKEN_URL
    issuer = Issuer(means.client([address(url)]))
    form = {
        "grant_type": "refresh_token",
        "client_id": info["client_id"],
        "client_secret": info["client_secret"],
        "refresh_token": info["refresh_token"],
    }

    async def fetch() -> Token:
        return await issuer.token("POST", url, form=form)

    headers: Headers = ()
    if payer := info.get("quota_project_id"):
        headers = ((b"x-goog-user-project", str(payer).encode()),)
    return Source(f"google user {info['client_id']}", fetch, headers)


def _workload(info: Json, means: Means) -> Source:
    """Workload identity federation: another issuer's token for one of Google's."""
    url, told = info["token_url"], info["credential_source"]
    if not isinstance(told, dict) or not ({"file", "url"} & told.keys()):
        raise SecretError(
            "google: federated tokens are taken from a file or a URL",
            "use `google: {token: command:...}` for a program",
        )
    hosts = [address(url)]
    if "url" in told:
        hosts.append(address(told["url"]))
    issuer = Issuer(means.client(hosts))
    form = {
        "grant_type": _EXCHANGE,
        "audience": info["audience"],
        "scope": SCOPE,
        "requested_token_type": _ACCESS,
        "subject_token_type": info["subject_token_type"],
    }
    if pool := info.get("workforce_pool_user_project"):
        form["options"] = msgspec.json.encode({"userProject": pool}).decode()

    known = Passing(means.redactor)

    async def fetch() -> Token:
        subject = known.now(await _subject(told, issuer))
        return await issuer.token("POST", url, form={**form, "subject_token": subject})

    found = Source(f"google {info['audience']}", fetch, ())
    if target := info.get("service_account_impersonation_url"):
        return _in_the_name(found, target, means)
    return found


async def _subject(told: Json, issuer: Issuer) -> str:
    """The token to exchange, as it is now."""
    if "file" in told:
        file = Path(told["file"])
        try:
            text = await asyncio.to_thread(file.read_text, "utf-8")
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or "no text"
            message = f"cannot read the federated token's file `{file}`: {reason}"
            raise Unauthorized(message) from None
    else:
        given = (told.get("headers") or {}).items()
        headers = tuple((k.lower().encode(), str(v).encode()) for k, v in given)
        text = (await issuer.data("GET", told["url"], headers=headers)).decode()
    form = told.get("format") or {}
    if form.get("type") != "json":
        return text.strip()
    name = form.get("subject_token_field_name", "access_token")
    try:
        return str(msgspec.json.decode(text, type=Json)[name])
    except (msgspec.MsgspecError, KeyError):
        raise Unauthorized(f"the federated token's source has no {name!r}") from None


def _delegated(info: Json, means: Means) -> Source:
    """`gcloud auth application-default login --impersonate-service-account`."""
    inner = source_of(info["source_credentials"], "`source_credentials`", means)
    return _in_the_name(inner, info["service_account_impersonation_url"], means)


def impersonated(source: Source, email: str, means: Means) -> Source:
    """Tokens of a service account that another one may speak for."""
    return _in_the_name(source, IMPERSONATE_URL.format(email=email), means)


def _in_the_name(source: Source, url: str, means: Means) -> Source:
    issuer = Issuer(means.client([address(url)]))
    asked = {"scope": [SCOPE], "lifetime": "3600s"}

    known = Passing(means.redactor)

    async def fetch() -> Token:
        own = await source.fetch()
        known.now(own.value)
        bearer = ((b"authorization", b"Bearer " + own.value.encode()), *source.headers)
        told = await issuer.json("POST", url, json=asked, headers=bearer)
        try:
            until = datetime.fromisoformat(told["expireTime"]).timestamp()
            return Token(told["accessToken"], until - time.time())
        except (KeyError, TypeError, ValueError):
            raise Garbled("iamcredentials gave something else than a token") from None

    name = url.rpartition("/")[2].partition(":")[0]
    return Source(f"{source.identity} as {name}", fetch, source.headers)


_KINDS: Final = {
    "service_account": _service_account,
    "authorized_user": _person,
    "external_account": _workload,
    "impersonated_service_account": _delegated,
}
