"""The whole configuration, as frozen Structs. `configs/reference.yaml` is its manual.

Durations are seconds, money is US dollars per million tokens (as providers print it),
secrets are references (`env:NAME`, `${NAME}`, `file:/path`, `command:...`), never
values.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta

from gateway.config.fetching import Fetch
from gateway.config.routed import Require, Routing
from gateway.config.section import (
    Count,
    Dollars,
    HeaderValue,
    Number,
    Pause,
    Port,
    Ratio,
    Seconds,
    Secret,
    Section,
    Share,
)
from gateway.config.stateful import Batches, FilesConfig, Realtime


class Tls(Section, frozen=True, kw_only=True):
    """`server.tls`: certificate and key files (PEM)."""

    cert: str
    key: str
    key_password: Secret = ""


class Server(Section, frozen=True, kw_only=True):
    """`server`: how clients reach us."""

    host: str = "127.0.0.1"
    port: Port = 4000
    workers: Count = 1
    """Processes that share the port."""
    http: Literal["fast", "hypercorn"] = "fast"
    """Who parses HTTP/1.1: ours (httptools), or plain Hypercorn."""
    loop: Literal["auto", "uvloop", "asyncio"] = "auto"
    tls: Tls | None = None
    backlog: Count = 2048
    max_body_bytes: Count = 64 * 1024 * 1024
    max_header_bytes: Count = 64 * 1024
    max_headers: Count = 128
    header_timeout_s: Seconds = 10.0
    """From the first byte of a request to the end of its headers."""
    body_timeout_s: Seconds = 60.0
    """Longest pause between two pieces of a request body."""
    write_timeout_s: Seconds = 60.0
    """Longest a client may refuse to read before it is cut off."""
    keep_alive_s: Pause = 75.0
    max_connections: Count = 10_000
    drain_s: Pause = 30.0
    """How long a stop waits for the exchanges under way."""
    max_decompressed_ratio: Count = 100
    """A gzip request body may unpack to this many times its size."""


class Timeouts(Section, frozen=True, kw_only=True):
    """`timeouts`, here and on a model or deployment: limits of one attempt."""

    connect_s: Seconds = 5.0
    first_token_s: Seconds = 120.0
    """From the request sent to the first byte of the answer's body."""
    idle_s: Seconds = 60.0
    """Between two pieces of a streamed answer."""
    total_s: Seconds = 600.0
    """The whole exchange, all attempts together."""


class Retries(Section, frozen=True, kw_only=True):
    """`retries`, here and on a model."""

    attempts: Count = 3
    """Tries of one alias; each fallback alias has its own."""
    backoff_s: Pause = 0.25
    """Before the first retry of the same deployment; doubles, with full jitter."""
    backoff_max_s: Pause = 8.0
    retry_after_max_s: Pause = 5.0
    """A provider that asks for more is not waited for: the next deployment is."""
    budget_ratio: Ratio = 0.2
    """Retries of an alias may be this share of its live requests..."""
    budget_min: Number = 10
    """... and this many in any ten seconds, whatever the share."""
    per_deployment: Number = 1
    """Retries of the same deployment before the next one is tried."""


class Cooldown(Section, frozen=True, kw_only=True):
    """`cooldown`: when a deployment is left alone."""

    failures: Count = 5
    """Consecutive failures that open its circuit breaker."""
    open_s: Pause = 10.0
    open_max_s: Pause = 120.0
    rate_limit_s: Pause = 5.0
    """After a 429 that does not say when to come back."""
    credential_s: Pause = 300.0
    """After 401 or 403: the key will not heal by itself."""
    quota_s: Pause = 3600.0
    """After the account ran out of money or daily quota."""
    not_found_s: Pause = 300.0
    """After 404: a wrong model or deployment name."""
    max_s: Pause = 3600.0
    """Longest pause, whatever a provider asks for."""


