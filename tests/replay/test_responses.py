"""The Responses API among the dialects: every recorded success of the chat families as
a Responses client is told it, and every recorded response as the clients of all others
are. Loops, not parameters: thousands of short cases.
"""

import json
import traceback
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from adapters import errors, registry
from adapters.contract import Decoder, Encoder, Hint
from adapters.errors import UpstreamError
from adapters.normal.chat import ChatCall, ChatResult
from adapters.normal.delta import Failed, TextDelta
from adapters.normal.fold import unfold
from adapters.registry import DIALECTS, UPSTREAMS
from gateway.errors import tell
from tests.adapters.openai_responses import grammar
from tests.replay import clients, converse, ends, exceptions, material, meaning
from tests.replay.converse import CONVERSE
from tests.replay.material import (
    CHAT,
    CLIENTS,
    GENERATE,
    MESSAGES,
    RESPONSES,
    Recording,
)
from tests.replay.test_cross import STREAMS, WHOLES, check
from tests.replay.test_cuts import CHOSEN
from tests.shared import needs_shared

EVERYBODY = (*CLIENTS, RESPONSES)

NO_RESPONSE = {
    "openai_responses-8f7a76": "of the images API",
    "openai_responses-ed4c19": "of the images API",
}
"""Of status 200, but no answer of this API."""
FAILED = {
    "openai_responses-a45f37": errors.RateLimited,
    "openai_responses-ac17b7": errors.ServerError,
    "openai_responses-34976b": errors.OutOfCredit,
}
"""Streams that end in an error."""
NO_SUCH_TYPE = {
    "openai_responses-b65aeb": "the SDK's chat chunks know no custom tools",
    "openai_responses-ff42d5": "the SDK's chat chunks know no custom tools",
    "openai_responses-a92638": "the SDK's chat chunks know no custom tools",
    "openai_responses-2df348": "the SDK's chat chunks know no custom tools",
    "openai_responses-4027e6": "an item of a type that does not exist",
}
AN_ERROR = "openai_responses-c934a3"
"""An error that was kept without its status."""
ABRIDGED = {
    "openai_responses-a3fbcd": "by hand: its pieces are less than its end tells",
    "openai_responses-de64df": "by hand: its pieces are less than its end tells",
    "openai_responses-105341": "four streams, one after the other",
    "openai_responses-ade5fd": "two streams, one after the other",
}
REFUSALS = ("openai_responses-72b473", "openai_responses-8dd49b")
"""Ended well, with a refusal: Converse can tell its words only."""
CUT_SHORT = {
    "openai_responses-99fd85": "the arguments of a call end in the middle",
}


def recorded(form: str) -> list[Recording]:
    found = [
        r
        for r in material.every("openai_responses")
        if r.form == form
        and r.id not in {*NO_RESPONSE, *ABRIDGED, AN_ERROR}
        and r.path.endswith(("/responses", ""))
        and not r.path.endswith(("/input_tokens", "/compact"))
    ]
    return [r for r in found if r.id not in FAILED]


def each(recordings: Iterable[Recording], case: Callable[[Recording], None]) -> int:
    """Tries all, then tells of all that failed; how many there were."""
    wrong: list[str] = []
    count = 0
    for recording in recordings:
        count += 1
        try:
            case(recording)
        except (AssertionError, LookupError, ValueError, UpstreamError):
            told = traceback.format_exc(limit=-2)
            wrong.append(f"{recording.id}: {told[-1500:]}")
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(w[:500] for w in wrong)
    return count


def final(recording: Recording) -> dict[str, Any]:
    """The response object of a stream."""
    told = [json.loads(d) for d in clients.events(recording.body) if d[:1] == b"{"]
    ended = [event for event in told if event.get("type") in grammar.ENDS]
    response: dict[str, Any] = ended[-1]["response"]
    return response


# --- told to Responses clients --------------------------------------------------------


@needs_shared
def test_bug_class_9_whole_answers_are_responses_to_the_letter() -> None:
    dialect = DIALECTS[RESPONSES]

    def case(recording: Recording) -> None:
        result = recording.result(material.asking(recording, RESPONSES))
        assert isinstance(result, ChatResult)
        call = material.call_of(RESPONSES, stream=False)
        body = dialect.write_result(result, call)
        assert isinstance(body, bytes)
        check(recording, RESPONSES, clients.hear(RESPONSES, body), relayed=False)
        if zlib.crc32(recording.name.encode()) % 3:
            return
        # A third of them as the streams they could have been, too.
        encoder = dialect.write_stream(material.call_of(RESPONSES, stream=True), "")
        told = encoder.frames(unfold(result)) + encoder.close()
        heard = clients.hear_stream(RESPONSES, told)
        check(recording, RESPONSES, heard, relayed=False)

    assert each(WHOLES, case) > 1000


