"""Claims of the tables: providers, and what is known of models.

B adapters   D configuration   F store and record   I command line
"""

from typing import Final

from tests.matrix.row import Row

ROWS: Final = (
    Row(
        "B",
        "at least 190 providers, each asked at its own address, with its own key",
        (
            "flow/test_providers.py::"
            "test_every_provider_is_asked_where_and_how_its_row_says",
            "adapters/test_providers.py::test_a_row_can_be_spoken_to",
            "adapters/test_providers.py::"
            "test_a_known_provider_is_where_its_reference_says",
            "adapters/test_providers.py::"
            "test_the_table_holds_every_compatible_provider_that_was_collected",
        ),
        ("routeiq providers",),
    ),
    Row(
        "I",
        "routeiq providers lists them with their variables, and counts them",
        (
            "flow/test_serving.py::test_the_other_commands_answer",
            "gateway/cli/test_commands.py::"
            "test_providers_are_listed_with_whose_key_is_set",
            "gateway/cli/test_commands.py::"
            "test_an_address_is_shown_with_what_the_environment_knows_of_it",
        ),
        ("routeiq providers --count",),
    ),
    Row(
        "B",
        "an unknown provider with a base_url is spoken to as OpenAI-compatible",
        (
            "flow/test_deployments.py::test_a_provider_of_ones_own_is_reached",
            "flow/test_deployments.py::test_a_stranger_is_reached_by_its_address",
        ),
    ),
    Row(
        "B",
        "what vendors make of OpenAI's answers reaches clients as OpenAI's own",
        (
            "flow/test_accents.py::test_a_finish_word_becomes_one_of_openai_s",
            "flow/test_accents.py::"
            "test_a_finish_word_that_tells_of_a_failure_is_an_error",
            "flow/test_accents.py::"
            "test_thoughts_are_found_wherever_the_vendor_puts_them",
            "flow/test_accents.py::test_thoughts_inside_the_text_are_told_apart",
            "flow/test_accents.py::test_usage_is_counted_by_whatever_name_it_has",
            "flow/test_accents.py::test_a_stream_without_its_terminator_gets_one",
            "flow/test_accents.py::"
            "test_tool_calls_of_a_stream_are_numbered_from_nought",
            "flow/test_accents.py::test_an_error_inside_a_200_is_an_error",
            "flow/test_accents.py::"
            "test_a_tool_that_could_not_be_called_is_told_in_the_stream",
            "flow/test_accents.py::test_a_refusal_keeps_the_vendor_s_own_words",
        ),
    ),
    Row(
        "F",
        "every exchange is priced by the catalogue, in tiers, unknown prices as null",
        (
            "flow/test_catalog.py::test_an_exchange_costs_what_the_catalogue_says",
            "flow/test_catalog.py::test_another_service_costs_what_it_costs",
            "adapters/test_catalog.py::test_a_cost_equals_the_reference",
            "adapters/test_catalog.py::test_every_row_of_the_file_is_sound",
        ),
    ),
    Row(
        "I",
        "a newer catalogue, ours or LiteLLM's, is looked at before it is taken",
        (
            "flow/test_catalog.py::test_an_exchange_costs_what_the_catalogue_says",
            "flow/test_catalog.py::test_a_bad_catalogue_leaves_the_old_one",
            "adapters/test_catalog.py::test_litellm_s_table_is_read_in_our_words",
        ),
        ("routeiq models refresh",),
    ),
    Row(
        "D",
        "an account or region in an address is filled in, or named when missing",
        (
            "flow/test_providers.py::"
            "test_every_provider_is_asked_where_and_how_its_row_says",
            "gateway/config/test_addresses.py::"
            "test_a_deployment_whose_address_is_not_known_is_refused",
        ),
    ),
)
