"""What vendors make of OpenAI's answers, and what clients get of it.

Each case is a vendor of the table, answering as its recordings and references show
(2026): finish words, thoughts, usage, tool calls, ends of streams, errors. Asked whole
or streamed, by OpenAI's dialect and by Anthropic's, through one running gateway.
"""

import json
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import httpx
import pytest

from adapters.providers import PROVIDERS
from tests.flow.provider import CHAT, HELLO, body, event, said, usage
from tests.harness.clients import PATIENT
from tests.harness.gateway import Running, gateway
from tests.harness.upstream import Request, Script, Upstream, events, tell

MESSAGES: Final = "/v1/messages"
DONE: Final = b"data: [DONE]\n\n"
CALL: Final = {"name": "f", "arguments": '{"a": 1}'}
VENDORS: Final = [
    *("azure", "cerebras", "cloudflare", "dashscope", "databricks", "deepseek"),
    *("groq", "minimax", "mistral", "moonshot", "openrouter", "perplexity"),
    *("sambanova", "snowflake", "together_ai", "vercel_ai_gateway", "writer"),
    *("xai", "zai", "bedrock_mantle", "vllm", "portkey"),
]


class Case(NamedTuple):
    vendor: str
    answer: Script


CASES: dict[str, Case] = {}


def case(name: str, vendor: str, answer: Script) -> str:
    CASES[name] = Case(vendor, answer)
    return name


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as up:
        up.on(None, _any)
        yield up


def _any(request: Request) -> Script:
    return CASES[request.json()["model"]].answer


@pytest.fixture(scope="module")
def running(
    upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    assert set(VENDORS) <= PROVIDERS.keys()
    config = {
        "providers": {
            name: {"base_url": f"{upstream.url}/{name}", "api_key": "env:VENDOR_KEY"}
            for name in VENDORS
        },
        "models": {
            f"{name}/*": {"deployments": [{"model": f"{name}/*"}]} for name in VENDORS
        },
        "retries": {"attempts": 1},
    }
    folder = tmp_path_factory.mktemp("vendors")
    with gateway(config, folder, env={"VENDOR_KEY": "sk-vendor"}) as running:
        yield running


@pytest.fixture(scope="module")
def ask(running: Running) -> Iterator["Ask"]:
    with httpx.Client(base_url=running.url, **PATIENT) as client:
        yield Ask(client, running)


class Ask:
    def __init__(self, client: httpx.Client, running: Running) -> None:
        self._client, self.running = client, running

    def __call__(self, name: str, path: str = CHAT, **more: Any) -> httpx.Response:
        asked = {"model": f"{CASES[name].vendor}/{name}", "messages": HELLO, **more}
        return self._client.post(path, json=asked)

    def choice(self, name: str, **more: Any) -> dict[str, Any]:
        """The only choice of a whole answer."""
        answer = self(name, **more)
        assert answer.status_code == 200, answer.text
        (choice,) = answer.json()["choices"]
        found: dict[str, Any] = choice
        return found

    def chunks(self, name: str, **more: Any) -> list[dict[str, Any]]:
        """The chunks of a stream that came to its proper end."""
        answer = self(name, stream=True, **more)
        assert answer.status_code == 200, answer.text
        lines = [line for line in answer.text.splitlines() if line.startswith("data:")]
        assert lines[-1] == "data: [DONE]"
        assert lines.count("data: [DONE]") == 1
        return [json.loads(line[5:]) for line in lines[:-1]]

    def used(self, name: str, **more: Any) -> dict[str, Any]:
        """What the record says was used."""
        answer = self(name, **more)
        found: dict[str, Any] = self.running.record(answer.headers["x-routeiq-id"])
        return found


def message(more: Any, **fields: Any) -> dict[str, Any]:
    """A whole answer whose message has `more`."""
    told = body("fine", **fields)
    told["choices"][0]["message"] |= more
    return told


def stopped(word: str | None) -> dict[str, Any]:
    told = body("fine")
    told["choices"][0]["finish_reason"] = word
    return told


# --- finish words ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vendor", "word", "meant"),
    [
        ("together_ai", "eos", "stop"),
        ("snowflake", "", "stop"),
        ("zai", "sensitive", "content_filter"),
        ("zai", "model_context_window_exceeded", "length"),
        ("mistral", "model_length", "length"),
    ],
)
def test_a_finish_word_becomes_one_of_openai_s(
    ask: Ask, vendor: str, word: str, meant: str
) -> None:
    whole = case(f"whole-{vendor}-{word}", vendor, tell(200, stopped(word)))
    assert ask.choice(whole)["finish_reason"] == meant
    pieces = [event({"content": "fine"}), event({}, stop=word), DONE]
    if word:  # an empty one in a stream is none
        streamed = case(f"streamed-{vendor}-{word}", vendor, events(pieces))
        last = [c["choices"][0]["finish_reason"] for c in ask.chunks(streamed)]
        assert [word for word in last if word] == [meant]


