"""Laws: what Gemini can say survives being written and read; streams mean what wholes do."""

import json
from base64 import b64encode, urlsafe_b64encode
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec import Raw

from adapters.errors import BadCall
from adapters.gemini import conversation, encode, reply
from adapters.gemini.answer import Partial
from adapters.gemini.family import GENERATE, UPSTREAM
from adapters.gemini.media import standard
from adapters.gemini.partial import Arguments
from adapters.gemini.signature import SKIP, unwrap, wrap
from adapters.normal.chat import ChatResult, Choice, Conversation
from adapters.normal.content import (
    Audio,
    Citation,
    Document,
    Image,
    Message,
    Part,
    Reasoning,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
)
from adapters.normal.fold import unfold
from adapters.normal.usage import Usage
from tests.adapters.gemini import grammar, meaning
from tests.adapters.gemini.recordings import call, response, target

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = st.from_regex(r"[a-z_]{1,12}", fullmatch=True)
OURS = wrap(Thinking("", "x", family="y"))[:12]
"""How our mark around another family's signature begins: Google signs nothing so."""
base64s = (
    st.binary(min_size=1, max_size=30)
    .map(lambda data: b64encode(data).decode())
    .filter(lambda text: not text.startswith(OURS))
)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3)
    ),
    max_leaves=6,
)
objects = st.dictionaries(words, values, max_size=3).map(json.dumps)
schemas = st.sampled_from(
    [
        b'{"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}}',
        b'{"type":"object","additionalProperties":false}',
        b"{}",
    ]
).map(Raw)

images = st.builds(
    Image, data=base64s, media_type=st.sampled_from(["image/png", "image/webp"])
)
urls = st.builds(
    Image, url=st.just("https://x.test/a.png"), media_type=st.just("image/png")
)
audios = st.builds(Audio, data=base64s, format=st.sampled_from(["wav", "mp3", "pcm16"]))
documents = st.builds(
    Document, data=base64s, media_type=st.sampled_from(["application/pdf", "text/csv"])
)
texts = st.builds(Text, words, signature=st.just("") | base64s)
thoughts = st.builds(Thinking, words, st.just("") | base64s, family=st.just("gemini"))
plain_texts = st.builds(Text, words)


@st.composite
def exchanges(draw: st.DrawFn) -> tuple[Message, ...]:
    """Turns of a user, of the model, and of the tools it called."""
    messages: list[Message] = []
    if draw(st.booleans()):
        messages.append(
            Message(
                "system", tuple(draw(st.lists(plain_texts, min_size=1, max_size=2)))
            )
        )
    number = 0
    for _ in range(draw(st.integers(1, 3))):
        asked = draw(
            st.lists(
                plain_texts | images | urls | audios | documents, min_size=1, max_size=3
            )
        )
        messages.append(Message("user", tuple(asked)))
        said: list[Part] = list(
            draw(st.lists(texts | thoughts, min_size=1, max_size=2))
        )
        uses = []
        for _ in range(draw(st.integers(0, 3))):
            signed = draw(st.just("") | base64s)
            uses.append(ToolUse(f"id_{number}", draw(names), draw(objects), signed))
            number += 1
        messages.append(Message("assistant", (*said, *uses)))
        if uses:
            results = []
            for use in uses:
                inner = (Text(draw(words | objects)),)
                more = tuple(draw(st.lists(images, max_size=1)))
                results.append(
                    ToolResult(use.id, inner + more, use.name, draw(st.booleans()))
                )
            messages.append(Message("tool", tuple(results)))
    return tuple(messages)


