"""The recordings through sockets: a client of the same dialect, the gateway, and an
upstream that answers as recorded.

Up goes what the client wrote, but for the model; down comes what the provider wrote,
but for what OpenAI's types require to be mended; what it cost is in the record.
"""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest
from openai.types import Completion
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from adapters.catalog import Catalog, Price, cost_nano
from adapters.contract import Operation, Told
from adapters.errors import BadRequest, UpstreamError
from adapters.normal.usage import Usage
from adapters.providers import find, serving
from gateway.errors import tell
from tests.harness.gateway import gateway
from tests.harness.upstream import Upstream
from tests.replay import clients, exceptions, material, reference, sockets
from tests.replay.material import FAMILIES, Recording
from tests.replay.sockets import Seen
from tests.shared import needs_shared

pytestmark = needs_shared

SKIPPED = {
    "openai_chat": 77,
    "openai_completions": 1,
    "openai_embeddings": 4,
    "openai_responses": 62,
    "anthropic": 58,
    "anthropic_vertex": 0,
    "anthropic_count_tokens": 0,
    "gemini": 40,
    "gemini_vertex": 18,
    "gemini_embeddings": 1,
}
"""Recordings of an answer only, or whose request is damaged, of another API or not that
of the answer; one that follows another."""

Json = dict[str, Any]


class Played(NamedTuple):
    """Everything that was played, and its records by trace id."""

    seen: list[Seen]
    rows: dict[int, Json]

    def of(self, family: str) -> Iterator[tuple[Seen, Json]]:
        for number, seen in enumerate(self.seen, 1):
            if seen.recording.family == family:
                yield seen, self.rows[number]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    folder = tmp_path_factory.mktemp("replay")
    with Upstream() as upstream:
        stage = sockets.Stage(upstream)
        env = {"TEST_UPSTREAM_SECRET": sockets.KEY}
        with gateway(stage.config(), folder, env=env) as running:
            seen = stage.play(running.url)
            rows = running.records(len(seen), within_s=20)
    assert len(seen) == len(stage.recordings) == len(rows)
    return Played(seen, {int(row["trace"], 16): row for row in rows})


every_family = pytest.mark.parametrize("family", FAMILIES)


@every_family
def test_all_but_the_incomplete_are_played(played: Played, family: str) -> None:
    count = sum(1 for _ in played.of(family))
    assert count + SKIPPED[family] == len(material.every(family))


def test_most_of_the_recordings_are_played(played: Played) -> None:
    assert len(played.seen) > 2000


# --- up -----------------------------------------------------------------------------

FREE = frozenset({"model", "stream_options"})
"""What may differ: the model's name, and usage that we ask for in streams."""
SAME = (("n", 1, None),)
"""Left out for providers that know no `n` (their recordings show that 1 is borne)."""


@every_family
def test_the_provider_is_asked_what_the_client_asked(
    played: Played, family: str
) -> None:
    wrong: list[Any] = []
    for seen, _ in played.of(family):
        recording = seen.recording
        if seen.sent is None:
            wrong.append((recording.id, "nothing was sent", seen.answer.text[:300]))
            continue
        sent, asked = seen.sent.json(), json.loads(recording.request)
        differing = {
            name: (asked.get(name), sent.get(name))
            for name in {*sent, *asked} - FREE
            if sent.get(name) != asked.get(name)
            and (name, asked.get(name), sent.get(name)) not in SAME
        }
        if differing and recording.id not in REWORDED:
            wrong.append((recording.id, recording.provider, differing))
    assert not wrong, _some(wrong)


REWORDED = {"openai_chat-8e4e81": "Mistral takes a sound as a text, not an object"}
"""Requests that their provider is sent in its own words."""


@every_family
def test_the_model_and_the_key_are_the_deployment_s(
    played: Played, family: str
) -> None:
    for seen, _ in played.of(family):
        assert seen.sent is not None
        model = seen.recording.model or "unnamed"
        sent = seen.sent.json()
        if family.startswith(material.IN_PATH):
            assert f"/models/{model}:" in seen.sent.path
        else:
            assert sent["model"] == model
        assert any(sockets.KEY in value for _, value in seen.sent.fields)


