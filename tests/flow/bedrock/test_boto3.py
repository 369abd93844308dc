"""The official boto3 client by `endpoint_url` alone: Converse and ConverseStream over
every family, with tools, thoughts and errors."""

from contextlib import closing
from typing import Any

import botocore.exceptions
import pytest

from tests.adapters.bedrock import shapes
from tests.flow.bedrock.conftest import CLAUDE, KEY, NOVA, SIGNED, Scene, client
from tests.harness import spoken_bedrock as bedrock
from tests.harness.answers import Answer, Said
from tests.harness.upstream import close, reset, tell

Json = dict[str, Any]
FAMILIES = ("nova", "claude", "openai", "anthropic", "gemini")
BEDROCK = ("nova", "claude", "claude-converse", "profile")


def said(text: str) -> Json:
    return {"role": "user", "content": [{"text": text}]}


TOOLS = {
    "tools": [
        {
            "toolSpec": {
                "name": name,
                "description": f"the {name}",
                "inputSchema": {
                    "json": {
                        "type": "object",
                        "properties": {"city": {"type": "string"}},
                    }
                },
            }
        }
        for name in ("weather", "clock")
    ]
}


def whole(scene: Scene, model: str, text: str, **more: Any) -> Json:
    answer = scene.bedrock.converse(modelId=model, messages=[said(text)], **more)
    told: Json = {k: v for k, v in answer.items() if k != "ResponseMetadata"}
    shapes.check("Converse", told, lenient=model in BEDROCK)
    return told


def streamed(scene: Scene, model: str, text: str, **more: Any) -> Json:
    """A stream put together, as the whole answer it could have been."""
    answer = scene.bedrock.converse_stream(modelId=model, messages=[said(text)], **more)
    events = [*answer["stream"]]
    for one in events:
        shapes.check("ConverseStream", one, lenient=model in BEDROCK)
    return shapes.accumulate(events)


BOTH = pytest.mark.parametrize("ask", [whole, streamed], ids=["whole", "stream"])


@BOTH
@pytest.mark.parametrize("model", [*FAMILIES, "echo", "profile"])
def test_plain_words(scene: Scene, model: str, ask: Any) -> None:
    told = ask(scene, model, "hi", inferenceConfig={"maxTokens": 99})
    (message,) = told["output"]["message"]["content"]
    assert message["text"] if model == "echo" else message["text"] == "Grüße! 🙂"
    assert told["output"]["message"]["role"] == "assistant"
    assert told["stopReason"] == "end_turn"
    usage = told["usage"]
    assert usage["totalTokens"] == usage["inputTokens"] + usage["outputTokens"] > 0


@BOTH
@pytest.mark.parametrize("model", FAMILIES)
def test_tools_are_called_and_answered(scene: Scene, model: str, ask: Any) -> None:
    """Bug class 1: parallel calls keep their places; bug class 14: their ids lead
    back to them."""
    told = ask(scene, model, "[[tools]]", toolConfig=TOOLS)
    message = told["output"]["message"]
    uses = [b["toolUse"] for b in message["content"] if "toolUse" in b]
    assert [u["name"] for u in uses] == ["weather", "clock"]
    assert [u["input"] for u in uses] == [{"city": "Kraków", "days": [1, 2]}, {}]
    assert told["stopReason"] == "tool_use"
    assert len({u["toolUseId"] for u in uses}) == 2
    results = [
        {"toolResult": {"toolUseId": u["toolUseId"], "content": [{"text": "ok"}]}}
        for u in uses
    ]
    turns = [said("[[tools]]"), message, {"role": "user", "content": results}]
    turns[2]["content"].append({"text": "[[thought]]"})
    again = scene.bedrock.converse(modelId=model, messages=turns, toolConfig=TOOLS)
    assert again["output"]["message"]["content"][-1]["text"] == "Ja."
    _check_second_turn(model, scene.up.requests[-1].json())


def _check_second_turn(model: str, sent: Json) -> None:
    """Calls and results meet, in whatever words."""
    if model in ("nova", "claude"):
        called = [
            b["toolUse"]
            for m in sent["messages"]
            for b in m["content"]
            if "toolUse" in b
        ]
        answered = [
            b["toolResult"]
            for m in sent["messages"]
            for b in m["content"]
            if "toolResult" in b
        ]
        assert [c["toolUseId"] for c in called] == [a["toolUseId"] for a in answered]
    elif model == "openai":
        called = [c for m in sent["messages"] for c in m.get("tool_calls") or []]
        answered = [m for m in sent["messages"] if m["role"] == "tool"]
        assert [c["id"] for c in called] == [a["tool_call_id"] for a in answered]
    elif model == "anthropic":
        blocks = [
            b
            for m in sent["messages"]
            if isinstance(m["content"], list)
            for b in m["content"]
        ]
        called = [b for b in blocks if b["type"] == "tool_use"]
        answered = [b for b in blocks if b["type"] == "tool_result"]
        assert [c["id"] for c in called] == [a["tool_use_id"] for a in answered]
    else:
        parts = [p for c in sent["contents"] for p in c["parts"]]
        called = [p["functionCall"] for p in parts if "functionCall" in p]
        answered = [p["functionResponse"] for p in parts if "functionResponse" in p]
        assert [c["name"] for c in called] == [a["name"] for a in answered]
    assert len(called) == 2


