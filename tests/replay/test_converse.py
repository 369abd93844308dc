"""Every recorded exchange of Bedrock: relayed as it is to its own clients, told to the
clients of every dialect, cut anywhere; and everybody else's answers told to clients of
Converse.

Recordings are gone through in loops, each failure collected with its recording's name.
"""

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any

from adapters.bedrock.decoder import ConverseDecoder
from adapters.bedrock.family import UPSTREAM
from adapters.catalog import Catalog, cost_nano
from adapters.contract import Hint, Operation, Target
from adapters.errors import Forbidden, NotFound, UpstreamError
from adapters.framing.eventstream import Splitter
from adapters.normal.chat import ChatCall, ChatResult, TokenCount
from adapters.normal.delta import Failed, Frame, Stop, Used
from adapters.normal.embed import EmbedResult
from adapters.normal.fold import unfold
from adapters.normal.rerank import RerankResult
from adapters.providers import find
from adapters.registry import DIALECTS, UPSTREAMS
from tests.adapters.anthropic import accumulate
from tests.adapters.bedrock import shapes
from tests.replay import clients, converse, exceptions, material, meaning, reference
from tests.replay.clients import Heard
from tests.replay.converse import CONVERSE, FAMILIES, Exchange
from tests.replay.material import (
    CHAT,
    CLIENTS,
    GENERATE,
    MESSAGES,
    RESPONSES,
    Recording,
)
from tests.replay.meaning import Meaning
from tests.replay.test_cross import STREAMS, WHOLES, said
from tests.shared import needs_shared

pytestmark = needs_shared

Json = dict[str, Any]
EVERY = [e for family in FAMILIES for e in converse.every(family)]
GOOD = [
    e
    for e in EVERY
    if e.status == 200
    and e.id not in converse.NO_ANSWER
    and e.verb != "count-tokens"
    and "embed" not in e.model
    and b'"embedding"' not in e.body[:40]
]
OWN = [e for e in GOOD if e.family.startswith("bedrock_converse")]
CLAUDE = [
    e
    for e in GOOD
    if e.verb.startswith("invoke") and b'"anthropic_version"' in e.request
]


def collect(cases: Iterable[Any], check: Callable[[Any], None]) -> None:
    """Every case checked; all that failed, by name."""
    wrong: list[str] = []
    count = 0
    for case in cases:
        count += 1
        try:
            check(case)
        except (AssertionError, UpstreamError, ValueError, LookupError) as error:
            wrong.append(f"{case.id}: {type(error).__name__}: {str(error)[:400]}")
    assert count, "nothing was checked"
    assert not wrong, f"{len(wrong)} of {count}:\n" + "\n".join(wrong[:20])


def call_of(client: str, *, stream: bool) -> ChatCall:
    if client != CONVERSE:
        return material.call_of(client, stream=stream)
    asked = b'{"messages":[{"role":"user","content":[{"text":"hi"}]}]}'
    call = DIALECTS[CONVERSE].read_call(asked, Hint(model="alias", stream=stream))
    assert isinstance(call, ChatCall)
    return call


def result_of(exchange: Exchange, call: ChatCall) -> ChatResult:
    result = UPSTREAM.parse_response(exchange.response(), call)
    assert isinstance(result, ChatResult)
    return result


def decoded(
    exchange: Exchange, call: ChatCall, pieces: Iterable[bytes] = ()
) -> tuple[ConverseDecoder, list[Frame]]:
    decoder = UPSTREAM.parse_stream(call)
    frames = [f for piece in pieces or [exchange.body] for f in decoder.feed(piece)]
    frames += decoder.close()
    for frame in frames:
        for delta in frame.deltas:
            assert not isinstance(delta, Failed), delta.error.message
    return decoder, frames


# --- what was said ------------------------------------------------------------------


def told_by(exchange: Exchange) -> Meaning:
    """What an answer says, read off the recording the plain way."""
    if exchange in OWN or b'"output":' in exchange.body[:200]:
        return converse.of_converse(converse.whole(exchange))
    if not exchange.streams:
        return _of_vendor([json.loads(exchange.body)])
    chunks = [json.loads(c) for c in _chunks(exchange)]
    if "type" in chunks[0]:
        data = b"".join(
            b"event: %b\ndata: %b\n\n" % (c["type"].encode(), json.dumps(c).encode())
            for c in chunks
        )
        return meaning.of_message(accumulate.whole(data, strict=False))
    if "messageStart" in chunks[0]:
        return converse.of_converse(_of_nova(chunks))
    return _of_vendor(chunks)


def _chunks(exchange: Exchange) -> Iterator[bytes]:
    for event in converse.events(exchange.body):
        yield base64.b64decode(event["chunk"]["bytes"])


