import io
import pickle
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from adapters.providers import find
from gateway.config import litellm_keys as keys
from gateway.config import litellm_settings as tables
from gateway.config.document import parse
from gateway.config.litellm import Imported, import_litellm
from gateway.config.litellm_yaml import native_yaml
from gateway.config.load import Loaded, load, loads
from gateway.config.problem import ConfigError, Note
from tests.shared import SHARED, needs_shared

CANARY = "sk-canary-0123456789"
ENV = {
    "OPENAI_API_KEY": "k-openai",
    "ANTHROPIC_API_KEY": "k-anthropic",
    "BASE": "http://h",
    "MASTER": "a-master-key-that-is-long",
}

WHOLE = """
model_list:
  - model_name: gpt-4
    litellm_params:
      model: openai/gpt-4o
      api_key: os.environ/OPENAI_API_KEY
      api_base: os.environ/BASE
      rpm: 100
      tpm: "1000"
      weight: 2
      order: 1
      max_parallel_requests: 7
      timeout: 30
      stream_timeout: 10
      organization: org-1
      extra_headers: {x-team: a, x-number: 5}
      temperature: 0.2
      max_tokens: 50
      extra_body: {top_k: 3}
      drop_params: true
      additional_drop_params: [user]
      input_cost_per_token: 0.000003
      output_cost_per_token: 1.5e-05
      cache_read_input_token_cost: 3.0e-07
      tags: [free]
    model_info: {id: one, mode: chat, max_input_tokens: 1000, anything: x}
  - model_name: gpt-4
    litellm_params: {model: gpt-4o-mini, api_key: sk-canary-0123456789, max_retries: 2}
  - model_name: claude
    litellm_params:
      model: anthropic/claude-3
      api_base: https://proxy.example.com
  - model_name: "openai/*"
    litellm_params: {model: "openai/*"}
  - model_name: local
    litellm_params: {model: hosted_vllm/meta/llama, api_base: http://localhost:8000/v1}
  - model_name: own
    litellm_params: {model: m, custom_llm_provider: openai, api_base: http://localhost:8000/v1, api_key: none}
  - model_name: cloud
    litellm_params: {model: runwayml/gen4, aws_region_name: us}
router_settings:
  routing_strategy: usage-based-routing-v2
  num_retries: 2
  timeout: 40
  retry_after: 1
  allowed_fails: 3
  cooldown_time: 30
  fallbacks: [{gpt-4: [claude, cloud]}, {claude: [gpt-4]}]
  context_window_fallbacks: [{gpt-4: [claude]}]
  default_fallbacks: [claude]
  model_group_alias: {gpt-4-alias: gpt-4, hid: {model: claude, hidden: true}}
  enable_pre_call_checks: true
  redis_host: h
litellm_settings:
  drop_params: true
  request_timeout: 60
  success_callback: [langfuse, prometheus]
  set_verbose: true
  json_logs: true
  cache: true
general_settings:
  master_key: os.environ/MASTER
  database_url: os.environ/DATABASE_URL
  max_request_size_mb: 2
  maximum_spend_logs_retention_period: 36h
  store_prompts_in_spend_logs: true
"""


def read(text: str, environ: dict[str, str] | None = None) -> Loaded:
    return loads(text, "l.yaml", ENV if environ is None else environ)


def imported(text: str, environ: dict[str, str] | None = None) -> Imported:
    environ = ENV if environ is None else environ
    return import_litellm(parse(text, "l.yaml"), environ)