# --- down ---------------------------------------------------------------------------


@every_family
def test_the_client_is_given_what_the_provider_wrote(
    played: Played, family: str
) -> None:
    wrong: list[Any] = []
    for seen, _ in played.of(family):
        recording, answer = seen.recording, seen.answer
        if recording.form == "error" or recording.id in exceptions.NO_ANSWER:
            continue
        if answer.status_code != 200:
            wrong.append((recording.id, answer.status_code, answer.text[:300]))
        elif not _as_it_was(recording, answer) and not _is_mend(recording, answer):
            wrong.append((recording.id, answer.content[-200:], recording.body[-200:]))
    assert not wrong, _some(wrong)


def _as_it_was(recording: Recording, answer: httpx.Response) -> bool:
    if recording.form == "array":
        return bool(answer.json() == json.loads(recording.body))
    if answer.content == recording.body:
        return True
    # the blank line after the last event may have been lost
    return recording.streams and answer.content.rstrip() == recording.body.rstrip()


def _is_mend(recording: Recording, answer: httpx.Response) -> bool:
    """Whether there was a reason to change it, and its types fit now."""
    if not recording.family.startswith("openai") or (
        recording.family == "openai_responses"
    ):
        return recording.id in exceptions.BROKEN
    if recording.id in exceptions.BROKEN:
        return True
    if recording.family == "openai_embeddings":
        return False
    text = recording.family == "openai_completions"
    if not recording.streams:
        model: Any = Completion if text else ChatCompletion
        assert _fits(model, answer.content)
        return not _fits(model, recording.body)
    model = Completion if text else ChatCompletionChunk
    given = clients.events(answer.content)
    assert given[-1].strip() == b"[DONE]"
    assert all(_fits(model, data) for data in given[:-1])
    came = clients.events(recording.body)
    return (
        _wants_no_usage(recording)
        or came[-1].strip() != b"[DONE]"
        or not all(_fits(model, data) for data in came[:-1])
        or sum(_has_usage(data) for data in came[:-1]) > 1
        or recording.id in MENDED
    )


MENDED = {
    "openai_chat-51dcde": "the SDK wants an index with every annotation",
    "openai_chat-ac74db": "the usage came before the end of a choice",
}
"""Streams that fit their types, and are mended all the same."""


def _wants_no_usage(recording: Recording) -> bool:
    options = json.loads(recording.request).get("stream_options") or {}
    return not options.get("include_usage")


def _has_usage(data: bytes) -> bool:
    return json.loads(data).get("usage") is not None


def _fits(model: Any, data: bytes) -> bool:
    try:
        model.model_validate_json(data, strict=True)
    except ValueError:
        return False
    return True


def test_openai_clients_get_usage_in_streams_only_when_they_ask(
    played: Played,
) -> None:
    count: Counter[tuple[bool, bool]] = Counter()
    for seen, _ in played.of("openai_chat"):
        if seen.recording.form != "events" or seen.answer.status_code != 200:
            continue
        data = [d for d in clients.events(seen.answer.content) if d[:1] == b"{"]
        asked = not _wants_no_usage(seen.recording)
        told = sum(_has_usage(d) for d in data)
        assert told <= asked, seen.recording.id
        count[asked, bool(told)] += 1
    assert count[True, True] > 100
    assert count[False, False] > 10


# --- errors -------------------------------------------------------------------------


@every_family
def test_a_recorded_error_is_told_in_the_client_s_dialect(
    played: Played, family: str
) -> None:
    wrong: list[Any] = []
    for seen, row in played.of(family):
        recording, answer = seen.recording, seen.answer
        if recording.form != "error":
            continue
        error = recording.upstream.parse_error(recording.response())
        told = tell(error, answer.headers["x-request-id"])
        if answer.status_code != told.status or row["error"] != error.kind:
            wrong.append((recording.id, answer.status_code, told, row["error"]))
        elif answer.json() not in _bodies(recording, error, told):
            wrong.append((recording.id, answer.content))
    assert not wrong, _some(wrong)