def _of_nova(chunks: list[Json]) -> Json:
    events: list[Json] = []
    for chunk in chunks:
        chunk.pop("amazon-bedrock-invocationMetrics", None)
        events.append(chunk)
    return shapes.accumulate(events, lenient=True)


def _of_vendor(objects: list[Json]) -> Meaning:
    first = objects[0]
    if first.get("type") == "message":
        return meaning.of_message(first)
    if "choices" in first and first.get("object") != "text_completion":
        return meaning.of_chat(objects)
    text, word = "", ""
    for told in objects:
        entries = (
            told.get("results")
            or told.get("outputs")
            or told.get("generations")
            or told.get("completions")
            or told.get("choices")
            or [told]
        )
        one = entries[0]
        inner = one.get("data") or {}
        text += (
            one.get("outputText")
            or one.get("text")
            or one.get("generation")
            or one.get("completion")
            or inner.get("text")
            or ""
        )
        reason = one.get("finishReason")
        word = (
            one.get("completionReason")
            or one.get("stop_reason")
            or one.get("finish_reason")
            or (reason["reason"] if reason else "")
            or word
        )
    finish = {"LENGTH": "length", "length": "length", "max_tokens": "length"}
    filtered = {"CONTENT_FILTERED": "filter"}
    end = finish.get(word) or filtered.get(word) or "end"
    return {0: meaning.Said(text, "", (), end)}


# --- relayed ------------------------------------------------------------------------


def test_a_client_of_converse_is_given_what_bedrock_wrote() -> None:
    def check(exchange: Exchange) -> None:
        call = call_of(CONVERSE, stream=exchange.streams)
        if exchange.streams:
            decoder, frames = decoded(exchange, call)
            encoder = DIALECTS[CONVERSE].write_stream(call, decoder.dialect)
            assert encoder.frames(frames) + encoder.close() == exchange.body
            if exchange.framed:
                converse.hear_stream(exchange.body, relayed=True)
        else:
            body = DIALECTS[CONVERSE].write_result(result_of(exchange, call), call)
            assert body == exchange.body

    collect(OWN, check)
    assert len(OWN) > 140


def test_a_client_of_messages_is_given_what_claude_wrote() -> None:
    def check(exchange: Exchange) -> None:
        call = call_of(MESSAGES, stream=exchange.streams)
        if not exchange.streams:
            body = DIALECTS[MESSAGES].write_result(result_of(exchange, call), call)
            assert body == exchange.body
            return
        decoder, frames = decoded(exchange, call)
        assert decoder.dialect == MESSAGES
        encoder = DIALECTS[MESSAGES].write_stream(call, decoder.dialect)
        body = encoder.frames(frames) + encoder.close()
        told = [json.loads(data) for data in clients.events(body)]
        came = [json.loads(chunk) for chunk in _chunks(exchange)]
        came[-1].pop("amazon-bedrock-invocationMetrics")
        assert told == came

    collect(CLAUDE, check)
    assert len(CLAUDE) > 15
    assert sum(e.streams for e in CLAUDE) >= 5


def test_requests_of_converse_go_out_as_they_came() -> None:
    def check(exchange: Exchange) -> None:
        streams = exchange.verb == "converse-stream"
        hint = Hint(model="alias", stream=streams)
        if exchange.verb == "count-tokens":
            hint = Hint(model="alias", operation=Operation.count_tokens)
        call = DIALECTS[CONVERSE].read_call(exchange.request, hint)
        wire = UPSTREAM.build_request(call, target(exchange.model))
        assert wire.body == exchange.request
        assert wire.head.url.endswith(f"/{exchange.verb}")
        assert not wire.dropped
        assert isinstance(call, ChatCall)
        call.conversation()  # whoever must translate it can

    asked = [e for e in EVERY if e.request and not e.verb.startswith("invoke")]
    collect(asked, check)
    assert len(asked) > 140


def target(model: str) -> Target:
    provider = find("bedrock")
    assert provider is not None
    return Target(model=model, base_url="https://up.test", provider=provider, heads={})


# --- every client -------------------------------------------------------------------


def _heard(client: str, body: bytes, *, stream: bool) -> Heard:
    if client == CONVERSE:
        return converse.hear_stream(body) if stream else converse.hear(body)
    if stream:
        return clients.hear_stream(client, body)
    return clients.hear(client, body)


