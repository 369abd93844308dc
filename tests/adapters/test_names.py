"""What clients are told of parameters is what they wrote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.names import _NAMES, spoken
from adapters.normal.chat import Conversation
from adapters.openai.parameters import client_name


@pytest.mark.parametrize("dialect", _NAMES)
def test_a_name_of_the_clients_own_stays(dialect: str) -> None:
    for name in [*_NAMES[dialect].values(), *Conversation.__struct_fields__]:
        once = spoken(name, dialect)
        assert spoken(once, dialect) == once
        assert spoken(client_name(name, dialect), dialect) == client_name(name, dialect)


@given(st.text(max_size=20))
def test_openais_clients_are_told_openais_words(name: str) -> None:
    assert spoken(name, "openai.chat") == name


def test_paths_keep_what_is_below() -> None:
    assert spoken("messages[3].name", "gemini.generate") == "contents[3].name"
    assert spoken("tools.web_search", "gemini.generate") == "tools.web_search"
    assert spoken("stop[4]", "anthropic.messages") == "stop_sequences[4]"
    assert spoken("cache_control", "bedrock.converse") == "cachePoint"
