"""Claims of the smaller families: grammars that vendors speak beside OpenAI's."""

from typing import Final

from tests.matrix.row import Row

_FLOW = "flow/test_vendors.py"

_RERANK = "flow/test_rerank.py"

ROWS: Final = (
    Row(
        "C",
        "documents are ranked in Cohere's dialect, at Cohere and those who copy it",
        (
            f"{_RERANK}::test_cohere_s_sdk_ranks_at_any_provider",
            f"{_RERANK}::test_every_path_ranks_and_repeats_documents",
            f"{_RERANK}::test_errors_are_cohere_s",
            "adapters/test_ranks.py::test_cohere_is_asked_and_answers_as_recorded",
        ),
        ("POST /v2/rerank", "/cohere"),
    ),
    Row(
        "C",
        "Cohere's SDK embeds by its base address, at any provider of vectors",
        (f"{_RERANK}::test_cohere_s_sdk_embeds_at_cohere_and_elsewhere",),
        ("POST /v2/embed", "/v2/embed"),
    ),
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
    Row(
        "B",
        "vendors of vectors and ranks are asked in their own words",
        (
            "flow/test_vectors.py::test_openai_s_sdk_is_given_vectors",
            "flow/test_vectors.py::test_documents_are_ranked",
            "adapters/vendors/test_vectors.py::test_voyage_is_asked_and_answers_as_recorded",
        ),
    ),
    Row(
        "B",
        "watsonx.ai's key is exchanged for tokens; its chats and prompts are served",
        (
            f"{_FLOW}::test_a_key_is_exchanged_once_for_all_and_never_sent",
            f"{_FLOW}::test_a_stream_reaches_every_client#watsonx",
            "adapters/vendors/test_watsonx.py::test_prompts_are_asked_and_answered_as_recorded",
        ),
    ),
    Row(
        "B",
        "Replicate's predictions are waited for, and late ones are told as such",
        (
            "flow/test_vectors.py::test_a_prediction_is_a_chat",
            "flow/test_vectors.py::test_a_prediction_that_is_not_ready_is_late",
        ),
    ),
    Row(
        "B",
        "Mistral is given begun answers, files and sounds in its own words",
        (
            "flow/test_accents.py::test_mistral_is_given_a_begun_answer_and_files_in_its_own_words",
        ),
    ),
    Row(
        "B",
        "Oracle Cloud's requests are signed by key, of its variables or its file",
        (
            f"{_FLOW}::test_a_stream_reaches_every_client#oci",
            f"{_FLOW}::test_oracle_s_profile_is_read_where_nothing_is_in_the_environment",
        ),
    ),
)