def told(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(text)
    return str(caught.value)


def notes_of(loaded: Loaded, path: str) -> list[Note]:
    return [n for n in loaded.notes if n.path == path]


def params(inner: str, more: str = "") -> str:
    return f"model_list: [{{model_name: a, litellm_params: {{{inner}}}}}]\n{more}"


def deployment(inner: str, environ: dict[str, str] | None = None) -> Any:
    return read(params(inner), environ).config.models["a"].deployments[0]


def test_a_whole_file_is_read_as_it_is() -> None:
    loaded = read(WHOLE)
    config, secrets = loaded.config, loaded.secrets
    assert loaded.source == "litellm"
    assert list(config.models) == [
        "gpt-4",
        "claude",
        "openai/*",
        "local",
        "own",
        "gpt-4-alias",
        "hid",
    ]
    one, two = config.models["gpt-4"].deployments
    assert (one.model, one.id, one.base_url) == ("openai/gpt-4o", "one", "http://h")
    assert (one.rpm, one.tpm, one.weight, one.order, one.max_parallel) == (
        100,
        1000,
        2,
        1,
        7,
    )
    assert one.headers == {
        "OpenAI-Organization": "org-1",
        "x-team": "a",
        "x-number": "5",
    }
    assert one.params == {"temperature": 0.2, "max_tokens": 50, "top_k": 3}
    assert (one.drop, one.on_unsupported) == (["user"], "drop")
    assert one.price is not None
    assert (one.price.input, one.price.output, one.price.cached) == (3.0, 15.0, 0.3)
    assert one.timeouts is not None
    assert (one.timeouts.total_s, one.timeouts.first_token_s) == (30, 10)
    assert one.max_input_tokens == 1000
    assert secrets.resolve(one.api_key) == "k-openai"
    assert two.model == "openai/gpt-4o-mini"
    assert secrets.resolve(two.api_key) == CANARY
    assert CANARY not in repr(loaded)
    assert (
        config.models["claude"].deployments[0].base_url
        == "https://proxy.example.com/v1"
    )
    assert config.models["local"].deployments[0].model == "hosted_vllm/meta/llama"
    assert config.models["own"].deployments[0].model == "openai_compatible/m"
    assert config.models["gpt-4"].fallbacks == ["claude"]
    assert config.models["gpt-4"].context_window_fallbacks == ["claude"]
    assert config.models["openai/*"].fallbacks == ["claude"]
    assert config.models["hid"].hidden
    assert len(config.models["gpt-4-alias"].deployments) == 2
    assert config.routing.strategy == "usage"
    assert config.retries.attempts == 3
    assert config.retries.backoff_s == 1
    assert config.timeouts.total_s == 40, "the router's wins"
    assert (config.cooldown.failures, config.cooldown.open_s) == (4, 30)
    assert (config.logs.level, config.logs.format) == ("debug", "json")
    assert config.on_unsupported == "drop"
    assert secrets.resolve(config.keys.master) == ENV["MASTER"]
    assert config.server.max_body_bytes == 2 * 1024 * 1024
    assert config.records.keep_days == 2
    assert config.records.content


def leaves(value: Any, path: str = "") -> list[str]:
    if isinstance(value, dict):
        return [
            p
            for k, v in value.items()
            for p in [f"{path}.{k}".lstrip("."), *leaves(v, f"{path}.{k}")]
        ]
    if isinstance(value, list):
        return [p for i, v in enumerate(value) for p in leaves(v, f"{path}[{i}]")]
    return []


def test_every_key_is_accounted_for() -> None:
    said = {n.path.replace('"', "") for n in read(WHOLE).notes}
    left_out = "model_list[6]"
    for path in (p.lstrip(".") for p in leaves(parse(WHOLE, "f").value)):
        covered = any(path.startswith(s) or s.startswith(path) for s in said)
        assert covered or path.startswith(left_out), path


def test_every_note_knows_its_line() -> None:
    for note in read(WHOLE).notes:
        assert note.file == "l.yaml"
        assert note.line > 0
    (tags,) = notes_of(read(WHOLE), "model_list[0].litellm_params.tags")
    assert WHOLE.splitlines()[tags.line - 1].strip().startswith("tags")
    assert tags.kind == "unsupported"
    assert tags.hint


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (params("model: openai/x, api_bse: y"), "`api_bse` (did you mean `api_base`?)"),
        (params("model: opnai/x"), "did you mean `openai`?"),
        (params("modle: openai/x"), "`model` is missing"),
        (
            "model_list: [{model_nme: a, litellm_params: {model: openai/x}}]",
            "`model_nme` is there",
        ),
        ("model_list: [{model_name: a}]", "`litellm_params` is missing"),
        ("model_list: [a]", "must be a mapping"),
        ("model_list: {a: b}", "must be a list"),
        ("model_list: [{model_name: a, litellm_params: [x]}]", "must be a mapping"),
        (
            params("model: openai/x", "router_setings: {}"),
            "did you mean `router_settings`?",
        ),
        (
            params("model: openai/x", "router_settings: {num_retreis: 1}"),
            "`num_retries`",
        ),
        (
            params(
                "model: openai/x", "router_settings: {routing_strategy: least-buzy}"
            ),
            "`least-busy`",
        ),
        (
            params("model: openai/x", "router_settings: {num_retries: many}"),
            "whole number",
        ),
        (
            params("model: openai/x", "router_settings: {allowed_fails: -1}"),
            "whole number",
        ),
        (
            params("model: openai/x", "router_settings: {cooldown_time: x}"),
            "number of seconds",
        ),
        (
            params("model: openai/x", "router_settings: {fallbacks: [a]}"),
            "alias: [alias",
        ),
        (
            params("model: openai/x", "router_settings: {fallbacks: [{a: [b]}]}"),
            "no alias `b`",
        ),
        (
            params("model: openai/x", "router_settings: {model_group_alias: {b: c}}"),
            "no alias `c`",
        ),
        (
            params("model: openai/x", "litellm_settings: {drop_parms: true}"),
            "`drop_params`",
        ),
        (params("model: openai/x", "litellm_settings: [a]"), "must be a mapping"),
        (
            params("model: openai/x", "general_settings: {master_kye: x}"),
            "`master_key`",
        ),
        (
            params("model: openai/x", "general_settings: {master_key: 123}"),
            "must be a text",
        ),
        (
            params(
                "model: openai/x",
                "general_settings: {maximum_spend_logs_retention_period: 3y}",
            ),
            "30d",
        ),
        (
            params("model: openai/x, rpm: many"),
            "model_list[0].litellm_params.rpm: must be a whole number",
        ),
        (params("model: openai/x, timeout: -1"), "more than 0"),
        (params("model: openai/x, api_key: os.environ/NOPE"), "NOPE is not set"),
        (params("model: anthropic/x, api_base: ftp://h"), "http://"),
        (params("model: openai/x, litellm_credential_name: c"), "no credential `c`"),
        (params("model: openai/x, extra_headers: [a]"), "must be a mapping"),
        (params("model: openai/x, extra_body: [a]"), "must be a mapping"),
        (params("model: openai/x, input_cost_per_token: free"), "dollars for one"),
    ],
)
def test_a_mistake_is_told_with_the_names_of_the_foreign_file(
    text: str, words: str
) -> None:
    assert words in told(text)
    assert "l.yaml:" in told(text)


