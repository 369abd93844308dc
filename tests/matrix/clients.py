"""Claims of clients that are no provider's own SDK for Python."""

from typing import Final

from tests.matrix.row import Row

ROWS: Final = (
    Row(
        "clients",
        "OpenAI's package for Node talks, streams, calls tools and reads errors",
        ("flow/node/test_node.py::test_the_openai_package_hears_every_family",),
    ),
    Row(
        "clients",
        "the AI SDK reaches every family by each of its providers",
        (
            "flow/node/test_node.py::"
            "test_the_ai_sdk_hears_every_family_by_every_provider",
            "flow/node/test_node.py::test_the_ai_sdk_embeds",
        ),
    ),
    Row(
        "clients",
        "LangChain and Instructor work by base URL alone",
        (
            "flow/frameworks/test_frameworks.py::test_langchain_talks_streams_and_calls_tools",
            "flow/frameworks/test_frameworks.py::test_langchain_reads_structured_output",
            "flow/frameworks/test_frameworks.py::test_langchain_goes_by_responses",
            "flow/frameworks/test_frameworks.py::test_instructor_gets_what_it_asks_for",
        ),
    ),
)
