"""Refusals that the call itself brought on, or that came as a 400."""

from adapters import errors as e

Kind = type[e.UpstreamError]


def openai(
    message: str, code: object = None, type_: str = "invalid_request_error"
) -> dict[str, object]:
    return {"error": {"message": message, "type": type_, "param": None, "code": code}}


OF_CALLS: list[tuple[int, object, Kind]] = [
    (
        400,
        openai(
            "Unsupported value: 'temperature' does not support 0.2", "unsupported_value"
        ),
        e.BadRequest,
    ),
    (400, openai("Invalid 'messages': empty array.", "empty_array"), e.BadRequest),
    (
        422,
        {"detail": [{"loc": ["body", "messages"], "msg": "field required"}]},
        e.BadRequest,
    ),
    (
        400,
        {
            "object": "error",
            "message": "bad",
            "type": "BadRequestError",
            "param": None,
            "code": 400,
        },
        e.BadRequest,
    ),
    (415, {"error": "Unsupported media type"}, e.BadRequest),
    (
        400,
        openai(
            "This model's maximum context length is 128000 tokens.",
            "context_length_exceeded",
        ),
        e.ContextWindow,
    ),
    (
        400,
        openai(
            "Input tokens exceed the configured limit of 272000 tokens.",
            "context_length_exceeded",
        ),
        e.ContextWindow,
    ),
    (
        400,
        {
            "object": "error",
            "message": "This model's maximum context length is 4096 tokens. However, you requested 5000",
            "type": "BadRequestError",
            "code": 400,
        },
        e.ContextWindow,
    ),
    (
        400,
        {
            "message": "The input (9000 tokens) is longer than the model's context length (8192 tokens)."
        },
        e.ContextWindow,
    ),
    (
        400,
        openai(
            "the request exceeds the available context size, try increasing it",
            type_="exceed_context_size_error",
        ),
        e.ContextWindow,
    ),
    (
        422,
        {
            "error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000",
            "error_type": "validation",
        },
        e.ContextWindow,
    ),
    (
        400,
        {
            "message": "Please reduce the length of the messages or completion. Current length is 9001 while limit is 8192",
            "type": "invalid_request_error",
            "code": "context_length_exceeded",
        },
        e.ContextWindow,
    ),
    (
        400,
        {
            "error": {
                "message": "too many",
                "type": "too_many_prompt_tokens",
                "code": 400,
            }
        },
        e.ContextWindow,
    ),
    (
        400,
        openai("This endpoint's maximum context length is 32768 tokens.", 400),
        e.ContextWindow,
    ),
    (
        400,
        {
            "object": "error",
            "message": "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
            "type": "invalid_request_prompt",
            "code": "3051",
        },
        e.ContextWindow,
    ),
    (
        400,
        {
            "code": "Client specified an invalid argument",
            "error": "This model's maximum prompt length is 131072 but the request contains 200000 tokens.",
        },
        e.ContextWindow,
    ),
    (
        400,
        {"error": {"code": "1261", "message": "Prompt exceeds max length"}},
        e.ContextWindow,
    ),
    (
        400,
        openai("Range of input length should be [1, 30720]", "invalid_parameter_error"),
        e.ContextWindow,
    ),
    (
        400,
        openai("Invalid request: Your request exceeded model token limit: 8192"),
        e.ContextWindow,
    ),
    (
        500,
        openai(
            "litellm wrapped: prompt is too long: 210000 tokens > 200000 maximum",
            type_="internal_error",
        ),
        e.ContextWindow,
    ),
    (
        413,
        openai("context_length_exceeded", "context_length_exceeded"),
        e.ContextWindow,
    ),
    (
        400,
        {
            "error": {
                "message": "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
                "type": None,
                "param": "prompt",
                "code": "content_filter",
                "status": 400,
                "innererror": {
                    "code": "ResponsibleAIPolicyViolation",
                    "content_filter_result": {},
                },
            }
        },
        e.ContentFilter,
    ),
    (
        400,
        openai(
            "Your request was rejected as a result of our safety system.",
            "content_policy_violation",
        ),
        e.ContentFilter,
    ),
    (
        400,
        openai(
            "Invalid prompt: your prompt was flagged as potentially violating our usage policy.",
            "invalid_prompt",
        ),
        e.ContentFilter,
    ),
    (
        403,
        openai(
            "deepseek requires moderation. Your input was flagged for violence.", 403
        ),
        e.ContentFilter,
    ),
    (400, openai("Content Exists Risk"), e.ContentFilter),
    (
        400,
        openai(
            "Input data may contain inappropriate content.", "data_inspection_failed"
        ),
        e.ContentFilter,
    ),
    (
        400,
        {
            "error": {
                "code": "1301",
                "message": "System detected potentially unsafe or sensitive content in input or generation.",
            }
        },
        e.ContentFilter,
    ),
    (
        400,
        openai(
            "The request was rejected because it was considered high risk",
            "content_filter",
        ),
        e.ContentFilter,
    ),
    (
        400,
        {
            "error": {
                "message": "Failed to call a function. Please adjust your prompt.",
                "type": "invalid_request_error",
                "code": "tool_use_failed",
                "failed_generation": "<x",
            }
        },
        e.ToolFailed,
    ),
    (400, {"error": {"message": "x", "failed_generation": "<x"}}, e.ToolFailed),
    (
        413,
        b"<html><head><title>413 Request Entity Too Large</title></head></html>",
        e.TooLarge,
    ),
    (413, openai("Request too large", "request_too_large"), e.TooLarge),
    (
        400,
        {
            "code": "Client specified an invalid argument",
            "error": "Incorrect API key provided: xa***. You can obtain an API key from https://console.x.ai.",
        },
        e.Unauthorized,
    ),
    (
        400,
        [
            {
                "error": {
                    "code": 400,
                    "message": "User location is not supported for the API use.",
                    "status": "FAILED_PRECONDITION",
                }
            }
        ],
        e.Forbidden,
    ),
    (
        400,
        openai(
            "Access denied, please make sure your account is in good standing.",
            "Arrearage",
        ),
        e.OutOfCredit,
    ),
    (400, openai("Model Not Exist"), e.NotFound),
    (
        400,
        {
            "object": "error",
            "message": "Invalid model: mistral-huge",
            "type": "invalid_model",
            "code": "1500",
        },
        e.NotFound,
    ),
    (
        400,
        openai(
            "The model `mixtral` has been decommissioned and is no longer supported.",
            "model_decommissioned",
        ),
        e.NotFound,
    ),
]
