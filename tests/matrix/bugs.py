"""Claims of the bugs that gateways have again and again: a class each."""

from typing import Final

from tests.matrix.row import Row

_STREAMS: Final = "flow/bug_classes/test_streams.py::"
_REQUESTS: Final = "flow/bug_classes/test_requests.py::"
_SCENARIOS: Final = "flow/scenarios/test_scenarios.py::"
_TURNS: Final = "flow/bug_classes/test_turns.py::"
_MEDIA: Final = "flow/bug_classes/test_media.py::"
_LEAVING: Final = "flow/bug_classes/test_leaving.py::"
_UNTOUCHED: Final = "flow/bug_classes/test_untouched.py::"
_ANSWERS: Final = "flow/bug_classes/test_answers.py::"

ROWS: Final = (
    Row(
        "bugs",
        "bug class 1: tool calls of a stream are numbered from nought",
        (
            f"{_STREAMS}test_class_01_stream_tool_call_index_counts_from_nought",
            f"{_STREAMS}test_class_01_stream_tool_call_accumulates_in_every_sdk",
        ),
    ),
    Row(
        "bugs",
        "bug class 2: calling tools is told as the end of an answer, and masks no cut",
        (
            f"{_STREAMS}test_class_02_finish_reason_with_tool_calls",
            f"{_STREAMS}test_class_02_tool_calls_do_not_mask_a_cut",
        ),
    ),
    Row(
        "bugs",
        "bug class 3: usage comes once in a stream, if asked for, and is always recorded",
        (f"{_STREAMS}test_class_03_stream_usage_comes_once_if_asked_for",),
    ),
    Row(
        "bugs",
        "bug class 4: cached tokens count and cost once",
        (f"{_REQUESTS}test_class_04_cached_tokens_count_and_cost_once",),
    ),
    Row(
        "bugs",
        "bug class 5: signatures of thoughts come back byte for byte",
        (
            f"{_TURNS}test_class_05_thinking_signatures_return_byte_for_byte",
            f"{_TURNS}test_class_05_signatures_of_calls_return_to_gemini",
            f"{_TURNS}test_class_05_reasoning_items_return_to_who_made_them",
        ),
    ),
    Row(
        "bugs",
        "bug class 6: Gemini's signatures survive clients of OpenAI",
        (f"{_REQUESTS}test_class_06_gemini_signature_survives_an_openai_client",),
    ),
    Row(
        "bugs",
        "bug class 7: cache markers arrive where there are caches",
        (f"{_REQUESTS}test_class_07_cache_control_is_a_cache_point_at_bedrock",),
    ),
    Row(
        "bugs",
        "bug class 8: Messages over other backends keep to their grammar",
        (
            f"{_STREAMS}test_class_08_messages_over_other_backends_keep_the_grammar",
            f"{_STREAMS}test_class_08_thoughts_have_a_block_of_their_own",
        ),
    ),
    Row(
        "bugs",
        "bug class 9: Responses over other backends tell every event",
        (f"{_STREAMS}test_class_09_responses_bridge_tells_every_event",),
    ),
    Row(
        "bugs",
        "bug class 10: a stream that breaks is told as an error",
        (
            f"{_STREAMS}test_class_10_mid_stream_errors_are_told",
            f"{_STREAMS}test_class_10_mid_stream_errors_are_errors_of_the_sdks",
        ),
    ),
    Row(
        "bugs",
        "bug class 11: events cut or spelled in any way say the same",
        (f"{_STREAMS}test_class_11_sse_cut_anywhere_says_the_same",),
    ),
    Row(
        "bugs",
        "bug class 12: empty content beside tool calls loses nothing and is refused nowhere",
        (f"{_REQUESTS}test_class_12_empty_content_beside_tool_calls",),
    ),
    Row(
        "bugs",
        "bug class 13: results of parallel calls are one turn, those of none an error",
        (
            f"{_TURNS}test_class_13_parallel_tool_results_are_one_turn",
            f"{_TURNS}test_class_13_results_that_answer_no_call_are_errors",
            f"{_TURNS}test_class_13_a_provider_s_own_word_on_orphans_is_told",
            f"{_TURNS}test_class_13_results_in_any_order_answer_their_own_calls",
        ),
    ),
    Row(
        "bugs",
        "bug class 14: ids of tool calls fit the backend, the same every time, and do "
        "not collide",
        (
            f"{_TURNS}test_class_14_tool_call_ids_fit_the_backend",
            f"{_TURNS}test_class_14_ids_given_twice_do_not_collide_on_fallback",
            f"{_TURNS}test_class_14_ids_made_for_who_gives_none_are_one_call_s_each",
        ),
    ),
    Row(
        "bugs",
        "bug class 15: JSON schemas of tools keep their meaning",
        (f"{_REQUESTS}test_class_15_json_schema_keeps_its_meaning",),
    ),
    Row(
        "bugs",
        "bug class 16: what a backend cannot take is mapped, or dropped and named",
        (
            f"{_REQUESTS}test_class_16_unsupported_params_are_named_or_refused",
            f"{_REQUESTS}test_class_16_reasoning_models_get_their_own_limit",
            f"{_REQUESTS}test_class_16_a_limit_stays_as_written_where_it_is_taken",
            f"{_REQUESTS}test_class_16_ollama_is_told_how_much_to_say",
        ),
    ),
    Row(
        "bugs",
        "bug class 17: pictures and files arrive, in whatever form a backend takes them",
        (
            f"{_MEDIA}test_class_17_addresses_go_as_they_are_or_as_data",
            f"{_MEDIA}test_class_17_data_keeps_its_bytes_and_gets_its_media_type",
            f"{_MEDIA}test_class_17_pdfs_arrive_as_documents",
            f"{_MEDIA}test_class_17_pdfs_by_address_arrive_too",
            f"{_MEDIA}test_class_17_pictures_and_files_in_tool_results_arrive",
            f"{_MEDIA}test_class_17_a_place_in_google_s_storage_is_google_s_to_read",
            f"{_MEDIA}test_class_17_a_place_that_a_backend_cannot_read_is_refused",
        ),
    ),
    Row(
        "bugs",
        "bug class 18: errors keep their kind, and fall back where they may",
        (
            f"{_ANSWERS}test_class_18_errors_keep_their_kind",
            f"{_ANSWERS}test_class_18_errors_that_pass_fall_back",
            f"{_ANSWERS}test_class_18_streams_that_begin_with_an_error_fall_back",
            f"{_ANSWERS}test_class_18_the_provider_s_own_code_is_not_lost",
        ),
    ),
    Row(
        "bugs",
        "bug class 19: retry-after and limits reach the client, who may leave",
        (
            f"{_ANSWERS}test_class_19_retry_after_and_rate_limits_reach_the_client",
            f"{_LEAVING}test_class_19_a_client_that_leaves_cools_no_deployment",
            f"{_LEAVING}test_class_19_a_deployment_that_fails_is_cooled",
        ),
    ),
    Row(
        "bugs",
        "bug class 20: what is unknown passes both ways; citations, several answers and "
        "probabilities come through, and tools in their order",
        (
            f"{_UNTOUCHED}test_class_20_passthrough_keeps_unknown_fields_both_ways",
            f"{_UNTOUCHED}test_class_20_passthrough_keeps_unknown_fields_of_streams",
            f"{_UNTOUCHED}test_class_20_passthrough_keeps_beta_headers_and_server_tools",
            f"{_UNTOUCHED}test_class_20_citations_name_their_source",
            f"{_UNTOUCHED}test_class_20_citations_are_annotations_of_responses",
            f"{_UNTOUCHED}test_class_20_several_answers_are_several",
            f"{_UNTOUCHED}test_class_20_several_answers_of_who_gives_one_are_refused",
            f"{_UNTOUCHED}test_class_20_logprobs_come_through",
            f"{_UNTOUCHED}test_class_20_tools_keep_their_order_and_the_bytes_are_the_same",
        ),
    ),
    Row(
        "bugs",
        "also seen: no buffering, ARNs, exceptions of event streams, empty first chunks, cut answers",
        (
            f"{_ANSWERS}test_also_seen_an_arn_is_one_segment_of_the_path",
            f"{_ANSWERS}test_also_seen_an_exception_of_an_event_stream_is_an_error",
            f"{_ANSWERS}test_also_seen_pieces_of_a_stream_are_not_held_back",
            f"{_ANSWERS}test_also_seen_azure_s_first_chunk_without_choices",
            f"{_ANSWERS}test_also_seen_a_cut_answer_is_an_incomplete_response",
        ),
    ),
    Row(
        "bugs",
        "a translated request means what was asked natively in the other format, and "
        "is sampled and limited as the client said",
        (
            f"{_SCENARIOS}test_translated_requests_mean_what_was_asked_natively",
            f"{_SCENARIOS}test_every_pair_of_formats_and_every_exception_is_there",
            f"{_SCENARIOS}test_what_a_reader_does_not_know_is_listed_with_its_reason",
        ),
    ),
)
