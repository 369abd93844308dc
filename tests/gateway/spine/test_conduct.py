"""What is seen of answers without a model: laws, then cases."""

import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.normal.chat import ChatResult, Choice, Conversation, StopReason
from adapters.normal.content import Refusal, ResponseFormat, Text
from gateway.spine.conduct.agreement import SHORT, meaning
from gateway.spine.conduct.complexity import complexity
from gateway.spine.conduct.flaws import flaw
from gateway.spine.conduct.parts import listed
from gateway.spine.conduct.shape import misfit
from gateway.spine.conduct.verifier import score

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner)
    ),
    max_leaves=8,
)
schemas = st.recursive(
    st.booleans()
    | st.fixed_dictionaries({"type": st.sampled_from(["string", "null"])}),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "anyOf": st.lists(inner, max_size=2),
            "allOf": st.lists(inner, max_size=2),
            "items": inner,
            "additionalProperties": inner,
            "$ref": st.sampled_from(["#", "#/items", "#/none"]),
        },
    ),
    max_leaves=6,
)


@given(st.text(max_size=200))
def test_every_text_means_something_or_nothing_and_never_breaks(text: str) -> None:
    found = meaning(text)
    assert found == meaning(f"  {text}\n")
    if found is not None and found.kind == "text":
        assert len(text.strip()) <= SHORT


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5)))
def test_objects_mean_the_same_in_any_order(value: dict[str, object]) -> None:
    turned = dict(reversed(value.items()))
    one, other = (msgspec.json.encode(v).decode() for v in (value, turned))
    assert meaning(one) == meaning(f"```json\n{other}\n```")
    assert meaning(one) is not None


@given(st.sampled_from("ABCDEFGHIJ"), st.text("abc xyz\n", max_size=60))
def test_the_last_mark_counts(letter: str, before: str) -> None:
    found = meaning(f"{before}\nThe answer is A, or not.\nThe answer is ({letter}).")
    assert found == ("choice", letter)


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (
            ["C", "(C)", "c) no".upper()[:2], "Answer: **C**", r"So \boxed{C}."],
            "choice",
        ),
        (["42", "42.0", "$42", "The answer is 42.", "12 + 30\n#### 42"], "number"),
        (["1,000", "1000"], "number"),
        (["Paris", "paris.", "  The Paris!"], "text"),
    ],
)
def test_spellings_of_one_meaning(texts: list[str], kind: str) -> None:
    found = {meaning(text) for text in texts}
    assert len(found) == 1
    assert {m.kind for m in found if m is not None} == {kind}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The answer is A cat", "The answer is A dog"),
        ("A cat", "A dog"),
        ("-5", "5"),
        ('{"a": true}', '{"a": 1}'),
        ("yes", "no"),
        ("The answer is 4 or 5", "The answer is 4 or 6"),
    ],
)
def test_what_differs_is_not_taken_for_the_same(one: str, other: str) -> None:
    assert meaning(one) is None or meaning(one) != meaning(other)


def test_long_texts_and_code_cannot_be_compared() -> None:
    assert meaning("word " * 40) is None
    assert meaning("two\nlines") is None
    assert meaning("```python\nprint(1)\nprint(2)\n```") is None
    assert meaning("") is None


@given(values, schemas)
def test_any_schema_is_looked_at_and_never_breaks(
    value: object, schema: object
) -> None:
    assert misfit(value, True) == ""
    assert misfit(value, False)
    told = misfit(value, schema)
    assert misfit(value, {"allOf": [schema]}) == told or "$ref" in str(schema)


@given(values)
def test_a_value_fits_its_own_enum(value: object) -> None:
    assert misfit(value, {"enum": [value]}) == ""
    assert misfit([value], {"items": {"const": value}}) == ""