@needs_shared
def test_bug_class_9_streams_keep_to_the_grammar() -> None:
    dialect = DIALECTS[RESPONSES]

    def case(recording: Recording) -> None:
        frames = recording.frames(material.asking(recording, RESPONSES, stream=True))
        call = material.call_of(RESPONSES, stream=True)
        encoder = dialect.write_stream(call, material.source(recording))
        body = b"".join(encoder.frames([f]) for f in frames) + encoder.close()
        check(recording, RESPONSES, clients.hear_stream(RESPONSES, body), relayed=False)

    assert each(STREAMS, case) > 450


# --- told by providers that speak it --------------------------------------------------


@needs_shared
@pytest.mark.parametrize("client", EVERYBODY)
def test_a_recorded_response_reaches_every_client(client: str) -> None:
    def case(recording: Recording) -> None:
        call = material.call_of(client, stream=False)
        result = recording.result(call)
        assert isinstance(result, ChatResult)
        assert result.choices() is not None
        body = DIALECTS[client].write_result(result, call)
        assert isinstance(body, bytes)
        expected = meaning.of_response(json.loads(recording.body))
        if client == RESPONSES:
            assert body == recording.body
        heard = clients.hear(client, body, relayed=client == RESPONSES)
        assert heard.meaning == expected
        if recording.id in NO_SUCH_TYPE:
            return
        encoder = DIALECTS[client].write_stream(
            material.call_of(client, stream=True), ""
        )
        told = encoder.frames(unfold(result)) + encoder.close()
        assert clients.hear_stream(client, told).meaning == expected

    assert each(recorded("whole"), case) > 400


ROTATING = {"openai_responses-b61f17"}
"""Its provider gives the response another id with every event, which is handed on as it
came; OpenAI's own accumulator takes one id only."""


@needs_shared
@pytest.mark.parametrize("client", EVERYBODY)
def test_a_recorded_stream_reaches_every_client(client: str) -> None:
    upstream = registry.RESPONSES

    def case(recording: Recording) -> None:
        call = material.call_of(client, stream=True)
        frames = recording.frames(call)
        encoder = DIALECTS[client].write_stream(call, upstream.dialect)
        body = b"".join(encoder.frames([f]) for f in frames) + encoder.close()
        if client == RESPONSES:
            assert body.rstrip() == recording.body.rstrip()
        skip = client == CHAT and recording.id in NO_SUCH_TYPE
        skip |= client == RESPONSES and recording.id in ROTATING
        if skip or recording.id in CUT_SHORT:
            return
        heard = clients.hear_stream(client, body, relayed=client == RESPONSES)
        assert heard.meaning == meaning.of_response(final(recording))

    assert each(recorded("events"), case) > 200


@needs_shared
def test_recorded_responses_reach_clients_of_converse() -> None:
    dialect = DIALECTS[CONVERSE]

    def case(recording: Recording) -> None:
        if recording.id in CUT_SHORT:
            return
        call = converse_call(stream=recording.streams)
        if recording.streams:
            encoder = dialect.write_stream(call, registry.RESPONSES.dialect)
            body = encoder.frames(recording.frames(call)) + encoder.close()
            heard = converse.hear_stream(body)
            expected = meaning.of_response(final(recording))
        else:
            written = dialect.write_result(recording.result(call), call)
            assert isinstance(written, bytes)
            heard = converse.hear(written)
            expected = meaning.of_response(json.loads(recording.body))
        if recording.id in REFUSALS:
            expected = {0: expected[0]._replace(finish="end")}
        assert heard.meaning == expected

    assert each([*recorded("whole"), *recorded("events")], case) > 600


def converse_call(*, stream: bool) -> ChatCall:
    asked = b'{"messages":[{"role":"user","content":[{"text":"hi"}]}]}'
    call = DIALECTS[CONVERSE].read_call(asked, Hint(model="alias", stream=stream))
    assert isinstance(call, ChatCall)
    return call


@needs_shared
@pytest.mark.parametrize("client", EVERYBODY)
def test_a_stream_that_fails_is_told_as_failed(client: str) -> None:
    for recording in material.every("openai_responses"):
        if recording.id not in FAILED:
            continue
        decoder, encoder = _ends(recording, client)
        told, error = _pumped(decoder, encoder, [recording.body])
        assert type(error) is FAILED[recording.id]
        ends.check_error(client, told)