choices_of = st.none() | st.one_of(
    st.just(ToolChoice("auto")),
    st.just(ToolChoice("none")),
    st.builds(
        lambda ns: ToolChoice("required", tuple(ns)),
        st.just([]) | st.lists(names, min_size=2, max_size=3),
    ),
    st.builds(lambda n: ToolChoice("tool", (n,)), names),
    st.builds(
        lambda ns: ToolChoice("auto", tuple(ns)),
        st.lists(names, min_size=1, max_size=3),
    ),
)
conversations = st.builds(
    Conversation,
    messages=exchanges(),
    tools=st.lists(st.builds(Tool, names, words, schemas), max_size=3).map(tuple),
    tool_choice=choices_of,
    max_tokens=st.none() | st.integers(1, 9999),
    temperature=st.none() | st.floats(0, 2),
    top_p=st.none() | st.floats(0, 1),
    top_k=st.none() | st.integers(1, 100),
    stop=st.lists(words.filter(bool), max_size=5).map(tuple),
    seed=st.none() | st.integers(0, 2**31 - 1),
    n=st.none() | st.integers(1, 8),
    presence_penalty=st.none() | st.floats(-2, 2),
    frequency_penalty=st.none() | st.floats(-2, 2),
    logprobs=st.none() | st.booleans(),
    top_logprobs=st.none() | st.integers(0, 20),
    response_format=st.none()
    | st.just(ResponseFormat("json"))
    | st.builds(lambda s: ResponseFormat("schema", schema=s), schemas),
    reasoning=st.none()
    | st.builds(
        Reasoning,
        effort=st.sampled_from(["minimal", "low", "medium", "high"]),
        show=st.none() | st.booleans(),
    )
    # Whoever turns thinking on and does not say whether to show it is shown it.
    | st.builds(
        lambda budget, show: Reasoning(True, "", budget, show),
        st.integers(1, 24576),
        st.booleans(),
    ),
    service_tier=st.sampled_from(["", "flex", "standard", "priority"]),
    modalities=st.sampled_from([(), ("text",), ("text", "image")]),
    store=st.none() | st.booleans(),
)


@settings(max_examples=150)
@given(conversations)
def test_what_gemini_can_say_is_read_as_it_was_written(talk: Conversation) -> None:
    written = conversation.write(talk, target("gemini-3-flash-preview"), is_ours=False)
    assert written.dropped == ()
    body = conversation.flat(written)
    again = call(body).conversation()
    assert again == talk
    assert (
        conversation.flat(
            conversation.write(again, target("gemini-3-flash-preview"), True)
        )
        == body
    )


@st.composite
def answers(draw: st.DrawFn) -> ChatResult:
    made: list[Choice] = []
    for index in range(draw(st.integers(1, 2))):
        parts: list[Part] = draw(st.lists(texts | thoughts | images, max_size=4))
        uses = [
            ToolUse(
                f"call_{index}_{n}",
                draw(names),
                draw(objects),
                draw(st.just("") | base64s),
            )
            for n in range(draw(st.integers(0, 3)))
        ]
        said = "".join(p.text for p in parts if isinstance(p, Text))
        at = [n for n, p in enumerate(parts) if isinstance(p, Text) and p.text]
        if at and draw(st.booleans()):
            last = parts[at[-1]]
            if isinstance(last, Text) and at[-1] == max(
                n for n, p in enumerate(parts) if isinstance(p, Text)
            ):
                end = draw(st.integers(0, len(said)))
                cited = (Citation("https://x.test", "t", start=0, end=end),)
                parts[at[-1]] = Text(last.text, cited, signature=last.signature)
        stop = (
            "tool_use" if uses else draw(st.sampled_from(["end", "length", "filtered"]))
        )
        native = {
            "end": "STOP",
            "tool_use": "STOP",
            "length": "MAX_TOKENS",
            "filtered": "SAFETY",
        }[stop]
        made.append(Choice(index, (*parts, *uses), stop, native))  # type: ignore[arg-type]
    output, thinking = sorted(
        draw(st.tuples(st.integers(0, 99), st.integers(0, 99))), reverse=True
    )
    spent, cached = sorted(
        draw(st.tuples(st.integers(0, 99), st.integers(0, 99))), reverse=True
    )
    usage = Usage(input=spent, cached=cached, output=output, reasoning=thinking)
    return ChatResult(id="r1", model="m", usage=usage, choices=tuple(made))


@settings(max_examples=150)
@given(answers(), st.sampled_from(["alt=sse", ""]))
def test_an_answer_means_the_same_whole_and_streamed(
    result: ChatResult, query: str
) -> None:
    whole = UPSTREAM.parse_response(response(reply.write(result)), call())
    assert isinstance(whole, ChatResult)
    assert whole.usage == result.usage
    for choice, before in zip(whole.choices(), result.choices(), strict=True):
        assert meaning.meaning(choice) == meaning.meaning(before)
    encoder = GENERATE.write_stream(call(stream=True, query=query), "other")
    frames = unfold(result)
    body = b"".join(encoder.frames([frame]) for frame in frames) + encoder.close()
    grammar.check(grammar.parse(body, encoder.content_type))
    decoder = UPSTREAM.parse_stream(call(stream=True))
    again = decoder.feed(body) + decoder.close()
    folded = meaning.folded(again)
    for before in result.choices():
        assert meaning.meaning(folded[before.index]) == meaning.meaning(before)
    assert meaning.last_usage(again) == result.usage


