import ssl
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.load import Loaded, loads
from gateway.config.names import matches
from gateway.config.problem import ConfigError

ENV = {"OPENAI_API_KEY": "k", "MASTER": "a-master-key-that-is-long"}


def read(text: str) -> Loaded:
    return loads(text, "f.yaml", ENV)


def told(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(text)
    return str(caught.value)


def alias(name: str, *entries: str, more: str = "") -> str:
    listed = ", ".join(f"{{{e}}}" for e in entries)
    return f"models: {{'{name}': {{deployments: [{listed}]{more}}}}}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (alias("a", "model: gpt-4o"), "did you mean `openai/gpt-4o`?"),
        (alias("a", "model: claude-x"), "did you mean `anthropic/claude-x`?"),
        (alias("a", "model: whatever"), "must be provider/model-id"),
        (alias("a", "model: opnai/gpt-4o"), "did you mean `openai`?"),
        (alias("a", "model: zzzz/gpt-4o"), "name its OpenAI-compatible address"),
        (alias("a", "model: openai/"), "the model id is missing"),
        (alias("a", "model: ''"), "the model id is missing"),
        (alias("a", "model: x, provider: opnai"), "provider: unknown provider"),
        (alias("a", "model: 'openai/*'"), "call the alias `openai/*`"),
        (alias("o/*", "model: 'openai/*/*'"), "wants one in its alias"),
        (alias("*/*", "model: 'openai/*'"), "at most one *"),
        (alias(" a", "model: openai/x"), "without spaces around it"),
        (alias("", "model: openai/x"), "a visible name"),
        (alias("a" * 300, "model: openai/x"), "at most 256"),
        (alias("a", "model: openai/x, id: 'b c'"), "no spaces"),
        (
            alias("a", "model: openai/x, id: b", "model: openai/y, id: b"),
            "is there twice",
        ),
        (alias("a", "model: anthropic/x"), "ANTHROPIC_API_KEY is not set"),
        (alias("a", "model: azure/x, api_key: env:MASTER"), "needs yours"),
        (alias("a", "model: openai/x, base_url: 'localhost:1'"), "begins with http"),
        (alias("a", "model: openai/x, base_url: 'http://h:99999'"), "is no URL"),
        (alias("a", "model: openai/x, base_url: 'http://a b'"), "without spaces"),
        (alias("a", "model: openai/x, headers: {'a b': c}"), "no header's name"),
        (alias("a", 'model: openai/x, headers: {a: "b\\nc"}'), "one line"),
        (
            alias("a", "model: openai/x, params: {messages: []}"),
            "comes from the request",
        ),
        (
            alias("a", "model: openai/x", more=", hedge: {after_s: 1}"),
            "second deployment",
        ),
        (alias("a", "model: openai/x", more=", fallbacks: [a]"), "to itself"),
        (alias("a", "model: openai/x", more=", fallbacks: [demo, demo]"), "twice"),
        (
            alias("a", "model: openai/x", more=", fallbacks: [dmo]"),
            "did you mean `demo`?",
        ),
        (
            alias("a", "model: openai/x", more=", content_policy_fallbacks: [z]"),
            "no alias `z`",
        ),
        (
            "demo: false\n" + alias("a", "model: openai/x", more=", fallbacks: [demo]"),
            "no alias `demo`",
        ),
        ("providers: {own: {family: openai}}", "needs a `base_url`"),
        ("providers: {opena: {family: openai}}", "did you mean `openai`?"),
        ("providers: {own: {base_url: 'http://h', family: opena}}", "must be one of"),
        ("providers: {own: {base_url: 'http://h', auth: 'a b'}}", "no header's name"),
        ("providers: {own: {base_url: 'http://h', proxy: 'socks5://h'}}", "http://"),
        ("providers: {a/b: {base_url: 'http://h'}}", "no slash"),
        ("providers: {own: {base_url: 'http://h', api_key: env:NOPE}}", "NOPE"),
        ("providers: {bedrock: {aws: {access_key_id: env:MASTER}}}", "belong together"),
        ("providers: {bedrock: {aws: {web_identity_token: /f}}}", "set role_arn"),
        ("providers: {bedrock: {aws: {profile: zz}}}", "no AWS profile `zz`"),
        (alias("a", "model: bedrock/x, aws: {profile: zz}"), "no AWS profile `zz`"),
        ("providers: {bedrock: {aws: {sts_endpoint: 'h'}}}", "http"),
        ("server: {host: ''}", "an address or a host name"),
        ("server: {host: 0.0.0.0}", "may spend your providers' keys"),
        ("server: {host: '::'}", "or `open: true`"),
        ("server: {tls: {cert: /no/cert, key: /no/key}}", "is not there"),
        ("retries: {backoff_s: 9}", "more than backoff_max_s"),
        ("cooldown: {open_s: 500}", "more than open_max_s"),
        ("store: {url: 'sqllite:///x'}", "did you mean `sqlite:`?"),
        ("store: {url: 'sqlite:///'}", "the file's name is missing"),
        ("store: {url: 'sqlite:////no/where/x.db'}", "the folder"),
        ("egress: {allow_private: ['10.0.0.0/99']}", "neither a network nor"),
        ("egress: {ca_file: /no/ca.pem}", "is not there"),
        ("telemetry: {otlp_endpoint: 'h:4318'}", "http://"),
        ("telemetry: {metrics_key: env:NOPE}", "NOPE"),
        ("telemetry: {otlp_headers: {a: '${NOPE}'}}", "NOPE"),
    ],
)
def test_a_name_that_leads_nowhere_is_told(text: str, words: str) -> None:
    assert words in told(text)


