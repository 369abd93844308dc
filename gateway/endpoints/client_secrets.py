"""POST /v1/realtime/client_secrets: what a browser may open one kind of session with.

The provider's own secret stays here, sealed with the one that the client gets: whoever
reads the store alone can open nothing, and whoever has the client's secret can only
come through the gateway.
"""

import base64
import secrets
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final

import msgspec

from adapters.errors import BadCall, Garbled
from adapters.registry import DIALECTS
from gateway.deployments import Directory
from gateway.endpoints.table import Row
from gateway.endpoints.visit import Visit, VisitDoor
from gateway.govern.principal import Principal
from gateway.spine.dispatch import Dispatch
from gateway.spine.forward import Errand, begin, refusal, sendable
from gateway.spine.realtime import OPERATION, Sessions
from gateway.spine.route import resolve
from gateway.store.contract import Store
from gateway.telemetry.context import Propagation

PATH: Final = "/v1/realtime/client_secrets"
SPACE: Final = "realtime.secrets"
"""Of the store: hash of the client's secret -> `Kept`, as long as it lives."""
PREFIX: Final = "ek_riq_"
DEFAULT_S: Final = 600.0
LONGEST_S: Final = 7200.0


class Kept(msgspec.Struct, frozen=True):
    """A client's secret, as the store has it."""

    key: str
    """Id of the virtual key it was made for."""
    model: str
    """The alias it opens."""
    deployment: str
    sealed: bytes


_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode
_kept: Final = msgspec.json.Decoder(Kept).decode
_encode: Final = msgspec.json.Encoder().encode


class Opened(msgspec.Struct, frozen=True):
    """What a client's secret stands for."""

    principal: Principal
    model: str
    deployment: str
    credential: str


class Secrets:
    """Client secrets, in the store."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    async def mint(
        self,
        principal: Principal,
        model: str,
        deployment: str,
        credential: str,
        expires_at: object,
    ) -> str:
        """A secret of our own in place of the provider's, for as long as that lives.
        Raises `StoreError`."""
        left = DEFAULT_S
        if isinstance(expires_at, int | float):
            left = min(max(expires_at - self._clock(), 1.0), LONGEST_S)
        secret = PREFIX + secrets.token_urlsafe(32)
        sealed = _seal(secret, credential)
        kept = Kept(principal.id, model, deployment, sealed)
        await self._store.put(SPACE, _name(secret), _encode(kept), ttl_s=left)
        return secret

    async def find(self, secret: str) -> Opened | None:
        """What it stands for; `None`: nothing, or no more. Raises `StoreError`."""
        if not secret.startswith(PREFIX):
            return None
        data = await self._store.get(SPACE, _name(secret))
        if data is None:
            return None
        kept = _kept(data)
        credential = _unseal(secret, kept.sealed)
        if credential is None:
            return None
        principal = Principal(kept.key, models=frozenset({kept.model}))
        return Opened(principal, kept.model, kept.deployment, credential)


def _name(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def _seal(secret: str, credential: str) -> bytes:
    from cryptography.fernet import Fernet  # noqa: PLC0415 - heavy, and few need it

    return Fernet(_key(secret)).encrypt(credential.encode())


def _unseal(secret: str, sealed: bytes) -> str | None:
    from cryptography.fernet import Fernet, InvalidToken  # noqa: PLC0415 - as above

    try:
        return Fernet(_key(secret)).decrypt(sealed).decode()
    except InvalidToken:
        return None


def _key(secret: str) -> bytes:
    key = sha256(b"routeiq realtime client secret\0" + secret.encode()).digest()
    return base64.urlsafe_b64encode(key)


def rows(
    dispatch: Dispatch,
    propagation: Propagation,
    sessions: Sessions,
    kept: Secrets,
) -> list[Row]:
    """OpenAI's SDKs take `/v1`, `/openai/v1`, `/openai` or the bare origin as base."""

    async def handle(visit: Visit) -> None:
        await _create(visit, dispatch.directory, sessions, propagation, kept)

    tail = PATH.removeprefix("/v1")
    return [
        Row(
            method="POST",
            path=PATH,
            aliases=(tail, f"/openai{tail}", f"/openai{PATH}"),
            endpoint=VisitDoor(
                dispatch, propagation, DIALECTS["openai.chat"], OPERATION, PATH, handle
            ),
            auth="key",
            recorded=True,
            summary="A secret with which a browser opens a realtime session",
        )
    ]


async def _create(
    visit: Visit,
    directory: Directory,
    sessions: Sessions,
    propagation: Propagation,
    kept: Secrets,
) -> None:
    exchange, body = visit.exchange, _object(await visit.body())
    place = _model_place(body)
    asked = place["model"] if place else visit.header(b"x-routeiq-model")
    if not isinstance(asked, str):
        raise BadCall("must be a model's name", "session.model")
    exchange.asked = asked
    alias = exchange.alias = resolve(directory, exchange, asked)
    deployment = sessions.plan(exchange, alias)[0]
    if place:
        place["model"] = deployment.target.model
    errand = Errand(
        "POST",
        f"{deployment.target.base_url}/realtime/client_secrets",
        (
            *(h for h in sendable(visit.headers, visit.key) if h[0] != b"content-type"),
            (b"content-type", b"application/json"),
        ),
        _encode(body),
    )
    carried = await begin(exchange, deployment, errand, propagation)
    if carried.status >= 400:
        data = await refusal(exchange, carried)
        await visit.whole(carried.status, carried.headers, data)
        return
    data = await carried.take()
    answer, value = _answer(data)
    answer["value"] = await kept.mint(
        visit.principal,
        alias.name,
        deployment.id,
        value,
        answer.get("expires_at"),
    )
    session = answer.get("session")
    if isinstance(session, dict) and isinstance(session.get("client_secret"), dict):
        session["client_secret"]["value"] = answer["value"]
    await visit.json(answer, carried.status)


def _object(data: bytes) -> dict[str, Any]:
    try:
        return _decode(data or b"{}")
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadCall(f"the body must be a JSON object: {error}") from None


def _model_place(body: dict[str, Any]) -> dict[str, Any]:
    """Where in the body the model stands; empty when nowhere."""
    session = body.get("session")
    if not isinstance(session, dict):
        return {}
    if "model" in session:
        return session
    audio = session.get("audio")
    into = audio.get("input") if isinstance(audio, dict) else None
    heard = into.get("transcription") if isinstance(into, dict) else None
    return heard if isinstance(heard, dict) and "model" in heard else {}


def _answer(data: bytes) -> tuple[dict[str, Any], str]:
    try:
        answer = _decode(data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        answer = {}
    value = answer.get("value")
    if not isinstance(value, str) or not value:
        raise Garbled("the provider gave no client secret")
    return answer, value