def _bodies(recording: Recording, error: UpstreamError, told: Told) -> list[Json]:
    """The provider's own words where the call was at fault, else ours. Those who copy
    OpenAI have words of their own for type and code: its clients look for OpenAI's."""
    ours = json.loads(recording.dialect.write_error(told))
    if not isinstance(error, BadRequest):
        return [ours]
    own = json.loads(recording.body)
    words = {"type": told.type, "code": told.code or own["error"].get("code")}
    return [own, {**own, "error": {**own["error"], **words}}, ours]


# --- the record ---------------------------------------------------------------------

CATALOG = Catalog()


def price_of(recording: Recording) -> Price | None:
    provider = sockets.provider_of(recording)
    known = find(provider)
    if known is not None:
        provider = serving(known, recording.model).id
    facts = CATALOG.find(provider, recording.model)
    return facts.price if facts is not None else None


def used(recording: Recording) -> Usage | None:
    """By the reference."""
    if recording.family in (*material.SPOKEN, "openai_responses"):
        return reference.usage(recording)
    told = json.loads(recording.body)
    counted = told.get("usage") or told.get("usageMetadata")
    if counted is None:
        return None
    name = "prompt_tokens" if "prompt_tokens" in counted else "promptTokenCount"
    return Usage(input=counted.get(name, 0))


@every_family
def test_the_record_says_what_was_used_and_what_it_cost(
    played: Played, family: str
) -> None:
    wrong: list[Any] = []
    priced = 0
    for seen, row in played.of(family):
        recording = seen.recording
        odd = recording.id in exceptions.NO_ANSWER or recording.id in exceptions.BROKEN
        if recording.form == "error" or odd or recording.id in exceptions.TWO_IN_ONE:
            continue
        usage = used(recording)
        if recording.operation == Operation.count_tokens:
            usage = None
        if usage is None:
            continue
        kept = Usage(**row.get("tokens", {}))
        price = price_of(recording)
        cost = None if price is None else reference.cost(usage, price)
        priced += cost is not None
        if kept != usage or row["cost_nano"] != cost:
            wrong.append((recording.id, kept, usage, row["cost_nano"], cost))
        if price is not None:
            assert cost == cost_nano(usage, price)
    assert not wrong, _some(wrong)
    assert priced or family == "anthropic_count_tokens"


@every_family
def test_the_record_says_who_served_and_how_it_ended(
    played: Played, family: str
) -> None:
    for seen, row in played.of(family):
        recording, answer = seen.recording, seen.answer
        assert row["status"] == answer.status_code
        assert row["dialect"] == recording.dialect.name
        assert row["operation"] == recording.operation
        assert len(row["attempts"]) == 1
        assert row["id"] == answer.headers["x-routeiq-id"]
        if recording.form == "error":
            assert row["error"]
        elif recording.id not in {*exceptions.BROKEN, *exceptions.NO_ANSWER}:
            assert not row.get("error"), recording.id
            assert row["attempts"][0]["status"] == recording.status


def test_counting_tokens_costs_nothing(played: Played) -> None:
    for _, row in played.of("anthropic_count_tokens"):
        assert row["cost_nano"] == 0


def test_broken_recordings_end_in_an_error(played: Played) -> None:
    broke = 0
    for family in material.SPOKEN:
        for seen, row in played.of(family):
            if seen.recording.id in {*exceptions.BROKEN, *exceptions.NO_ANSWER}:
                broke += 1
                assert row["error"], seen.recording.id
                assert "error" in seen.answer.text
    assert broke > 5


def _some(wrong: list[Any]) -> str:
    return f"{len(wrong)}:\n" + "\n".join(map(str, wrong[:12]))
