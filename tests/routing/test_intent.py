"""What prompts are about: laws, then prompts that no phrase holds word for word."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.book import BadStrategy, Book, Spec
from routing.strategies.intent import Intents

INTENTS = {
    "code": [
        "write a python function",
        "fix the bug in this code",
        "why does my program crash",
        "refactor this class",
        "write a SQL query",
    ],
    "maths": [
        "solve this equation",
        "prove that the sum is even",
        "compute the integral",
        "what is the probability of rolling a six",
    ],
    "translate": [
        "translate this into French",
        "what does this German sentence mean",
        "translate the following text to English",
    ],
}


def made(intents: dict[str, list[str]] = INTENTS) -> Intents:
    options = {
        "intents": {n: {"phrases": p, "use": [n]} for n, p in intents.items()},
        "then": "ordered",
    }
    specs = {"own": Spec(kind="intent", options=options)}
    strategy = Book(specs, random.Random(1), lambda: 0.0).get("own")
    assert isinstance(strategy, Intents)
    return strategy


ABOUT = made()


@given(st.text(max_size=300))
def test_any_text_is_near_an_intent_or_none(text: str) -> None:
    intent, near = ABOUT.nearest(text)
    assert 0.0 <= near <= 1.0
    assert (intent in INTENTS) == (near > 0.0)


@given(st.sampled_from([(n, p) for n, own in INTENTS.items() for p in own]))
def test_a_phrase_is_nearest_to_its_own_intent(phrase: tuple[str, str]) -> None:
    intent, near = ABOUT.nearest(phrase[1].upper())
    assert intent == phrase[0]
    assert near > 0.2


@given(st.lists(st.sampled_from(["fix", "bug", "equation", "french"]), min_size=1))
def test_the_order_of_intents_does_not_matter(words: list[str]) -> None:
    turned = made(dict(reversed(INTENTS.items())))
    text = " ".join(words)
    assert turned.nearest(text)[1] == pytest.approx(ABOUT.nearest(text)[1])


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("Can you fix a bug in my python script? It crashes with a KeyError", "code"),
        ("my SQL query is slow, how do I speed it up", "code"),
        ("Solve the equation 3x+2=11", "maths"),
        ("what's the probability of drawing two aces", "maths"),
        ("Translate to French: the weather is nice", "translate"),
        ("who was the first president of the united states", ""),
        ("what should I cook tonight", ""),
    ],
)
def test_prompts_find_their_intent(text: str, intent: str) -> None:
    found, near = ABOUT.nearest(text)
    assert (found if near >= 0.08 else "") == intent


def test_phrases_that_tell_nothing_are_refused() -> None:
    with pytest.raises(BadStrategy, match="'empty' hold no telling word"):
        made({"empty": ["what is this", "!"[:0]]})