@pytest.mark.parametrize(
    ("vendor", "word"),
    [("deepseek", "insufficient_system_resource"), ("zai", "network_error")],
)
def test_a_finish_word_that_tells_of_a_failure_is_an_error(
    ask: Ask, vendor: str, word: str
) -> None:
    whole = case(f"failed-{vendor}", vendor, tell(200, stopped(word)))
    assert ask(whole).status_code >= 500
    pieces = [event({"content": "fi"}), event({}, stop=word), DONE]
    broken = case(f"broken-{vendor}", vendor, events(pieces))
    answer = ask(broken, stream=True)
    assert '"error"' in answer.text
    assert '"finish_reason":"stop"' not in answer.text


# --- thoughts ----------------------------------------------------------------------------

DETAILS: Final = [{"type": "reasoning.text", "text": "hm", "format": "unknown"}]
LISTED: Final = {
    "content": [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "fine"},
    ]
}
SUMMARY: Final = {
    "content": [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
        {"type": "text", "text": "fine"},
    ]
}


@pytest.mark.parametrize(
    ("vendor", "more"),
    [
        ("deepseek", {"reasoning_content": "hm"}),
        ("xai", {"reasoning_content": "hm"}),
        ("zai", {"reasoning_content": "hm"}),
        ("dashscope", {"reasoning_content": "hm"}),
        ("moonshot", {"reasoning_content": "hm"}),
        ("groq", {"reasoning": "hm"}),
        ("cerebras", {"reasoning": "hm"}),
        ("vllm", {"reasoning": "hm"}),
        ("openrouter", {"reasoning": "hm", "reasoning_details": DETAILS}),
        ("vercel_ai_gateway", {"reasoning": "hm", "reasoning_details": DETAILS}),
        ("minimax", {"reasoning_details": DETAILS}),
        ("mistral", LISTED),
        ("databricks", SUMMARY),
    ],
)
def test_thoughts_are_found_wherever_the_vendor_puts_them(
    ask: Ask, vendor: str, more: dict[str, Any]
) -> None:
    name = case(f"thoughts-{vendor}", vendor, tell(200, message(more)))
    blocks = ask(name, MESSAGES, max_tokens=9).json()["content"]
    assert [block["type"] for block in blocks] == ["thinking", "text"]
    assert (blocks[0]["thinking"], blocks[1]["text"]) == ("hm", "fine")
    assert ask.choice(name)["message"]["content"] == "fine"

    pieces = [event(more | {"role": "assistant"}), event({}, stop="stop"), DONE]
    if "content" not in more:
        pieces.insert(1, event({"content": "fine"}))
    stream = case(f"thinking-{vendor}", vendor, events(pieces))
    heard = ask(stream, MESSAGES, max_tokens=9, stream=True).text
    assert '"thinking_delta","thinking":"hm"' in heard
    assert said(ask(stream, stream=True).text) == "fine"


def test_minimax_is_asked_to_keep_thoughts_out_of_the_text(
    ask: Ask, upstream: Upstream
) -> None:
    ask(case("split", "minimax", tell(200, body("fine"))))
    assert upstream.requests[-1].json()["reasoning_split"] is True


def thinking(vendor: str, *pieces: str) -> str:
    """A stream that says these pieces as content, with a thought in them."""
    said_ = [event({"content": piece}) for piece in pieces]
    stream = [*said_, event({}, stop="stop"), DONE]
    return case(f"inline-{vendor}-{len(CASES)}", vendor, events(stream))