@pytest.mark.parametrize(
    ("value", "schema", "says"),
    [
        ({"a": 1}, {"required": ["b"]}, "$.b is missing"),
        ({"a": 1}, {"properties": {"a": {"type": "string"}}}, "$.a is no string"),
        ({"a": 1}, {"additionalProperties": False}, "$.a must not be there"),
        ([1, "x"], {"items": {"type": "integer"}}, "$[1] is no integer"),
        (True, {"type": "integer"}, "is no integer"),
        (1, {"enum": [True]}, "none of enum"),
        ("ab", {"maxLength": 1}, "longer"),
        (3, {"minimum": 4}, "less"),
        (1, {"anyOf": [{"type": "string"}, {"type": "null"}]}, "none of anyOf"),
        (1, {"oneOf": [{}, {"type": "integer"}]}, "exactly one"),
        (
            {"n": {"n": 1}},
            {"properties": {"n": {"$ref": "#"}}, "type": "object"},
            "n.n",
        ),
    ],
)
def test_a_misfit_is_named(value: object, schema: object, says: str) -> None:
    assert says in misfit(value, schema)


def test_a_schema_that_refers_to_itself_ends() -> None:
    schema = {"anyOf": [{"$ref": "#"}, {"$ref": "#"}], "type": "string"}
    assert misfit(1, schema) == "" or misfit(1, schema)


def _result(text: str, stop: StopReason = "end") -> ChatResult:
    return ChatResult(choices=(Choice(parts=(Text(text),), stop=stop),))


@pytest.mark.parametrize(
    ("text", "stop", "says"),
    [
        ("fine", "end", ""),
        (" \n", "end", "empty"),
        ("fine", "length", "cut off"),
        ("I'm sorry, but no.", "end", "refused"),
        ("I can\u2019t help with that", "end", "refused"),
        ("I'm unable to provide this", "end", "refused"),
        ("I can help with that", "end", ""),
        ("I am sorry to hear it", "end", "refused"),  # a doubt costs little
    ],
)
def test_flaws(text: str, stop: StopReason, says: str) -> None:
    assert flaw(_result(text, stop), Conversation()) == says


def test_flaws_of_form() -> None:
    wants = Conversation(response_format=ResponseFormat("json"))
    assert flaw(_result("{}"), wants) == ""
    assert flaw(_result("```json\n{}\n```"), wants) == "no JSON"
    refusal = ChatResult(choices=(Choice(parts=(Refusal("no"),), stop="end"),))
    assert flaw(refusal, wants) == "refused"
    assert flaw(ChatResult(choices=()), wants) == "empty"


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("score: 70", 0.7),
        ("**Score**: 0", 0.0),
        ("It says score: 100.\nscore: 5", 0.05),
        (" 55 ", 0.55),
        ("score: 900", 1.0),
        ("no idea", None),
        ("about 7 of 10", None),
    ],
)
def test_a_score_is_read(text: str, share: float | None) -> None:
    assert score(text) == share


@given(st.text(max_size=300), st.text(max_size=300))
def test_more_text_is_never_less_complex(one: str, more: str) -> None:
    assert 0.0 <= complexity(one) <= complexity(f"{one}\n{more}") <= 1.0


def test_complexity_tells_one_thing_from_several() -> None:
    assert complexity("Who was Ada Lovelace?") < 0.01
    assert complexity("- sing\n- dance\n- cook\nThen compare both. Also?") >= 0.6


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('["a", " b "]', ["a", "b"]),
        ('Here it is:\n```json\n["a", ""]\n```', ["a"]),
        ("[]", []),
        ("[1, 2]", []),
        ("no array", []),
        ("] odd [", []),
    ],
)
def test_the_parts_that_a_planner_names(text: str, parts: list[str]) -> None:
    assert listed(text) == parts


@given(st.text(max_size=100))
def test_whatever_a_planner_says_are_parts_or_none(text: str) -> None:
    assert all(part.strip() for part in listed(text))


@pytest.mark.parametrize("before", ["answer", "answer is", "answer:", "```", "```\n1"])
@pytest.mark.parametrize("space", [" ", "\n", " \n", "\t"])
def test_spaces_take_no_time(before: str, space: str) -> None:
    took = []
    for _ in range(3):
        began = time.perf_counter()
        meaning(f"{before}{space * 8000}x")
        took.append(time.perf_counter() - began)
    assert min(took) < 0.05
