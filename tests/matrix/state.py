"""Claims of what is handed on as it is, kept for clients, or done for them later."""

from typing import Final

from tests.matrix.row import Row

_PASS = "flow/test_passthrough.py"

ROWS: Final = (
    Row(
        "C",
        "a provider's own API goes through as it is, with any method",
        (
            f"{_PASS}::test_every_method_goes_on_as_it_is#PATCH",
            f"{_PASS}::test_bytes_go_both_ways_in_pieces",
            f"{_PASS}::test_an_upload_reaches_the_provider_before_its_end",
            f"{_PASS}::test_a_stream_comes_as_it_is_said",
            f"{_PASS}::test_a_redirect_is_the_clients_to_follow",
        ),
        (
            "GET /passthrough/{provider}/{path}",
            "POST /passthrough/{provider}/{path}",
            "PUT /passthrough/{provider}/{path}",
            "PATCH /passthrough/{provider}/{path}",
            "DELETE /passthrough/{provider}/{path}",
            "OPTIONS /passthrough/{provider}/{path}",
            "/passthrough",
            "passthrough: true",
        ),
    ),
    Row(
        "C",
        "what passes through is recorded with its bytes, and its usage where it is told",
        (
            f"{_PASS}::test_every_method_goes_on_as_it_is#POST",
            f"{_PASS}::test_usage_of_any_known_shape_is_recorded",
            f"{_PASS}::test_a_client_that_leaves_ends_it",
            f"{_PASS}::test_an_answer_that_breaks_is_cut",
            "adapters/test_meter.py::test_it_does_not_matter_how_a_stream_is_cut",
        ),
    ),
    Row(
        "C",
        "a client's key never passes through, a provider's never comes back",
        (
            f"{_PASS}::test_the_clients_key_never_goes_on",
            f"{_PASS}::test_errors_keep_their_words_but_no_secret",
            f"{_PASS}::test_a_refused_credential_is_the_operators_affair",
        ),
    ),
    Row(
        "C",
        "passing through is off until it is configured, and needs the whole provider",
        (
            f"{_PASS}::test_it_is_off_until_it_is_said",
            f"{_PASS}::test_a_key_needs_the_whole_provider",
        ),
    ),
    Row(
        "C",
        "no path that passes through leads out of the provider's base URL",
        (
            f"{_PASS}::test_no_path_leads_out_of_the_provider#..%2fadmin",
            f"{_PASS}::test_an_odd_path_stays_below_the_base",
        ),
    ),
)