@pytest.mark.parametrize(
    "text",
    [
        alias("a", "model: mistralai/Mixtral-8x7B, base_url: 'http://h/v1'"),
        alias("a", "model: any/thing, provider: own")
        + "\nproviders: {own: {base_url: 'http://h'}}",
        alias("a", "model: anthropic/x, base_url: 'http://localhost:1'"),
        alias("a", "model: ollama/llama"),
        alias("a", "model: vllm/llama"),
        alias("a", "model: echo/demo"),
        alias("openai/*", "model: 'openai/*'"),
        alias("*", "model: 'openai/*'"),
        alias("gpt-*-x", "model: 'openai/gpt-*'"),
        alias("*", "model: openai/one-for-all"),
        alias("o/*", "model: 'openai/*'", more=", fallbacks: [o/x, demo]"),
        "egress: {allow_private: [10.0.0.0/8, '::1', vllm.internal, '*.svc', localhost]}",
        "store: {url: 'memory:'}",
        "providers: {openai: {base_url: 'https://eu.api.openai.com/v1'}}",
        alias("a", "model: anthropic/x")
        + "\nproviders: {anthropic: {api_key: env:MASTER}}",
    ],
)
def test_what_leads_somewhere_is_accepted(text: str) -> None:
    assert read(text).notes == []


def test_two_aliases_may_fall_back_to_each_other() -> None:
    # One exchange tries each alias once, so a circle ends by itself.
    read(
        "models:\n"
        "  a: {deployments: [{model: openai/x}], fallbacks: [b]}\n"
        "  b: {deployments: [{model: openai/y}], fallbacks: [a]}\n"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "server: {host: 0.0.0.0}\nkeys: {open: true}",
            "may spend your providers' keys",
        ),
        ("keys: {master: '${OPENAI_API_KEY}'}", "fewer than 16"),
        ("server: {workers: 2}\nstore: {url: 'memory:'}", "a memory of its own"),
        (
            alias("a", "model: openai/x, weight: 0", "model: openai/y, weight: 0"),
            "weight 0",
        ),
    ],
)
def test_what_is_legal_and_perhaps_not_meant_is_a_warning(
    text: str, words: str
) -> None:
    (note,) = read(text).notes
    assert note.kind == "warning"
    assert words in note.message
    assert note.line > 0


def test_a_public_address_with_a_master_key_is_no_matter() -> None:
    assert read("server: {host: 0.0.0.0}\nkeys: {master: env:MASTER}").notes == []


def test_a_certificate_must_load_with_its_key(tmp_path: Path) -> None:
    authority = trustme.CA()
    pairs = [authority.issue_cert("localhost"), authority.issue_cert("localhost")]
    for i, pair in enumerate(pairs):
        pair.cert_chain_pems[0].write_to_path(str(tmp_path / f"{i}.crt"))
        pair.private_key_pem.write_to_path(str(tmp_path / f"{i}.key"))

    def text(cert: int, key: int) -> str:
        return f"server: {{tls: {{cert: {tmp_path}/{cert}.crt, key: {tmp_path}/{key}.key}}}}"

    assert read(text(0, 0)).config.server.tls is not None
    assert "do not load" in told(text(0, 1))
    (tmp_path / "1.key").write_text("no key at all")
    assert "do not load" in told(text(1, 1))
    assert ssl.create_default_context()


def test_a_mistake_is_not_told_a_second_time_by_what_follows_from_it() -> None:
    text = "models:\n  a:\n    deployments:\n      - {model: openai/x, weight: heavy}\n      - modl: openai/y\n    hedge: {after_s: 1}\n"
    assert told(text).count("\n") == 2, "weight; modl unknown; model missing"


@given(st.text("abc*", max_size=5), st.text("abc", min_size=1, max_size=6))
def test_a_wildcard_stands_for_at_least_one_character(pattern: str, name: str) -> None:
    if pattern.count("*") != 1:
        return
    head, _, tail = pattern.partition("*")
    expected = any(
        head + name[i:j] + tail == name
        for i in range(len(name))
        for j in range(i + 1, len(name) + 1)
    )
    assert matches(pattern, name) == expected
