"""A key opens what it names, and nothing else."""

from fnmatch import fnmatchcase

from hypothesis import given
from hypothesis import strategies as st

from gateway.govern.principal import ANYONE, Principal

letters = st.text(st.sampled_from("ab/-.\u00e4"), max_size=8)
patterns = st.text(st.sampled_from("ab/-.*\u00e4"), max_size=6)


@given(letters, patterns)
def test_a_star_stands_for_any_text(alias: str, pattern: str) -> None:
    holder = Principal("k", models=frozenset(), patterns=(pattern,))
    assert holder.may_use(alias) == fnmatchcase(alias, pattern)


@given(st.text(max_size=8), st.text(st.sampled_from("a?[]!-x\\"), max_size=6))
def test_nothing_but_the_star_is_special(alias: str, pattern: str) -> None:
    holder = Principal("k", models=frozenset(), patterns=(pattern,))
    assert holder.may_use(alias) == (alias == pattern)


def test_a_pattern_of_many_stars_is_matched_in_little_time() -> None:
    holder = Principal("k", models=frozenset(), patterns=("a*" * 50 + "b",))
    assert not holder.may_use("a" * 5000)


def test_no_list_means_all_and_an_empty_one_none() -> None:
    assert Principal("k").may_use("anything")
    assert ANYONE.may_use("anything")
    assert not Principal("k", models=frozenset()).may_use("anything")
    some = Principal("k", models=frozenset({"gpt"}), patterns=("openai/*",))
    assert some.may_use("gpt")
    assert some.may_use("openai/x")
    assert not some.may_use("gpt-4")
    assert not some.may_use("GPT")
    assert not some.may_use("x-openai/x")