def test_every_answer_reaches_every_client() -> None:
    """Bug class 1: each SDK rebuilds parallel calls from streams."""
    for client in (*CLIENTS, RESPONSES, CONVERSE):

        def check(exchange: Exchange, client: str = client) -> None:
            call = call_of(client, stream=exchange.streams)
            if exchange.streams:
                decoder, frames = decoded(exchange, call)
                source = decoder.dialect
                encoder = DIALECTS[client].write_stream(call, source)
                body = encoder.frames(frames) + encoder.close()
                used = [
                    d.usage for f in frames for d in f.deltas if isinstance(d, Used)
                ]
                usage = used[-1] if used else None
            else:
                result = result_of(exchange, call)
                source, usage = result.dialect, result.usage
                body = DIALECTS[client].write_result(result, call)
            if source == client:
                return  # it is relayed: see above
            heard = _heard(client, body, stream=exchange.streams)
            assert heard.meaning == told_by(exchange)
            counted = clients.counts(usage)
            if counted is None and client in (MESSAGES, CONVERSE):
                counted = clients.Counts(0, 0, 0, 0)
            if client == CONVERSE and counted is not None:
                counted = counted._replace(reasoning=0)
            assert heard.counts == counted

        collect(GOOD, check)
    assert len(GOOD) > 190


def test_a_whole_answer_reaches_clients_that_asked_for_a_stream() -> None:
    for client in (*CLIENTS, RESPONSES, CONVERSE):

        def check(exchange: Exchange, client: str = client) -> None:
            result = result_of(exchange, call_of(client, stream=False))
            call = call_of(client, stream=True)
            encoder = DIALECTS[client].write_stream(call, "")
            body = encoder.frames(unfold(result)) + encoder.close()
            heard = _heard(client, body, stream=True)
            assert heard.meaning == told_by(exchange)

        collect([e for e in GOOD if not e.streams], check)


def test_what_others_said_reaches_clients_of_converse() -> None:
    done: dict[str, int] = {}

    def check(recording: Recording) -> None:
        if recording.id in exceptions.TWO_IN_ONE | exceptions.UNFINISHED:
            return
        call = call_of(CONVERSE, stream=recording.streams)
        asked = material.asking(recording, CHAT, stream=recording.streams)
        if recording.streams:
            frames = recording.frames(asked)
            encoder = DIALECTS[CONVERSE].write_stream(call, material.source(recording))
            body = encoder.frames(frames) + encoder.close()
            heard = converse.hear_stream(body)
        else:
            result = recording.result(asked)
            assert isinstance(result, ChatResult)
            body = DIALECTS[CONVERSE].write_result(result, call)
            heard = converse.hear(body)
        expected = said(recording, MESSAGES)
        assert _plain(heard.meaning) == _plain(expected)
        counted = clients.counts(reference.usage(recording))
        if counted is not None and heard.counts is not None:
            assert heard.counts == counted._replace(reasoning=0)
        done[recording.family] = done.get(recording.family, 0) + 1

    collect([*WHOLES, *STREAMS], check)
    assert sum(done.values()) > 1500
    assert len(done) == len(material.TALKS)


def _plain(told: Meaning) -> Meaning:
    """Pictures are pictures in Converse, and text in Messages."""
    return {
        at: one._replace(text=meaning._PICTURE.sub("", one.text))
        for at, one in told.items()
    }


# --- any cut ------------------------------------------------------------------------


def _by(body: bytes, size: int) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)]


