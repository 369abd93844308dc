"""Every name that telemetry uses, in one table.

Source: OpenTelemetry GenAI semantic conventions v0.1.0 (after their move out of the
core conventions) and core conventions v1.41.1 for the older names; HTTP conventions.
"""

from typing import Final, Literal, NamedTuple

SCHEMA_URL: Final = "https://opentelemetry.io/schemas/gen-ai/1.42.0"
SCOPE: Final = "routeiq.gateway"

Since = Literal["0.1", "1.41", "both"]
Kind = Literal["counter", "gauge", "histogram"]


class Instrument(NamedTuple):
    """One metric."""

    name: str
    """Dotted; Prometheus gets underscores, the unit and `_total`."""
    kind: Kind
    unit: str
    """UCUM, as OpenTelemetry has it: `s`, `By`, `{token}`, `USD`."""
    help: str
    since: Since = "both"
    """Which conventions know it; ours and the HTTP ones belong to both."""


DOUBLING: Final = tuple(0.01 * 2**i for i in range(14))
TOKENS: Final = tuple(float(4**i) for i in range(14))
HTTP_SECONDS: Final = (
    *(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25),
    *(0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
)
FIRST_TOKEN: Final = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1),
    *(0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
)
PER_TOKEN: Final = (
    *(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2),
    *(0.3, 0.4, 0.5, 0.75, 1.0, 2.5),
)

# Attributes.
OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_STREAM: Final = "gen_ai.request.stream"
REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"
RESPONSE_MODEL: Final = "gen_ai.response.model"
RESPONSE_ID: Final = "gen_ai.response.id"
RESPONSE_FINISH: Final = "gen_ai.response.finish_reasons"
RESPONSE_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
USAGE_INPUT: Final = "gen_ai.usage.input_tokens"
USAGE_OUTPUT: Final = "gen_ai.usage.output_tokens"
USAGE_CACHE_READ: Final = "gen_ai.usage.cache_read.input_tokens"
USAGE_CACHE_WRITE: Final = "gen_ai.usage.cache_write.input_tokens"
USAGE_CACHE_CREATION: Final = "gen_ai.usage.cache_creation.input_tokens"
"""The name of `USAGE_CACHE_WRITE` until v1.41."""
USAGE_REASONING: Final = "gen_ai.usage.reasoning.output_tokens"
MODALITY: Final = "gen_ai.token.modality"
TOKEN_TYPE: Final = "gen_ai.token.type"  # noqa: S105 - a name
"""Until v1.41."""
ERROR_TYPE: Final = "error.type"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
HTTP_METHOD: Final = "http.request.method"
HTTP_ROUTE: Final = "http.route"
HTTP_STATUS: Final = "http.response.status_code"
HTTP_REQUEST_SIZE: Final = "http.request.body.size"
HTTP_RESPONSE_SIZE: Final = "http.response.body.size"
SCHEME: Final = "url.scheme"
USER: Final = "enduser.id"