class Rates(Section, frozen=True, kw_only=True):
    """US dollars per million tokens; a kind without a rate of its own costs what the
    whole does."""

    input: Dollars | None = None
    output: Dollars | None = None
    cached: Dollars | None = None
    cache_write: Dollars | None = None
    cache_write_1h: Dollars | None = None
    reasoning: Dollars | None = None
    audio_input: Dollars | None = None
    audio_output: Dollars | None = None
    image_input: Dollars | None = None
    image_output: Dollars | None = None


class Tier(Rates, frozen=True, kw_only=True):
    """The rates of a longer prompt, for all tokens of the exchange."""

    above: Count
    """Prompt tokens."""


class Service(Rates, frozen=True, kw_only=True):
    """The rates of another service than the usual one."""

    tiers: list[Tier] = []


class Price(Rates, frozen=True, kw_only=True):
    """`price` of a deployment: before the catalogue."""

    character: Dollars | None = None
    """Of text to be spoken: dollars per million characters."""
    request: Dollars | None = None
    """Dollars per request."""
    image: Dollars | None = None
    """Dollars per picture made."""
    sizes: dict[str, Dollars] = {}
    """The same by quality and size as clients ask for them: `hd 1024x1792`, `hd`,
    `1024x1792`; empty: neither is said."""
    audio_minute: Dollars | None = None
    """Dollars per minute of sound."""
    tiers: list[Tier] = []
    services: dict[str, Service] = {}
    """What is served as `flex`, `priority` or `batch`, where that costs otherwise."""
    search: Dollars | None = None
    """Dollars per question that documents are ranked for."""


class Google(Section, frozen=True, kw_only=True):
    """`google` of a provider or deployment: where on Vertex AI, and who asks there."""

    project: str = ""
    """Empty: of the environment (`GOOGLE_CLOUD_PROJECT`), the credential file, or the
    machine we run on."""
    location: str = ""
    """`us-central1`, `eu`, `global`; empty: of the environment, else `global`."""
    credentials: Secret = ""
    """Reference to a credential file (`file:/run/secrets/key.json`): of a service
    account, of workload identity federation or of gcloud. Empty: the file in
    `GOOGLE_APPLICATION_CREDENTIALS`, gcloud's own, or the metadata server."""
    impersonate: str = ""
    """E-mail address of a service account in whose name is asked."""
    token: Secret = ""
    """An access token instead: `command:gcloud auth print-access-token`."""


class Azure(Section, frozen=True, kw_only=True):
    """`azure` of a provider or deployment: which API, and who asks there. Without an
    `api_key`, Microsoft Entra is asked for tokens."""

    api_version: str = ""
    """Of the paths with a deployment in them (`2024-10-21`); empty: of the environment
    (`AZURE_API_VERSION`, `OPENAI_API_VERSION`), else the `v1` API, which has none."""
    tenant_id: str = ""
    client_id: str = ""
    """Of an application; of a managed identity where it is the only one of these."""
    client_secret: Secret = ""
    certificate: Secret = ""
    """Reference to a PEM file with the application's certificate and private key."""
    token_file: str = ""
    """A token of another issuer, read anew each time: workload identity."""
    managed_identity: bool = False
    """Ask the machine we run on, whatever the environment says."""
    authority: str = ""
    """Empty: `https://login.microsoftonline.com`."""
    scope: str = ""
    """What tokens are for; empty: `https://cognitiveservices.azure.com/.default`."""
    token: Secret = ""
    """An Entra token instead: `command:az account get-access-token ...`."""


class Aws(Section, frozen=True, kw_only=True):
    """`aws` of a provider or deployment: where, and whose keys sign. What is not said
    is looked up as the AWS SDKs do: environment, shared files, role of the pod, of the
    machine."""

    region: str = ""
    """`eu-central-1`; empty: of the model's ARN, the environment (`AWS_REGION`), or the
    profile."""
    access_key_id: Secret = ""
    secret_access_key: Secret = ""
    session_token: Secret = ""
    profile: str = ""
    """Of `~/.aws/config` and `~/.aws/credentials`."""
    role_arn: str = ""
    """A role to assume with what is found otherwise."""
    role_session_name: str = ""
    external_id: str = ""
    web_identity_token: str = ""
    """The file of a token that `role_arn` is assumed with; read anew each time."""
    sts_endpoint: str = ""
    """Empty: that of the region."""


