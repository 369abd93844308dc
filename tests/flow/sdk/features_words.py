"""The features about words and how they end: see `features`."""

from typing import Final

from google.genai import types as gt

from tests.flow.sdk.clients import Got
from tests.flow.sdk.features import (
    REFUSED,
    SOURCE,
    STOPS,
    Cell,
    Feature,
    ask,
    chat,
    generate,
    hears,
    says,
)
from tests.flow.sdk.heard import Heard
from tests.harness.answers import Answer, Declined, Said

HELLO: Final = "Say: Grüße aus Zürich 🙂 [[text]]"
TEXT = Feature(
    "text",
    {
        "openai": chat(HELLO, max_completion_tokens=64, temperature=0.5),
        "anthropic": {
            **ask(HELLO, extra_body={"temperature": 0.5}),
            "max_tokens": 64,
        },
        "gemini": generate(HELLO, max_output_tokens=64, temperature=0.5),
    },
    Answer((Said(HELLO),)),
    says(HELLO),
    lambda h, _: _text_heard(h),
)


def _text_heard(found: Heard) -> None:
    hears(("text", HELLO))(found, Cell("", "", False, ""))
    assert (found.max_tokens, found.temperature) == (64, 0.5)


BRIEF: Final = "Be brief."
SYSTEM_PROMPT: Final = "Hi! [[system]]"


def _system_heard(found: Heard, _: Cell) -> None:
    assert found.system == [BRIEF]
    assert found.turns == [("user", [("text", found.turns[0][1][0][1])])]


SYSTEM = Feature(
    "system",
    {
        "openai": {
            "messages": [
                {"role": "system", "content": BRIEF},
                {"role": "user", "content": SYSTEM_PROMPT},
            ]
        },
        "anthropic": ask(SYSTEM_PROMPT, system=BRIEF),
        "gemini": generate(SYSTEM_PROMPT, system_instruction=BRIEF),
    },
    Answer((Said(SYSTEM_PROMPT),)),
    says(SYSTEM_PROMPT),
    _system_heard,
)
DEVELOPER_PROMPT: Final = "Hi! [[developer]]"
DEVELOPER = Feature(
    "developer",
    {
        "openai": {
            "messages": [
                {"role": "developer", "content": BRIEF},
                {"role": "user", "content": DEVELOPER_PROMPT},
            ]
        }
    },
    Answer((Said(DEVELOPER_PROMPT),)),
    says(DEVELOPER_PROMPT),
    _system_heard,
)

AGAIN: Final = "And now? [[turns]]"


def _turns_heard(found: Heard, _: Cell) -> None:
    assert found.turns == [
        ("user", [("text", "Count.")]),
        ("model", [("text", "One.")]),
        ("user", [("text", AGAIN)]),
    ]


TURNS = Feature(
    "turns",
    {
        "openai": {
            "messages": [
                {"role": "user", "content": "Count."},
                {"role": "assistant", "content": "One."},
                {"role": "user", "content": AGAIN},
            ]
        },
        "anthropic": {
            "max_tokens": 100,
            "messages": [
                {"role": "user", "content": "Count."},
                {"role": "assistant", "content": "One."},
                {"role": "user", "content": AGAIN},
            ],
        },
        "gemini": {
            "contents": [
                gt.Content(role="user", parts=[gt.Part(text="Count.")]),
                gt.Content(role="model", parts=[gt.Part(text="One.")]),
                gt.Content(role="user", parts=[gt.Part(text=AGAIN)]),
            ]
        },
    },
    Answer((Said(AGAIN),)),
    says(AGAIN),
    _turns_heard,
)

CUT: Final = "One two STOP three [[stop]]"


def _stop_heard(found: Heard, _: Cell) -> None:
    assert found.stop == ["STOP"]


def _stop_shown(got: Got, cell: Cell) -> None:
    assert got.text == "One two "
    if cell.dialect != "anthropic" or cell.family in ("openai", "gemini"):
        # Only Anthropic (and echo) tell that, and which, sequence it was.
        assert got.stop == STOPS[cell.dialect]["end"]
    else:
        assert (got.stop, got.sequence) == ("stop_sequence", "STOP")


STOP = Feature(
    "stop",
    {
        "openai": chat(CUT, stop=["STOP"]),
        "anthropic": ask(CUT, stop_sequences=["STOP"]),
        "gemini": generate(CUT, stop_sequences=["STOP"]),
    },
    Answer((Said("One two "),), "STOP"),
    _stop_shown,
    _stop_heard,
)

LONG: Final = "one two three four five six [[length]]"


def _length_heard(found: Heard, _: Cell) -> None:
    assert found.max_tokens == 3


LENGTH = Feature(
    "length",
    {
        "openai": chat(LONG, max_completion_tokens=3),
        "anthropic": {**ask(LONG), "max_tokens": 3},
        "gemini": generate(LONG, max_output_tokens=3),
    },
    Answer((Said("one two three"),), "length"),
    says("one two three", "length"),
    _length_heard,
)

BAD: Final = "please refuse [[filtered]]"


def _filtered_shown(got: Got, cell: Cell) -> None:
    assert got.stop == STOPS[cell.dialect]["filtered"]
    if cell.family != "echo":
        assert got.text == ""


FILTERED = Feature(
    "filtered",
    {"openai": chat(BAD), "anthropic": ask(BAD), "gemini": generate(BAD)},
    Answer((), "filtered"),
    _filtered_shown,
)

REFUSE: Final = "please refuse [[refusal]]"


def _refusal_shown(got: Got, cell: Cell) -> None:
    worded = cell.family in ("openai", "echo")
    if cell.dialect == "openai":
        assert got.refusal == (REFUSED if worded else "")
        assert got.text == ""
        assert got.stop == ("stop" if cell.family == "openai" else "content_filter")
    else:
        assert got.text == (REFUSED if worded else "")
        assert got.stop == STOPS[cell.dialect]["filtered"]


REFUSAL = Feature(
    "refusal",
    {"openai": chat(REFUSE), "anthropic": ask(REFUSE), "gemini": generate(REFUSE)},
    Answer((Declined(REFUSED),), "refusal"),
    _refusal_shown,
)

CITE: Final = "cite this [[citations]]"


def _cited_shown(got: Got, _: Cell) -> None:
    assert got.text == CITE
    assert got.cited == [(SOURCE.url, SOURCE.title)]


CITATIONS = Feature(
    "citations",
    {"openai": chat(CITE), "anthropic": ask(CITE), "gemini": generate(CITE)},
    Answer((Said(CITE, SOURCE),)),
    _cited_shown,
)