# Metrics of the conventions.
CLIENT_DURATION: Final = Instrument(
    "gen_ai.client.inference.duration",
    "histogram",
    "s",
    "Time of one attempt at a provider.",
    "0.1",
)
CLIENT_FIRST_CHUNK: Final = Instrument(
    "gen_ai.client.inference.time_to_first_chunk",
    "histogram",
    "s",
    "Time from the attempt's begin to its first streamed chunk.",
    "0.1",
)
CLIENT_PER_CHUNK: Final = Instrument(
    "gen_ai.client.inference.time_per_output_chunk",
    "histogram",
    "s",
    "Mean time between the chunks of a streamed answer, after the first.",
    "0.1",
)
CLIENT_INPUT: Final = Instrument(
    "gen_ai.client.inference.usage.input_tokens",
    "counter",
    "{token}",
    "Prompt tokens, cached ones included.",
    "0.1",
)
CLIENT_OUTPUT: Final = Instrument(
    "gen_ai.client.inference.usage.output_tokens",
    "counter",
    "{token}",
    "Generated tokens, reasoning included.",
    "0.1",
)
CLIENT_CACHE_READ: Final = Instrument(
    "gen_ai.client.inference.usage.cache_read.input_tokens",
    "counter",
    "{token}",
    "Prompt tokens read from the provider's cache.",
    "0.1",
)
CLIENT_CACHE_WRITE: Final = Instrument(
    "gen_ai.client.inference.usage.cache_write.input_tokens",
    "counter",
    "{token}",
    "Prompt tokens written to the provider's cache.",
    "0.1",
)
CLIENT_REASONING: Final = Instrument(
    "gen_ai.client.inference.usage.reasoning.output_tokens",
    "counter",
    "{token}",
    "Generated tokens spent on reasoning.",
    "0.1",
)
CLIENT_OPERATION_INPUT: Final = Instrument(
    "gen_ai.client.inference.operation.input_tokens",
    "histogram",
    "{token}",
    "Prompt tokens of one attempt.",
    "0.1",
)
CLIENT_OPERATION_OUTPUT: Final = Instrument(
    "gen_ai.client.inference.operation.output_tokens",
    "histogram",
    "{token}",
    "Generated tokens of one attempt.",
    "0.1",
)
OLD_CLIENT_DURATION: Final = Instrument(
    "gen_ai.client.operation.duration",
    "histogram",
    "s",
    "Time of one attempt at a provider (name of conventions 1.41).",
    "1.41",
)
OLD_CLIENT_FIRST_CHUNK: Final = Instrument(
    "gen_ai.client.operation.time_to_first_chunk",
    "histogram",
    "s",
    "Time to the first streamed chunk (name of conventions 1.41).",
    "1.41",
)
OLD_CLIENT_PER_CHUNK: Final = Instrument(
    "gen_ai.client.operation.time_per_output_chunk",
    "histogram",
    "s",
    "Mean time between streamed chunks (name of conventions 1.41).",
    "1.41",
)
OLD_TOKEN_USAGE: Final = Instrument(
    "gen_ai.client.token.usage",
    "histogram",
    "{token}",
    "Tokens of one attempt by type (name of conventions 1.41).",
    "1.41",
)
SERVER_DURATION: Final = Instrument(
    "gen_ai.server.request.duration",
    "histogram",
    "s",
    "Time of one exchange, all attempts together.",
)
SERVER_FIRST_TOKEN: Final = Instrument(
    "gen_ai.server.time_to_first_token",
    "histogram",
    "s",
    "Time from the request to the first token handed to the client.",
)
SERVER_PER_TOKEN: Final = Instrument(
    "gen_ai.server.time_per_output_token",
    "histogram",
    "s",
    "Mean time between output tokens, after the first.",
)
HTTP_SERVER_DURATION: Final = Instrument(
    "http.server.request.duration", "histogram", "s", "Time of one HTTP request."
)

# Ours.
EXCHANGES: Final = Instrument(
    "routeiq.exchanges", "counter", "", "Exchanges by what the client was told."
)
ATTEMPTS: Final = Instrument(
    "routeiq.attempts", "counter", "", "Attempts by deployment and outcome."
)
COST: Final = Instrument(
    "routeiq.cost", "counter", "USD", "Known cost of all attempts."
)
COST_UNKNOWN: Final = Instrument(
    "routeiq.cost.unknown", "counter", "", "Exchanges of which some price is unknown."
)
UNITS: Final = Instrument(
    "routeiq.usage",
    "counter",
    "",
    "What is billed beside tokens: pictures, seconds of sound, characters, searches.",
)
RETRIES: Final = Instrument(
    "routeiq.retries", "counter", "", "Attempts that tried the same deployment again."
)
FALLBACKS: Final = Instrument(
    "routeiq.fallbacks", "counter", "", "Attempts that went on to another deployment."
)
HEDGES: Final = Instrument(
    "routeiq.hedges", "counter", "", "Attempts started beside a slow one."
)

_OPERATIONS: Final = {
    "complete": "text_completion",
    "images_generate": "generate_content",
    "images_edit": "generate_content",
    "images_vary": "generate_content",
    "speech": "generate_content",
    "embed": "embeddings",
}
_PROVIDERS: Final = {
    "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "azure_anthropic": "azure.ai.inference",
    "azure_openai": "azure.ai.openai",
    "aws_anthropic": "aws.bedrock",
    "bedrock": "aws.bedrock",
    "bedrock_invoke": "aws.bedrock",
    "bedrock_mantle": "aws.bedrock",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "codestral": "mistral_ai",
    "moonshot": "moonshot_ai",
    "moonshot_cn": "moonshot_ai",
    "vertex_ai": "gcp.vertex_ai",
    "vertex_anthropic": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
}


def operation(ours: str) -> str:
    """`gen_ai.operation.name` of an operation of ours."""
    return _OPERATIONS.get(ours, ours)


def provider(ours: str) -> str:
    """`gen_ai.provider.name` of a provider id; an unknown one names itself."""
    return _PROVIDERS.get(ours, ours)


def included(since: Since, semconv: str) -> bool:
    """Whether a name is emitted under that setting."""
    return semconv == "both" or since in {"both", semconv}
