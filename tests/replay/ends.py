"""How a stream ends, as a client of each dialect sees it."""

import json

from adapters.framing.sse import Splitter
from tests.adapters.anthropic import grammar as messages_grammar
from tests.adapters.gemini import grammar as generate_grammar
from tests.adapters.openai_responses import grammar as responses_grammar
from tests.replay import clients
from tests.replay.material import CHAT, MESSAGES, RESPONSES


def boundaries(body: bytes) -> list[int]:
    """Where each event, or line of JSON, ends."""
    if body.startswith(b"{"):
        return [at + 1 for at, byte in enumerate(body) if byte == ord("\n")]
    splitter, ends, at = Splitter(), [], 0
    for event in (*splitter.feed(body), *splitter.close()):
        at += len(event.raw)
        ends.append(at)
    assert at == len(body)
    return ends


def finishes(client: str, body: bytes) -> int:
    """How many ends of choices a client sees."""
    if client == CHAT:
        data = [d for d in clients.events(body) if d.strip() != b"[DONE]"]
        choices = [c for d in data for c in json.loads(d).get("choices") or []]
        return sum(bool(c.get("finish_reason")) for c in choices)
    if client == MESSAGES:
        events = messages_grammar.parse(body)
        assert ("message_stop" in dict(events)) <= ("error" not in dict(events))
        deltas = [data["delta"] for name, data in events if name == "message_delta"]
        return sum(bool(delta.get("stop_reason")) for delta in deltas)
    if client == RESPONSES:
        kinds = [e["type"] for e in responses_grammar.parse(body)]
        done = ("response.completed", "response.incomplete")
        return sum(kind in done for kind in kinds)
    objects = generate_grammar.parse(body)
    candidates = [c for told in objects for c in told.get("candidates") or []]
    return sum(bool(c.get("finishReason")) for c in candidates)


def check_error(client: str, body: bytes) -> None:
    """The dialect's own error event, and nothing after it but the dialect's end."""
    if client == CHAT:
        *_, last, done = clients.events(body)
        assert done == b"[DONE]"
        error = json.loads(last)["error"]
        assert error["message"]
        assert error["type"]
    elif client == MESSAGES:
        name, data = messages_grammar.parse(body)[-1]
        assert name == "error"
        assert data["type"] == "error"
        assert data["error"]["type"]
        assert data["error"]["message"]
    elif client == RESPONSES:
        told = responses_grammar.parse(body)
        numbers = [event.get("sequence_number", 0) for event in told]
        assert numbers == sorted(numbers)
        assert told[-1]["type"] == "response.failed"
        response = told[-1]["response"]
        assert response["status"] == "failed"
        assert response["error"]["message"]
        assert not finishes(client, body)
    else:
        error = generate_grammar.parse(body)[-1]["error"]
        assert {"code", "message", "status"} <= set(error)
