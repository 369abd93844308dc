"""What `serve` prints at the start: where it is, and a line that works."""

import json
import shlex
from collections.abc import Sequence
from typing import Final, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from gateway.cli.show import Paint
from gateway.config.found import Found
from gateway.config.load import BUILT_IN, Loaded
from gateway.config.schema import Config
from gateway.config.secrets import variable_in

PLAIN: Final = Paint(on=False)
MASTER: Final = "ROUTEIQ_MASTER_KEY"
OTLP: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
_ANY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - replaced, not bound


def banner(
    loaded: Loaded,
    addresses: Sequence[str],
    found_keys: Sequence[Found],
    version: str = "",
    paint: Paint = PLAIN,
) -> str:
    """The text, without a newline at its end. `addresses` are URLs we listen on."""
    config = loaded.config
    reach = [reachable(a) for a in addresses]
    lines = [paint(f"RouteIQ Gateway {version}".rstrip(), "bold"), ""]
    lines += [_row("address", ", ".join(reach))]
    lines += [_row("file", _file(loaded))]
    lines += [_row("keys found", _found(found_keys, served=not config.models))]
    model = try_model(config, found_keys)
    if reach and model:
        lines += ["", paint("Try it:", "bold"), "  " + curl(loaded, reach[0], model)]
    if reach:
        lines += ["", paint("SDKs:", "bold")]
        lines += [_row("openai", f"base_url={reach[0]}/v1")]
        lines += [_row("anthropic", f"base_url={reach[0]}/anthropic")]
        lines += [_row("google", f"base_url={reach[0]}/genai")]
    on, off = switches(loaded)
    lines += ["", paint("On:", "green"), *(f"  {line}" for line in on)]
    lines += [
        "",
        paint("Off, and how to turn it on:", "yellow"),
        *(f"  {line}" for line in off),
    ]
    return "\n".join(lines)


def reachable(address: str) -> str:
    """An address as this machine's own clients can ask it."""
    parts = urlsplit(address)
    host = _ANY.get(parts.hostname or "", parts.hostname or "")
    host = f"[{host}]" if ":" in host else host
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit((parts.scheme, host + port, "", "", ""))


def try_model(config: Config, found_keys: Sequence[Found]) -> str:
    """A model that answers a first call; empty when none is known by name."""
    if config.demo:
        return "demo"
    named = [n for n, m in config.models.items() if "*" not in n and not m.hidden]
    if named:
        return named[0]
    for pattern in config.models:
        return pattern.replace("*", "MODEL")
    return f"{found_keys[0].provider}/MODEL" if found_keys else ""


def curl(loaded: Loaded, address: str, model: str) -> str:
    """One line for a shell, that asks the model."""
    message = {"role": "user", "content": "Hello!"}
    body = json.dumps({"model": model, "messages": [message]}, ensure_ascii=False)
    words = ["curl", shlex.quote(f"{address}/v1/chat/completions")]
    words += ["-H 'Content-Type: application/json'"]
    master = loaded.config.keys.master
    if master:
        words += [f'-H "Authorization: Bearer ${variable_in(master) or MASTER}"']
    return " ".join([*words, "-d", shlex.quote(body)])


class Switch(NamedTuple):
    """Something that is on or off."""

    is_on: bool
    name: str
    detail: str
    """What is said of it while it is on."""
    how: str
    """How to turn it on."""


def switches(loaded: Loaded) -> tuple[list[str], list[str]]:
    """What is on; what is off, each with how to turn it on."""
    found = _switches(loaded)
    width = max(len(s.name) for s in found)
    on = [f"{s.name:<{width}}  {s.detail}".rstrip() for s in found if s.is_on]
    off = [f"{s.name:<{width}}  {s.how}" for s in found if not s.is_on]
    return on, off


def _switches(loaded: Loaded) -> list[Switch]:
    config, telemetry = loaded.config, loaded.config.telemetry
    traces, models = telemetry.traces, config.models.values()
    endpoint = telemetry.otlp_endpoint or loaded.secrets.variable(OTLP)
    served = "everyone" if config.keys.open else "only this machine"
    return [
        Switch(config.demo, "demo model", "answers by itself", "demo: true"),
        Switch(
            bool(config.keys.master),
            "keys",
            "clients need one",
            f"keys: {{master: env:{MASTER}}}  ({served} is served without)",
        ),
        Switch(
            config.server.tls is not None,
            "TLS",
            "",
            "server: {tls: {cert: ..., key: ...}}",
        ),
        Switch(
            config.records.enabled,
            "records",
            f"in {config.store.url}",
            "records: {enabled: true}",
        ),
        Switch(
            config.records.enabled and config.records.content,
            "content",
            "prompts and answers are recorded, redacted",
            "records: {content: true}",
        ),
        Switch(
            telemetry.metrics, "metrics", "at /metrics", "telemetry: {metrics: true}"
        ),
        Switch(
            traces.enabled and bool(endpoint),
            "traces",
            f"of {traces.sample:.0%} of exchanges, by OTLP",
            f"export {OTLP}=http://localhost:4318"
            if traces.enabled
            else "telemetry: {traces: {enabled: true}}",
        ),
        Switch(
            any(m.fallbacks for m in models),
            "fallbacks",
            "",
            "models: {ALIAS: {fallbacks: [OTHER]}}",
        ),
        Switch(
            any(m.hedge is not None for m in models),
            "hedging",
            "",
            "models: {ALIAS: {hedge: {after_s: 8}}}",
        ),
    ]


def _row(name: str, value: str) -> str:
    return f"  {name:<11} {value}"


def _file(loaded: Loaded) -> str:
    if loaded.path == BUILT_IN:
        return "none, every default (routeiq.yaml here would be read)"
    models = loaded.config.models
    count = sum(len(m.deployments) for m in models.values())
    whose = "LiteLLM's, " if loaded.source == "litellm" else ""
    return f"{loaded.path} ({whose}aliases: {len(models)}, deployments: {count})"


def _found(found_keys: Sequence[Found], *, served: bool) -> str:
    if not found_keys:
        return "none; export OPENAI_API_KEY=... (routeiq providers lists more)"
    if not served:
        return ", ".join(f.variable for f in found_keys)
    return ", ".join(f"{f.variable} ({f.provider}/*)" for f in found_keys)
