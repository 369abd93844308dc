"""Every recorded success, told to the clients of every dialect: whole, as the stream it
could have been, and as the stream it was.

What an answer says is read off the recording the plain way (`meaning`) and must be what
the client's own SDK understands, in types that fit strictly.
"""

import json

import pytest

from adapters.errors import Garbled
from adapters.normal.chat import ChatResult
from adapters.normal.delta import Failed
from adapters.normal.fold import unfold
from adapters.registry import DIALECTS
from tests.adapters.anthropic import accumulate
from tests.replay import clients, exceptions, material, meaning, own, reference
from tests.replay.clients import Heard
from tests.replay.material import (
    CHAT,
    CLIENTS,
    GENERATE,
    MESSAGES,
    RESPONSES,
    Recording,
)
from tests.replay.meaning import Meaning
from tests.shared import needs_shared

GOOD = [
    r
    for family in material.TALKS
    for r in material.every(family)
    if r.form != "error"
    and r.id not in exceptions.NO_ANSWER
    and r.id not in exceptions.BROKEN
] + [*own.EVERY]
WHOLES = [r for r in GOOD if not r.streams]
STREAMS = [r for r in GOOD if r.streams]

UNLIKE = (AssertionError, ValueError, AttributeError, Warning)
"""How the official types and the grammars say that they do not know something."""

every_client = pytest.mark.parametrize("client", CLIENTS)


