"""Claims of what is handed on as it is, kept for clients, or done for them later."""

from typing import Final

from tests.house.routes_state import NATIVE
from tests.matrix.row import Row

_PASS = "flow/test_passthrough.py"
_BATCH = "flow/test_batches.py"
_NATIVE = "flow/test_natives.py"
_NAMED = "flow/test_named.py"
_LIVE = "flow/test_realtime.py"

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
    Row(
        "C",
        "realtime sessions are relayed unchanged, as recorded",
        (
            f"{_LIVE}::test_recorded_sessions_come_through_unchanged",
            f"{_LIVE}::test_the_official_sdk_holds_a_session#async",
            f"{_LIVE}::test_over_tls_and_without_keys_no_web_page_opens_a_session",
            "gateway/net/client/test_socket.py::test_messages_come_whole_in_order_and_then_the_end",
        ),
        ("GET /v1/realtime", "/v1/realtime"),
    ),
    Row(
        "C",
        "Gemini Live is relayed; its first message names the model",
        (f"{_LIVE}::test_a_live_clients_first_message_names_the_model",),
        (
            "GET /ws/google.ai.generativelanguage.{version}.GenerativeService"
            ".BidiGenerateContent",
        ),
    ),
    Row(
        "C",
        "a realtime session is admitted, metered in time and tokens, and recorded",
        (
            f"{_LIVE}::test_a_session_is_admitted_metered_and_recorded",
            f"{_LIVE}::test_who_may_not_is_told_before_the_upgrade",
            f"{_LIVE}::test_a_browser_shows_its_key_as_a_subprotocol",
            f"{_LIVE}::test_a_refusal_of_the_provider_is_told_without_its_secrets",
        ),
    ),
    Row(
        "C",
        "either side's end of a realtime session is the other's, limits are kept",
        (
            f"{_LIVE}::test_a_client_that_vanishes_closes_the_provider",
            f"{_LIVE}::test_the_providers_end_is_the_clients",
            f"{_LIVE}::test_a_provider_that_breaks_is_told_of",
            f"{_LIVE}::test_limits_end_a_session",
            f"{_LIVE}::test_who_does_not_read_makes_the_other_side_wait",
            f"{_LIVE}::test_the_next_deployment_opens_what_the_first_does_not",
        ),
    ),
    Row(
        "C",
        "a client secret opens the session it was made for, through the gateway only",
        (f"{_LIVE}::test_a_client_secret_opens_its_session_only",),
        ("POST /v1/realtime/client_secrets", "/v1/realtime/client_secrets"),
    ),
    Row(
        "C",
        "batches run over any model, by the official SDK, with progress and results",
        (
            f"{_BATCH}::test_a_batch_runs_over_any_model",
            f"{_BATCH}::test_embeddings_and_completions_run_too",
            f"{_BATCH}::test_errors_that_may_pass_are_asked_again",
            f"{_BATCH}::test_progress_is_seen_and_a_batch_can_be_ended",
            f"{_BATCH}::test_bad_orders_are_refused_at_once",
            f"{_BATCH}::test_what_is_wrong_with_an_input_is_told_by_line",
            "gateway/batch/test_engine.py::test_what_is_not_done_in_time_has_expired",
        ),
        (
            "POST /v1/batches",
            "GET /v1/batches",
            "GET /v1/batches/{id}",
            "POST /v1/batches/{id}/cancel",
            "/v1/batches",
        ),
    ),
    Row(
        "C",
        "message batches run over any model, by Anthropic's SDK",
        (f"{_BATCH}::test_anthropics_sdk_runs_batches_over_any_model",),
        (
            "POST /v1/messages/batches",
            "GET /v1/messages/batches",
            "GET /v1/messages/batches/{id}",
            "DELETE /v1/messages/batches/{id}",
            "POST /v1/messages/batches/{id}/cancel",
            "GET /v1/messages/batches/{id}/results",
            "/v1/messages/batches",
        ),
    ),
    Row(
        "F",
        "kill -9 in a batch loses no line and runs none twice to the client's eye",
        (
            f"{_BATCH}::test_kill_9_loses_no_line_and_runs_none_twice",
            "gateway/batch/test_engine.py::test_another_process_goes_on_where_one_died",
            "gateway/batch/test_engine.py::test_two_processes_run_no_line_twice",
        ),
    ),
    Row(
        "F",
        "files of batches are kept, listed, read and deleted, each key its own",
        (
            f"{_BATCH}::test_files_are_listed_read_and_deleted",
            f"{_BATCH}::test_another_keys_ids_do_not_exist",
            "gateway/batch/test_engine.py::test_the_folder_is_bounded_and_swept",
        ),
        (
            "POST /v1/files",
            "GET /v1/files",
            "GET /v1/files/{id}",
            "DELETE /v1/files/{id}",
            "GET /v1/files/{id}/content",
            "/v1/files",
        ),
    ),
    Row(
        "C",
        "files, uploads, vector stores, jobs, videos, caches live at providers, as asked",
        (
            f"{_NATIVE}::test_recorded_traffic_comes_through_as_it_was",
            f"{_NATIVE}::test_openais_sdk_works_and_each_key_has_its_own",
            f"{_NATIVE}::test_googles_sdk_has_files_caches_and_models",
            f"{_NATIVE}::test_a_redirect_to_a_files_bytes_leads_through_the_gateway",
            f"{_NATIVE}::test_no_path_leads_out_of_a_surface#upload",
        ),
        (
            *(f"{method} {path}" for method, path in NATIVE),
            *("/v1/uploads", "/v1/videos", "/v1/fine_tuning/jobs"),
            *("/v1/vector_stores", "/v1beta/files", "/v1beta/cachedContents"),
        ),
    ),
    Row(
        "C",
        "each key has its own objects at providers; another's do not exist",
        (
            f"{_NATIVE}::test_openais_sdk_works_and_each_key_has_its_own",
            f"{_NATIVE}::test_a_list_shows_the_keys_own_across_pages",
        ),
    ),
    Row(
        "C",
        "which provider is asked is said by object, header or model",
        (
            f"{_NATIVE}::test_who_is_asked_is_said_by_header_model_or_object",
            f"{_NATIVE}::test_a_batch_at_the_provider_speaks_its_models",
        ),
        ("x-routeiq-provider", "x-routeiq-model"),
    ),
    Row(
        "C",
        "Anthropic's and Google's SDKs list the models of a key",
        (
            f"{_NATIVE}::test_anthropics_sdk_has_files_batches_and_models",
            f"{_NATIVE}::test_googles_sdk_has_files_caches_and_models",
        ),
        ("GET /v1beta/models", "GET /v1beta/models/{model}"),
    ),
    Row(
        "F",
        "a model call names the key's own files, stores and caches, or is a 404",
        (
            f"{_NAMED}::test_a_call_names_the_keys_own_or_nothing",
            f"{_NAMED}::test_the_refusal_is_said_in_the_clients_dialect",
            f"{_NAMED}::test_words_of_tools_and_of_earlier_answers_name_nothing",
            f"{_NAMED}::test_what_cannot_be_read_goes_nowhere",
            f"{_NAMED}::test_lines_for_a_provider_name_the_keys_own",
        ),
    ),
)
