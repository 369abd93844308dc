"""Keys that are no credential by themselves: a token is asked for with them.

Sources: cloud.ibm.com/apidocs/iam-identity-token-api (API keys); developers.sber.ru,
GigaChat API (an authorization key, a token of half an hour).
"""

import time
import uuid
from typing import Final
from urllib.parse import urlsplit

from adapters.errors import Garbled
from gateway.config.secrets import SecretError
from gateway.credentials.contract import Means, Signer, Wanted
from gateway.credentials.issuer import Issuer, address
from gateway.credentials.reference import digest
from gateway.credentials.tokens import Bearer, Token, Tokens

IBM: Final = "https://iam.cloud.ibm.com/identity/token"
IBM_GRANT: Final = "urn:ibm:params:oauth:grant-type:apikey"
GIGACHAT: Final = "https://ngw.devices.sberbank.ru:9443/api/v2/oauth"
GIGACHAT_SCOPE: Final = "GIGACHAT_API_PERS"
"""Of private persons."""


def ibm(wanted: Wanted, means: Means) -> Signer:
    """IBM Cloud's token of an API key. WATSONX_IAM_URL is another issuer's address."""
    key = _key(wanted)
    url = means.secrets.variable("WATSONX_IAM_URL") or IBM
    issuer = Issuer(means.client([address(url)]))
    form = {"grant_type": IBM_GRANT, "apikey": key}

    async def fetch() -> Token:
        return await issuer.token("POST", url, form=form)

    identity = f"ibm {_host(url)} {digest(key)}"
    return Bearer(Tokens(identity, fetch, means.redactor))


def gigachat(wanted: Wanted, means: Means) -> Signer:
    """GigaChat's token of an authorization key. GIGACHAT_AUTH_URL is another issuer's
    address, GIGACHAT_SCOPE what the key was given for."""
    key = _key(wanted)
    variable = means.secrets.variable
    url = variable("GIGACHAT_AUTH_URL") or GIGACHAT
    scope = variable("GIGACHAT_SCOPE") or GIGACHAT_SCOPE
    issuer = Issuer(means.client([address(url)]))

    async def fetch() -> Token:
        headers = (
            (b"authorization", b"Basic " + key.encode()),
            (b"rquid", str(uuid.uuid4()).encode()),
        )
        told = await issuer.json("POST", url, form={"scope": scope}, headers=headers)
        try:
            lives = float(told["expires_at"]) / 1000 - time.time()
            return Token(str(told["access_token"]), lives)
        except (KeyError, TypeError, ValueError):
            what = f"{_host(url)} gave something else than a token"
            raise Garbled(what) from None

    identity = f"gigachat {_host(url)} {scope} {digest(key)}"
    return Bearer(Tokens(identity, fetch, means.redactor))


def _key(wanted: Wanted) -> str:
    if not wanted.key:
        names = " or ".join(wanted.provider.env)
        raise SecretError(
            f"{wanted.provider.id}: there is no key",
            f"set api_key, or {names}",
            missing=True,
        )
    return wanted.key


def _host(url: str) -> str:
    return urlsplit(url).hostname or url