def test_a_file_with_no_models_at_all_is_read() -> None:
    assert read("model_list: []\n").config.models == {}
    assert read("model_list:\n").config.models == {}


def test_a_file_of_settings_alone_is_read() -> None:
    loaded = read("litellm_settings: {drop_params: false}\n")
    assert loaded.source == "litellm"
    assert loaded.config.on_unsupported == "error"


def test_what_is_loaded_can_be_handed_to_a_worker() -> None:
    loaded = read(WHOLE)
    there = pickle.loads(pickle.dumps(loaded))
    assert there.config == loaded.config
    _, two = there.config.models["gpt-4"].deployments
    assert there.secrets.resolve(two.api_key) == CANARY


def test_addresses_are_written_as_ours() -> None:
    assert (
        deployment("model: anthropic/c, api_base: http://h/v1/messages").base_url
        == "http://h/v1"
    )
    assert (
        deployment("model: anthropic/c, api_base: http://h/").base_url == "http://h/v1"
    )
    assert (
        deployment("model: ollama/c, api_base: http://h:11434").base_url
        == "http://h:11434"
    )
    azure = deployment(
        "model: azure/d, api_base: https://r.openai.azure.com/, api_version: v, api_key: os.environ/BASE"
    )
    assert azure.base_url == "https://r.openai.azure.com"
    assert azure.azure.api_version == "v"
    behind = "model: azure/d, api_base: https://apim.example.com/ai/"
    assert deployment(behind).base_url == "https://apim.example.com/ai/openai/v1"
    assert deployment(f"{behind}, api_version: v").base_url == (
        "https://apim.example.com/ai/openai/deployments/{model}?api-version=v"
    )
    foundry = "model: azure_ai/d, api_base: https://r.services.ai.azure.com/models"
    assert deployment(foundry).base_url == "https://r.services.ai.azure.com"
    assert (
        deployment("model: openai/c, base_url: http://h/v1/").base_url == "http://h/v1"
    )


