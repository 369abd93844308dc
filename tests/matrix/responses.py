"""Claims of the Responses API and what it remembers."""

from typing import Final

from tests.matrix.row import Row

_FLOW = "flow/test_responses.py::test_"
_AGAIN = "flow/test_background.py::test_"
_SOCKET = "flow/test_responses_socket.py::test_"
_REPLAY = "replay/test_responses.py::test_"

ROWS: Final = (
    Row(
        "C",
        "OpenAI's Responses API over every chat family, whole and streamed",
        (
            f"{_REPLAY}bug_class_9_whole_answers_are_responses_to_the_letter",
            f"{_REPLAY}bug_class_9_streams_keep_to_the_grammar",
            f"{_REPLAY}bug_class_9_an_end_before_the_end_is_told_as_failed",
            f"{_FLOW}responses_follow_one_another_without_the_provider_s_help",
        ),
        ("POST /v1/responses", "/v1/responses"),
    ),
    Row(
        "B",
        "the Responses API of providers, as it came or for any other dialect",
        (
            "replay/test_sockets.py::test_the_provider_is_asked_what_the_client_asked#responses",
            "replay/test_sockets.py::test_the_client_is_given_what_the_provider_wrote#responses",
            f"{_REPLAY}a_recorded_response_reaches_every_client#anthropic",
            f"{_REPLAY}a_recorded_stream_reaches_every_client#gemini",
            f"{_FLOW}a_model_s_name_may_say_that_responses_are_spoken_there",
        ),
        ("openai/responses/gpt-5",),
    ),
    Row(
        "B",
        "every feature that can be said goes from Responses clients to every family, "
        "and from every dialect to the Responses API",
        (
            "flow/sdk/test_responses.py::test_the_feature_survives_for_responses_clients#gemini-schema",
            "flow/sdk/test_responses.py::test_the_feature_survives_before_the_responses_api#anthropic-tools",
        ),
    ),
    Row(
        "B",
        "thoughts, signed or encrypted, come back to who made them through Responses "
        "clients, and OpenAI's through all others",
        (
            "flow/sdk/test_responses.py::test_thoughts_come_back_to_who_made_them#gemini",
            "flow/sdk/test_responses.py::test_a_signature_is_not_shown_to_another_family",
            "flow/sdk/test_responses.py::test_openai_s_encrypted_thoughts_travel_through_every_dialect",
        ),
    ),
    Row(
        "F",
        "responses are kept for backends that have no state, and can be named, read, "
        "listed, deleted",
        (
            f"{_FLOW}what_is_kept_can_be_read_listed_and_deleted",
            f"{_FLOW}an_item_may_be_named_by_its_id",
            f"{_FLOW}store_false_leaves_nothing",
            f"{_FLOW}nothing_is_kept_where_the_operator_says_so",
        ),
        (
            "GET /v1/responses/{response}",
            "DELETE /v1/responses/{response}",
            "GET /v1/responses/{response}/input_items",
            "previous_response_id",
            "responses.keep_days",
        ),
    ),
    Row(
        "E",
        "a response that its provider keeps is asked for with the account that made it",
        (
            f"{_FLOW}a_native_response_is_asked_for_where_it_is",
            f"{_FLOW}a_native_response_is_not_led_to_another_account",
            f"{_FLOW}a_restart_forgets_nothing_and_goes_on_with_what_it_broke",
        ),
    ),
    Row(
        "E",
        "responses fall back, break and are recorded as chat is",
        (
            f"{_FLOW}another_provider_answers_where_the_first_cannot",
            f"{_FLOW}a_stream_that_breaks_is_told_as_failed",
            f"{_FLOW}hosted_tools_are_named_where_no_backend_has_them",
        ),
    ),
    Row(
        "C",
        "nobody reaches another key's responses and conversations",
        (
            f"{_FLOW}nobody_reaches_another_key_s_responses",
            f"{_FLOW}an_unknown_id_is_the_master_key_s_to_try",
        ),
    ),
    Row(
        "E",
        "responses in the background, by the provider or by the gateway",
        (
            f"{_FLOW}a_response_in_the_background_is_asked_for_later",
            f"{_FLOW}a_response_in_the_background_can_be_cancelled",
            f"{_FLOW}a_response_in_the_background_can_be_streamed",
            f"{_FLOW}a_provider_s_own_background_is_used",
            f"{_AGAIN}it_can_be_cancelled_though_it_was_begun_anew",
            f"{_AGAIN}it_is_begun_once_more_for_all_who_ask_at_once",
            f"{_AGAIN}a_key_that_was_revoked_meanwhile_asks_no_more",
            f"{_AGAIN}what_brings_the_gateway_down_again_and_again_is_given_up",
        ),
        ("POST /v1/responses/{response}/cancel",),
    ),
    Row(
        "C",
        "tokens of a response are counted, long conversations made short",
        (
            f"{_FLOW}tokens_are_counted_by_a_provider_that_counts",
            f"{_FLOW}a_long_conversation_is_made_short",
        ),
        ("POST /v1/responses/input_tokens", "POST /v1/responses/compact"),
    ),
    Row(
        "C",
        "conversations: made, read, changed, gone on with by any model",
        (
            f"{_FLOW}conversations_are_made_read_changed_and_deleted",
            f"{_FLOW}a_conversation_is_gone_on_with",
        ),
        (
            "POST /v1/conversations",
            "GET /v1/conversations/{conversation}",
            "POST /v1/conversations/{conversation}",
            "DELETE /v1/conversations/{conversation}",
            "GET /v1/conversations/{conversation}/items",
            "POST /v1/conversations/{conversation}/items",
            "GET /v1/conversations/{conversation}/items/{item}",
            "DELETE /v1/conversations/{conversation}/items/{item}",
            "/v1/conversations",
        ),
    ),
    Row(
        "C",
        "responses over WebSocket: each message admitted, recorded, remembered",
        (
            f"{_SOCKET}the_sdk_talks_over_one_connection",
            f"{_SOCKET}each_message_is_recorded_and_remembered",
            f"{_SOCKET}each_message_is_admitted",
            f"{_SOCKET}errors_are_events_and_the_connection_goes_on",
            f"{_SOCKET}messages_wait_for_their_turn",
            f"{_SOCKET}a_client_that_leaves_ends_what_is_under_way",
        ),
        ("GET /v1/responses",),
    ),
)