@BOTH
@pytest.mark.parametrize("model", ["nova", "claude", "anthropic"])
def test_thoughts_and_cached_tokens_are_told(
    scene: Scene, model: str, ask: Any
) -> None:
    told = ask(scene, model, "[[thought]]")
    thought, text = told["output"]["message"]["content"]
    wanted = {"text": "Hm…", "signature": SIGNED}
    assert thought["reasoningContent"]["reasoningText"] == wanted
    assert text == {"text": "Ja."}
    usage = told["usage"]
    assert (usage["inputTokens"], usage["outputTokens"]) == (21, 50)
    assert usage["cacheReadInputTokens"] == 1000
    assert usage["cacheWriteInputTokens"] == 300
    assert usage["totalTokens"] == 1371


@BOTH
def test_signatures_of_another_family_come_back_to_it_alone(
    scene: Scene, ask: Any
) -> None:
    told = ask(scene, "gemini", "[[signed]]", toolConfig=TOOLS)
    message = told["output"]["message"]
    use = next(b["toolUse"] for b in message["content"] if "toolUse" in b)
    assert any("reasoningContent" in b for b in message["content"])
    result = {"toolUseId": use["toolUseId"], "content": [{"json": {"ok": True}}]}
    answered = {"role": "user", "content": [{"toolResult": result}]}
    turns = [said("hi"), message, answered]
    for model in ("gemini", "nova", "anthropic"):
        scene.bedrock.converse(modelId=model, messages=turns, toolConfig=TOOLS)
        sent = scene.up.requests[-1].body.decode()
        assert ("c2lnbmVk" in sent) == (model == "gemini")
        assert "reasoningContent" not in sent
        assert use["name"] in sent


@BOTH
@pytest.mark.parametrize("model", FAMILIES)
@pytest.mark.parametrize(
    ("name", "word"), [("cut", "max_tokens"), ("blocked", "")], ids=["cut", "blocked"]
)
def test_why_it_ended(scene: Scene, model: str, name: str, word: str, ask: Any) -> None:
    told = ask(scene, model, f"[[{name}]]")
    own = "guardrail_intervened" if model in BEDROCK else "content_filtered"
    assert told["stopReason"] == (word or own)


def test_bedrock_is_asked_and_answers_byte_for_byte(scene: Scene) -> None:
    more = {
        "guardrailConfig": {"guardrailIdentifier": "ab12", "guardrailVersion": "1"},
        "additionalModelRequestFields": {"top_k": 7},
        "system": [{"text": "be kind"}, {"cachePoint": {"type": "default"}}],
    }
    scene.bedrock.converse(modelId="nova", messages=[said("hi")], **more)
    sent = scene.up.requests[-1]
    assert sent.target == "/bedrock/v1/model/us.amazon.nova-lite-v1%3A0/converse"
    assert sent.json() == {"messages": [said("hi")], **more}
    body = {"messages": [said("[[tools]]")]}
    path = "/bedrock/model/nova/converse-stream"
    answer = scene.http.post(path, json=body)
    assert answer.headers["content-type"] == bedrock.FRAMES
    assert answer.content == b"".join(bedrock.stream(scene.up.answers["tools"]))


def test_tokens_are_counted(scene: Scene) -> None:
    asked = {"converse": {"messages": [said("hi")]}}
    told = scene.bedrock.count_tokens(modelId="claude", input=asked)
    assert told["inputTokens"] == bedrock.COUNTED
    request = scene.up.requests[-1]
    assert request.json() == {"input": asked}
    model = CLAUDE.partition(".")[2].replace(":", "%3A")
    assert request.target.endswith(f"/model/{model}/count-tokens"), "no profile's id"
    for other in ("openai", "anthropic", "gemini", "echo"):
        assert scene.bedrock.count_tokens(modelId=other, input=asked)["inputTokens"] > 0


def test_tokens_that_bedrock_cannot_count_are_estimated(scene: Scene) -> None:
    for model in ("nova", "profile"):
        asked = {"converse": {"messages": [said("hello there")]}}
        told = scene.bedrock.count_tokens(modelId=model, input=asked)
        assert told["inputTokens"] not in (0, bedrock.COUNTED)
        row = scene.gateway.record(
            told["ResponseMetadata"]["HTTPHeaders"]["x-routeiq-id"]
        )
        assert row["status"] == 200
        assert [one["error"] for one in row["attempts"]] == ["uncounted"]
        assert not row["cost_nano"]


@pytest.mark.parametrize("model", ["claude", "claude-converse"])
def test_what_it_cost_is_recorded(scene: Scene, model: str) -> None:
    answer = scene.bedrock.converse(modelId=model, messages=[said("[[thought]]")])
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    row = scene.gateway.record(headers["x-routeiq-id"])
    assert row["dialect"] == "bedrock.converse"
    assert row["tokens"]["input"] == 1321
    assert row["tokens"]["cached"] == 1000
    # Dollars a million: 3.3 fresh, 0.33 cached, 4.125 written, 16.5 said.
    cost = 21 * 3300 + 1000 * 330 + 300 * 4125 + 50 * 16500
    assert row["cost_nano"] == cost
    assert row["route"] == "/bedrock/model/{model:path}/converse"