def test_amazon_s_keys_and_places_are_taken() -> None:
    text = """
model_list:
  - model_name: claude
    litellm_params:
      model: bedrock/converse/us.anthropic.claude-sonnet-4-5-20250929-v1:0
      aws_region_name: eu-west-1
      aws_access_key_id: os.environ/MY_ID
      aws_secret_access_key: os.environ/MY_SECRET
      aws_role_name: arn:aws:iam::123456789012:role/models
      aws_session_name: me
  - model_name: near
    litellm_params:
      model: bedrock/us-west-2/amazon.nova-lite-v1:0
      aws_bedrock_runtime_endpoint: https://vpce.example.com
"""
    config = read(text, {"MY_ID": "AKIA", "MY_SECRET": "s"}).config
    (first,) = config.models["claude"].deployments
    assert first.model.startswith("bedrock/converse/us.anthropic")
    assert first.aws is not None
    assert first.aws.region == "eu-west-1"
    assert first.aws.access_key_id == "env:MY_ID"
    assert first.aws.role_arn.endswith("role/models")
    (second,) = config.models["near"].deployments
    assert second.base_url == "https://vpce.example.com"


def test_google_s_and_microsoft_s_identities_are_taken() -> None:
    text = """
model_list:
  - model_name: gemini
    litellm_params:
      model: vertex_ai/gemini-2.5-pro
      vertex_project: my-project
      vertex_location: europe-west4
      vertex_credentials: /run/secrets/google.json
  - model_name: claude
    litellm_params:
      model: vertex_ai/claude-sonnet-4-5@20250929
      vertex_credentials: os.environ/GOOGLE_JSON
  - model_name: gpt
    litellm_params:
      model: azure/my-deployment
      api_base: https://r.openai.azure.com
      api_version: "2024-10-21"
      tenant_id: t
      client_id: os.environ/CLIENT
      client_secret: os.environ/SECRET
    model_info:
      base_model: azure/gpt-4o
  - model_name: token
    litellm_params:
      model: azure/gpt-4o
      api_base: https://r.openai.azure.com
      azure_ad_token: os.environ/SECRET
litellm_settings:
  vertex_project: of-all
"""
    environ = {"GOOGLE_JSON": '{"project_id": "p"}', "CLIENT": "c", "SECRET": "s3cret"}
    with pytest.raises(ConfigError, match=r"google\.json.*No such file"):
        read(text, environ)
    text = text.replace("/run/secrets/google.json", "os.environ/GOOGLE_JSON")
    config = read(text, environ).config
    (gemini,) = config.models["gemini"].deployments
    assert gemini.google is not None
    assert gemini.google.project == "my-project"
    assert gemini.google.location == "europe-west4"
    assert gemini.google.credentials == "env:GOOGLE_JSON"
    (claude,) = config.models["claude"].deployments
    assert claude.google is not None
    assert claude.google.location == "us-central1", "LiteLLM's default, not ours"
    assert config.providers["vertex_ai"].google is not None
    assert config.providers["vertex_ai"].google.project == "of-all"
    (gpt,) = config.models["gpt"].deployments
    assert gpt.azure is not None
    assert (gpt.azure.tenant_id, gpt.azure.client_id) == ("t", "c")
    assert gpt.azure.client_secret == "env:SECRET"
    assert gpt.azure.api_version == "2024-10-21"
    assert gpt.base_model == "azure/gpt-4o"
    (token,) = config.models["token"].deployments
    assert token.azure is not None
    assert token.azure.token == "env:SECRET"


def test_a_bare_model_goes_where_it_is_at_home() -> None:
    assert deployment("model: gpt-4o").model == "openai/gpt-4o"
    assert deployment("model: claude-3").model == "anthropic/claude-3"
    assert deployment("model: my-own, api_base: http://h").model == "openai/my-own"
    assert (
        deployment("model: acme/llama, api_base: http://h").model == "openai/acme/llama"
    )


def test_a_wildcard_for_everything_is_one_for_every_key() -> None:
    text = "model_list: [{model_name: '*', litellm_params: {model: '*'}}]"
    assert list(read(text).config.models) == ["openai/*", "anthropic/*"]
    loaded = read(text, {})
    assert loaded.config.models == {}
    assert [n.kind for n in loaded.notes] == ["unsupported"]


