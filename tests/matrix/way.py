"""Claims of the way: clients through the gateway to providers.

A repository   B adapters   C endpoints   D configuration   E the way
F store and record   G telemetry   H speed and strictness   I command line
"""

from typing import Final

from tests.matrix.row import Row

_SDK = (
    "flow/sdk/test_matrix.py::test_the_feature_survives_or_the_table_says_what_happens"
)


def _feature(claim: str, *names: str) -> Row:
    """A feature of part B, in every pair of dialect and family."""
    return Row("B", claim, tuple(f"{_SDK}#{name}" for name in names))


ROWS: Final = (
    # --- A: the repository
    Row(
        "A",
        "make run serves on a fresh clone and prints a curl line that works",
        (
            "house/test_readme.py::test_commands_work",
            "gateway/cli/test_started.py::test_the_printed_line_is_answered",
        ),
        ("make run",),
    ),
    Row(
        "A",
        "without any key a demo model answers, streaming and tools included",
        (
            "flow/test_serving.py::test_without_a_model_the_demo_answers_and_providers_are_found",
            f"{_SDK}#echo-tools",
        ),
        ("demo",),
    ),
    Row(
        "A",
        "every word of make does what it says",
        ("house/test_repository.py::test_make_knows_the_word",),
        ("make bench",),
    ),
    Row(
        "A",
        "the floors hold: three wings that do not know each other",
        (
            "house/test_sources.py::test_the_floors_hold",
            "house/test_sources.py::test_a_step_off_the_floor_is_caught",
        ),
    ),
    Row(
        "A",
        "dependencies are locked by hash and complete",
        (
            "house/test_repository.py::test_the_locks_fit_what_is_required",
            "house/test_sources.py::test_what_is_imported_is_required",
        ),
    ),
    Row(
        "A",
        "the wheel holds the four packages",
        (
            "house/test_repository.py::"
            "test_the_wheel_holds_the_four_packages_and_nothing_else",
        ),
    ),
    # --- B: adapters
    _feature("text and several turns", "text", "turns"),
    _feature("system and developer prompts", "system", "developer"),
    _feature("tools and tool choice", "tools", "choice_named", "choice_required"),
    _feature("parallel tools with right indexes", "parallel", "same_tool"),
    _feature("one tool at a time", "one_at_a_time"),
    _feature(
        "tool results: text, image, error",
        *("tool_result", "tool_result_image", "tool_error"),
    ),
    _feature("vision by URL and base64", "image_url", "image_data"),
    _feature("documents", "document"),
    _feature("audio parts", "audio"),
    _feature("structured output", "schema", "json_mode"),
    _feature("reasoning with effort", "thinking"),
    _feature("prompt caching", "cache_marker", "cached_content", "cache_key"),
    _feature("stop sequences and length", "stop", "length"),
    _feature("several choices", "several"),
    _feature("log probabilities", "logprobs"),
    _feature("seed", "seed"),
    _feature("refusals and filtered content", "refusal", "filtered"),
    _feature("citations", "citations"),
    Row(
        "B",
        "signatures of thoughts come back to who made them, and to nobody else",
        (
            "flow/sdk/test_second_turn.py::"
            "test_thoughts_and_signatures_come_back_to_who_made_them",
            "flow/sdk/test_second_turn.py::"
            "test_a_signature_is_not_shown_to_another_family",
        ),
    ),
    Row(
        "B",
        "usage in streams exactly when it is asked for",
        (
            "flow/sdk/test_streams.py::"
            "test_usage_comes_last_and_alone_when_it_is_asked_for",
            "flow/sdk/test_streams.py::test_no_usage_comes_when_it_is_not_asked_for",
        ),
    ),
    Row(
        "B",
        "each dialect keeps to its own stream grammar",
        (
            "flow/sdk/test_streams.py::"
            "test_anthropic_events_come_in_the_order_of_the_grammar",
            "flow/sdk/test_streams.py::test_chunks_agree_on_who_speaks_and_finish_once",
            "flow/sdk/test_streams.py::test_gemini_chunks_finish_once_with_the_usage",
        ),
    ),
    Row(
        "B",
        "same-family traffic is byte-faithful but for model and credential",
        (
            "replay/test_sockets.py::test_the_provider_is_asked_what_the_client_asked",
            "replay/test_sockets.py::test_the_client_is_given_what_the_provider_wrote",
            "replay/test_sockets.py::test_the_model_and_the_key_are_the_deployment_s",
        ),
    ),
    Row(
        "B",
        "every recording reaches every client, whole and streamed",
        (
            "replay/test_cross.py::test_a_whole_answer_reaches_every_client",
            "replay/test_cross.py::test_a_stream_reaches_every_client",
        ),
    ),
    Row(
        "B",
        "what a client is told does not depend on how the bytes were cut",
        (
            "replay/test_cuts.py::"
            "test_what_a_client_is_told_does_not_depend_on_the_cut",
            "adapters/test_sse.py::"
            "test_events_do_not_depend_on_where_the_bytes_were_cut",
        ),
    ),
    Row(
        "B",
        "usage and cost equal an independent reference",
        (
            "replay/test_usage.py::test_usage_and_cost_are_those_of_the_reference",
            "replay/test_sockets.py::"
            "test_the_record_says_what_was_used_and_what_it_cost",
        ),
    ),
    Row(
        "B",
        "what a backend cannot express is named in a header",
        (
            "flow/test_deployments.py::"
            "test_what_a_family_cannot_say_is_dropped_and_named",
        ),
        ("x-routeiq-dropped",),
    ),
    Row(
        "B",
        "or refused with a 400, or asked of another that can",
        (
            "flow/test_deployments.py::test_or_refused_where_the_configuration_says_so",
            "flow/test_deployments.py::test_or_asked_of_another_that_can",
        ),
        ("on_unsupported: error",),
    ),
    Row(
        "B",
        "every provider error has its status, type, code, retry and cooldown",
        (
            "flow/test_error_table.py::test_the_client_is_told",
            "flow/test_error_table.py::test_another_deployment_serves_or_not",
            "flow/test_error_table.py::test_there_are_at_least_sixty_rows",
            "replay/test_sockets.py::"
            "test_a_recorded_error_is_told_in_the_client_s_dialect",
        ),
    ),
    # --- C: endpoints
    Row(
        "C",
        "chat completions",
        ("house/test_routes.py::test_what_is_said_to_be_recorded_is#chat/completions",),
        ("POST /v1/chat/completions",),
    ),
    Row(
        "C",
        "legacy completions by every family",
        (
            "flow/sdk/test_others.py::test_a_legacy_completion_is_served_by_every_family",
            "flow/sdk/test_others.py::"
            "test_a_legacy_completion_is_streamed_by_every_family",
        ),
        ("POST /v1/completions",),
    ),
    Row(
        "C",
        "embeddings, floats and base64",
        (
            "flow/sdk/test_others.py::test_openai_embeds_in_its_own_encoding",
            "flow/sdk/test_others.py::test_floats_and_base64_are_the_same_vector",
        ),
        ("POST /v1/embeddings",),
    ),
    Row(
        "C",
        "messages",
        (f"{_SDK}#anthropic-openai-text",),
        ("POST /v1/messages",),
    ),
    Row(
        "C",
        "token counts",
        (
            "flow/sdk/test_others.py::test_anthropic_counts_tokens_on_every_family",
            "flow/sdk/test_others.py::test_gemini_counts_tokens_on_every_family",
        ),
        (
            "POST /v1/messages/count_tokens",
            "POST /v1beta/models/{model}:countTokens",
        ),
    ),
    Row(
        "C",
        "generateContent, whole and streamed",
        (f"{_SDK}#gemini-openai-text-whole", f"{_SDK}#gemini-openai-text-stream"),
        (
            "POST /v1beta/models/{model}:generateContent",
            "POST /v1beta/models/{model}:streamGenerateContent",
        ),
    ),
    Row(
        "C",
        "embedContent, one and several",
        (
            "flow/sdk/test_others.py::test_gemini_embeds",
            "house/test_routes.py::test_what_is_said_to_be_recorded_is#mbedContent",
        ),
        (
            "POST /v1beta/models/{model}:embedContent",
            "POST /v1beta/models/{model}:batchEmbedContents",
        ),
    ),
    Row(
        "C",
        "models, filtered by key",
        (
            "flow/test_keys.py::test_models_are_listed_for_the_key_that_asks",
            "flow/sdk/test_doors.py::test_openai_lists_the_aliases",
        ),
        ("GET /v1/models", "GET /v1/models/{model}"),
    ),
    Row(
        "C",
        "liveness and readiness",
        (
            "flow/test_serving.py::"
            "test_a_stop_lets_a_stream_finish_and_turns_readiness_off",
            "flow/test_serving.py::"
            "test_readiness_tells_of_models_that_are_out_and_stays",
        ),
        ("GET /health/live", "GET /health/ready"),
    ),
    Row(
        "C",
        "an OpenAPI document of every route",
        ("house/test_routes.py::test_every_route_is_in_the_inventory_and_no_other",),
        ("GET /openapi.json",),
    ),
    Row(
        "C",
        "every base address of every SDK works",
        ("flow/sdk/test_doors.py::test_every_base_address_works",),
        ("/v1", "/openai", "/anthropic", "/genai"),
    ),
    Row(
        "C",
        "each dialect's own auth header",
        (
            "flow/test_keys.py::test_every_door_takes_every_dialects_header",
            "flow/test_keys.py::"
            "test_a_key_may_come_in_the_query_as_googles_clients_send_it",
        ),
        ("Authorization: Bearer", "x-api-key", "x-goog-api-key"),
    ),
    Row(
        "C",
        "each dialect's own error shape",
        (
            "flow/sdk/test_doors.py::"
            "test_a_wrong_key_is_the_sdks_own_authentication_error",
            "flow/sdk/test_doors.py::test_an_unknown_model_is_the_sdks_own_not_found_error",
            "house/test_routes.py::test_wrong_methods_and_paths_are_told_in_the_dialect",
        ),
    ),
    # --- D: configuration
    Row(
        "D",
        "every mistake at once, with place and the nearest name",
        ("flow/test_serving.py::test_check_says_every_mistake_at_once_with_its_place",),
    ),
    Row(
        "D",
        "secrets are references, never shown",
        (
            "gateway/config/test_secrets.py::test_every_form_of_reference_is_resolved",
            "flow/test_deployments.py::test_what_is_secret_here_is_in_no_log_or_record",
        ),
        ("env:NAME", "${NAME}", "file:/path"),
    ),
    Row(
        "D",
        "the JSON Schema is current, the manual complete",
        (
            "gateway/config/test_files.py::test_the_schema_is_current",
            "gateway/config/test_files.py::"
            "test_the_reference_names_every_field_in_order",
        ),
    ),
    Row(
        "D",
        "LiteLLM's file serves as it is, every key accounted for",
        (
            "flow/test_serving.py::test_litellms_file_serves_as_it_is",
            "flow/test_serving.py::test_an_imported_file_serves_the_same",
            "gateway/config/test_litellm.py::test_every_key_is_accounted_for",
        ),
    ),
    Row(
        "D",
        "every setting is named by a test, and those seldom turned have an effect",
        (
            "house/test_settings.py::test_a_test_names_the_setting",
            "flow/test_settings.py::test_a_model_is_described_where_models_are_listed",
            "flow/test_settings.py::"
            "test_a_wait_beyond_the_patience_of_a_model_is_not_waited",
            "flow/test_settings.py::"
            "test_who_is_not_to_be_left_alone_is_asked_each_time",
            "flow/test_settings.py::test_a_key_is_sent_as_the_provider_wants_it",
            "flow/test_settings.py::test_a_breaker_stays_open_no_longer_than_its_cap",
            "flow/test_settings.py::test_the_folder_of_files_has_the_room_it_was_given",
            "flow/test_settings.py::test_a_batch_has_the_time_it_was_given",
            "flow/test_settings.py::test_a_key_of_tls_may_have_a_password",
            "flow/test_settings.py::test_what_is_cached_for_an_hour_has_its_price",
            "flow/test_patience.py::test_no_more_is_asked_for_than_a_deployment_gives",
        ),
    ),
    Row(
        "G",
        "what the gateway knows of itself is a metric; the page may be turned off",
        (
            "flow/test_settings.py::test_what_the_gateway_knows_of_itself_is_a_metric",
            "flow/test_settings.py::test_the_page_of_metrics_may_be_turned_off",
        ),
    ),
    Row(
        "D",
        "wildcards hand on what they stood for",
        ("flow/test_routing.py::test_a_wildcard_hands_on_what_it_stood_for",),
    ),
    Row(
        "D",
        "a deployment sets and drops fields",
        (
            "flow/test_deployments.py::test_params_are_set_where_the_client_did_not",
            "flow/test_deployments.py::test_dropped_fields_are_not_sent_and_are_named",
        ),
    ),
    Row(
        "D",
        "providers of one's own, with headers and family",
        (
            "flow/test_deployments.py::test_a_provider_of_ones_own_is_reached",
            "flow/test_deployments.py::"
            "test_the_family_of_a_provider_says_how_it_is_spoken_to",
        ),
    ),
    Row(
        "D",
        "outbound proxies, also for TLS and streams",
        (
            "flow/test_deployments.py::test_a_provider_may_be_behind_a_proxy",
            "flow/test_deployments.py::test_tls_goes_through_a_proxy_unseen",
            "flow/test_deployments.py::test_streams_come_through_a_proxy",
        ),
    ),
    Row(
        "D",
        "TLS, gzip bodies, and plain Hypercorn",
        (
            "flow/test_serving.py::test_tls_is_served",
            "flow/test_serving.py::test_either_server_serves",
        ),
    ),
    # --- E: the way
    Row(
        "E",
        "master and virtual keys, model access by key",
        (
            "flow/test_keys.py::test_a_key_opens_the_models_it_names_and_wildcards",
            "flow/test_keys.py::test_a_model_one_may_not_use_is_no_different_from_none",
            "house/test_routes.py::test_nobody_enters_without_a_key_that_works",
        ),
    ),
    Row(
        "E",
        "keys end: by revocation and by time",
        (
            "flow/test_keys.py::test_a_revoked_key_stops_within_the_cache_time",
            "flow/test_keys.py::test_a_key_expires_at_its_time_though_it_is_remembered",
        ),
    ),
    Row(
        "E",
        "without a master key, programs on this machine only",
        (
            "flow/test_keys.py::test_without_keys_this_machine_is_served",
            "flow/test_keys.py::test_without_keys_no_web_page_is",
            "flow/test_keys.py::test_a_public_address_without_a_key_is_refused",
        ),
        ("keys.master",),
    ),
    Row(
        "E",
        "weighted",
        ("flow/test_routing.py::test_weights_are_shares_of_the_traffic",),
        ("weighted",),
    ),
    Row(
        "E",
        "ordered",
        ("flow/test_routing.py::test_ordered_asks_the_first_that_is_well",),
        ("ordered",),
    ),
    Row(
        "E",
        "least busy",
        ("flow/test_routing.py::test_the_least_busy_gets_the_next_one",),
        ("least_busy",),
    ),
    Row(
        "E",
        "lowest latency",
        ("flow/test_routing.py::test_latency_prefers_the_faster",),
        ("latency",),
    ),
    Row(
        "E",
        "cheapest",
        (
            "flow/test_routing.py::"
            "test_cheapest_goes_by_price_and_an_unknown_one_is_last",
        ),
        ("cheapest",),
    ),
    Row(
        "E",
        "tiers",
        (
            "flow/test_routing.py::test_the_next_tier_serves_when_all_of_one_are_out",
            "flow/test_routing.py::test_a_lower_tier_rests_while_the_first_is_well",
        ),
    ),
    Row(
        "E",
        "requests and tokens a minute, requests at once",
        (
            "flow/test_routing.py::test_requests_a_minute_are_kept_to",
            "flow/test_routing.py::test_tokens_a_minute_are_kept_to",
            "flow/test_routing.py::test_no_more_at_once_than_allowed",
        ),
    ),
    Row(
        "E",
        "a prompt goes where it fits",
        (
            "flow/test_routing.py::test_a_prompt_goes_where_it_fits",
            "flow/test_routing.py::test_a_prompt_that_fits_nowhere_is_told_so",
        ),
    ),
    Row(
        "E",
        "retries with backoff, a budget, and the provider's own wait",
        (
            "flow/test_ways_out.py::test_what_may_pass_is_tried_again",
            "flow/test_ways_out.py::test_a_budget_ends_the_retries_of_an_alias",
            "faults/test_cooldown.py::"
            "test_a_short_wait_is_waited_where_there_is_nobody_else",
            "faults/test_cooldown.py::"
            "test_a_storm_of_failures_is_not_multiplied_by_retries",
        ),
    ),
    Row(
        "E",
        "fallbacks: general, context window, content policy",
        (
            "flow/test_ways_out.py::test_another_alias_serves_when_one_has_failed",
            "flow/test_ways_out.py::test_a_long_prompt_goes_to_the_larger_model",
            "flow/test_ways_out.py::test_refused_content_goes_where_it_was_meant_to",
        ),
    ),
    Row(
        "E",
        "before the first word, never after",
        (
            "flow/test_ways_out.py::"
            "test_a_stream_that_says_nothing_and_fails_is_tried_elsewhere",
            "flow/test_ways_out.py::test_after_the_first_word_nobody_else_is_asked",
        ),
    ),
    Row(
        "E",
        "cooldown by class of error",
        (
            "flow/test_ways_out.py::test_a_cooling_alias_is_passed_over",
            "faults/test_cooldown.py::"
            "test_a_limited_deployment_is_left_alone_for_as_long_as_it_asks",
            "faults/test_cooldown.py::"
            "test_a_key_refused_under_one_model_is_benched_under_all",
            "flow/test_ways_out.py::"
            "test_impatient_clients_do_not_close_a_deployment_to_others",
        ),
    ),
    Row(
        "E",
        "a circuit breaker with probes",
        (
            "flow/test_ways_out.py::test_a_breaker_opens_and_lets_a_probe_through",
            "faults/test_cooldown.py::test_one_probe_goes_at_a_time",
        ),
    ),
    Row(
        "E",
        "hedging; the loser is cut and its cost counted",
        (
            "flow/test_ways_out.py::test_a_slow_first_is_raced_by_a_second",
            "faults/test_hedge.py::"
            "test_the_faster_one_answers_and_the_other_is_cut_and_paid",
        ),
    ),
    Row(
        "E",
        "limits for first token, idle and total; clients' own waits",
        (
            "flow/test_ways_out.py::"
            "test_a_first_token_that_is_late_is_looked_for_elsewhere",
            "flow/test_ways_out.py::test_a_stream_that_falls_silent_ends_in_an_error",
            "flow/test_ways_out.py::test_an_aliass_own_total_holds",
            "flow/test_patience.py::test_a_deployment_s_own_comes_before_its_alias_s",
            "flow/test_patience.py::test_who_cannot_be_connected_to_is_not_waited_for",
            "flow/test_patience.py::test_a_wait_for_words_leaves_the_wait_between_them",
            "flow/test_patience.py::test_the_total_is_that_of_all_attempts",
            "flow/test_ways_out.py::test_a_clients_own_patience_is_honoured",
        ),
    ),
    Row(
        "E",
        "who hangs up closes the upstream at every stage, and pays for what was said",
        (
            "faults/test_disconnects.py::test_leaving_before_the_first_token",
            "faults/test_disconnects.py::test_leaving_in_the_middle_of_a_stream",
            "flow/test_records.py::"
            "test_a_client_that_leaves_a_stream_pays_for_what_was_said",
        ),
    ),
    Row(
        "E",
        "a stream that breaks ends in an error event, never in a made-up finish",
        (
            "replay/test_breaks.py::"
            "test_a_stream_that_breaks_ends_in_the_client_s_own_error",
            "faults/test_broken_answers.py::"
            "test_a_stream_broken_midway_ends_in_an_error_and_bills_what_was_said",
        ),
    ),
    Row(
        "E",
        "answers name their record, who served, attempts and cost",
        (
            "flow/test_records.py::test_a_record_says_who_asked_what_and_who_served",
            "flow/test_records.py::"
            "test_tokens_are_told_by_kind_and_cost_to_the_nano_dollar",
            "flow/test_ways_out.py::test_another_alias_serves_when_one_has_failed",
            "flow/test_deployments.py::test_a_provider_of_ones_own_is_reached",
        ),
        (
            "x-request-id",
            "x-routeiq-id",
            "x-routeiq-deployment",
            "x-routeiq-provider",
            "x-routeiq-attempts",
            "x-routeiq-cost-usd",
        ),
    ),
    Row(
        "E",
        "what providers say of their limits is handed on",
        ("flow/test_records.py::test_the_providers_allowance_is_handed_on",),
        ("x-ratelimit-*", "anthropic-ratelimit-*"),
    ),
    # --- F: store and record
    Row(
        "F",
        "one durable row for each exchange, whatever became of it",
        (
            "flow/test_records.py::test_every_attempt_is_told",
            "flow/test_records.py::test_what_fails_is_recorded_too",
            "flow/test_records.py::test_a_stream_is_recorded_as_what_it_was",
            "flow/test_records.py::test_a_stop_writes_what_waits",
        ),
    ),
    Row(
        "F",
        "the decision with reasons and propensities",
        ("flow/test_routing.py::test_weights_are_shares_of_the_traffic",),
    ),
    Row(
        "F",
        "an acknowledged write survives kill -9",
        (
            "flow/test_records.py::test_kill_9_loses_nothing_that_was_acknowledged",
            "gateway/store/test_sqlite.py::"
            "test_a_killed_process_loses_no_acknowledged_write",
        ),
        ("kill -9", "store.url"),
    ),
    Row(
        "F",
        "content only when configured, then redacted",
        (
            "flow/test_records.py::test_content_is_not_kept_by_itself",
            "flow/test_records.py::"
            "test_content_is_kept_only_when_asked_for_and_then_redacted",
        ),
        ("records.content",),
    ),
    Row(
        "F",
        "records are forgotten after their days",
        (
            "flow/test_records.py::test_old_records_are_forgotten",
            "flow/test_records.py::test_zero_days_are_for_ever",
        ),
    ),
    Row(
        "F",
        "feedback: once for a key, an answer and a name",
        (
            "flow/test_feedback.py::test_a_score_is_taken_once",
            "flow/test_feedback.py::test_what_is_no_score_is_refused",
        ),
        ("POST /v1/feedback",),
    ),
    Row(
        "F",
        "every store keeps the same contract",
        ("gateway/store/test_laws.py::test_a_store_keeps_the_contract",),
    ),
    # --- G: telemetry
    Row(
        "G",
        "one span for each exchange and each attempt, in both conventions",
        (
            "flow/test_telemetry.py::"
            "test_an_exchange_is_a_server_span_and_its_attempts_are_client_spans",
            "flow/test_telemetry.py::"
            "test_an_attempt_carries_the_names_of_both_conventions",
            "flow/test_telemetry.py::test_one_setting_chooses_the_names",
        ),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "telemetry.otlp_endpoint"),
    ),
    Row(
        "G",
        "W3C context in and out",
        (
            "flow/test_telemetry.py::"
            "test_the_trace_goes_on_from_the_caller_to_the_provider",
        ),
    ),
    Row(
        "G",
        "sampled as asked, errors always",
        (
            "flow/test_telemetry.py::"
            "test_only_the_share_asked_for_is_traced_but_every_error",
        ),
    ),
    Row(
        "G",
        "Prometheus, with bounded labels",
        (
            "flow/test_metrics.py::test_metrics_count_what_happened",
            "flow/test_metrics.py::test_names_that_clients_make_up_make_no_series",
            "flow/test_metrics.py::test_wildcard_names_are_bounded_too",
            "house/test_routes.py::test_metrics_want_their_own_key",
        ),
        ("GET /metrics",),
    ),
    Row(
        "G",
        "OTLP metrics are the same numbers",
        ("flow/test_telemetry.py::test_the_collector_is_told_the_same_numbers",),
    ),
    Row(
        "G",
        "no content and no secret in traces, logs or errors",
        (
            "flow/test_telemetry.py::test_no_content_and_no_secret_is_exported",
            "flow/test_telemetry.py::test_no_log_line_holds_a_secret_or_content",
            "flow/test_keys.py::test_no_key_is_in_logs_records_errors_or_metrics",
        ),
    ),
    Row(
        "G",
        "JSON log lines that parse",
        (
            "flow/test_telemetry.py::"
            "test_log_lines_are_json_and_tell_of_every_exchange",
            "flow/test_telemetry.py::test_a_client_cannot_forge_a_line",
        ),
    ),
    # --- H: speed and strictness; `make bench` measures, these hold
    Row(
        "H",
        "SIGTERM drains",
        (
            "flow/test_serving.py::"
            "test_a_stop_lets_a_stream_finish_and_turns_readiness_off",
            "gateway/net/server/test_process.py::test_the_drain_has_an_end",
        ),
        ("server.drain_s",),
    ),
    Row(
        "H",
        "workers share the port and add up their metrics",
        (
            "flow/test_metrics.py::test_two_workers_add_up",
            "gateway/net/server/test_process.py::"
            "test_workers_share_the_port_and_one_that_dies_comes_back",
        ),
        ("server.workers",),
    ),
    Row(
        "H",
        "hostile requests are refused for no more than their size",
        (
            "flow/test_serving.py::test_either_server_serves",
            "gateway/net/server/test_limits.py::"
            "test_a_bomb_is_stopped_at_the_cap_without_holding_the_loop",
            "house/test_routes.py::test_path_tricks_open_nothing",
        ),
    ),
    Row(
        "H",
        "hostile answers too",
        (
            "faults/test_false_answers.py::"
            "test_a_body_without_any_end_is_cut_at_the_cap",
            "faults/test_false_answers.py::test_a_bomb_is_cut_and_memory_stays",
        ),
    ),
    Row(
        "H",
        "back-pressure both ways",
        (
            "gateway/net/server/test_limits.py::"
            "test_slow_readers_of_a_big_stream_hold_little_and_are_cut_off",
            "gateway/net/client/test_faults.py::"
            "test_a_slow_reader_makes_the_provider_wait",
        ),
    ),
    Row(
        "H",
        "HTTP/2 on the same port",
        (
            "gateway/net/server/test_protocols.py::"
            "test_http_2_by_prior_knowledge_shares_the_port",
        ),
    ),
    # --- I: command line
    Row(
        "I",
        "serve: exit codes and words that say why",
        (
            "flow/test_serving.py::test_what_cannot_start_says_why_and_how_it_ended",
            "flow/test_serving.py::test_a_port_in_use_is_told",
            "flow/test_serving.py::test_the_banner_tells_newcomers_what_to_do",
        ),
    ),
    Row(
        "I",
        "keys create, list, revoke beside a running gateway",
        (
            "flow/test_keys.py::test_a_revoked_key_stops_within_the_cache_time",
            "flow/test_keys.py::test_the_list_shows_no_secret",
        ),
    ),
    Row(
        "I",
        "check, schema, import, models, providers, version",
        (
            "flow/test_serving.py::test_the_other_commands_answer",
            "flow/test_serving.py::test_a_good_file_is_good",
            "gateway/cli/test_commands.py::test_version_comes_at_once",
        ),
    ),
)
