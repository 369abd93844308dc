"""Google's and Microsoft's token and metadata servers, and models that want tokens.

One server plays them all, by path. `Clouds.good` is what the models take; whoever gives
tokens gives the newest.
"""

import threading
from typing import Any, Final
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.harness import spoken_anthropic, spoken_gemini, spoken_openai
from tests.harness.answers import Answer, Said, vector
from tests.harness.upstream import Request, Script, Upstream, events, tell

EMAIL: Final = "robot@project-of-file.iam.gserviceaccount.com"
HELLO: Final = Answer((Said("Grüße aus der Wolke"),))

KEY: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM: Final = KEY.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
).decode()


class Clouds(Upstream):
    """See the module."""

    def __init__(self) -> None:
        super().__init__()
        self.given = 0
        self.lives_s = 3600
        self.good: set[str] = set()
        self.down = False
        """The issuers answer 503."""
        self.refusing = False
        """The issuers answer 400."""
        self.gate = threading.Event()
        self.gate.set()
        """Issuers wait for it."""
        self.asked: list[str] = []
        """Paths of the issuers that were asked."""
        self.keys = {"express-key"}
        self.subject = "subject-token-of-the-cluster"
        self.on(None, self._any)

    def revoke(self) -> None:
        """The tokens given so far are refused."""
        self.good.clear()

    def new_token(self, kind: str) -> str:
        self.given += 1
        token = f"secret-{kind}-token-{self.given:04d}"
        self.good.add(token)
        return token

    def models(self) -> list[Request]:
        """What the models were asked."""
        return [r for r in self.requests if "/issuer/" not in r.path]

    def _any(self, request: Request) -> Script:
        issuer = _ISSUERS.get(request.path)
        if issuer is not None:
            self.asked.append(request.path)
            return self._issue(issuer, request)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        key = request.headers.get("x-goog-api-key") or request.headers.get("api-key")
        if token not in self.good and key not in self.keys:
            return tell(401, _refused(request.path, token))
        return _model(request)

    def _issue(self, issuer: Any, request: Request) -> Script:
        self.gate.wait(20)
        if self.down:
            return tell(503, "try later")
        if self.refusing:
            said = {"error": "invalid_grant", "error_description": "account disabled"}
            return tell(400, said)
        return issuer(self, request)


def _refused(path: str, token: str) -> Any:
    message = f"Request had invalid authentication credentials: {token}"
    if "projects/" in path:
        return {"error": {"code": 401, "message": message, "status": "UNAUTHENTICATED"}}
    return {"error": {"code": "401", "message": message}}


def form(request: Request) -> dict[str, str]:
    return {k: v[0] for k, v in parse_qs(request.body.decode()).items()}


def _told(clouds: Clouds, kind: str) -> Script:
    value = clouds.new_token(kind)
    told = {"access_token": value, "expires_in": clouds.lives_s, "token_type": "Bearer"}
    return tell(200, told)


def _oauth(clouds: Clouds, request: Request) -> Script:
    asked = form(request)
    if asked["grant_type"] == "refresh_token":
        assert asked["refresh_token"] == "refresh-token-of-a-person"
        return _told(clouds, "person")
    assert asked["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    claims = jwt.decode(
        asked["assertion"],
        KEY.public_key(),
        algorithms=["RS256"],
        audience=f"{clouds.url}/issuer/google/token",
    )
    assert claims["iss"] == EMAIL
    assert claims["scope"] == "https://www.googleapis.com/auth/cloud-platform"
    return _told(clouds, "robot")


def _sts(clouds: Clouds, request: Request) -> Script:
    asked = form(request)
    assert asked["grant_type"] == "urn:ietf:params:oauth:grant-type:token-exchange"
    if asked["subject_token"] != clouds.subject:
        return tell(400, {"error": "invalid_grant", "error_description": "no subject"})
    return _told(clouds, "federated")


def _subject(clouds: Clouds, request: Request) -> Script:
    assert request.headers["x-from"] == "cluster"
    return tell(200, {"id_token": clouds.subject})


def _impersonate(clouds: Clouds, request: Request) -> Script:
    token = request.headers["authorization"].removeprefix("Bearer ")
    assert token in clouds.good
    assert request.json()["lifetime"] == "3600s"
    value = clouds.new_token("impersonated")
    return tell(200, {"accessToken": value, "expireTime": "2099-01-01T00:00:00Z"})


def _metadata(clouds: Clouds, request: Request) -> Script:
    if request.headers.get("metadata-flavor") != "Google":
        return tell(403, "no flavor")
    return _told(clouds, "machine")


def _project(_: Clouds, request: Request) -> Script:
    assert request.headers.get("metadata-flavor") == "Google"
    return tell(200, "project-of-machine")