@pytest.mark.parametrize("vendor", ["sambanova", "portkey"])
def test_thoughts_inside_the_text_are_told_apart(ask: Ask, vendor: str) -> None:
    text = "<think>\nhm, <b>\n</think>\n\nfine, </think>"
    name = case(f"inline-{vendor}", vendor, tell(200, body(text)))
    told = ask.choice(name)["message"]
    assert told["content"] == "fine, </think>"
    assert told["reasoning_content"] == "hm, <b>\n"
    blocks = ask(name, MESSAGES, max_tokens=9).json()["content"]
    assert blocks[0]["thinking"] == told["reasoning_content"]

    pieces = ("<th", "ink>hm, ", "<b></thi", "nk>", "\n", "\nfi", "ne, <think>", "<")
    stream = thinking(vendor, *pieces)
    heard = ask(stream, stream=True).text
    assert said(heard) == "fine, <think><"
    chunks = ask.chunks(stream)
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert "".join(d.get("reasoning_content", "") for d in deltas) == "hm, <b>"
    assert "hm, " in ask(stream, MESSAGES, max_tokens=9, stream=True).text


def test_text_without_thoughts_and_other_vendors_text_stay(ask: Ask) -> None:
    for vendor, text in (
        ("sambanova", "<thinking about it"),
        ("sambanova", "a <think>b</think>"),
        ("vllm", "<think>a</think>b"),
    ):
        name = case(f"plain-{vendor}-{text}", vendor, tell(200, body(text)))
        assert ask.choice(name)["message"]["content"] == text
        assert said(ask(thinking(vendor, *text), stream=True).text) == text


# --- usage -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vendor", "told", "want"),
    [
        ("deepseek", {"usage": usage(10, 5, prompt_cache_hit_tokens=4)}, {"cached": 4}),
        ("moonshot", {"usage": usage(10, 5, cached_tokens=4)}, {"cached": 4}),
        ("together_ai", {"usage": usage(10, 5, cached_tokens=4)}, {"cached": 4}),
        ("mistral", {"usage": usage(10, 5, num_cached_tokens=4)}, {"cached": 4}),
        (
            "xai",
            {
                "usage": usage(10, 5)
                | {
                    "total_tokens": 22,
                    "completion_tokens_details": {"reasoning_tokens": 7},
                }
            },
            {"output": 12, "reasoning": 7},
        ),
        (
            "groq",
            {"usage": None, "x_groq": {"id": "1", "usage": usage(10, 5)}},
            {"input": 10, "output": 5},
        ),
    ],
)
def test_usage_is_counted_by_whatever_name_it_has(
    ask: Ask, vendor: str, told: dict[str, Any], want: dict[str, int]
) -> None:
    answer = body("fine") | told
    found = ask.used(case(f"used-{vendor}", vendor, tell(200, answer)))
    assert {name: _tokens(found, name) for name in want} == want

    last = {"usage": told["usage"]} if told["usage"] else {"x_groq": told["x_groq"]}
    pieces = [event({"content": "fine"}), event({}, stop="stop", **last), DONE]
    stream = case(f"using-{vendor}", vendor, events(pieces))
    found = ask.used(stream, stream=True)
    assert {name: _tokens(found, name) for name in want} == want


def _tokens(record: dict[str, Any], name: str) -> Any:
    return record["tokens"][name]


def test_usage_inside_a_choice_counts(ask: Ask) -> None:
    """Moonshot's last chunk."""
    last = json.loads(event({}, stop="stop")[6:])
    last["choices"][0]["usage"] = usage(10, 5)
    pieces = [
        event({"content": "fine"}),
        b"data: " + json.dumps(last).encode() + b"\n\n",
        DONE,
    ]
    found = ask.used(case("inside", "moonshot", events(pieces)), stream=True)
    assert (_tokens(found, "input"), _tokens(found, "output")) == (10, 5)


# --- streams -----------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", ["perplexity", "writer"])
def test_a_stream_without_its_terminator_gets_one(ask: Ask, vendor: str) -> None:
    """Perplexity also ends lines with CRLF and tells usage with every chunk."""
    pieces = [
        event({"role": "assistant", "content": "fi"}, usage=usage(10, 1)),
        event({"content": "ne"}, usage=usage(10, 2)),
        event({}, stop="stop", usage=usage(10, 2)),
    ]
    pieces = [piece.replace(b"\n", b"\r\n") for piece in pieces]
    name = case(f"endless-{vendor}", vendor, events(pieces))
    chunks = ask.chunks(name, stream_options={"include_usage": True})
    text = "".join(
        c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"]
    )
    assert text == "fine"
    assert len([c for c in chunks if c.get("usage")]) == 1
    assert _tokens(ask.used(name, stream=True), "output") == 2


