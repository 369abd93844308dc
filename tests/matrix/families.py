"""Claims of the smaller families: grammars that vendors speak beside OpenAI's."""

from typing import Final

from tests.matrix.row import Row

_FLOW = "flow/test_vendors.py"

ROWS: Final = (
    Row(
        "B",
        "Ollama is asked by its own API: options, keep_alive, thinking, pictures, tools",
        (
            f"{_FLOW}::test_a_whole_answer_reaches_every_client#ollama",
            f"{_FLOW}::test_a_stream_reaches_every_client#ollama",
            f"{_FLOW}::test_parameters_of_the_configuration_stand_inside_the_options",
            "adapters/ollama/test_requests.py::test_a_chat_is_asked_as_it_was_recorded",
        ),
    ),
    Row(
        "B",
        "Cohere is asked by its own API: plans, thoughts, citations, what is billed",
        (
            f"{_FLOW}::test_a_whole_answer_reaches_every_client#cohere",
            f"{_FLOW}::test_a_stream_reaches_every_client#cohere",
            f"{_FLOW}::test_the_second_turn_says_what_the_first_one_did#cohere",
            "adapters/cohere/test_requests.py::test_a_chat_is_asked_as_it_was_recorded",
        ),
    ),
)
