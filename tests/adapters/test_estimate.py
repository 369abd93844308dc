"""Estimates grow with what they estimate, and are of the right order."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from adapters import estimate
from adapters.normal.chat import Conversation
from adapters.normal.content import (
    Audio,
    Document,
    Image,
    Message,
    Opaque,
    Part,
    Refusal,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolResult,
    ToolUse,
)

PARTS: list[Part] = [
    Text("hello there"),
    Refusal("no"),
    Image(url="https://example.com/a.png"),
    Audio(data="A" * 4000, format="wav"),
    Document(url="https://example.com/a.pdf"),
    Document(data="A" * 40_000, media_type="application/pdf"),
    Document(text="a text"),
    Thinking("hm"),
    ToolUse("1", "look", '{"a":1}'),
    ToolResult("1", (Text("found"), Image(data="AAAA"))),
    Opaque("gemini", "executableCode", Raw(b'{"code":"1"}')),
]
words = st.text(st.characters(exclude_categories=()))


@given(words, words)
def test_text_is_counted_monotonously_and_nearly_additively(a: str, b: str) -> None:
    both = estimate.text(a + b)
    assert both >= max(estimate.text(a), estimate.text(b))
    assert abs(both - estimate.text(a) - estimate.text(b)) <= 2
    assert (estimate.text(a) == 0) == (a == "")


@given(st.lists(st.sampled_from(PARTS)), st.sampled_from(PARTS))
def test_another_part_always_costs(parts: list[Part], more: Part) -> None:
    def tokens(*them: Part) -> int:
        return estimate.conversation(
            Conversation(messages=(Message("user", tuple(them)),))
        )

    assert tokens(*parts, more) > tokens(*parts)


def test_scripts_are_counted_by_what_tokenizers_make_of_them() -> None:
    assert estimate.text("four words of text!!") == 5
    assert estimate.text("\u4f60\u597d\u4e16\u754c") == 4
    assert (
        6
        <= estimate.text("\u043f\u0440\u0438\u0432\u0435\u0442 \u043c\u0438\u0440")
        <= 8
    )
    assert estimate.text("\ud800") == 1


def test_tools_and_schemas_count() -> None:
    bare = estimate.conversation(Conversation())
    tool = Tool("look", "Looks something up.", Raw(b'{"type":"object"}'))
    form = ResponseFormat("schema", schema=Raw(b'{"type":"object"}'))
    assert estimate.conversation(Conversation(tools=(tool,))) > bare + 10
    assert estimate.conversation(Conversation(response_format=form)) > bare


@given(st.binary(max_size=6000))
def test_a_body_of_any_bytes_has_an_estimate(data: bytes) -> None:
    assert 0 <= estimate.body(data) <= len(data) // 4 + 1


def test_inline_media_do_not_count_by_their_bytes() -> None:
    image = b"A" * 1_000_000
    for form in (
        b'{"messages":[{"image_url":{"url":"data:image/png;base64,%b"}}]}',
        b'{"contents":[{"inlineData":{"data":"%b"}}]}',
        b'{"source":{"type":"base64","data": "%b"}}',
    ):
        assert estimate.body(form % image) < 1000
    assert estimate.body(b'{"data":"' + image) > 200_000
