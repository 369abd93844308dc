"""AWS on one socket: Bedrock, which checks signatures with botocore, and all that give
keys: STS, an instance's and a container's metadata."""

import json
import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qs

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.harness import spoken_bedrock as bedrock
from tests.harness.answers import GREETING
from tests.harness.upstream import Request, Script, Upstream, tell

_AUTHORIZATION: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, "
    r"SignedHeaders=([^,]+), Signature=([0-9a-f]{64})"
)
LIVES: Final = timedelta(hours=1)


class Aws(Upstream):
    """Knows every pair of keys it ever gave; those in `stale` are refused."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, tuple[str, str]] = {
            "AKIAFIXED": ("fixed-secret-0123456789", "")
        }
        """Id -> secret and token."""
        self.lives = LIVES
        self.stale: set[str] = set()
        self.given: list[str] = []
        """Ids in order."""
        self.signed: list[tuple[str, str, str]] = []
        """Id, region and service of every signature that was right."""
        self.refused: list[Request] = []
        self.forms: list[dict[str, str]] = []
        """What STS was asked."""
        self._lock = threading.Lock()
        self.on(None, self._any)

    def mint(self, kind: str) -> tuple[str, str, str]:
        """New keys of a session."""
        with self._lock:
            number = len(self.given)
            id = f"ASIA{kind.upper()}{number}"
            secret, token = f"secret-of-{id}-0123456789", f"token-of-{id}-0123456789=="
            self.known[id] = (secret, token)
            self.given.append(id)
        return id, secret, token

    def right(self, request: Request) -> tuple[str, str, str] | None:
        """Whose signature a request bears; `None` when it is wrong."""
        found = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
        if found is None or found[1] not in self.known or found[1] in self.stale:
            return None
        secret, token = self.known[found[1]]
        if request.headers.get("x-amz-security-token", "") != token:
            return None
        names = found[5].split(";")
        assert {"host", "x-amz-date"} <= {*names}
        headers = {name: request.headers[name] for name in names}
        url = f"http://{request.headers['host']}{request.target}"
        theirs = AWSRequest(request.method, url, request.body and None, request.body)
        for name, value in headers.items():
            theirs.headers[name] = value
        signer = SigV4Auth(Credentials(found[1], secret), found[4], found[3])
        stamp = request.headers["x-amz-date"]
        theirs.context["timestamp"] = stamp
        when = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        assert abs(datetime.now(UTC) - when) < timedelta(minutes=5)
        text = signer.string_to_sign(theirs, signer.canonical_request(theirs))
        if signer.signature(text, theirs) != found[6]:
            return None
        return found[1], found[3], found[4]

    def _any(self, request: Request) -> Script:
        places: dict[str, Callable[[Request], Script]] = {
            "model": self._bedrock,
            "sts": self._sts,
            "latest": self._instance,
            "v2": self._container,
        }
        place = places.get(request.path.split("/")[1])
        return place(request) if place else tell(404, "")

    def _bedrock(self, request: Request) -> Script:
        who = self.right(request)
        if who is None or who[2] != "bedrock":
            self.refused.append(request)
            message = "The security token included in the request is invalid."
            return bedrock.refusal(403, "UnrecognizedClientException", message)
        self.signed.append(who)
        return bedrock.speak(request.path, request, GREETING)

    def _sts(self, request: Request) -> Script:
        form = {k: v[0] for k, v in parse_qs(request.body.decode()).items()}
        self.forms.append(form)
        who = self.right(request)
        if form["Action"] == "AssumeRole" and (who is None or who[2] != "sts"):
            return _fault(403, "InvalidClientTokenId", "the token is invalid")
        if form["RoleArn"].endswith("/forbidden"):
            return _fault(403, "AccessDenied", "you may not assume this role")
        id, secret, token = self.mint("sts")
        end = (datetime.now(UTC) + self.lives).strftime("%Y-%m-%dT%H:%M:%SZ")
        action = form["Action"]
        return tell(
            200,
            f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
            f"<{action}Result><Credentials><AccessKeyId>{id}</AccessKeyId>"
            f"<SecretAccessKey>{secret}</SecretAccessKey>"
            f"<SessionToken>{token}</SessionToken><Expiration>{end}</Expiration>"
            f"</Credentials></{action}Result></{action}Response>",
            [("content-type", "text/xml")],
        )

    def _instance(self, request: Request) -> Script:
        if request.path == "/latest/api/token":
            assert request.method == "PUT"
            assert request.headers["x-aws-ec2-metadata-token-ttl-seconds"]
            return tell(200, "session-of-imds")
        if request.headers.get("x-aws-ec2-metadata-token") != "session-of-imds":
            return tell(401, "")
        if request.path.endswith("/security-credentials/"):
            return tell(200, "the-role")
        assert request.path.endswith("/security-credentials/the-role")
        return tell(200, {"Code": "Success", **self.document("imds")})

    def _container(self, request: Request) -> Script:
        if request.headers.get("authorization") != "token-of-the-pod":
            return tell(400, {"code": "InvalidToken", "message": "who are you"})
        return tell(200, self.document("pod"))

    def document(self, kind: str, *, session: bool = False) -> dict[str, Any]:
        """Keys as metadata services and programs tell them."""
        id, secret, token = self.mint(kind)
        end = (datetime.now(UTC) + self.lives).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "AccessKeyId": id,
            "SecretAccessKey": secret,
            "SessionToken" if session else "Token": token,
            "Expiration": end,
        }


def _fault(status: int, code: str, message: str) -> Script:
    return tell(
        status,
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>"
        f"<Message>{message}</Message></Error></ErrorResponse>",
        [("content-type", "text/xml")],
    )


def printed(document: dict[str, Any]) -> str:
    """What a `credential_process` prints."""
    return json.dumps({"Version": 1, **document})