def test_values_in_the_file_are_taken_with_a_warning_and_never_shown() -> None:
    loaded = read(
        params(
            f"model: openai/x, api_key: {CANARY}",
            f"general_settings: {{master_key: {CANARY}}}",
        )
    )
    assert [n.path for n in loaded.notes if n.kind == "warning"][:2] == [
        "model_list[0].litellm_params.api_key",
        "general_settings.master_key",
    ]
    assert CANARY not in "\n".join(map(str, loaded.notes)) + repr(loaded)
    assert loaded.secrets.resolve(loaded.config.keys.master) == CANARY


def test_own_variables_win() -> None:
    loaded = read(
        params(
            "model: openai/x, api_key: os.environ/OPENAI_API_KEY",
            f"environment_variables: {{OPENAI_API_KEY: {CANARY}}}",
        )
    )
    assert (
        loaded.secrets.resolve(loaded.config.models["a"].deployments[0].api_key)
        == CANARY
    )
    assert CANARY not in repr(loaded)


def test_credentials_by_name_are_looked_up() -> None:
    text = params(
        "model: openai/x, litellm_credential_name: c",
        "credential_list: [{credential_name: c, credential_values: {api_key: os.environ/MASTER, api_base: http://h}}]",
    )
    one = read(text).config.models["a"].deployments[0]
    assert (one.api_key, one.base_url) == ("env:MASTER", "http://h")


def test_shuffling_goes_by_rate_where_no_weight_is_given() -> None:
    text = "model_list:\n" + "".join(
        f"  - {{model_name: a, litellm_params: {{model: openai/x{n}, rpm: {n}}}}}\n"
        for n in (10, 30)
    )
    assert [d.weight for d in read(text).config.models["a"].deployments] == [10, 30]


def test_included_files_are_merged(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "main.yaml").write_text(
        "include: [more/b.yaml]\n"
        + params("model: openai/x", "litellm_settings: {drop_params: false}")
    )
    (tmp_path / "more" / "b.yaml").write_text(
        "include: [c.yaml]\nmodel_list:\n  - model_name: b\n    litellm_params: {model: openai/y}\n"
    )
    (tmp_path / "more" / "c.yaml").write_text(
        "litellm_settings:\n  drop_params: true\n"
    )
    loaded = load(tmp_path / "main.yaml", ENV)
    assert list(loaded.config.models) == ["a", "b"]
    assert loaded.config.on_unsupported == "drop"
    (tmp_path / "more" / "b.yaml").write_text(
        "model_list:\n  - model_name: b\n    litellm_params: {modle: openai/y}\n"
    )
    with pytest.raises(ConfigError, match=r"b\.yaml:3:21"):
        load(tmp_path / "main.yaml", ENV)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("[nope.yaml]", "cannot be read"),
        ("[main.yaml]", "included twice"),
        ("x", "must be a list"),
        ("[bad.yaml]", "no YAML"),
        ("[list.yaml]", "must be a mapping"),
    ],
)
def test_what_cannot_be_included_is_told(
    tmp_path: Path, names: str, words: str
) -> None:
    (tmp_path / "main.yaml").write_text(
        f"include: {names}\n" + params("model: openai/x")
    )
    (tmp_path / "bad.yaml").write_text("a: [")
    (tmp_path / "list.yaml").write_text("[a]")
    with pytest.raises(ConfigError, match=words):
        load(tmp_path / "main.yaml", ENV)


def test_what_is_written_is_a_file_of_ours_that_means_the_same() -> None:
    text = native_yaml(imported(WHOLE), ENV)
    assert CANARY not in text
    assert "OPENAI_API_KEY_2" in text, (
        "the key that stood in the file has another value"
    )
    native = loads(text, "n.yaml", ENV | {"OPENAI_API_KEY_2": CANARY})
    foreign = read(WHOLE)
    assert native.source == "native"
    both = [native, foreign]
    resolved = [
        [
            x.secrets.resolve(d.api_key)
            for m in x.config.models.values()
            for d in m.deployments
        ]
        for x in both
    ]
    assert resolved[0] == resolved[1]
    plain = [
        {
            name: [msgspec.structs.replace(d, api_key="") for d in m.deployments]
            for name, m in x.config.models.items()
        }
        for x in both
    ]
    assert plain[0] == plain[1]
    for section in (
        "routing",
        "retries",
        "timeouts",
        "cooldown",
        "logs",
        "records",
        "server",
    ):
        assert getattr(native.config, section) == getattr(foreign.config, section)