def test_comments_keep_a_stream_alive_and_are_no_part_of_it(ask: Ask) -> None:
    pieces = [
        b": OPENROUTER PROCESSING\n\n",
        event({"content": "fi"}),
        b": keep-alive\n\n",
        event({"content": "ne"}),
        event({}, stop="stop"),
        DONE,
    ]
    name = case("comments", "openrouter", events(pieces))
    assert said(ask(name, stream=True).text) == "fine"
    assert "PROCESSING" not in ask(name, MESSAGES, max_tokens=9, stream=True).text


def test_a_first_chunk_without_choices_is_no_answer_yet(ask: Ask) -> None:
    """Azure's, with its filter's findings and an empty `object`."""
    first = {"id": "", "object": "", "created": 0, "model": "", "choices": []}
    first["prompt_filter_results"] = [{"prompt_index": 0}]
    pieces = [
        b"data: " + json.dumps(first).encode() + b"\n\n",
        event({"role": "assistant", "content": "fine"}),
        event({}, stop="stop"),
        DONE,
    ]
    chunks = ask.chunks(case("filters", "azure", events(pieces)))
    assert all(chunk["object"] == "chat.completion.chunk" for chunk in chunks)


@pytest.mark.parametrize(
    ("vendor", "calls"),
    [
        # Mistral: no index, no type. Mantle: counted from 1. DashScope: no id after
        # the first piece.
        (
            "mistral",
            [
                [{"id": "aaaaaaaa1", "function": CALL}],
                [{"id": "aaaaaaaa2", "function": CALL}],
            ],
        ),
        (
            "bedrock_mantle",
            [
                [{"index": 1, "id": "c1", "type": "function", "function": CALL}],
                [{"index": 2, "id": "c2", "type": "function", "function": CALL}],
            ],
        ),
        (
            "dashscope",
            [
                [
                    {
                        "index": at,
                        "id": f"c{at}",
                        "type": "function",
                        "function": {"name": "f", "arguments": '{"a"'},
                    }
                ]
                if part == 0
                else [
                    {
                        "index": at,
                        "id": "",
                        "type": "function",
                        "function": {"arguments": ": 1}"},
                    }
                ]
                for at in (0, 1)
                for part in (0, 1)
            ],
        ),
    ],
)
def test_tool_calls_of_a_stream_are_numbered_from_nought(
    ask: Ask, vendor: str, calls: list[list[dict[str, Any]]]
) -> None:
    pieces = [event({"tool_calls": pieces}) for pieces in calls]
    pieces += [event({}, stop="tool_calls"), DONE]
    chunks = ask.chunks(case(f"calls-{vendor}", vendor, events(pieces)))
    found: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        for piece in chunk["choices"][0]["delta"].get("tool_calls") or ():
            one = found.setdefault(piece["index"], {"ids": set(), "arguments": ""})
            if piece.get("id"):
                one["ids"].add(piece["id"])
            one["arguments"] += piece["function"].get("arguments") or ""
    assert sorted(found) == [0, 1]
    assert all(len(one["ids"]) == 1 for one in found.values())
    assert all(json.loads(one["arguments"]) == {"a": 1} for one in found.values())


def test_a_stop_that_calls_tools_is_told_as_calling_tools(ask: Ask) -> None:
    """xAI's; as every client but OpenAI's own is told, whose bytes are relayed."""
    call = {"id": "c1", "type": "function", "function": CALL}
    told = message({"content": None, "tool_calls": [call]})
    answer = ask(case("calling", "xai", tell(200, told)), MESSAGES, max_tokens=9)
    assert answer.json()["stop_reason"] == "tool_use"


# --- errors ------------------------------------------------------------------------------


class Failure(NamedTuple):
    vendor: str
    told: dict[str, Any]
    status: int
    kind: str


