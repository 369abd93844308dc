"""Endpoints of SageMaker through a running gateway: signed for their own service, asked
in the words of their containers, and streamed in pieces cut anywhere."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from adapters.framing import eventstream
from tests.flow.bedrock.issuers import Aws
from tests.flow.provider import body as completion
from tests.flow.provider import pieces, said
from tests.harness.gateway import Running, gateway
from tests.harness.upstream import Request, Script, chunk, end, head, tell

SECRET = "fixed-secret-0123456789"
WORDS = ("Grü", "ße! ", "😀")
REFUSED = {
    "ErrorCode": "CLIENT_ERROR_FROM_MODEL",
    "LogStreamArn": "arn:aws:logs:us-east-1:1:log-group:x",
    "Message": "Received client error (422) from primary with message ...",
    "OriginalMessage": '{"error":"Input validation error: `inputs` tokens + '
    '`max_new_tokens` must be <= 4096. Given: 5000","error_type":"validation"}',
    "OriginalStatusCode": 422,
}
MISSING = "Endpoint missing of account 123456789012 not found."
Json = dict[str, Any]


def part(data: bytes) -> bytes:
    kind = "application/octet-stream"
    return eventstream.write(
        {
            ":event-type": "PayloadPart",
            ":content-type": kind,
            ":message-type": "event",
        },
        data,
    )


def exception(kind: str, told: Json) -> bytes:
    headers = {":exception-type": kind, ":message-type": "exception"}
    return eventstream.write(headers, json.dumps(told).encode())


def lines() -> bytes:
    """The same chunks as LMI's `jsonlines` have them."""
    events = [event[6:].strip() for event in pieces(*WORDS) if b"[DONE]" not in event]
    return b"\n".join(events)


STREAMS = {
    "chat": [part(bytes((byte,))) for byte in b"".join(pieces(*WORDS))],
    "lines": [part(lines()[at : at + 7]) for at in range(0, len(lines()), 7)],
    "broken": [
        part(pieces("half")[0] + pieces("half")[1]),
        exception(
            "ModelStreamError", {"Message": "it broke", "ErrorCode": "StreamBroken"}
        ),
    ],
    "slow": [
        exception(
            "ModelStreamError",
            {"Message": "no end", "ErrorCode": "ModelInvocationTimeExceeded"},
        )
    ],
    "failing": [exception("InternalStreamFailure", {"Message": "unknown"})],
}
WHOLE: dict[str, Any] = {
    "embed": [[0.5, -0.25], [1.0, 0.0]],
    "wrapped": {"embedding": [[0.5, -0.25], [1.0, 0.0]]},
    "rank": [{"index": 0, "score": 0.2}, {"index": 1, "score": 0.9}],
}


class SageMaker(Aws):
    """Checks signatures with botocore."""

    def __init__(self) -> None:
        super().__init__()
        self.on(None, self._invoked)

    def _invoked(self, request: Request) -> Script:
        who = self.right(request)
        if who is None or who[1:] != ("eu-central-1", "sagemaker"):
            return tell(403, {"message": f"signed for {who}"})
        self.signed.append(who)
        _, first, name, verb = request.path.split("/")
        assert first == "endpoints"
        if name == "missing":
            headers = {"x-amzn-errortype": "ValidationError"}
            return tell(400, {"Message": MISSING}, headers)
        if name == "refuses":
            return tell(424, REFUSED, {"x-amzn-errortype": "ModelError"})
        if verb == "invocations":
            return tell(200, WHOLE.get(name) or completion("".join(WORDS)))
        assert verb == "invocations-response-stream"
        assert request.json()["stream"] is True
        kind = {"content-type": eventstream.CONTENT_TYPE}
        whole = b"".join(STREAMS[name])
        return head(200, kind) + chunk(whole[:99]) + chunk(whole[99:]) + end()


@pytest.fixture(scope="module")
def aws() -> Iterator[SageMaker]:
    with SageMaker() as up:
        yield up