# --- errors -------------------------------------------------------------------------


def _refused(call: Any, **kwargs: Any) -> tuple[int, str, str]:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        answer = call(**kwargs)
        for _ in answer.get("stream", ()):
            pass
    told: Json = caught.value.response  # type: ignore[assignment]
    status = told["ResponseMetadata"].get("HTTPStatusCode", 200)
    return status, told["Error"]["Code"], told["Error"]["Message"]


def test_errors_are_told_in_aws_s_shape(scene: Scene) -> None:
    ask = scene.bedrock.converse
    status, code, message = _refused(ask, modelId="nobody", messages=[said("hi")])
    assert (status, code) == (404, "ResourceNotFoundException")
    assert "nobody" in message
    bad = [{"role": "wizard", "content": [{"text": "hi"}]}]
    with pytest.raises(botocore.exceptions.ClientError):
        ask(modelId="openai", messages=bad)


def test_keys_are_wanted_and_signatures_refused_clearly(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
    asked: Json = {"modelId": "nova", "messages": [said("hi")]}
    with closing(client(scene.gateway.url + "/bedrock")) as signed:
        status, code, message = _refused(signed.converse, **asked)
        assert (status, code) == (401, "UnrecognizedClientException")
        assert "AWS_BEARER_TOKEN_BEDROCK" in message
        assert "cannot be verified" in message
        name = "before-send.bedrock-runtime.Converse"
        signed.meta.events.register(name, _with_key)
        assert signed.converse(**asked)["stopReason"]


def _with_key(request: Any, **_: Any) -> None:
    """For those who must sign: the key in a header beside the signature."""
    request.headers["x-api-key"] = KEY


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        (
            bedrock.refusal(429, "ThrottlingException", "Too many requests"),
            (429, "ThrottlingException"),
        ),
        (
            bedrock.refusal(400, "ValidationException", "Malformed input request"),
            (400, "ValidationException"),
        ),
        (
            bedrock.refusal(403, "AccessDeniedException", "not authorized to invoke"),
            (403, "AccessDeniedException"),
        ),
        (
            bedrock.refusal(503, "ServiceUnavailableException", "busy"),
            (503, "ServiceUnavailableException"),
        ),
        (tell(500, "<html>oops</html>"), (503, "ServiceUnavailableException")),
    ],
    ids=["throttled", "invalid", "denied", "busy", "page"],
)
def test_what_bedrock_refuses(scene: Scene, refusal: Any, expected: Any) -> None:
    rule = scene.up.on("/bedrock/v1/model/us.amazon.nova-lite-v1:0/converse", refusal)
    try:
        found = _refused(scene.bedrock.converse, modelId="nova", messages=[said("hi")])
    finally:
        scene.up.rules.remove(rule)
    assert found[:2] == expected


HELLO = bedrock.stream(Answer((Said("Grüße aus Kraków"),)))


@pytest.mark.parametrize(
    ("then", "code"),
    [
        (bedrock.exception("throttlingException", "slow down"), "throttlingException"),
        (bedrock.exception("modelStreamErrorException", "it broke"), None),
        (reset(), None),
        (close(), None),
    ],
    ids=["throttled", "model", "reset", "close"],
)
def test_a_stream_that_breaks_ends_in_an_exception(
    scene: Scene, then: Any, code: str | None
) -> None:
    start: list[bytes] = [*HELLO[:3]]
    script = (
        bedrock.streamed([*start, then])
        if isinstance(then, bytes)
        else bedrock.streamed(start, then)
    )
    path = "/bedrock/v1/model/us.amazon.nova-lite-v1:0/converse-stream"
    rule = scene.up.on(path, script)
    heard: list[Json] = []
    try:
        answer = scene.bedrock.converse_stream(modelId="nova", messages=[said("hi")])
        broken = pytest.raises(botocore.exceptions.EventStreamError)
        with closing(answer["stream"]) as stream, broken as caught:
            heard.extend(stream)
    finally:
        scene.up.rules.remove(rule)
    told = caught.value.response["Error"]
    assert told["Code"] == (code or "modelStreamErrorException")
    assert not any("messageStop" in one for one in heard)


def test_a_flipped_bit_is_an_error_and_no_text(scene: Scene) -> None:
    damaged = bytearray(HELLO[2])
    damaged[-6] ^= 1
    script = bedrock.streamed([HELLO[0], HELLO[1], bytes(damaged), *HELLO[3:]])
    path = f"/bedrock/v1/model/{NOVA}/converse-stream"
    rule = scene.up.on(path, script)
    try:
        answer = scene.bedrock.converse_stream(modelId="nova", messages=[said("hi")])
        broken = pytest.raises(botocore.exceptions.EventStreamError, match="checksum")
        with closing(answer["stream"]) as stream, broken:
            list(stream)
    finally:
        scene.up.rules.remove(rule)
