"""Pictures by address where a backend takes data only; and fault 24: what a client names
never leads the gateway where it must not go."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx
import pytest

from tests.harness.gateway import Running, gateway
from tests.harness.upstream import Upstream, head, stall, tell

PNG: Final = b"\x89PNG\r\n\x1a\n" + bytes(range(64))
PDF: Final = b"%PDF-1.7\n"
ENV: Final = {"KEY": "sk-0123456789", "AWS_BEARER": "bedrock-key-0123456789"}
OLLAMA: Final = {
    "model": "llava",
    "message": {"role": "assistant", "content": "a cat"},
    "done": True,
    "done_reason": "stop",
}
CONVERSE: Final = {
    "output": {"message": {"role": "assistant", "content": [{"text": "a cat"}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
}
CHAT: Final = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": "a cat"},
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
ANSWERED: Final = {"/api/chat": OLLAMA, "/openai/chat/completions": CHAT}


def config(up: Upstream, **fetch: Any) -> dict[str, Any]:
    def own(family: str, path: str = "", **more: Any) -> dict[str, Any]:
        return {
            "family": family,
            "base_url": up.url + path,
            "api_key": "env:AWS_BEARER",
            **more,
        }

    return {
        "fetch": {"timeout_s": 20.0, **fetch},
        "providers": {
            "llama": own("ollama"),
            "chat": own("openai", "/openai"),
            "rock": own("bedrock"),
            "lm_studio": {"base_url": up.url + "/openai"},
        },
        "models": {
            "data-only": {"deployments": [{"model": "llama/llava"}]},
            "addresses": {"deployments": [{"model": "chat/m"}]},
            "studio": {"deployments": [{"model": "lm_studio/m"}]},
            "rock": {"deployments": [{"model": "rock/amazon.nova-lite-v1:0"}]},
            "both": {
                "deployments": [{"model": "llama/llava"}, {"model": "chat/m"}],
                "strategy": "ordered",
            },
        },
    }


@contextmanager
def running(
    factory: pytest.TempPathFactory, up: Upstream, **fetch: Any
) -> Iterator[Running]:
    folder = factory.mktemp("fetch")
    with gateway(config(up, **fetch), folder, env=ENV) as run:
        yield run


@pytest.fixture(scope="module")
def up() -> Iterator[Upstream]:
    with Upstream() as up:
        for path, body in ANSWERED.items():
            up.on(path, tell(200, body))
        up.on(lambda r: r.path.endswith("/converse"), tell(200, CONVERSE))
        yield up


@pytest.fixture(scope="module")
def web() -> Iterator[Upstream]:
    """Where pictures are; the gateway is told that it may fetch there."""
    with Upstream(host="127.0.0.2") as web:
        yield web


@pytest.fixture(scope="module")
def open_(tmp_path_factory: pytest.TempPathFactory, up: Upstream) -> Iterator[Running]:
    with running(
        tmp_path_factory, up, allow_private=["127.0.0.2/32"], max_bytes=100_000
    ) as run:
        yield run


@pytest.fixture(scope="module")
def shut(tmp_path_factory: pytest.TempPathFactory, up: Upstream) -> Iterator[Running]:
    with running(tmp_path_factory, up) as run:
        yield run


def picture(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def ask(run: Running, model: str, *parts: dict[str, Any]) -> httpx.Response:
    text = {"type": "text", "text": "what is it?"}
    message = {"role": "user", "content": [text, *parts]}
    body = {"model": model, "messages": [message]}
    return run.post("/v1/chat/completions", body)


def last(up: Upstream, path: str) -> Any:
    return next(r for r in reversed(up.requests) if r.path == path).json()


def test_a_picture_by_address_is_sent_by_its_data(
    open_: Running, up: Upstream, web: Upstream
) -> None:
    web.on("/cat.png", tell(200, PNG, {"content-type": "text/html"}))
    before = len(web.requests)
    cat = picture(f"{web.url}/cat.png?sig=1#part")
    answer = ask(open_, "data-only", cat, cat)
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"] == "a cat"
    data = base64.b64encode(PNG).decode()
    assert last(up, "/api/chat")["messages"][0]["images"] == [data, data]
    (asked,) = web.requests[before:]  # once, though it is named twice
    assert (asked.method, asked.target) == ("GET", "/cat.png?sig=1")
    assert "authorization" not in asked.headers
    # Bedrock, too, in its own words; a second call fetches again.
    assert ask(open_, "rock", cat).status_code == 200
    sent = up.requests[-1].json()["messages"][0]["content"][1]["image"]
    assert sent == {"format": "png", "source": {"bytes": data}}
    assert len(web.requests) == before + 2


def test_so_it_is_for_vendors_that_take_data_in_openais_words(
    open_: Running, up: Upstream, web: Upstream
) -> None:
    web.on("/cat.png", tell(200, PNG))
    data = "data:image/png;base64," + base64.b64encode(PNG).decode()
    for url in (f"{web.url}/cat.png", data):
        answer = ask(open_, "studio", picture(url))
        assert answer.status_code == 200, answer.text
        told = last(up, "/openai/chat/completions")["messages"][0]["content"]
        assert told[0] == {"type": "text", "text": "what is it?"}
        assert told[1]["image_url"]["url"] == data


def test_who_takes_addresses_is_given_them(
    open_: Running, up: Upstream, web: Upstream
) -> None:
    before = len(web.requests)
    url = f"{web.url}/cat.png"
    assert ask(open_, "addresses", picture(url)).status_code == 200
    told = last(up, "/openai/chat/completions")["messages"][0]["content"][1]
    assert told["image_url"]["url"] == url
    assert len(web.requests) == before


def test_a_document_by_address_is_sent_by_its_data(
    open_: Running, up: Upstream, web: Upstream
) -> None:
    web.on("/paper.pdf", tell(200, PDF))
    source = {"type": "url", "url": f"{web.url}/paper.pdf"}
    parts = [{"type": "document", "source": source}, {"type": "text", "text": "?"}]
    body = {
        "model": "addresses",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": parts}],
    }
    answer = open_.post("/v1/messages", body)
    assert answer.status_code == 200, answer.text
    sent = last(up, "/openai/chat/completions")["messages"][0]["content"][0]
    data = base64.b64encode(PDF).decode()
    assert sent["file"]["file_data"] == f"data:application/pdf;base64,{data}"
    assert sent["file"]["filename"] == "paper.pdf"


def test_redirects_are_followed_a_little(
    open_: Running, up: Upstream, web: Upstream
) -> None:
    web.on("/cat.png", tell(200, PNG))
    web.on("/moved", tell(302, b"", {"location": "/again"}))
    web.on("/again", tell(307, b"", {"location": f"{web.url}/cat.png"}))
    assert ask(open_, "data-only", picture(f"{web.url}/moved")).status_code == 200
    web.on("/round", tell(302, b"", {"location": "/round"}))
    before = len(web.requests)
    answer = ask(open_, "data-only", picture(f"{web.url}/round"))
    assert answer.status_code == 400
    assert "302" in answer.json()["error"]["message"]
    assert len(web.requests) == before + 4


@pytest.mark.parametrize(
    ("script", "word"),
    [
        (tell(404, b"no"), "404"),
        (tell(200, b"<html>", {"content-type": "image/png"}), "no picture"),
        (tell(200, b""), "no picture"),
        (tell(200, PNG + bytes(200_000)), "larger than 100000"),
        (tell(200, PDF), "application/pdf"),
    ],
    ids=["absent", "page", "empty", "large", "document"],
)
def test_what_is_no_picture_is_told(
    open_: Running, up: Upstream, web: Upstream, script: Any, word: str
) -> None:
    web.on("/bad", script)
    before = len(up.requests)
    answer = ask(open_, "data-only", picture(f"{web.url}/bad?token=secret"))
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert word in error["message"]
    assert "secret" not in error["message"]
    assert len(up.requests) == before
    # Another deployment that takes addresses may still serve.
    assert ask(open_, "both", picture(f"{web.url}/bad")).status_code == 200


def test_a_slow_server_holds_nobody_for_long(
    tmp_path_factory: pytest.TempPathFactory, up: Upstream, web: Upstream
) -> None:
    web.on("/slow", head(200, length=50) + stall())
    with running(
        tmp_path_factory,
        up,
        allow_private=["127.0.0.2"],
        timeout_s=0.3,
        max_files=2,
    ) as run:
        answer = ask(run, "data-only", picture(f"{web.url}/slow"))
        assert answer.status_code == 400
        assert "too long" in answer.json()["error"]["message"]
        number = web.requests[-1].connection
        assert web.until(lambda: number in web.closed_at, 10.0)
        three = [picture(f"{web.url}/{n}") for n in range(3)]
        many = ask(run, "data-only", *three)
        assert "at most 2 files" in many.json()["error"]["message"]


FORBIDDEN: Final = (
    "http://127.0.0.1:{port}/cat.png",
    "http://localhost:{port}/cat.png",
    "http://[::1]:{port}/cat.png",
    "http://[::ffff:127.0.0.1]:{port}/cat.png",
    "http://[64:ff9b::7f00:1]:{port}/cat.png",
    "http://[fe80::1%25lo]:{port}/cat.png",
    "http://2130706433:{port}/cat.png",
    "http://0x7f000001:{port}/cat.png",
    "http://0177.0.0.1:{port}/cat.png",
    "http://127.1:{port}/cat.png",
    "http://0.0.0.0:{port}/cat.png",
    "http://example.com@127.0.0.1:{port}/cat.png",
    "http://127.0.0.1:{port}#@example.com/cat.png",
    "http:\\\\127.0.0.1:{port}\\cat.png",
    "HTTP://LOCALHOST.:{port}/cat.png",
    "http://169.254.169.254/latest/meta-data/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://10.0.0.1/cat.png",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_x",
    "unix:///var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/x",
)


@pytest.mark.parametrize("url", FORBIDDEN)
def test_fault_24_a_clients_address_leads_nowhere_inside(
    shut: Running, up: Upstream, url: str
) -> None:
    """The canary is a provider that the gateway itself may talk to."""
    before = up.connections
    answer = ask(shut, "data-only", picture(url.format(port=up.port)))
    assert answer.status_code == 400, answer.text
    assert up.connections == before


def test_fault_24_neither_does_a_redirect(
    open_: Running, up: Upstream, web: Upstream
) -> None:
    before = up.connections
    for at, place in enumerate(
        (up.url, f"http://localhost:{up.port}", "file:///etc/passwd", "//127.0.0.1/x")
    ):
        web.on(f"/to{at}", tell(302, b"", {"location": f"{place}/cat.png"}))
        answer = ask(open_, "data-only", picture(f"{web.url}/to{at}"))
        assert answer.status_code == 400, answer.text
        assert "not one that is fetched from" in answer.json()["error"]["message"]
    assert up.connections == before


def test_fetching_can_be_forbidden(
    tmp_path_factory: pytest.TempPathFactory, up: Upstream, web: Upstream
) -> None:
    web.on("/cat.png", tell(200, PNG))
    before = len(web.requests)
    with running(
        tmp_path_factory, up, allow_private=["127.0.0.2"], enabled=False
    ) as run:
        answer = ask(run, "data-only", picture(f"{web.url}/cat.png"))
    assert answer.status_code == 400
    assert "as data only" in answer.json()["error"]["message"]
    assert len(web.requests) == before
