"""What a deployment may say of itself: fields it sets and drops, what it must not be
asked, whose headers and addresses it uses, and the proxy it is reached by."""

import base64
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.flow.provider import (
    CHAT,
    ENV,
    SECRET,
    body,
    call,
    deployment,
    said,
    streamed,
    whole,
)
from tests.harness.gateway import Running, gateway
from tests.harness.upstream import Request, Script, Upstream, tell

MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [{"type": "text", "text": "fine"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 2},
}


class Tunnel:
    """A proxy that only joins ends (CONNECT), and writes down to where."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        """Target and credentials."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._stopped = False
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._stopped = True
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while not self._stopped:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._join, args=(near,), daemon=True).start()

    def _join(self, near: socket.socket) -> None:
        with near:
            said = b""
            while b"\r\n\r\n" not in said:
                said += near.recv(4096)
            method, target, _ = said.split(b"\r\n")[0].decode().split(" ")
            lines = said.decode("latin-1").lower().split("\r\n")
            found = [x for x in lines if x.startswith("proxy-authorization:")]
            self.asked.append((f"{method} {target}", "".join(found)))
            host, _, port = target.rpartition(":")
            with socket.create_connection((host, int(port))) as far:
                near.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                back = threading.Thread(target=_pump, args=(far, near), daemon=True)
                back.start()
                _pump(near, far)
                back.join(5)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as up:
        up.on(None, _any)
        yield up


def _any(request: Request) -> Script:
    if request.path.endswith("/messages"):
        return tell(200, MESSAGE)
    if request.json().get("stream"):
        return streamed("fi", "ne")
    return tell(200, body())


@pytest.fixture(scope="module")
def secure() -> Iterator[Upstream]:
    with Upstream(tls=True) as up:
        up.on(None, whole("by TLS"))
        yield up


@pytest.fixture(scope="module")
def tunnel() -> Iterator[Tunnel]:
    tunnel = Tunnel()
    yield tunnel
    tunnel.close()


@pytest.fixture(scope="module")
def running(
    upstream: Upstream,
    secure: Upstream,
    tunnel: Tunnel,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Running]:
    def one(place: str, **more: Any) -> dict[str, Any]:
        return {"deployments": [deployment(upstream, place, **more)]}

    key = {"api_key": "env:UPSTREAM_KEY"}
    config = {
        "providers": {
            "house": {
                "family": "openai",
                "base_url": f"{upstream.url}/house",
                "headers": {"x-team": "${TEAM}", "x-fixed": "yes"},
                **key,
            },
            "claudes": {
                "family": "anthropic",
                "base_url": f"{upstream.url}/claudes",
                **key,
            },
            "behind": {
                "base_url": "http://provider.invalid/v1",
                "proxy": f"http://user:pw@127.0.0.1:{upstream.port}",
                **key,
            },
            "tunnelled": {
                "base_url": f"{secure.url}/v1",
                "proxy": f"http://user:${{PROXY_PASSWORD}}@127.0.0.1:{tunnel.port}",
                **key,
            },
        },
        "models": {
            "params": one(
                "params",
                params={"temperature": 0.5, "top_k": 7, "metadata": {"a": [1]}},
                drop=["user", "seed"],
            ),
            "house": {"deployments": [{"model": "house/llama-3"}]},
            "stranger": one("stranger", model="nobody/llama"),
            "headed": one("headed", headers={"x-own": "${TEAM}!", "x-two": "2"}),
            "lax": {"deployments": [{"model": "claudes/claude"}]},
            "strict": {
                "deployments": [{"model": "claudes/claude", "on_unsupported": "error"}]
            },
            "strict-then-able": {
                "strategy": "ordered",
                "deployments": [
                    {"model": "claudes/claude", "on_unsupported": "error"},
                    deployment(upstream, "able"),
                ],
            },
            "behind": {"deployments": [{"model": "behind/m"}]},
            "behind-elsewhere": {
                "deployments": [
                    {"model": "behind/m", "base_url": "http://other.invalid/v2"}
                ]
            },
            "tunnelled": {"deployments": [{"model": "tunnelled/m"}]},
            "named": {
                "deployments": [
                    deployment(
                        upstream, "named", model="org/model/x", provider="openai"
                    )
                ]
            },
        },
        "egress": {"ca_file": secure.ca_file},
        "demo": False,
    }
    env = {**ENV, "TEAM": "team-canary-0123456789", "PROXY_PASSWORD": "s3cret"}
    with gateway(config, tmp_path_factory.mktemp("deployments"), env=env) as running:
        yield running


def _last(upstream: Upstream, place: str) -> Request:
    return [r for r in upstream.requests if r.path.startswith(f"/{place}")][-1]


# --- fields --------------------------------------------------------------------------


def test_params_are_set_where_the_client_did_not(
    running: Running, upstream: Upstream
) -> None:
    running.post(CHAT, call("params"))
    sent = _last(upstream, "params").json()
    assert sent["temperature"] == 0.5
    assert sent["top_k"] == 7
    assert sent["metadata"] == {"a": [1]}
    running.post(CHAT, call("params", temperature=0.25, top_k=None))
    sent = _last(upstream, "params").json()
    assert sent["temperature"] == 0.25
    assert sent["top_k"] is None


def test_dropped_fields_are_not_sent_and_are_named(
    running: Running, upstream: Upstream
) -> None:
    answer = running.post(CHAT, call("params", user="me", seed=1, stop=["x"]))
    sent = _last(upstream, "params").json()
    assert "user" not in sent
    assert "seed" not in sent
    assert sent["stop"] == ["x"]
    assert answer.headers["x-routeiq-dropped"] == "seed, user"
    record = running.record(answer.headers["x-routeiq-id"])
    assert record["dropped"] == ["seed", "user"]
    assert "x-routeiq-dropped" not in running.post(CHAT, call("params")).headers