class Deployment(Section, frozen=True, kw_only=True):
    """One model at one provider under one credential."""

    model: str
    """`provider/model-id`; `provider/*` under a wildcard alias."""
    id: str = ""
    """Unique; made of alias, model and position when empty."""
    api_key: Secret = ""
    """A reference; empty: the provider's own environment variables are looked up."""
    base_url: str = ""
    headers: dict[str, HeaderValue] = {}
    google: Google | None = None
    """What is not said here is the provider's."""
    azure: Azure | None = None
    aws: Aws | None = None
    weight: Ratio = 1.0
    order: Number = 1
    """Lower tiers first; the next tier when all of one are out."""
    rpm: Count | None = None
    tpm: Count | None = None
    max_parallel: Count | None = None
    timeouts: Timeouts | None = None
    price: Price | None = None
    max_input_tokens: Count | None = None
    max_output_tokens: Count | None = None
    params: dict[str, Any] = {}
    """Request fields set when the client did not (`temperature`, ...)."""
    drop: list[str] = []
    """Request fields this deployment must not be sent."""
    on_unsupported: Literal["drop", "error"] | None = None
    provider: str = ""
    """Overrides the prefix of `model`; the whole of `model` is then the model id."""
    base_model: str = ""
    """`provider/model-id` that it really is, for prices, windows and abilities: of a
    deployment whose name says nothing (`azure/gpt-4o`)."""
    region: str = ""
    """Where it is served, for who must know; empty: as its address or its cloud's
    settings tell."""
    tier: Literal["fast", "advanced", "expert"] | None = None
    """What the model is for; without it `advanced`."""
    abilities: list[str] | None = None
    """`vision`, `audio_input`, `pdf_input`, `function_calling`, `response_schema`;
    without the line the catalogue's."""


class Hedge(Section, frozen=True, kw_only=True):
    """`hedge` of a model: a second try when the first is slow to begin."""

    after_s: Pause
    """Seconds without a first token before the next deployment is started too."""


class Model(Section, frozen=True, kw_only=True):
    """One alias: the name clients ask for, and what stands behind it."""

    deployments: Annotated[list[Deployment], Meta(min_length=1)]
    strategy: str = ""
    """A kind of strategy, or a name out of `routing.strategies`; empty: the one of
    `routing`."""
    require: Require | None = None
    """What must hold of whoever serves, whatever the client wishes."""
    fallbacks: list[str] = []
    """Aliases to try when every deployment of this one failed."""
    context_window_fallbacks: list[str] = []
    content_policy_fallbacks: list[str] = []
    retries: Retries | None = None
    timeouts: Timeouts | None = None
    hedge: Hedge | None = None
    description: str = ""
    hidden: bool = False
    """Leave it out of `GET /v1/models`."""


class ProviderRow(Section, frozen=True, kw_only=True):
    """`providers`: an own provider, or another address of a known one."""

    family: str = ""
    """The grammar it speaks; empty: a known provider's own, else OpenAI's."""
    base_url: str = ""
    variables: dict[str, HeaderValue] = {}
    """What stands in braces in the provider's address (`{account}`)."""
    api_key: Secret = ""
    headers: dict[str, HeaderValue] = {}
    google: Google | None = None
    azure: Azure | None = None
    aws: Aws | None = None
    auth: str = ""
    """`bearer`, `none`, a header's name, or such a name and the word before the key
    (`authorization: Token`)."""
    passthrough: bool = False
    """Open the provider's whole API, as it is, under `/passthrough/NAME/`."""
    proxy: str = ""
    """Outbound proxy (`http://...`): requests then go by stock httpx."""