def _inside(body: bytes) -> list[bytes]:
    """Cut in the middle of every message."""
    marks, at = [0], 0
    for message in Splitter().feed(body):
        marks.append(at + len(message.raw) // 2)
        at += len(message.raw)
    marks.append(len(body))
    return [body[a:b] for a, b in pairwise(marks)]


def test_what_a_client_is_told_does_not_depend_on_the_cut() -> None:
    def check(exchange: Exchange) -> None:
        for client in (*CLIENTS, CONVERSE):
            call = call_of(client, stream=True)
            told = set()
            cuts = [[exchange.body], _by(exchange.body, 7), _inside(exchange.body)]
            if len(exchange.body) < SHORT:
                cuts.append(_by(exchange.body, 1))
            for pieces in cuts:
                decoder, frames = decoded(exchange, call, pieces)
                encoder = DIALECTS[client].write_stream(call, decoder.dialect)
                told.add(encoder.frames(frames) + encoder.close())
            assert len(told) == 1

    collect([e for e in GOOD if e.streams], check)


SHORT = 20_000


def test_a_stream_cut_before_its_end_fails_and_tells_no_end() -> None:
    def check(exchange: Exchange) -> None:
        ends, at = [], 0
        for message in Splitter().feed(exchange.body):
            at += len(message.raw)
            ends.append(at)
        for end in ends[:-2][:: max(1, len(ends) // 12)]:
            for cut in (end, end + 5):
                decoder = UPSTREAM.parse_stream(call_of(CHAT, stream=True))
                frames = [*decoder.feed(exchange.body[:cut]), *decoder.close()]
                deltas = [d for f in frames for d in f.deltas]
                stopped = any(isinstance(d, Stop) for d in deltas)
                failed = isinstance(deltas[-1], Failed)
                assert failed or (stopped and cut == end)
                assert sum(isinstance(d, Failed) for d in deltas) <= 1

    collect([e for e in GOOD if e.streams], check)


# --- usage, errors, counts, vectors ---------------------------------------------------


def test_usage_and_cost_are_those_of_the_reference() -> None:
    catalog = Catalog()
    priced: list[str] = []

    def check(exchange: Exchange) -> None:
        call = call_of(CHAT, stream=exchange.streams)
        if exchange.streams:
            _, frames = decoded(exchange, call)
            used = [d.usage for f in frames for d in f.deltas if isinstance(d, Used)]
            found = used[-1] if used else None
        else:
            found = result_of(exchange, call).usage
        expected = converse.usage(converse.whole(exchange))
        assert found == expected
        facts = catalog.find("bedrock", exchange.model) if exchange.model else None
        if facts is not None and facts.price is not None and found is not None:
            priced.append(exchange.id)
            cost = reference.cost(found, facts.price)
            assert cost_nano(found, facts.price) == cost

    collect(OWN, check)
    assert len(priced) > 120


def test_recorded_errors_are_what_they_say() -> None:
    kinds: dict[type, int] = {}

    def check(exchange: Exchange) -> None:
        error = UPSTREAM.parse_error(exchange.response())
        kinds[type(error)] = kinds.get(type(error), 0) + 1
        assert error.message == json.loads(exchange.body)["message"]
        assert error.status == exchange.status

    collect([e for e in EVERY if e.status != 200], check)
    assert kinds.keys() == {NotFound, Forbidden}


def test_recorded_counts_are_counted() -> None:
    def check(exchange: Exchange) -> None:
        hint = Hint(model="alias", operation=Operation.count_tokens)
        call = DIALECTS[CONVERSE].read_call(exchange.request, hint)
        told = UPSTREAM.parse_response(exchange.response(), call)
        assert isinstance(told, TokenCount)
        assert told.input == json.loads(exchange.body)["inputTokens"]
        assert DIALECTS[CONVERSE].write_result(told, call) == exchange.body

    collect([e for e in converse.every(FAMILIES[3]) if e.status == 200], check)


def test_recorded_vectors_are_read_and_counted() -> None:
    def check(exchange: Exchange) -> None:
        asked = json.dumps({"model": "alias", "input": ["a"]}).encode()
        call = DIALECTS["openai.embeddings"].read_call(asked, Hint())
        told = UPSTREAM.parse_response(exchange.response(), call)
        assert isinstance(told, EmbedResult)
        headers = dict(exchange.headers)
        counted = int(headers[b"x-amzn-bedrock-input-token-count"])
        assert told.usage is not None
        assert told.usage.input == counted
        assert told.vectors
        assert all(len(vector) > 100 for vector in told.vectors)
        body = DIALECTS["openai.embeddings"].write_result(told, call)
        assert len(json.loads(body)["data"]) == len(told.vectors)

    vectors = [
        e
        for e in converse.every("bedrock_invoke")
        if e.status == 200 and b'"embedding' in e.body[:40]
    ]
    collect(vectors, check)
    assert len(vectors) > 10


def test_recorded_ranks_are_read() -> None:
    """By the Agent Runtime's spelling, too."""
    asked = {"model": "alias", "query": "q", "documents": [*"abcdef"]}
    call = DIALECTS["cohere.rerank"].read_call(json.dumps(asked).encode(), Hint())
    read = 0
    for exchange in converse.every("rerank"):
        if exchange.request:
            continue  # of others
        told = UPSTREAM.parse_response(exchange.response(), call)
        assert isinstance(told, RerankResult)
        expected = [
            (one["index"], one["relevanceScore"])
            for one in json.loads(exchange.body)["results"]
        ]
        assert [(rank.index, rank.score) for rank in told.ranked] == expected
        read += 1
    assert read


def test_guardrails_and_traces_are_relayed_and_understood() -> None:
    guarded = [e for e in OWN if b"guardrail_intervened" in e.body]
    assert guarded
    for exchange in guarded:
        call = call_of(CHAT, stream=exchange.streams)
        if exchange.streams:
            _, frames = decoded(exchange, call)
            stops = [d.reason for f in frames for d in f.deltas if isinstance(d, Stop)]
        else:
            stops = [*result_of(exchange, call).stops()]
        assert stops == ["filtered"]


def test_every_exchange_is_of_a_family_that_is_served() -> None:
    assert "bedrock" in UPSTREAMS
    assert {e.family for e in EVERY} == {*FAMILIES}
    assert GENERATE in CLIENTS
