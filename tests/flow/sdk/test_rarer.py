"""What is asked more rarely, through the official SDKs: documents by address and id,
documents to be cited, sound in answers, and functions as they were before tools."""

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest
from google.genai import types as gt

from tests.flow.sdk.clients import Got
from tests.flow.sdk.conftest import Scene
from tests.flow.sdk.features import CITY, ZURICH, ask, b64, chat, generate
from tests.harness.answers import Answer, Called
from tests.harness.providers import Providers
from tests.harness.upstream import events, tell

Json = dict[str, Any]
URL: Final = "https://example.com/paper.pdf"
TEXT: Final = "The sky is blue. Water is wet."
QUESTION: Final = {"type": "text", "text": "What does it say?"}
SOUND: Final = {
    "id": "audio_1",
    "data": b64(b"RIFF sound"),
    "transcript": "Hi!",
    "expires_at": 1790000000,
}


@pytest.fixture(autouse=True)
def answers(providers: Providers) -> Iterator[None]:
    rules = [*providers.rules]
    calls = Answer((Called("weather", ZURICH),), "tools")
    providers.answers = {**providers.answers, "function": calls}
    yield
    providers.rules = rules


def asked(scene: Scene, dialect: str, model: str, stream: bool, body: Json) -> Got:
    return scene.clients.ask(dialect, "sync", stream, {**body, "model": model})


def sent(scene: Scene) -> Json:
    body: Json = scene.up.requests[-1].json()
    return body


BY_ADDRESS: Final[dict[str, Json]] = {
    "anthropic": ask(
        [{"type": "document", "source": {"type": "url", "url": URL}}, QUESTION]
    ),
    "gemini": generate(
        [gt.Part.from_uri(file_uri=URL, mime_type="application/pdf"), "What?"]
    ),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("dialect", BY_ADDRESS)
def test_a_document_is_named_by_its_address(
    scene: Scene, dialect: str, stream: bool
) -> None:
    assert asked(scene, dialect, "anthropic", stream, BY_ADDRESS[dialect]).text
    document, _ = sent(scene)["messages"][0]["content"]
    assert document == {"type": "document", "source": {"type": "url", "url": URL}}
    assert asked(scene, dialect, "gemini", stream, BY_ADDRESS[dialect]).text
    (part,) = (p for p in sent(scene)["contents"][0]["parts"] if "fileData" in p)
    assert URL in part["fileData"].values()


BY_ID: Final[dict[str, tuple[Json, Json]]] = {
    "openai": (
        {"type": "file", "file": {"file_id": "file-abc"}},
        chat([{"type": "file", "file": {"file_id": "file-abc"}}, QUESTION]),
    ),
    "anthropic": (
        {"type": "document", "source": {"type": "file", "file_id": "file_abc"}},
        ask(
            [
                {
                    "type": "document",
                    "source": {"type": "file", "file_id": "file_abc"},
                },
                QUESTION,
            ]
        ),
    ),
}


@pytest.mark.parametrize("dialect", BY_ID)
def test_a_document_is_named_by_its_id_where_it_lies(
    scene: Scene, dialect: str
) -> None:
    part, body = BY_ID[dialect]
    assert asked(scene, dialect, dialect, False, body).text
    assert part in sent(scene)["messages"][0]["content"]
    before = len(scene.up.requests)
    with pytest.raises(Exception, match="another provider"):
        asked(scene, dialect, "gemini", False, body)
    assert len(scene.up.requests) == before


CITED: Final = ask(
    [
        {
            "type": "document",
            "title": "On water",
            "citations": {"enabled": True},
            "source": {"type": "text", "media_type": "text/plain", "data": TEXT},
        },
        QUESTION,
    ]
)
CITATION: Final = {
    "type": "char_location",
    "cited_text": "Water is wet.",
    "document_index": 0,
    "document_title": "On water",
    "file_id": None,
    "start_char_index": 17,
    "end_char_index": 30,
}
MESSAGE: Final[Json] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5",
    "content": [{"type": "text", "text": "It is wet.", "citations": [CITATION]}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 5, "output_tokens": 4},
}
EVENTS: Final[tuple[Json, ...]] = (
    {
        "type": "message_start",
        "message": {**MESSAGE, "content": [], "stop_reason": None},
    },
    {
        "type": "content_block_start",
        "index": 0,
        "content_block": {"type": "text", "text": "", "citations": []},
    },
    {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "citations_delta", "citation": CITATION},
    },
    {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "text_delta", "text": "It is wet."},
    },
    {"type": "content_block_stop", "index": 0},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 4},
    },
    {"type": "message_stop"},
)


@pytest.mark.parametrize("stream", [False, True])
def test_citations_of_a_text_come_as_anthropic_gives_them(
    scene: Scene, stream: bool
) -> None:
    streamed = [f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in EVENTS]
    script = events([e.encode() for e in streamed]) if stream else tell(200, MESSAGE)
    scene.up.on("/anthropic/v1/messages", script)
    client = scene.clients.anthropic
    if stream:
        with client.messages.stream(**CITED, model="anthropic") as told:
            message = told.get_final_message()
    else:
        message = client.messages.create(**CITED, model="anthropic")
    (block,) = message.content
    assert block.text == "It is wet."
    (citation,) = block.citations
    assert citation.to_dict() == CITATION
    assert sent(scene)["messages"] == CITED["messages"]