@given(answers(), st.integers(1, 40), st.integers(0, 3))
def test_a_written_stream_is_the_same_however_it_is_batched(
    result: ChatResult, size: int, seed: int
) -> None:
    frames = unfold(result)
    one = encode.Writer("alt=sse")
    body = b"".join(one.frames([frame]) for frame in frames) + one.close()
    many = encode.Writer("alt=sse")
    batched = b"".join(
        many.frames(frames[at : at + size]) for at in range(0, len(frames), size)
    )
    assert batched + many.close() == body
    decoder = UPSTREAM.parse_stream(call(stream=True))
    assert decoder.feed(body)


@given(words, words.filter(bool), st.sampled_from(["anthropic", "openai", "bedrock"]))
def test_another_familys_signature_travels_through_a_gemini_client(
    text: str, signature: str, family: str
) -> None:
    signed = Thinking(text, signature, family=family)
    sent = wrap(signed)
    for form in (sent, sent.replace("+", "-").replace("/", "_"), sent.rstrip("=")):
        assert unwrap(text, form) == signed
    hidden = Thinking(redacted=signature, family=family)
    assert unwrap("", wrap(hidden)) == hidden


@given(words | base64s)
def test_a_strangers_signature_is_never_taken_for_ours(signature: str) -> None:
    assume(not signature.startswith(OURS))
    thought = unwrap("t", signature)
    assert thought.family == "gemini"
    assert thought.signature == ("" if signature == SKIP else signature)


@given(st.lists(words, min_size=1, max_size=5), base64s)
def test_thinking_that_came_in_pieces_is_whole_again(
    pieces: list[str], signed: str
) -> None:
    parts: list[dict[str, Any]] = [{"text": piece, "thought": True} for piece in pieces]
    mark = wrap(Thinking("", signed, family="anthropic"))
    parts.append({"text": "", "thought": True, "thoughtSignature": mark})
    parts.append({"text": "so"})
    talk = call({"contents": [{"role": "model", "parts": parts}]}).conversation()
    assert talk.messages[0].parts == (
        Thinking("".join(pieces), signed, family="anthropic"),
        Text("so"),
    )


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,5}", fullmatch=True),
        words | st.booleans() | st.integers(-9, 9),
        max_size=4,
    )
)
def test_arguments_survive_being_sent_in_pieces(arguments: dict[str, Any]) -> None:
    whole = Arguments()
    for name, value in arguments.items():
        path = f"$.{name}"
        if isinstance(value, bool):
            whole.add(Partial(path, bool_value=value))
        elif isinstance(value, int):
            whole.add(Partial(path, number_value=Raw(str(value).encode())))
        else:
            for letter in value:
                whole.add(Partial(path, string_value=letter, will_continue=True))
            whole.add(Partial(path, string_value=""))
    assert json.loads(whole.text()) == arguments


@given(st.binary(max_size=40))
def test_base64_means_the_same_in_either_alphabet(data: bytes) -> None:
    assert standard(urlsafe_b64encode(data).decode()) == b64encode(data).decode()


@settings(max_examples=300)
@given(
    st.binary(max_size=60) | values.map(lambda v: json.dumps({"contents": v}).encode())
)
def test_any_body_is_a_call_or_a_bad_one(body: bytes) -> None:
    try:
        read = call(body)
        talk = read.conversation()
    except BadCall:
        return
    conversation.write(talk, target(), is_ours=True)


@settings(max_examples=300)
@given(
    st.binary(max_size=60)
    | values.map(lambda v: b"data: " + json.dumps({"candidates": v}).encode() + b"\n\n")
)
def test_any_bytes_are_a_stream_or_a_failed_one(body: bytes) -> None:
    decoder = UPSTREAM.parse_stream(call(stream=True))
    frames = decoder.feed(body) + decoder.close()
    stops = [d for d in meaning.deltas(frames) if type(d).__name__ == "Stop"]
    assert meaning.failure(frames) is not None or stops
