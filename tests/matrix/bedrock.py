"""Claims of Amazon Bedrock: asked, and spoken to clients."""

from typing import Final

from tests.matrix.row import Row

_SAGEMAKER = "flow/bedrock/test_sagemaker.py"
_BOTO3 = "flow/bedrock/test_boto3.py"
_KEYS = "flow/bedrock/test_credentials.py"
_OTHERS = "flow/bedrock/test_others.py"
_REPLAY = "replay/test_converse.py"

ROWS: Final = (
    Row(
        "B",
        "boto3 speaks Converse to every family by `endpoint_url`",
        (
            f"{_BOTO3}::test_plain_words#openai-stream",
            f"{_BOTO3}::test_tools_are_called_and_answered#gemini-stream",
            f"{_BOTO3}::test_thoughts_and_cached_tokens_are_told#anthropic-stream",
            f"{_BOTO3}::test_signatures_of_another_family_come_back_to_it_alone",
            f"{_BOTO3}::test_errors_are_told_in_aws_s_shape",
            f"{_BOTO3}::test_keys_are_wanted_and_signatures_refused_clearly",
        ),
        (
            "POST /bedrock/model/{model}/converse",
            "POST /bedrock/model/{model}/converse-stream",
            "POST /bedrock/model/{model}/count-tokens",
            "/bedrock",
            "AWS_BEARER_TOKEN_BEDROCK",
        ),
    ),
    Row(
        "B",
        "Claude's clients on Bedrock ask everybody by their base address",
        (
            f"{_OTHERS}::test_claude_s_client_on_bedrock_asks_everybody#gemini",
            f"{_OTHERS}::test_claude_s_client_on_bedrock_is_told_errors",
        ),
        (
            "POST /bedrock/model/{model}/invoke",
            "POST /bedrock/model/{model}/invoke-with-response-stream",
        ),
    ),
    Row(
        "A",
        "Bedrock's models are asked by every SDK, through Converse or InvokeModel",
        (
            f"{_OTHERS}::test_openai_s_client_asks_through_converse",
            f"{_OTHERS}::test_claude_on_bedrock_is_asked_in_its_own_words",
            f"{_OTHERS}::test_claude_s_thoughts_are_the_same_through_both_apis",
            f"{_OTHERS}::test_google_s_client_asks_bedrock#nova",
            f"{_OTHERS}::test_embeddings_of_titan_and_cohere#base64",
            f"{_OTHERS}::test_documents_are_ranked#ranks-amazon",
            f"{_OTHERS}::test_tokens_are_counted_by_bedrock",
            f"{_OTHERS}::test_cache_markers_are_kept_by_every_api_and_arn",
            f"{_OTHERS}::test_ids_and_names_that_bedrock_forbids_lead_back",
        ),
    ),
    Row(
        "A",
        "requests to Bedrock are signed with keys of every source, renewed in time",
        (
            f"{_KEYS}::test_keys_sign_for_the_region",
            f"{_KEYS}::test_a_role_is_assumed_with_keys",
            f"{_KEYS}::test_a_role_is_assumed_with_an_identity_token",
            f"{_KEYS}::test_profiles_of_the_shared_files",
            f"{_KEYS}::test_the_role_of_the_machine_is_renewed_without_a_pause",
            f"{_KEYS}::test_keys_that_live_shortly_are_renewed_before_their_end",
            f"{_KEYS}::test_many_who_wait_cause_one_request",
            f"{_KEYS}::test_a_refusal_is_told_clearly_and_no_secret_with_it",
            "adapters/test_sigv4.py::test_vectors_of_the_published_suite#get-vanilla",
            "adapters/test_sigv4.py"
            "::test_model_ids_are_signed_as_botocore_signs_them#once",
        ),
    ),
    Row(
        "A",
        "Bedrock's streams are checked twice; a flipped bit is an error, not text",
        (
            f"{_BOTO3}::test_a_flipped_bit_is_an_error_and_no_text",
            "adapters/test_eventstream.py::test_a_flipped_bit_is_an_error_and_no_text",
            "adapters/test_eventstream.py"
            "::test_every_recorded_stream_is_decoded_as_recorded",
        ),
    ),
    Row(
        "A",
        "every recorded exchange of Bedrock reaches every client, however it is cut",
        (
            f"{_REPLAY}::test_a_client_of_converse_is_given_what_bedrock_wrote",
            f"{_REPLAY}::test_every_answer_reaches_every_client",
            f"{_REPLAY}::test_what_a_client_is_told_does_not_depend_on_the_cut",
            f"{_REPLAY}::test_usage_and_cost_are_those_of_the_reference",
        ),
    ),
    Row(
        "B",
        "endpoints of SageMaker are signed for, asked, streamed and told of",
        (
            f"{_SAGEMAKER}::test_a_chat_is_asked_of_the_container",
            f"{_SAGEMAKER}::test_a_stream_is_put_together_again#chat",
            f"{_SAGEMAKER}::test_a_stream_is_put_together_again#lines",
            f"{_SAGEMAKER}::test_a_stream_that_breaks_ends_in_an_error",
            f"{_SAGEMAKER}::test_errors_are_those_of_the_container",
            f"{_SAGEMAKER}::test_texts_are_embedded",
            f"{_SAGEMAKER}::test_documents_are_ranked",
        ),
    ),
)