@pytest.mark.parametrize("family", ["openai", "gemini"])
def test_who_cannot_cite_reads_the_text_and_the_client_is_told(
    scene: Scene, family: str
) -> None:
    got = asked(scene, "anthropic", family, False, CITED)
    assert "document.citations" in got.dropped
    assert not [name for name in got.dropped if name.startswith("documents.")]
    read = scene.up.requests[-1].body
    assert TEXT.encode() in read or b64(TEXT.encode()).encode() in read


SPOKEN: Final = chat(
    "Say hi", modalities=["text", "audio"], audio={"voice": "alloy", "format": "wav"}
)


def _spoken(stream: bool, **said: Any) -> Json:
    kind = "chat.completion.chunk" if stream else "chat.completion"
    name = "delta" if stream else "message"
    end = None if stream and said else "stop"
    choice = {"index": 0, name: said, "finish_reason": end, "logprobs": None}
    return {
        "id": "chatcmpl-1",
        "object": kind,
        "created": 1,
        "model": "gpt-4o-audio",
        "choices": [choice],
        **({} if stream else {"usage": None}),
    }


def test_an_answer_may_be_spoken(scene: Scene) -> None:
    path = "/openai/v1/chat/completions"
    told = _spoken(False, role="assistant", content=None, refusal=None, audio=SOUND)
    scene.up.on(path, tell(200, told))
    create = scene.clients.openai.chat.completions.create
    heard = create(**SPOKEN, model="openai").choices[0].message.audio
    assert heard is not None
    assert heard.to_dict() == SOUND
    assert sent(scene)["audio"] == {"voice": "alloy", "format": "wav"}
    # A piece of the data, a piece of the transcript, and when it goes.
    first = {"id": "audio_1", "transcript": "Hi!"}
    pieces = [
        _spoken(True, role="assistant", audio=first),
        _spoken(True, audio={"data": SOUND["data"]}),
        _spoken(True, audio={"expires_at": SOUND["expires_at"]}),
        _spoken(True),
    ]
    data = [f"data: {json.dumps(piece)}\n\n".encode() for piece in pieces]
    scene.up.on(path, events([*data, b"data: [DONE]\n\n"]))
    joined: Json = {}
    for chunk in create(**SPOKEN, model="openai", stream=True):
        for choice in chunk.choices:
            if choice.delta.audio is not None:
                joined |= choice.delta.audio.to_dict()
    assert joined == SOUND


@pytest.mark.parametrize("stream", [False, True])
def test_nobody_is_asked_to_speak_who_cannot(scene: Scene, stream: bool) -> None:
    before = len(scene.up.requests)
    with pytest.raises(Exception, match="do not speak"):
        asked(scene, "openai", "anthropic", stream, SPOKEN)
    assert len(scene.up.requests) == before


FUNCTIONS: Final = chat(
    "Weather? [[function]]",
    functions=[{"name": "weather", "description": "Tells it.", "parameters": CITY}],
    function_call={"name": "weather"},
)


@pytest.mark.parametrize("family", ["anthropic", "gemini"])
def test_functions_are_tools_to_others_and_their_calls_are_functions_again(
    scene: Scene, family: str
) -> None:
    create = scene.clients.openai.chat.completions.create
    (choice,) = create(**FUNCTIONS, model=family).choices
    assert choice.finish_reason == "function_call"
    assert choice.message.tool_calls is None
    call = choice.message.function_call
    assert call is not None
    assert (call.name, json.loads(call.arguments)) == ("weather", ZURICH)
    assert "weather" in json.dumps(sent(scene)["tools"])
    name, arguments, ends = "", "", []
    for chunk in create(**FUNCTIONS, model=family, stream=True):
        for piece in chunk.choices:
            ends += [piece.finish_reason] if piece.finish_reason else []
            assert piece.delta.tool_calls is None
            if piece.delta.function_call is not None:
                name += piece.delta.function_call.name or ""
                arguments += piece.delta.function_call.arguments or ""
    assert (name, json.loads(arguments), ends) == ("weather", ZURICH, ["function_call"])


@pytest.mark.parametrize("family", ["openai", "anthropic", "gemini"])
def test_what_a_function_said_comes_to_who_called_it(scene: Scene, family: str) -> None:
    call = {"name": "weather", "arguments": json.dumps(ZURICH)}
    talk = [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": None, "function_call": call},
        {"role": "function", "name": "weather", "content": "It rains."},
    ]
    functions = FUNCTIONS["functions"]
    body = {"messages": talk, "functions": functions}
    assert asked(scene, "openai", family, False, body).dropped == frozenset()
    told = sent(scene)
    if family == "openai":
        assert told["messages"] == talk
        assert told["functions"] == functions
    elif family == "anthropic":
        use, result = (m["content"][0] for m in told["messages"][1:])
        assert (use["type"], use["name"], use["input"]) == (
            "tool_use",
            "weather",
            ZURICH,
        )
        assert (result["tool_use_id"], result["content"]) == (use["id"], "It rains.")
    else:
        called, answered = (c["parts"][0] for c in told["contents"][1:])
        assert called["functionCall"]["args"] == ZURICH
        assert answered["functionResponse"]["response"] == {"output": "It rains."}