def _entra(clouds: Clouds, request: Request) -> Script:
    asked = form(request)
    assert asked["client_id"] == "the-client"
    assert asked["scope"].endswith("/.default")
    assert asked["grant_type"] == "client_credentials"
    if "client_secret" in asked:
        assert asked["client_secret"] == "client-secret-of-entra"
        return _told(clouds, "secret")
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert asked["client_assertion_type"] == kind
    assertion = asked["client_assertion"]
    if assertion == clouds.subject:
        return _told(clouds, "workload")
    head = jwt.get_unverified_header(assertion)
    assert head["x5t#S256"]
    claims = jwt.decode(
        assertion,
        KEY.public_key(),
        algorithms=["PS256"],
        audience=f"{clouds.url}/issuer/entra/the-tenant/oauth2/v2.0/token",
    )
    assert claims["iss"] == claims["sub"] == "the-client"
    return _told(clouds, "certificate")


def _imds(clouds: Clouds, request: Request) -> Script:
    assert request.headers["metadata"] == "true"
    query = parse_qs(request.query)
    assert query["resource"] == ["https://cognitiveservices.azure.com"]
    value = clouds.new_token("managed")
    return tell(200, {"access_token": value, "expires_in": str(clouds.lives_s)})


def _app_service(clouds: Clouds, request: Request) -> Script:
    assert request.headers["x-identity-header"] == "identity-header-secret"
    value = clouds.new_token("service")
    return tell(200, {"access_token": value, "expires_on": "4070908800"})


_ISSUERS: Final = {
    "/issuer/google/token": _oauth,
    "/issuer/sts": _sts,
    "/issuer/subject": _subject,
    f"/issuer/iam/{EMAIL}:generateAccessToken": _impersonate,
    "/computeMetadata/v1/instance/service-accounts/default/token": _metadata,
    "/computeMetadata/v1/project/project-id": _project,
    "/issuer/entra/the-tenant/oauth2/v2.0/token": _entra,
    "/metadata/identity/oauth2/token": _imds,
    "/issuer/app-service": _app_service,
}


_PICTURE: Final = tell(200, {"created": 1, "data": [{"b64_json": "cGljdHVyZQ=="}]})
_RESPONSE: Final = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "status": "completed",
    "model": "gpt-4o",
    "output": [
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [
                {
                    "type": "output_text",
                    "text": HELLO.parts[0].text,  # type: ignore[union-attr]
                    "annotations": [],
                }
            ],
        }
    ],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "usage": {
        "input_tokens": 3,
        "output_tokens": 2,
        "total_tokens": 5,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    },
}
_HEARD: Final = tell(200, {"text": HELLO.parts[0].text})  # type: ignore[union-attr]
_MEDIA: Final = {
    "generations": _PICTURE,
    "edits": _PICTURE,
    "speech": tell(200, b"sound", {"content-type": "audio/mpeg"}),
    "transcriptions": _HEARD,
    "translations": _HEARD,
    "responses": tell(200, _RESPONSE),
}


def _model(request: Request) -> Script:  # noqa: C901 - one a grammar
    """A model of whatever grammar the path is of."""
    end = request.path.rpartition("/")[2]
    if end in _MEDIA:
        return _MEDIA[end]
    verb = request.path.rpartition(":")[2]
    body = request.json()
    model = request.path.rpartition("/models/")[2].rpartition(":")[0]
    if verb == "generateContent":
        return tell(200, spoken_gemini.whole(body, model, HELLO))
    if verb == "streamGenerateContent":
        return events(spoken_gemini.stream(body, model, HELLO))
    if verb == "countTokens":
        return tell(200, {"totalTokens": 42, "totalBillableCharacters": 9})
    if verb == "predict":
        return tell(200, {"predictions": [_predicted(i) for i in body["instances"]]})
    if verb in ("embedContent", "batchEmbedContents"):
        asked = body.get("requests") or [body]
        found = [{"values": vector("gemini", 8)} for _ in asked]
        if "requests" in body:
            return tell(200, {"embeddings": found})
        return tell(200, {"embedding": found[0]})
    if "count-tokens" in request.path:
        return tell(200, {"input_tokens": 42})
    if "/publishers/anthropic/" in request.path or request.path.endswith("/messages"):
        body.setdefault("model", model)
        if body.get("stream"):
            return events(spoken_anthropic.stream(body, HELLO))
        return tell(200, spoken_anthropic.whole(body, HELLO))
    if request.path.endswith("/embeddings"):
        return tell(200, spoken_openai.embeddings(body))
    if request.path.endswith("/completions") and "prompt" in body:
        return tell(200, spoken_openai.completion(body, HELLO))
    if body.get("stream"):
        return events(spoken_openai.stream(body, HELLO))
    return tell(200, spoken_openai.whole(body, HELLO))


def _predicted(instance: Any) -> Any:
    values = vector(instance["content"], 8)
    counted = {"token_count": len(instance["content"].split()), "truncated": False}
    return {"embeddings": {"values": values, "statistics": counted}}