@needs_shared
def test_every_exception_is_of_a_recording_and_needed() -> None:
    known = {r.id: r for r in material.every("openai_responses")}
    assert {*NO_RESPONSE, *FAILED, *NO_SUCH_TYPE, *CUT_SHORT, *ABRIDGED} <= set(known)
    for id in NO_RESPONSE:
        with pytest.raises(errors.Garbled):
            known[id].result(material.call_of(RESPONSES, stream=False))
    with pytest.raises(errors.OutOfCredit):
        known[AN_ERROR].result(material.call_of(RESPONSES, stream=False))
    for id in ABRIDGED:
        told = known[id].frames(material.call_of(CHAT, stream=True))
        spoken = [d for f in told for d in f.deltas if isinstance(d, TextDelta)]
        whole = meaning.of_response(final(known[id]))[0].text
        assert "".join(d.text for d in spoken) != whole
    for id in CUT_SHORT:
        assert final(known[id])["status"] == "incomplete"


# --- cut and broken -------------------------------------------------------------------

TO_CUT = [
    r
    for r in recorded("events")
    if len(r.body) < 24_000 and zlib.crc32(r.name.encode()) % 5 == 0
]


def _ends(recording: Recording, client: str) -> tuple[Decoder, Encoder]:
    call = material.call_of(client, stream=True)
    source = recording.upstream.dialect
    return recording.decoder(call), DIALECTS[client].write_stream(call, source)


def _pumped(
    decoder: Decoder, encoder: Encoder, pieces: Iterable[bytes]
) -> tuple[bytes, UpstreamError | None]:
    """As the gateway does it."""
    out = b""
    for piece in (*pieces, b""):
        frames = decoder.feed(piece) if piece else decoder.close()
        for at, frame in enumerate(frames):
            for delta in frame.deltas:
                if isinstance(delta, Failed):
                    out += encoder.frames(frames[:at])
                    return out + encoder.error(tell(delta.error, "req_1")), delta.error
        out += encoder.frames(frames)
    return out + encoder.close(), None


@needs_shared
def test_what_is_told_does_not_depend_on_the_cut() -> None:
    def case(recording: Recording) -> None:
        body = recording.body
        mine = recording.family == "openai_responses"
        for client in (RESPONSES, CHAT, MESSAGES, GENERATE) if mine else (RESPONSES,):
            whole = _pumped(*_ends(recording, client), [body])
            for size in (1, 7, 61):
                pieces = [body[at : at + size] for at in range(0, len(body), size)]
                assert _pumped(*_ends(recording, client), pieces) == whole

    shared = [r for at, r in enumerate(CHOSEN) if at % 4 == 0]
    assert each([*TO_CUT, *shared], case) > 40


@needs_shared
def test_bug_class_9_an_end_before_the_end_is_told_as_failed() -> None:
    seen: Counter[str] = Counter()

    def case(recording: Recording) -> None:
        body = recording.body
        mine = recording.family == "openai_responses"
        for end in [0, *ends.boundaries(body)[:-1]][:: 1 if len(body) < 9000 else 5]:
            for client in EVERYBODY if mine else (RESPONSES,):
                pieces = [body[:end]] if end else []
                told, error = _pumped(*_ends(recording, client), pieces)
                if error is None:
                    assert (
                        b"[DONE]" in body[end:]
                        or b"event: ping" in body[end:]
                        or (ends.finishes(client, told))
                    )
                    continue
                seen[client] += 1
                assert isinstance(error, errors.Garbled)
                if client != RESPONSES or not mine or end:
                    ends.check_error(client, told)

    each([*TO_CUT, *(r for at, r in enumerate(CHOSEN) if at % 4 == 1)], case)
    assert all(seen[client] > 100 for client in EVERYBODY)


def test_a_failed_response_that_was_begun_holds_what_was_said() -> None:
    call = material.call_of(RESPONSES, stream=True)
    upstream = UPSTREAMS["openai"]
    decoder = upstream.parse_stream(call)
    encoder = DIALECTS[RESPONSES].write_stream(call, upstream.dialect)
    chunk = {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": {"content": "Half of"}}],
    }
    told, error = _pumped(
        decoder, encoder, [b"data: " + json.dumps(chunk).encode() + b"\n\n"]
    )
    assert error is not None
    last = grammar.check(grammar.parse(told))
    assert last["status"] == "failed"
    assert last["error"]["code"] == "server_error"
    assert last["output"][0]["content"][0]["text"] == "Half of"


def test_exceptions_of_other_families_are_theirs() -> None:
    assert not [id for id in exceptions.NO_ANSWER if id.startswith("openai_responses")]