class Keys(Section, frozen=True, kw_only=True):
    """`keys`: who may ask."""

    master: Secret = ""
    """Reference to the master key; empty: no key is needed, on this machine only."""
    open: bool = False
    """Serve everyone who can reach us although there is no master key."""
    cache_s: Pause = 5.0
    """How long a revoked key may still work."""


class StoreConfig(Section, frozen=True, kw_only=True):
    """`store`: where keys and records live."""

    url: str = "sqlite:///routeiq.db"
    """`memory:` or `sqlite:///path` (relative to the working directory)."""
    fsync: bool = False
    """Also survive a power cut; `kill -9` is survived either way."""


class Records(Section, frozen=True, kw_only=True):
    """`records`: what is kept of each exchange."""

    enabled: bool = True
    content: bool = False
    """Keep prompts and answers too, redacted."""
    keep_days: Number = 30
    """Exchanges and feedback older than that are forgotten; 0: never."""
    buffer: Count = 10_000
    """Exchanges that may wait to be written; more are dropped and counted."""


class Responses(Section, frozen=True, kw_only=True):
    """`responses`: what is kept of answers of the Responses API."""

    keep_days: Number = 30
    """How long a client may name a response that it did not ask to be forgotten
    (`store: false`), and a conversation after its last use; 0: nothing is kept."""


class CatalogConfig(Section, frozen=True, kw_only=True):
    """`catalog`: windows, prices and abilities of models."""

    file: str = "routeiq.models.json"
    """What `routeiq models refresh` writes; where it is there, it comes before the
    built-in catalogue, model by model. Relative to the working directory."""


class Egress(Section, frozen=True, kw_only=True):
    """`egress`: which addresses the gateway may connect to."""

    allow_private: list[str] = []
    """Networks (CIDR) or host names allowed though private; the hosts of configured
    deployments are allowed by themselves."""
    max_response_bytes: Count = 64 * 1024 * 1024
    max_connections: Count = 1000
    """Per origin."""
    http2: bool = False
    ca_file: str = ""


class Traces(Section, frozen=True, kw_only=True):
    """`telemetry.traces`."""

    enabled: bool = True
    """Only with an OTLP endpoint, here or in OTEL_EXPORTER_OTLP_ENDPOINT."""
    sample: Share = 0.01
    """Share of exchanges traced when the caller did not decide; errors always are."""
    content: bool = False


class Telemetry(Section, frozen=True, kw_only=True):
    """`telemetry`."""

    service_name: str = "routeiq"
    otlp_endpoint: str = ""
    otlp_headers: dict[str, HeaderValue] = {}
    otlp_interval_s: Seconds = 30.0
    semconv: Literal["0.1", "1.41", "both"] = "both"
    traces: Traces = Traces()
    metrics: bool = True
    metrics_key: Secret = ""
    """Reference; when set, `/metrics` wants it as a bearer token."""


class Logs(Section, frozen=True, kw_only=True):
    """`logs`."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "text"] = "auto"
    """auto: text on a terminal, else JSON."""
    requests: bool = True
    """One line per exchange."""


class Config(Section, frozen=True, kw_only=True):
    """The file."""

    server: Server = Server()
    keys: Keys = Keys()
    providers: dict[str, ProviderRow] = {}
    models: dict[str, Model] = {}
    routing: Routing = Routing()
    retries: Retries = Retries()
    timeouts: Timeouts = Timeouts()
    cooldown: Cooldown = Cooldown()
    store: StoreConfig = StoreConfig()
    records: Records = Records()
    responses: Responses = Responses()
    catalog: CatalogConfig = CatalogConfig()
    egress: Egress = Egress()
    fetch: Fetch = Fetch()
    files: FilesConfig = FilesConfig()
    batches: Batches = Batches()
    realtime: Realtime = Realtime()
    telemetry: Telemetry = Telemetry()
    logs: Logs = Logs()
    on_unsupported: Literal["drop", "error"] = "drop"
    """What a backend cannot express: drop it and name it in `x-routeiq-dropped`, or
    refuse the call with 400."""
    demo: bool = True
    """Serve the built-in `demo` model."""