def of_each(recordings: list[Recording]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("recording", recordings, ids=lambda r: r.id)


def said(recording: Recording, client: str) -> Meaning:
    """What a client of that dialect must understand."""
    objects = reference.objects(recording)
    if recording.family.startswith("openai"):
        key = "delta" if recording.streams else "message"
        found = meaning.of_chat(objects, key)
    elif recording.family.startswith("gemini"):
        found = meaning.of_generate(objects)
    elif recording.family == "ollama":
        found = meaning.of_ollama(objects)
    elif recording.family.startswith("cohere"):
        streamed = recording.streams
        found = (
            meaning.of_cohere_events(objects)
            if streamed
            else meaning.of_cohere(objects[0])
        )
    elif recording.streams:
        found = meaning.of_message(accumulate.whole(recording.body))
    else:
        found = meaning.of_message(objects[0])
    return meaning.first(found) if client in (MESSAGES, RESPONSES) else found


def check(recording: Recording, client: str, heard: Heard, *, relayed: bool) -> None:
    """Whether the client understood what was said, and was told what it costs."""
    if recording.id in exceptions.TWO_IN_ONE:
        return
    expected = said(recording, client)
    if recording.id in exceptions.UNFINISHED:
        expected = {at: _ended(told) for at, told in expected.items()}
        heard = heard._replace(
            meaning={at: _ended(told) for at, told in heard.meaning.items()}
        )
    assert heard.meaning == expected
    if relayed:
        return  # usage as well stands as the provider told it
    counted = clients.counts(reference.usage(recording))
    if client == MESSAGES and counted is None:
        counted = clients.Counts(0, 0, 0, 0)
    assert heard.counts == counted


def _ended(told: meaning.Said) -> meaning.Said:
    named = tuple(call for call in told.tools if call[0])
    return told._replace(finish="tool" if named else "end", tools=named)


@every_client
@of_each(WHOLES)
def test_a_whole_answer_reaches_every_client(recording: Recording, client: str) -> None:
    result = recording.result(material.asking(recording, client))
    assert isinstance(result, ChatResult)
    call = material.call_of(client, stream=False)
    body = DIALECTS[client].write_result(result, call)
    relayed = result.dialect == client
    if relayed and client != CHAT:
        assert body == recording.body
        if recording.id in exceptions.ODD_RELAYED:
            with pytest.raises(UNLIKE):
                clients.hear(client, body, relayed=True)
            return
    heard = clients.hear(client, body, relayed=relayed)
    check(recording, client, heard, relayed=relayed)


@every_client
@of_each(WHOLES)
def test_a_whole_answer_reaches_clients_that_asked_for_a_stream(
    recording: Recording, client: str
) -> None:
    if recording.id in exceptions.NO_SUCH_TYPE and client == CHAT:
        pytest.skip(exceptions.NO_SUCH_TYPE[recording.id])
    result = recording.result(material.asking(recording, client))
    assert isinstance(result, ChatResult)
    encoder = DIALECTS[client].write_stream(material.call_of(client, stream=True), "")
    body = encoder.frames(unfold(result)) + encoder.close()
    heard = clients.hear_stream(client, body)
    check(recording, client, heard, relayed=False)
    if client == CHAT:
        assert {*clients.roles(body).values()} <= {1}


@every_client
@of_each(STREAMS)
def test_a_stream_reaches_every_client(recording: Recording, client: str) -> None:
    frames = recording.frames(material.asking(recording, client, stream=True))
    source = material.source(recording)
    encoder = DIALECTS[client].write_stream(
        material.call_of(client, stream=True), source
    )
    body = b"".join(encoder.frames([frame]) for frame in frames) + encoder.close()
    relayed = source == client
    if recording.id in exceptions.LOST and client == GENERATE:
        with pytest.raises(AssertionError, match="without an end"):
            clients.hear_stream(client, body)
        return
    if relayed and client != CHAT:
        if recording.form == "array":
            told = [json.loads(data) for data in clients.events(body)]
            assert told == reference.objects(recording)
        else:  # the blank line after the last event may have been lost: it is mended
            assert body.rstrip() == recording.body.rstrip()
            assert len(body) - len(recording.body) in (0, 1, 2)
        if recording.id in exceptions.ODD_RELAYED:
            with pytest.raises(UNLIKE):
                clients.hear_stream(client, body, relayed=True)
            return
    if relayed and recording.id in exceptions.TWO_IN_ONE:
        return
    heard = clients.hear_stream(client, body, relayed=relayed)
    check(recording, client, heard, relayed=relayed)
    if client == CHAT:
        assert _usage_chunks(body) == (reference.usage(recording) is not None)
        assert relayed or {*clients.roles(body).values()} <= {1}


@of_each(STREAMS)
def test_usage_is_told_to_openai_clients_only_when_they_ask(
    recording: Recording,
) -> None:
    asked = material.asking(recording, CHAT, stream=True, usage=False)
    frames = recording.frames(asked)
    call = material.call_of(CHAT, stream=True, usage=False)
    encoder = DIALECTS[CHAT].write_stream(call, material.source(recording))
    body = encoder.frames(frames) + encoder.close()
    assert _usage_chunks(body) == 0
    if recording.id not in exceptions.TWO_IN_ONE:
        clients.hear_stream(CHAT, body, asked=False)


def _usage_chunks(body: bytes) -> int:
    *data, _ = clients.events(body)
    return sum(json.loads(d).get("usage") is not None for d in data)


def _named(table: dict[str, str]) -> list[Recording]:
    all_ = [r for family in material.TALKS for r in material.every(family)]
    return [r for r in all_ if r.id in table]


@every_client
@of_each(_named(exceptions.NO_ANSWER))
def test_what_is_no_answer_is_garbled(recording: Recording, client: str) -> None:
    call = material.call_of(client, stream=False)
    if recording.family == "openai_completions":
        call = material.asking(recording, client)
    with pytest.raises(Garbled):
        recording.result(call)


@every_client
@of_each(_named(exceptions.BROKEN))
def test_a_stream_without_its_end_fails(recording: Recording, client: str) -> None:
    frames = recording.frames(material.asking(recording, client, stream=True))
    failed = [
        at
        for at, f in enumerate(frames)
        if any(isinstance(d, Failed) for d in f.deltas)
    ]
    assert failed == [len(frames) - 1]


@needs_shared
def test_every_exception_is_of_a_recording() -> None:
    known = {r.id for family in material.TALKS for r in material.every(family)}
    for table in (
        exceptions.NO_ANSWER,
        exceptions.BROKEN,
        exceptions.UNFINISHED,
        exceptions.TWO_IN_ONE,
        exceptions.LOST,
        exceptions.NO_SUCH_TYPE,
        exceptions.ODD_RELAYED,
    ):
        assert set(table) <= known
