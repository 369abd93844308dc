"""Claims of what the gateway bears: slow, many, greedy and sly clients, and bursts."""

from typing import Final

from tests.matrix.row import Row

_CLIENTS = "faults/test_hostile_clients.py::"
_BODIES = "faults/test_hostile_bodies.py::"
_RARER = "flow/sdk/test_rarer.py::"

ROWS: Final = (
    Row(
        "hard",
        "fault 16: a thousand clients that drip are sent away and hurt nobody",
        (f"{_CLIENTS}test_a_thousand_clients_that_drip_are_sent_away_and_hurt_nobody",),
    ),
    Row(
        "hard",
        "fault 17: ten thousand idle connections cost little and slow nobody",
        (f"{_CLIENTS}test_ten_thousand_idle_connections_cost_little_and_slow_nobody",),
    ),
    Row(
        "hard",
        "fault 18: five hundred slow readers hold little and are cut off",
        (f"{_CLIENTS}test_slow_readers_hold_little_and_are_cut_off",),
    ),
    Row(
        "hard",
        "fault 19: a gigabyte, a body without end, a length that is not true",
        (
            f"{_CLIENTS}test_a_gigabyte_is_refused_before_it_is_read",
            f"{_CLIENTS}test_an_endless_body_is_a_413_at_the_cap",
            f"{_CLIENTS}test_a_body_of_another_length_than_told_is_no_call",
        ),
    ),
    Row(
        "hard",
        "faults 20 and 21: JSON that is made to hurt, and packed bodies",
        (
            f"{_BODIES}test_what_is_no_json_is_a_400_at_once_and_goes_nowhere",
            f"{_BODIES}test_depth_does_not_hold_up_others",
            f"{_BODIES}test_a_million_members_are_refused_for_no_more_than_their_size",
            f"{_BODIES}test_wrong_and_stacked_codings_are_refused",
        ),
    ),
    Row(
        "hard",
        "fault 22: nothing is smuggled to a provider",
        (
            f"{_CLIENTS}test_nothing_is_smuggled_to_a_provider",
            f"{_CLIENTS}test_trailers_say_nothing",
        ),
    ),
    Row(
        "hard",
        "fault 23: headers inject nothing, and are not trusted",
        (
            f"{_CLIENTS}test_headers_that_are_none_or_too_much_are_refused",
            f"{_CLIENTS}"
            "test_what_clients_say_of_the_gateway_is_never_trusted_or_handed_on",
            f"{_CLIENTS}test_a_connection_header_takes_no_other_away",
            f"{_CLIENTS}test_names_in_a_body_make_no_headers",
        ),
    ),
    Row(
        "hard",
        "memory of a burst goes back to the system",
        (f"{_BODIES}test_ten_bombs_at_once_are_ten_times_what_one_may_unpack_to",),
    ),
    Row(
        "hard",
        "a client that leaves before its call was sent pays nothing",
        (
            "faults/test_disconnects.py::"
            "test_leaving_before_anything_was_sent_costs_nothing",
        ),
    ),
    Row(
        "hard",
        "documents by address and id, citations, spoken answers, functions",
        (
            f"{_RARER}test_a_document_is_named_by_its_address",
            f"{_RARER}test_a_document_is_named_by_its_id_where_it_lies",
            f"{_RARER}test_citations_of_a_text_come_as_anthropic_gives_them",
            f"{_RARER}test_an_answer_may_be_spoken",
            f"{_RARER}"
            "test_functions_are_tools_to_others_and_their_calls_are_functions_again",
        ),
    ),
)