def test_what_a_family_cannot_say_is_dropped_and_named(
    running: Running, upstream: Upstream
) -> None:
    answer = running.post(CHAT, call("lax", seed=1, logit_bias={"1": 2}))
    assert answer.status_code == 200
    assert answer.json()["choices"][0]["message"]["content"] == "fine"
    assert set(answer.headers["x-routeiq-dropped"].split(", ")) == {
        "seed",
        "logit_bias",
    }
    assert "seed" not in _last(upstream, "claudes").json()


def test_or_refused_where_the_configuration_says_so(
    running: Running, upstream: Upstream
) -> None:
    before = len(upstream.requests)
    answer = running.post(CHAT, call("strict", seed=1))
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "unsupported_parameter"
    assert error["param"] == "seed"
    assert len(upstream.requests) == before
    assert running.post(CHAT, call("strict")).status_code == 200


def test_or_asked_of_another_that_can(running: Running) -> None:
    answer = running.post(CHAT, call("strict-then-able", seed=1))
    assert answer.headers["x-routeiq-deployment"] == "able"
    assert "x-routeiq-dropped" not in answer.headers


# --- providers -----------------------------------------------------------------------


def test_a_provider_of_ones_own_is_reached(
    running: Running, upstream: Upstream
) -> None:
    answer = running.post(CHAT, call("house"))
    assert answer.headers["x-routeiq-provider"] == "house"
    asked = _last(upstream, "house")
    assert asked.path == "/house/chat/completions"
    assert asked.json()["model"] == "llama-3"
    assert asked.headers["authorization"] == f"Bearer {SECRET}"
    assert asked.headers["x-team"] == "team-canary-0123456789"
    assert asked.headers["x-fixed"] == "yes"


def test_a_stranger_is_reached_by_its_address(
    running: Running, upstream: Upstream
) -> None:
    answer = running.post(CHAT, call("stranger"))
    assert answer.json()["choices"][0]["message"]["content"] == "fine"
    asked = _last(upstream, "stranger")
    assert asked.path == "/stranger/chat/completions"
    assert asked.json()["model"] == "nobody/llama"
    assert asked.headers["authorization"] == f"Bearer {SECRET}"


def test_a_deployments_headers_are_sent_and_their_secrets_kept(
    running: Running, upstream: Upstream
) -> None:
    running.post(CHAT, call("headed", user="team-canary-0123456789"))
    asked = _last(upstream, "headed")
    assert asked.headers["x-own"] == "team-canary-0123456789!"
    assert asked.headers["x-two"] == "2"


def test_the_family_of_a_provider_says_how_it_is_spoken_to(
    running: Running, upstream: Upstream
) -> None:
    running.post(CHAT, call("lax"))
    asked = _last(upstream, "claudes")
    assert asked.path.endswith("/messages")
    assert asked.headers["x-api-key"] == SECRET
    assert "authorization" not in asked.headers


def test_a_model_id_may_hold_slashes(running: Running, upstream: Upstream) -> None:
    running.post(CHAT, call("named"))
    assert _last(upstream, "named").json()["model"] == "org/model/x"


# --- proxies -------------------------------------------------------------------------


def test_a_provider_may_be_behind_a_proxy(running: Running, upstream: Upstream) -> None:
    answer = running.post(CHAT, call("behind"))
    assert answer.status_code == 200, answer.text
    asked = upstream.requests[-1]
    assert asked.target == "http://provider.invalid/v1/chat/completions"
    assert asked.headers["host"] == "provider.invalid"
    basic = base64.b64encode(b"user:pw").decode()
    assert asked.headers["proxy-authorization"] == f"Basic {basic}"
    assert asked.headers["authorization"] == f"Bearer {SECRET}"
    assert asked.json()["model"] == "m"


def test_streams_come_through_a_proxy(running: Running) -> None:
    answer = running.post(CHAT, call("behind", stream=True))
    assert said(answer.text) == "fine"
    assert answer.text.rstrip().endswith("data: [DONE]")


def test_another_address_of_a_provider_is_behind_its_proxy_too(
    running: Running, upstream: Upstream
) -> None:
    answer = running.post(CHAT, call("behind-elsewhere"))
    assert answer.status_code == 200, answer.text
    asked = upstream.requests[-1]
    assert asked.target == "http://other.invalid/v2/chat/completions"


def test_tls_goes_through_a_proxy_unseen(
    running: Running, secure: Upstream, tunnel: Tunnel
) -> None:
    answer = running.post(CHAT, call("tunnelled"))
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"] == "by TLS"
    target, credentials = tunnel.asked[-1]
    assert target == f"CONNECT 127.0.0.1:{secure.port}"
    basic = base64.b64encode(b"user:s3cret").decode().lower()
    assert credentials.endswith(basic)
    asked = secure.requests[-1]
    assert asked.headers["authorization"] == f"Bearer {SECRET}"
    assert "proxy-authorization" not in asked.headers


def test_what_is_secret_here_is_in_no_log_or_record(running: Running) -> None:
    (row,) = running.records(1)
    kept = b"".join(p.read_bytes() for p in running.folder.glob("routeiq.db*"))
    written = running.logged(row["id"]).encode() + kept
    for secret in (SECRET, "team-canary-0123456789", "s3cret"):
        assert secret.encode() not in written