def test_what_was_lost_stands_at_the_top_of_what_is_written() -> None:
    text = native_yaml(imported(WHOLE), ENV)
    head = text.partition("\n\n")[0]
    assert "tags" in head
    assert "redis_host" in head
    assert "runwayml" in head


def test_a_strategy_of_theirs_has_one_of_ours() -> None:
    for name, (ours, _) in tables.STRATEGIES.items():
        text = params(
            "model: openai/x", f"router_settings: {{routing_strategy: {name}}}"
        )
        assert read(text).config.routing.strategy == ours


def test_no_key_is_both_taken_and_unsupported() -> None:
    for handlers, unsupported in (
        (tables.ROUTER, keys.ROUTER_UNSUPPORTED),
        (tables.SETTINGS, keys.SETTINGS_UNSUPPORTED),
    ):
        assert not handlers.keys() & unsupported.keys()
    for table in (
        keys.ROUTER_UNSUPPORTED,
        keys.SETTINGS_UNSUPPORTED,
        keys.GENERAL_UNSUPPORTED,
        keys.PARAMS_UNSUPPORTED,
    ):
        assert all(table.values())


def test_prefixes_of_litellm_that_we_serve_are_in_our_table() -> None:
    for name in (
        "openai",
        "anthropic",
        "gemini",
        "azure",
        "mistral",
        "groq",
        "ollama",
        "hosted_vllm",
    ):
        assert name in keys.PROVIDERS
        assert find(name) is not None


@needs_shared
def test_the_configuration_of_the_benchmark_is_read() -> None:
    loaded = load(SHARED / "bench" / "peers" / "litellm.yaml", {})
    assert len(loaded.config.models) == 6
    assert not [
        n
        for n in loaded.notes
        if n.kind == "unsupported" and "disable_error_logs" not in n.path
    ]


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 10**6)
    | st.floats(-1, 1e6)
    | st.sampled_from(["a", "openai/x", "os.environ/NOPE", "*", "30d", "${X}"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["a", "model", "*", "x y"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
SECTIONS: dict[str, list[str]] = {
    "router_settings": sorted(tables.ROUTER),
    "litellm_settings": sorted(tables.SETTINGS),
    "general_settings": sorted(tables.GENERAL),
}
PARAMS = [
    "api_base",
    "api_key",
    "rpm",
    "timeout",
    "max_retries",
    "organization",
    "extra_headers",
    "drop_params",
    "additional_drop_params",
    "extra_body",
    "input_cost_per_token",
    "temperature",
    "custom_llm_provider",
    "litellm_credential_name",
]


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_no_value_breaks_the_importer(data: st.DataObject) -> None:
    section = data.draw(
        st.sampled_from([*SECTIONS, "litellm_params", "model_info", "top"])
    )
    value = data.draw(ANYTHING)
    entry: dict[str, Any] = {"model_name": "a", "litellm_params": {"model": "openai/x"}}
    document: dict[str, Any] = {"model_list": [entry]}
    if section in SECTIONS:
        document[section] = {data.draw(st.sampled_from(SECTIONS[section])): value}
    elif section == "litellm_params":
        entry[section] |= {data.draw(st.sampled_from(["model", *PARAMS])): value}
    elif section == "model_info":
        entry[section] = value
    else:
        document[
            data.draw(
                st.sampled_from(
                    [
                        "model_list",
                        "environment_variables",
                        "credential_list",
                        "include",
                        *SECTIONS,
                    ]
                )
            )
        ] = value
    out = io.StringIO()
    YAML(typ="safe", pure=True).dump(document, out)
    try:
        loads(out.getvalue(), "/nowhere/l.yaml", ENV)
    except ConfigError as error:
        assert all(p.line > 0 for p in error.problems), str(error)
        return
    text = native_yaml(import_litellm(parse(out.getvalue(), "l.yaml"), ENV), ENV)
    loads(text, "n.yaml", demand=False)


def test_prices_by_the_piece_are_kept_too() -> None:
    costs = (
        "output_cost_per_image: 0.04, input_cost_per_query: 0.002,"
        " input_cost_per_second: 0.0001, input_cost_per_character: 0.000015"
    )
    price = deployment(f"model: openai/x, {costs}").price
    assert price is not None
    assert (price.image, price.search) == (0.04, 0.002)
    assert (price.audio_minute, price.character) == (0.006, 15)