@pytest.fixture(scope="module")
def running(
    aws: SageMaker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    models: Json = {
        name: {"deployments": [{"model": f"sagemaker/{name}", "base_url": aws.url}]}
        for name in (*STREAMS, *WHOLE, "refuses", "missing")
    }
    (plain,) = models["chat"]["deployments"]
    plain["price"] = {"input": 1.0, "output": 2.0}
    plain["headers"] = {"X-Amzn-SageMaker-Inference-Component": "one"}
    arn = "arn:aws:sagemaker:eu-central-1:123456789012:endpoint/chat"
    models["arn"] = {
        "deployments": [{"model": f"sagemaker_chat/{arn}", "base_url": aws.url}]
    }
    config = {
        "models": models,
        "retries": {"attempts": 1},
        "cooldown": {"failures": 1_000_000},
    }
    env = {
        "AWS_ACCESS_KEY_ID": "AKIAFIXED",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "eu-central-1",
    }
    folder = tmp_path_factory.mktemp("sagemaker")
    with gateway(config, folder, env=env) as running:
        yield running


def ask(running: Running, model: str, **more: Any) -> httpx.Response:
    turns = [{"role": "user", "content": "hi"}]
    return running.post(
        "/v1/chat/completions", {"model": model, "messages": turns, **more}
    )


def test_a_chat_is_asked_of_the_container(running: Running, aws: SageMaker) -> None:
    answer = ask(running, "chat", max_completion_tokens=9)
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"] == "".join(WORDS)
    asked = aws.requests[-1]
    assert asked.path == "/endpoints/chat/invocations"
    assert asked.headers["x-amzn-sagemaker-inference-component"] == "one"
    turns = [{"role": "user", "content": "hi"}]
    assert asked.json() == {"messages": turns, "max_tokens": 9}
    row = running.record(answer.headers["x-routeiq-id"])
    assert (row["provider"], row["cost_nano"]) == ("sagemaker", 10 * 1000 + 5 * 2000)
    assert ask(running, "arn").status_code == 200
    assert aws.requests[-1].path == "/endpoints/chat/invocations"
    assert SECRET not in running.logged(row["id"])


@pytest.mark.parametrize("model", ["chat", "lines"])
def test_a_stream_is_put_together_again(running: Running, model: str) -> None:
    answer = ask(running, model, stream=True)
    assert said(answer.text) == "".join(WORDS)
    assert answer.text.endswith("data: [DONE]\n\n")
    row = running.record(answer.headers["x-routeiq-id"])
    assert row["tokens"] == {"input": 10, "output": 3}
    body = {"model": model, "max_tokens": 9, "stream": True}
    turns = [{"role": "user", "content": "hi"}]
    theirs = running.post("/v1/messages", {**body, "messages": turns})
    assert "".join(WORDS)[0] in theirs.text
    assert "event: message_stop" in theirs.text


def test_a_stream_that_breaks_ends_in_an_error(running: Running) -> None:
    answer = ask(running, "broken", stream=True)
    assert said(answer.text) == "half"
    *_, last, done = [line for line in answer.text.splitlines() if line]
    assert done == "data: [DONE]"
    error = json.loads(last.removeprefix("data: "))["error"]
    assert error["message"].startswith("it broke")
    row = running.record(answer.headers["x-routeiq-id"])
    assert row["error"] == "server_error"


@pytest.mark.parametrize(("model", "status"), [("slow", 504), ("failing", 502)])
def test_an_exception_before_any_word_is_a_status(
    running: Running, model: str, status: int
) -> None:
    answer = ask(running, model, stream=True)
    assert answer.status_code == status, answer.text


def test_errors_are_those_of_the_container(running: Running) -> None:
    answer = ask(running, "refuses")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "context_length_exceeded"
    assert "must be <= 4096" in answer.json()["error"]["message"]
    answer = ask(running, "missing")
    assert answer.status_code == 404
    assert MISSING in answer.json()["error"]["message"]


@pytest.mark.parametrize("model", ["embed", "wrapped"])
def test_texts_are_embedded(running: Running, aws: SageMaker, model: str) -> None:
    with openai.OpenAI(base_url=f"{running.url}/v1", api_key="any") as client:
        told = client.embeddings.create(model=model, input=["a", "b"])
    assert [entry.embedding for entry in told.data] == WHOLE["embed"]
    assert aws.requests[-1].json() == {"inputs": ["a", "b"]}


def test_documents_are_ranked(running: Running, aws: SageMaker) -> None:
    body = {"model": "rank", "query": "q", "documents": ["a", "b"]}
    answer = running.post("/v1/rerank", body)
    assert [r["index"] for r in answer.json()["results"]] == [1, 0]
    assert aws.requests[-1].json() == {"query": "q", "texts": ["a", "b"]}