FAILURES: Final = [
    Failure(
        "openrouter",
        {"error": {"code": 429, "message": "slow down", "metadata": {"raw": "x"}}},
        429,
        "rate_limit_error",
    ),
    Failure(
        "openrouter",
        {"choices": [{"error": {"code": 502, "message": "gone"}}]},
        502,
        "server_error",
    ),
    Failure(
        "minimax",
        {"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}},
        429,
        "insufficient_quota",
    ),
    Failure(
        "minimax",
        {"base_resp": {"status_code": 1002, "status_msg": "rate limit"}},
        429,
        "rate_limit_error",
    ),
    Failure(
        "cloudflare",
        {"success": False, "result": None, "errors": [{"code": 5007, "message": "no"}]},
        502,
        "server_error",
    ),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda f: f"{f.vendor}-{f.status}")
def test_an_error_inside_a_200_is_an_error(ask: Ask, failure: Failure) -> None:
    name = f"inside-{failure.vendor}-{FAILURES.index(failure)}"
    case(name, failure.vendor, tell(200, failure.told))
    answer = ask(name)
    assert answer.status_code == failure.status, answer.text
    assert answer.json()["error"]["type"] == failure.kind
    chunk = b"data: " + json.dumps(failure.told).encode() + b"\n\n"
    case(name, failure.vendor, events([event({"content": "fi"}), chunk, DONE]))
    heard = ask(name, stream=True).text
    assert '"error"' in heard
    assert '"finish_reason":"stop"' not in heard


def test_a_tool_that_could_not_be_called_is_told_in_the_stream(ask: Ask) -> None:
    """Groq ends such a stream with a named event and no terminator."""
    error = {
        "message": "Failed to call a function",
        "type": "invalid_request_error",
        "code": "tool_use_failed",
        "failed_generation": "<f>",
        "status_code": 400,
    }
    failed = b"event: error\ndata: " + json.dumps({"error": error}).encode() + b"\n\n"
    name = case("failed", "groq", events([event({"content": "fi"}), failed]))
    heard = ask(name, stream=True).text
    assert "tool_use_failed" in heard
    assert heard.rstrip().endswith("data: [DONE]")


@pytest.mark.parametrize(
    ("vendor", "status", "told", "words"),
    [
        ("mistral", 400, {"detail": "Invalid model"}, "Invalid model"),
        (
            "mistral",
            422,
            {"detail": [{"loc": ["body", "x"], "msg": "extra field", "type": "e"}]},
            "body.x: extra field",
        ),
        ("xai", 400, {"code": "bad", "error": "wrong shape"}, "wrong shape"),
        ("databricks", 400, {"error_code": "BAD", "message": "no such"}, "no such"),
        ("zai", 400, {"error": {"code": "1210", "message": "param"}}, "param"),
        (
            "cloudflare",
            400,
            {"success": False, "errors": [{"code": 1, "message": "bad input"}]},
            "bad input",
        ),
        (
            "vllm",
            400,
            {"object": "error", "message": "too odd", "type": "B", "code": 400},
            "too odd",
        ),
    ],
)
def test_a_refusal_keeps_the_vendor_s_own_words(
    ask: Ask, vendor: str, status: int, told: dict[str, Any], words: str
) -> None:
    name = case(f"refused-{vendor}-{status}", vendor, tell(status, told))
    error = ask(name).json()["error"]
    assert words in error["message"]
    assert ask(name, MESSAGES, max_tokens=9).json()["type"] == "error"


# --- what Mistral is asked ------------------------------------------------------------


def test_mistral_is_given_a_begun_answer_and_files_in_its_own_words(
    ask: Ask, upstream: Upstream
) -> None:
    case("begun", "mistral", tell(200, body("fine")))
    file = {"file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"}
    parts = [{"type": "text", "text": "Sum up."}, {"type": "file", "file": file}]
    turns = [
        {"role": "user", "content": parts},
        {"role": "assistant", "content": "In short,"},
    ]
    more = {"messages": turns, "seed": 3, "safe_prompt": True}
    assert ask("begun", **more).status_code == 200
    sent = upstream.requests[-1].json()
    assert (sent["random_seed"], sent["safe_prompt"]) == (3, True)
    asked, begun = sent["messages"]
    assert asked["content"][1] == {
        "type": "document_url",
        "document_url": file["file_data"],
        "document_name": "a.pdf",
    }
    assert begun == {**turns[1], "prefix": True}
    plain = [{"role": "user", "content": "hi"}, turns[1]]
    assert ask("begun", MESSAGES, max_tokens=9, messages=plain).status_code == 200
    assert upstream.requests[-1].json()["messages"][-1]["prefix"] is True
