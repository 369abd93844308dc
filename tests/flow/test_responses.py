"""The Responses API from outside: what the official SDK gets from a running gateway, in
front of a provider that keeps responses and of one that knows nothing of them."""

import json
import re
import signal
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import openai
import pydantic
import pytest
from openai.types.responses import Response

from tests.adapters.openai_responses import grammar
from tests.flow.provider import command
from tests.flow.responses import ENV, MASTER, SECRET, Provider, config
from tests.harness.clients import PATIENT
from tests.harness.gateway import Running, gateway
from tests.shared import cassettes, needs_shared


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with Provider() as up:
        yield up


@pytest.fixture(scope="module")
def running(
    provider: Provider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("responses")
    with gateway(config(provider), folder, env=ENV) as running:
        yield running


def client(running: Running, key: str = MASTER) -> openai.OpenAI:
    return openai.OpenAI(
        base_url=f"{running.url}/v1", api_key=key, max_retries=0, timeout=60
    )


def _key(running: Running, name: str) -> str:
    words = ("keys", "create", "--name", name, "--config", "routeiq.yaml")
    done = command(running.folder, *words, **ENV)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def alice(running: Running) -> Iterator[openai.OpenAI]:
    with client(running, _key(running, "alice")) as sdk:
        yield sdk


@pytest.fixture(scope="module")
def bob(running: Running) -> Iterator[openai.OpenAI]:
    with client(running, _key(running, "bob")) as sdk:
        yield sdk


def ended(sdk: openai.OpenAI, id: str, within_s: float = 60) -> Response:
    """The response, once it is no longer going on."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        found = sdk.responses.retrieve(id)
        if found.status not in ("queued", "in_progress"):
            return found
        time.sleep(0.05)
    raise TimeoutError(id)


# --- a provider that has the API --------------------------------------------------------


def test_the_client_s_words_go_to_a_provider_that_has_the_api(
    provider: Provider, running: Running
) -> None:
    asked = b'{"model":"keeps","input":"hi","temperature":1.0,"vendor":{"x":1e3}}'
    answer = running.post(
        "/v1/responses",
        content=asked,
        headers={"authorization": f"Bearer {MASTER}", "openai-beta": "b=1"},
    )
    sent = provider.asked("/responses")[-1]
    assert sent.body == asked.replace(b'"keeps"', b'"gpt-5-mini"')
    assert sent.headers["openai-beta"] == "b=1"
    assert answer.content == json.dumps(provider.stored[answer.json()["id"]]).encode()
    row = running.record(answer.headers["x-routeiq-id"])
    assert row["dialect"] == "openai.responses"
    assert row["tokens"] == {"input": 11, "output": 7, "cached": 3, "reasoning": 2}
    assert row["cost_nano"] > 0


def test_a_native_response_is_asked_for_where_it_is(
    provider: Provider, alice: openai.OpenAI
) -> None:
    made = alice.responses.create(model="keeps", input="hi")
    assert made.id.startswith("resp_native")
    again = alice.responses.create(
        model="keeps-too", input="more", previous_response_id=made.id
    )
    assert provider.asked("/responses")[-1].json()["previous_response_id"] == made.id
    assert again.previous_response_id == made.id
    assert alice.responses.retrieve(made.id).output_text == made.output_text
    streamed = [e.type for e in alice.responses.retrieve(made.id, stream=True)]
    assert streamed[-1] == "response.completed"
    assert alice.responses.input_items.list(made.id).data[0].id == "native"
    assert alice.responses.cancel(made.id).status == "cancelled"
    alice.responses.delete(made.id)
    assert made.id not in provider.stored
    with pytest.raises(openai.NotFoundError):
        alice.responses.retrieve(made.id)


def test_a_client_s_key_does_not_go_along(
    provider: Provider, running: Running, alice: openai.OpenAI
) -> None:
    made = alice.responses.create(model="keeps", input="hi")
    path = f"/v1/responses/{made.id}?key={alice.api_key}&include[]=x&other=1"
    assert running.get(path).json()["id"] == made.id
    assert provider.requests[-1].target.endswith(f"{made.id}?include%5B%5D=x")


def test_a_native_stream_comes_as_it_was_written(
    provider: Provider, alice: openai.OpenAI
) -> None:
    with alice.responses.with_streaming_response.create(
        model="keeps", input="hi", stream=True
    ) as answer:
        body = b"".join(answer.iter_bytes())
    final = grammar.check(grammar.parse(body))
    assert b'"obfuscation"' in body
    assert final["id"] in provider.stored
    with alice.responses.stream(
        model="keeps", input="go on", previous_response_id=final["id"]
    ) as stream:
        assert stream.get_final_response().previous_response_id == final["id"]


def test_a_native_response_is_not_led_to_another_account(
    provider: Provider, alice: openai.OpenAI
) -> None:
    made = alice.responses.create(model="keeps", input="hi")
    before = len(provider.requests)
    with pytest.raises(openai.BadRequestError, match="ask the model that made it"):
        alice.responses.create(
            model="plain", input="more", previous_response_id=made.id
        )
    assert len(provider.requests) == before


def test_an_unknown_id_is_the_master_key_s_to_try(
    provider: Provider, running: Running, alice: openai.OpenAI
) -> None:
    provider.stored["resp_older"] = {"id": "resp_older"}
    with client(running) as master:
        made = master.responses.create(
            model="keeps", input="hi", previous_response_id="resp_older"
        )
        assert made.previous_response_id == "resp_older"
        with pytest.raises(openai.BadRequestError, match="resp_older"):
            master.responses.create(
                model="plain", input="hi", previous_response_id="resp_older"
            )
    with pytest.raises(openai.NotFoundError, match="resp_older"):
        alice.responses.create(
            model="keeps", input="hi", previous_response_id="resp_older"
        )


def test_tokens_are_counted_by_a_provider_that_counts(
    alice: openai.OpenAI,
) -> None:
    assert (
        alice.responses.input_tokens.count(model="keeps", input="hi").input_tokens == 99
    )
    plain = alice.responses.input_tokens.count(model="plain", input="hi there, you")
    assert 0 < plain.input_tokens < 30


def test_a_model_s_name_may_say_that_responses_are_spoken_there(
    provider: Provider, running: Running
) -> None:
    with client(running) as sdk:
        chat = sdk.chat.completions.create(
            model="bridged", messages=[{"role": "user", "content": "hi"}]
        )
    sent = provider.asked("/responses")[-1].json()
    assert sent["model"] == "big"
    content = [{"type": "input_text", "text": "hi"}]
    assert sent["input"] == [{"type": "message", "role": "user", "content": content}]
    assert sent["store"] is False
    assert chat.choices[0].message.content == "native answer " + str(
        len(provider.stored)
    )
    assert chat.usage is not None
    assert chat.usage.prompt_tokens_details is not None
    assert chat.usage.prompt_tokens_details.cached_tokens == 3


# --- a provider that has not -------------------------------------------------------------


def test_responses_follow_one_another_without_the_provider_s_help(
    provider: Provider, alice: openai.OpenAI
) -> None:
    first = alice.responses.create(
        model="plain", input="one", instructions="Be brief.", metadata={"a": "b"}
    )
    assert first.output_text == "heard 2 turns"
    assert first.metadata == {"a": "b"}
    second = alice.responses.create(
        model="plain", input="two", previous_response_id=first.id
    )
    assert second.previous_response_id == first.id
    # The instructions of before are not the instructions of now.
    assert second.output_text == "heard 3 turns"
    with alice.responses.stream(
        model="plain", input="three", previous_response_id=second.id
    ) as stream:
        third = stream.get_final_response()
    turns = provider.asked("/chat/completions")[-1].json()["messages"]
    assert [(turn["role"], turn["content"]) for turn in turns] == [
        ("user", "one"),
        ("assistant", "heard 2 turns"),
        ("user", "two"),
        ("assistant", "heard 3 turns"),
        ("user", "three"),
    ]
    assert third.previous_response_id == second.id
    # Another model may go on with it, a native one too.
    alice.responses.create(model="keeps", input="four", previous_response_id=third.id)
    sent = provider.asked("/responses")[-1].json()
    assert "previous_response_id" not in sent
    assert len(sent["input"]) == 7


def test_what_is_kept_can_be_read_listed_and_deleted(alice: openai.OpenAI) -> None:
    made = alice.responses.create(
        model="plain",
        input=[
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": "two"},
            {"role": "user", "content": "three"},
        ],
    )
    assert alice.responses.retrieve(made.id) == made
    items = alice.responses.input_items.list(made.id, order="asc", limit=2)
    assert items.has_more
    texts = [item.content[0].text for item in items]  # the SDK turns the page
    assert texts == ["one", "two", "three"]
    events = [*alice.responses.retrieve(made.id, stream=True)]
    assert [e.sequence_number for e in events] == [*range(len(events))]
    assert events[-1].response == made
    rest = alice.responses.retrieve(made.id, stream=True, starting_after=3)
    assert [e.type for e in rest] == [e.type for e in events[4:]]
    with pytest.raises(openai.BadRequestError, match="background"):
        alice.responses.cancel(made.id)
    alice.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        alice.responses.retrieve(made.id)
    with pytest.raises(openai.NotFoundError):
        alice.responses.create(model="plain", input="x", previous_response_id=made.id)


def test_an_item_may_be_named_by_its_id(
    provider: Provider, alice: openai.OpenAI, bob: openai.OpenAI
) -> None:
    made = alice.responses.create(model="plain", input="one")
    bare: Any = {"id": made.output[0].id}  # the type may be left out
    with pytest.raises(openai.NotFoundError):
        bob.responses.create(model="keeps", input=[bare])
    reference: Any = {"type": "item_reference", "id": made.output[0].id}
    asked: Any = [reference, {"role": "user", "content": "two"}]
    alice.responses.create(model="plain", input=asked, store=False)
    turns = provider.asked("/chat/completions")[-1].json()["messages"]
    assert turns[0] == {"role": "assistant", "content": made.output_text}
    with pytest.raises(openai.NotFoundError):
        bob.responses.create(model="plain", input=asked)
    # What stood for the item is remembered, not the reference.
    second = alice.responses.create(model="plain", input=asked)
    alice.responses.create(
        model="plain", input="three", previous_response_id=second.id, store=False
    )
    turns = provider.asked("/chat/completions")[-1].json()["messages"]
    assert [turn["content"] for turn in turns] == [
        made.output_text,
        "two",
        second.output_text,
        "three",
    ]
    # One that a provider keeps is its own to find.
    native = alice.responses.create(model="keeps", input="one")
    reference = {"type": "item_reference", "id": native.output[0].id}
    alice.responses.create(model="keeps-too", input=[reference])
    assert provider.asked("/responses")[-1].json()["input"] == [reference]
    with pytest.raises(openai.BadRequestError, match="ask the model that made it"):
        alice.responses.create(model="plain", input=[reference])


def test_nobody_reaches_another_key_s_responses(
    alice: openai.OpenAI, bob: openai.OpenAI, running: Running
) -> None:
    native = alice.responses.create(model="keeps", input="secret")
    kept = alice.responses.create(model="plain", input="secret")
    talk = alice.conversations.create(items=[{"role": "user", "content": "secret"}])
    for id in (native.id, kept.id, "resp_never"):
        for ask in (
            bob.responses.retrieve,
            bob.responses.delete,
            bob.responses.cancel,
            lambda id: bob.responses.input_items.list(id).data,
            lambda id: bob.responses.create(
                model="keeps", input="x", previous_response_id=id
            ),
            lambda id: bob.responses.create(
                model="plain", input="x", previous_response_id=id
            ),
        ):
            with pytest.raises(openai.NotFoundError, match="that this key may use"):
                ask(id)
    with pytest.raises(openai.NotFoundError):
        bob.conversations.retrieve(talk.id)
    with pytest.raises(openai.NotFoundError):
        bob.responses.create(model="plain", input="x", conversation=talk.id)
    item: Any = {"type": "item_reference", "id": native.output[0].id}
    with pytest.raises(openai.NotFoundError):
        bob.responses.create(model="keeps", input=[item])
    bearer = {"authorization": f"Bearer {bob.api_key}"}
    for told in (  # ways to have it overlooked
        b'{"model":"keeps","input":"x","store":"y","previous_response_id":"%b"}',
        b'{"model":"keeps","input":"x","previous_response\\u005fid":"%b"}',
        b'{"model":"keeps","input":[{"type":"item\\u005freference","id":"%b"}]}',
    ):
        body = told % native.id.encode()
        answer = running.post("/v1/responses", content=body, headers=bearer)
        assert answer.status_code in (400, 404), answer.text
    with client(running) as master:  # the operator's
        assert master.responses.retrieve(kept.id).id == kept.id


def test_nobody_unknown_is_listened_to(running: Running) -> None:
    head = (
        "POST /v1/responses HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer no\r\n"
        "content-type: application/json\r\ncontent-length: 50000\r\n\r\n{"
    )
    with socket.create_connection(("127.0.0.1", running.port), timeout=20) as client:
        client.sendall(head.encode())  # and nothing of the rest
        answer = client.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 401 ")
    id = re.search(rb"x-routeiq-id: (\S+)", answer)
    assert id is not None
    assert running.record(id[1].decode())["error"] == "invalid_api_key"


def test_store_false_leaves_nothing(alice: openai.OpenAI, provider: Provider) -> None:
    for model in ("plain", "keeps"):
        made = alice.responses.create(model=model, input="hush", store=False)
        assert made.store is False
        with pytest.raises(openai.NotFoundError):
            alice.responses.retrieve(made.id)


def test_errors_are_told_in_the_client_s_words(alice: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="I will not"):
        alice.responses.create(model="plain", input="fail")
    with pytest.raises(openai.BadRequestError, match="input"):
        alice.responses.create(model="plain", input=7)  # type: ignore[arg-type]
    with pytest.raises(openai.BadRequestError, match="together"):
        alice.responses.create(
            model="plain", input="x", previous_response_id="a", conversation="b"
        )
    with pytest.raises(openai.NotFoundError, match="does not exist"):
        alice.responses.create(model="none", input="x")


def test_a_long_conversation_is_made_short(
    alice: openai.OpenAI, provider: Provider
) -> None:
    made = alice.responses.create(model="plain", input="a long story")
    short = alice.responses.compact(
        model="plain", input="and more", previous_response_id=made.id
    )
    assert [item.type for item in short.output] == ["compaction"]
    assert short.usage.total_tokens == 9
    asked: Any = [*(item.model_dump() for item in short.output)]
    asked.append({"role": "user", "content": "go on"})
    alice.responses.create(model="plain", input=asked)
    turns = provider.asked("/chat/completions")[-1].json()["messages"]
    assert "heard 4 turns" in turns[0]["content"]
    assert turns[1] == {"role": "user", "content": "go on"}
    alice.responses.create(model="keeps", input=asked)
    sent = provider.asked("/responses")[-1].json()["input"]
    assert "heard 4 turns" in sent[0]["content"]


# --- the way, as for chat ----------------------------------------------------------------


def test_another_provider_answers_where_the_first_cannot(
    alice: openai.OpenAI, running: Running
) -> None:
    raw = alice.responses.with_raw_response.create(model="safe", input="overloaded")
    assert raw.parse().output_text == "heard 1 turns"
    row = running.record(raw.headers["x-routeiq-id"])
    tried = [attempt["status"] for attempt in row["attempts"]]
    assert (tried[0], tried[-1]) == (503, 200)
    with alice.responses.stream(model="safe", input="overloaded") as stream:
        assert stream.get_final_response().output_text == "heard 1 turns"


@pytest.mark.parametrize("model", ["keeps", "bridged"])
def test_a_stream_that_breaks_is_told_as_failed(
    alice: openai.OpenAI, running: Running, model: str
) -> None:
    with alice.responses.with_streaming_response.create(
        model=model, input="break", stream=True
    ) as answer:
        body = b"".join(answer.iter_bytes())
        id = answer.headers["x-routeiq-id"]
    *_, last = events = grammar.parse(body)
    assert last["type"] == "response.failed"
    assert last["response"]["status"] == "failed"
    assert last["sequence_number"] == len(events) - 1
    assert "response.completed" not in [event["type"] for event in events]
    assert running.record(id)["error"] == "garbled"


def test_hosted_tools_are_named_where_no_backend_has_them(
    alice: openai.OpenAI, provider: Provider
) -> None:
    tools: Any = [
        {"type": "web_search"},
        {
            "type": "custom",
            "name": "sql",
            "format": {"type": "grammar", "syntax": "lark", "definition": "start: A"},
        },
    ]
    raw = alice.responses.with_raw_response.create(
        model="plain", input="hi", tools=tools, truncation="auto"
    )
    assert raw.headers["x-routeiq-dropped"] == "tools.web_search, truncation"
    (sent,) = provider.asked("/chat/completions")[-1].json()["tools"]
    grammar_ = {"syntax": "lark", "definition": "start: A"}
    assert sent["custom"]["format"] == {"type": "grammar", "grammar": grammar_}
    with pytest.raises(openai.BadRequestError, match="web_search"):
        alice.responses.create(model="exact", input="hi", tools=tools)
    alice.responses.create(model="keeps", input="hi", tools=tools)
    assert provider.asked("/responses")[-1].json()["tools"] == tools


def test_an_answer_is_parsed_into_a_type(alice: openai.OpenAI) -> None:
    class Place(pydantic.BaseModel):
        city: str

    made = alice.responses.parse(model="demo", input="where?", text_format=Place)
    assert isinstance(made.output_parsed, Place)


def test_an_answer_that_cannot_be_remembered_is_given_all_the_same(
    running: Running,
) -> None:
    with (
        closing(sqlite3.connect(running.folder / "routeiq.db")) as db,
        client(running) as sdk,
    ):
        db.execute("begin immediate")  # nobody else can write
        made = sdk.responses.create(model="plain", input="hi")
        db.rollback()
        assert made.output_text == "heard 1 turns"
        assert made.store is False
        with pytest.raises(openai.NotFoundError):
            sdk.responses.retrieve(made.id)
    running.logged("not remembered")


# --- conversations -----------------------------------------------------------------------


def test_a_conversation_is_gone_on_with(
    alice: openai.OpenAI, provider: Provider
) -> None:
    talk = alice.conversations.create(
        items=[{"role": "user", "content": "I am Bob."}], metadata={"a": "b"}
    )
    made = alice.responses.create(model="plain", input="Who?", conversation=talk.id)
    assert made.conversation is not None
    assert made.conversation.id == talk.id
    with alice.responses.stream(
        model="keeps", input="Again?", conversation={"id": talk.id}
    ) as stream:
        again = stream.get_final_response()
    assert again.conversation is not None
    assert "conversation" not in provider.asked("/responses")[-1].json()
    items = alice.conversations.items.list(talk.id, order="asc").data
    texts = [item.content[0].text for item in items]  # type: ignore[union-attr]
    assert texts == ["I am Bob.", "Who?", "heard 2 turns", "Again?", again.output_text]
    assert all(item.id for item in items)


def test_conversations_are_made_read_changed_and_deleted(
    alice: openai.OpenAI,
) -> None:
    talk = alice.conversations.create(metadata={"a": "b"})
    assert alice.conversations.retrieve(talk.id) == talk
    changed = alice.conversations.update(talk.id, metadata={"c": "d"})
    assert changed.metadata == {"c": "d"}
    added = alice.conversations.items.create(
        talk.id,
        items=[
            {"role": "user", "content": "one"},
            {"role": "user", "content": "two"},
        ],
    )
    one, two = (item.id or "" for item in added.data)
    found = alice.conversations.items.retrieve(one, conversation_id=talk.id)
    assert found.content[0].text == "one"  # type: ignore[union-attr]
    alice.conversations.items.delete(one, conversation_id=talk.id)
    left = alice.conversations.items.list(talk.id).data
    assert [item.id for item in left] == [two]
    gone = alice.conversations.delete(talk.id)
    assert gone.deleted
    with pytest.raises(openai.NotFoundError):
        alice.conversations.items.list(talk.id)
    with pytest.raises(openai.BadRequestError, match="at most 20"):
        alice.conversations.create(items=[{"role": "user", "content": "x"}] * 21)


@needs_shared
def test_conversations_answer_as_openai_s_were_recorded(running: Running) -> None:
    headers = {"authorization": f"Bearer {MASTER}"}
    kinds = set()
    for path in cassettes("openai_conversations"):
        recorded = json.loads(path.read_bytes())
        asked = {"items": [{"role": "user", "content": "Hello!"}]}
        talk = running.post("/v1/conversations", asked, headers=headers).json()["id"]
        items = running.get(f"/v1/conversations/{talk}/items", headers=headers).json()
        place = recorded["request"]["url"].partition("/v1")[2]
        for word in re.findall("conv_[0-9a-f]+|item_[0-9a-f]+", place):
            own = talk if word.startswith("conv") else items["first_id"]
            place = place.replace(word, own)
        refused = recorded["response"]["status"] == 401
        answer = httpx.request(
            recorded["request"]["method"],
            f"{running.url}/v1{place}",
            headers={} if refused else headers,
            **PATIENT,
        )
        told, was = answer.json(), recorded["response"]["body"]
        assert answer.status_code == recorded["response"]["status"]
        kinds.add(was.get("object", "error"))
        match was.get("object"):
            case "conversation" | "conversation.deleted":
                assert set(told) == set(was)
                assert told["object"] == was["object"]
            case "conversation.item":  # made by hand; the SDK's type has no more
                assert told["content"] == was["content"]
                assert told["type"] == was["type"]
            case "conversation.item.deleted":  # the SDK's type is the conversation
                assert told["object"] == "conversation"
            case _:
                assert told["error"]["code"] == was["error"]["code"]
    assert len(kinds) == 5


# --- in the background -------------------------------------------------------------------


def test_a_response_in_the_background_is_asked_for_later(
    alice: openai.OpenAI, provider: Provider, running: Running
) -> None:
    provider.held.clear()
    # By a connection that ends with its answer: nobody is cancelled for that.
    asked = {"model": "plain", "input": "hold", "background": True}
    bearer = {"authorization": f"Bearer {alice.api_key}", "connection": "close"}
    told = running.post("/v1/responses", asked, headers=bearer)
    made = Response.model_validate(told.json(), strict=True)
    assert made.status == "queued"
    assert made.background
    assert made.output == []
    assert alice.responses.retrieve(made.id).status == "queued"
    with pytest.raises(openai.BadRequestError, match="has not ended"):
        alice.responses.create(
            model="plain", input="more", previous_response_id=made.id
        )
    provider.held.set()
    done = ended(alice, made.id)
    assert done.output_text == "heard 1 turns"
    assert done.background
    row = running.record("req_" + made.id.removeprefix("resp_"))
    assert (row["status"], row.get("error")) == (200, None)
    assert row["tokens"]["output"] == 4
    follow = alice.responses.create(
        model="plain", input="more", previous_response_id=made.id
    )
    assert follow.output_text == "heard 3 turns"


def test_a_response_in_the_background_can_be_cancelled(
    alice: openai.OpenAI, provider: Provider
) -> None:
    provider.held.clear()
    made = alice.responses.create(model="plain", input="hold", background=True)
    assert provider.until(lambda: len(provider.asked("/chat/completions")) > 0)
    assert alice.responses.cancel(made.id).status == "cancelled"
    provider.held.set()
    assert ended(alice, made.id).status == "cancelled"
    assert alice.responses.cancel(made.id).status == "cancelled"


def test_a_response_in_the_background_may_fail(alice: openai.OpenAI) -> None:
    made = alice.responses.create(model="plain", input="fail", background=True)
    done = ended(alice, made.id)
    assert done.status == "failed"
    assert done.error is not None
    assert "I will not" in done.error.message
    with pytest.raises(openai.BadRequestError, match="stored"):
        alice.responses.create(model="plain", input="x", background=True, store=False)
    with pytest.raises(openai.NotFoundError, match="does not exist"):
        alice.responses.create(model="none", input="x", background=True)


def test_a_response_in_the_background_can_be_streamed(
    alice: openai.OpenAI, provider: Provider
) -> None:
    provider.held.set()
    events = [
        *alice.responses.create(
            model="plain", input="hold", background=True, stream=True
        )
    ]
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    assert events[-1].response.output_text == "heard 1 turns"


def test_a_provider_s_own_background_is_used(
    alice: openai.OpenAI, provider: Provider
) -> None:
    made = alice.responses.create(model="keeps", input="later", background=True)
    assert made.status == "queued"
    assert made.id in provider.stored
    assert provider.asked("/responses")[-1].json()["background"] is True
    assert alice.responses.cancel(made.id).status == "cancelled"


# --- a restart ---------------------------------------------------------------------------


@pytest.mark.parametrize("sig", [signal.SIGKILL, signal.SIGTERM])
def test_a_restart_forgets_nothing_and_goes_on_with_what_it_broke(
    provider: Provider, tmp_path: Path, sig: signal.Signals
) -> None:
    with gateway(config(provider), tmp_path, env=ENV) as running:
        with client(running) as sdk:
            native = sdk.responses.create(model="keeps", input="one")
            kept = sdk.responses.create(model="plain", input="one")
            provider.held.clear()
            talk = sdk.conversations.create(items=[{"role": "user", "content": "one"}])
            lost = sdk.responses.create(
                model="plain", input="hold", background=True, conversation=talk.id
            )
        running.stop(sig)
    provider.held.set()
    with (
        gateway(config(provider), tmp_path, env=ENV) as running,
        client(running) as sdk,
    ):
        assert sdk.responses.retrieve(native.id).output_text == native.output_text
        more = sdk.responses.create(
            model="plain", input="two", previous_response_id=kept.id
        )
        assert more.output_text == "heard 3 turns"
        done = ended(sdk, lost.id)
        assert (done.status, done.output_text) == ("completed", "heard 2 turns")
        assert (done.created_at, done.background) == (lost.created_at, True)
        items = sdk.conversations.items.list(talk.id, order="asc").data
        assert [item.role for item in items] == [  # type: ignore[union-attr]
            *("user", "user", "assistant")
        ]


def test_nothing_is_kept_where_the_operator_says_so(
    provider: Provider, tmp_path: Path
) -> None:
    told = config(provider, responses={"keep_days": 0})
    with gateway(told, tmp_path, env=ENV) as running, client(running) as sdk:
        made = sdk.responses.create(model="plain", input="one")
        assert made.store is False
        with pytest.raises(openai.NotFoundError):
            sdk.responses.retrieve(made.id)
        with pytest.raises(openai.BadRequestError, match="keep_days"):
            sdk.conversations.create()
        with pytest.raises(openai.BadRequestError, match="keep_days"):
            sdk.responses.create(model="plain", input="x", background=True)
        assert SECRET not in "".join(running.lines)
