"""Claims of what is hosted in clouds, and of the credentials it needs."""

from typing import Final

from tests.matrix.row import Row

_GOOGLE = "flow/clouds/test_google.py"
_AZURE = "flow/clouds/test_azure.py"
_DOORS = "flow/clouds/test_doors.py"
_VERTEX = "POST /{version}/projects/{project}/locations/{location}/publishers"
_DEPLOYMENT = "POST /openai/deployments/{model}"

ROWS: Final = (
    Row(
        "B",
        "Google credentials: service account, person, federation, metadata, command",
        tuple(
            f"{_GOOGLE}::test_a_credential_becomes_a_token#{name}"
            for name in (
                *("robot", "person", "file", "url", "delegated", "machine"),
                "command",
            )
        ),
    ),
    Row(
        "B",
        "Entra credentials: secret, certificate, workload, managed identity, command",
        (
            f"{_AZURE}::test_the_service_that_we_run_in_gives_tokens",
            *(
                f"{_AZURE}::test_a_credential_becomes_a_token#{name}"
                for name in ("secret", "certificate", "workload", "managed", "command")
            ),
        ),
    ),
    Row(
        "B",
        "a token is fetched once for all, renewed ahead, and again when refused",
        (
            f"{_GOOGLE}::test_a_burst_without_a_token_asks_for_one",
            f"{_GOOGLE}::test_a_token_is_renewed_ahead_while_requests_go_on",
            f"{_GOOGLE}::test_a_refused_token_is_renewed_once_for_all",
            f"{_GOOGLE}::test_a_stream_whose_token_was_refused_is_asked_again",
        ),
    ),
    Row(
        "B",
        "an issuer that is down or refuses is told, and another deployment serves",
        (
            f"{_GOOGLE}::test_an_issuer_that_is_down_is_told_and_another_deployment_serves",
            f"{_GOOGLE}::test_an_issuer_that_refuses_is_told_with_its_own_words",
        ),
    ),
    Row(
        "B",
        "tokens, keys and credential files reach no log",
        (
            f"{_GOOGLE}::test_no_secret_is_in_what_was_logged",
            f"{_AZURE}::test_no_secret_is_in_what_was_logged",
        ),
    ),
    Row(
        "D",
        "a secret may be what a command tells, and a provider's key is asked for again",
        (
            f"{_GOOGLE}::test_a_command_that_fails_is_named_and_its_arguments_are_not",
            f"{_AZURE}::test_a_key_that_a_command_told_is_asked_for_again_when_refused",
        ),
        ("command:",),
    ),
    Row(
        "B",
        "Vertex AI: Gemini, Claude, Mistral and open models, embeddings, token counts",
        (
            f"{_DOORS}::test_models_of_every_grammar_on_vertex",
            f"{_DOORS}::test_embeddings_on_vertex",
            f"{_DOORS}::test_tokens_are_counted_on_vertex",
            f"{_GOOGLE}::test_express_mode_sends_its_key_and_no_project",
        ),
    ),
    Row(
        "B",
        "what Vertex AI does not take of Anthropic's API is named or made up for",
        (
            f"{_DOORS}::test_beta_flags_that_vertex_does_not_know_are_named",
            f"{_DOORS}::test_pictures_by_address_are_fetched_for_vertex",
        ),
    ),
    Row(
        "B",
        "Azure: deployments and v1, Foundry and its Claude, filtered content",
        (
            f"{_AZURE}::test_a_credential_becomes_a_token#foundry",
            f"{_AZURE}::test_a_credential_becomes_a_token#claude",
            f"{_AZURE}::test_a_key_goes_in_its_own_header",
            f"{_AZURE}::test_a_filtered_prompt_is_told_as_such",
        ),
    ),
    Row(
        "B",
        "recorded exchanges of Vertex AI go through unchanged, and are counted",
        (
            "replay/test_sockets.py::"
            "test_the_provider_is_asked_what_the_client_asked#gemini_vertex",
            "replay/test_sockets.py::"
            "test_the_provider_is_asked_what_the_client_asked#anthropic_vertex",
            "replay/test_sockets.py::"
            "test_the_client_is_given_what_the_provider_wrote#gemini_vertex",
            "replay/test_sockets.py::"
            "test_the_record_says_what_was_used_and_what_it_cost#anthropic_vertex",
        ),
    ),
    Row(
        "D",
        "the base model of a deployment tells its price",
        (f"{_DOORS}::test_a_deployment_costs_what_its_base_model_does",),
        ("base_model",),
    ),
    Row(
        "C",
        "realtime sessions with models on Azure and Vertex AI",
        (
            "flow/clouds/test_live.py::test_a_session_on_azure",
            "flow/clouds/test_live.py::test_a_session_on_vertex",
        ),
    ),
    Row(
        "C",
        "the Azure client of OpenAI's SDK by its endpoint alone",
        (
            f"{_DOORS}::test_the_azure_client_of_openai",
            f"{_DOORS}::test_the_deployment_of_azures_path_stands",
            f"{_DOORS}::test_the_azure_client_beyond_words",
        ),
        tuple(
            f"{_DEPLOYMENT}/{end}"
            for end in (
                *("chat/completions", "completions", "embeddings"),
                *("images/generations", "images/edits", "audio/speech"),
                *("audio/transcriptions", "audio/translations"),
            )
        ),
    ),
    Row(
        "C",
        "Google's SDK in Vertex mode by its base address alone",
        (f"{_DOORS}::test_googles_sdk_in_vertex_mode",),
        tuple(
            f"{_VERTEX}/google/models/{{model}}:{verb}"
            for verb in (
                *("generateContent", "streamGenerateContent", "countTokens"),
                *("embedContent", "batchEmbedContents", "predict"),
            )
        ),
    ),
    Row(
        "C",
        "Anthropic's SDKs for Vertex and Foundry by their base address alone",
        (
            f"{_DOORS}::test_anthropics_sdk_for_vertex",
            f"{_DOORS}::test_anthropics_sdk_for_foundry",
        ),
        (
            "AnthropicVertex",
            "AnthropicFoundry",
            f"{_VERTEX}/anthropic/models/{{model}}:rawPredict",
            f"{_VERTEX}/anthropic/models/{{model}}:streamRawPredict",
            f"{_VERTEX}/anthropic/models/count-tokens:rawPredict",
        ),
    ),
)
