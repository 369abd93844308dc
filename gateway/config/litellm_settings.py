"""LiteLLM's `router_settings`, `litellm_settings` and `general_settings`.

Source: `Router.__init__`, `ConfigGeneralSettings` and the settings of LiteLLM 1.109.
"""

import re
from typing import Any, Final

from gateway.config.litellm_clouds import setting
from gateway.config.litellm_draft import Draft, Handler
from gateway.config.problem import Path, did_you_mean, quoted

MIB: Final = 1024 * 1024

STRATEGIES: Final = {
    "simple-shuffle": ("weighted", ""),
    "least-busy": ("least_busy", ""),
    "latency-based-routing": ("latency", ""),
    "cost-based-routing": ("cheapest", ""),
    "usage-based-routing": ("usage", "counted by each process for itself"),
    "usage-based-routing-v2": ("usage", "counted by each process for itself"),
}
"""LiteLLM's strategies -> ours, and what is different."""

_FALLBACKS: Final = (
    "fallbacks",
    "context_window_fallbacks",
    "content_policy_fallbacks",
)
_OWN_CALLBACKS: Final = {
    "prometheus": "`telemetry.metrics`: GET /metrics",
    "otel": "`telemetry`: OTEL_EXPORTER_OTLP_ENDPOINT is honoured",
    "opentelemetry": "`telemetry`: OTEL_EXPORTER_OTLP_ENDPOINT is honoured",
}
_DAYS: Final = re.compile(r"(\d+)([smhdw]|mo)")
_DAY_UNITS: Final = {"s": 86400, "m": 1440, "h": 24, "d": 1}


def _set(
    *native: str, scale: int = 1, said: str = "", changed: bool = False
) -> Handler:
    """A handler that sets a number of ours."""

    def take(draft: Draft, value: Any, path: Path) -> None:
        number = draft.number(value)
        if value is None:
            return
        if scale != 1 and isinstance(number, int | float):
            number = int(number * scale)
        draft.put(native, number, path)
        name = ".".join(native)
        message = f"{name}: {said}" if said else name
        draft.note("changed" if changed else "mapped", path, message)

    return take


def _always(message: str) -> Handler:
    """A handler for what happens here anyway."""
    return lambda draft, _, path: draft.mapped(path, message)


def _strategy(draft: Draft, value: Any, path: Path) -> None:
    if not isinstance(value, str) or value not in STRATEGIES:
        hint = did_you_mean(str(value), STRATEGIES)
        draft.problem(path, f"unknown strategy {quoted(value)}", hint)
        return
    ours, difference = STRATEGIES[value]
    draft.put(("routing", "strategy"), ours, path)
    if difference:
        draft.changed(path, f"routing.strategy: {ours}, {difference}")
    else:
        draft.mapped(path, f"routing.strategy: {ours}")


def _retries(draft: Draft, value: Any, path: Path) -> None:
    number = draft.number(value)
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        draft.problem(path, "must be a whole number, 0 or more")
        return
    # Settled once the fallbacks are known: ours counts them too.
    draft.put(("retries", "attempts"), number + 1, path)


def _allowed_fails(draft: Draft, value: Any, path: Path) -> None:
    number = draft.number(value)
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        draft.problem(path, "must be a whole number, 0 or more")
        return
    draft.put(("cooldown", "failures"), number + 1, path)
    draft.changed(path, "cooldown.failures: one after another, not per minute")


def _cooldown_time(draft: Draft, value: Any, path: Path) -> None:
    number = draft.number(value)
    if isinstance(number, bool) or not isinstance(number, int | float) or number < 0:
        draft.problem(path, "must be a number of seconds, 0 or more")
        return
    for name in ("open_s", "rate_limit_s"):
        draft.put(("cooldown", name), number, path)
    draft.put(("cooldown", "open_max_s"), max(number, 120), path)
    draft.changed(path, "cooldown.open_s and rate_limit_s; a provider's own wish wins")


def _no_cooldowns(draft: Draft, value: Any, path: Path) -> None:
    if value is not True:
        draft.mapped(path, "cooldown is on")
        return
    for name in ("open_s", "rate_limit_s", "credential_s", "quota_s", "not_found_s"):
        draft.put(("cooldown", name), 0, path)
    draft.mapped(path, "every pause of cooldown is 0")


def _fallbacks(kind: str) -> Handler:
    def take(draft: Draft, value: Any, path: Path) -> None:
        entries = value if isinstance(value, list) else [value]
        for i, entry in enumerate(entries):
            inner = (*path, i) if isinstance(value, list) else path
            if entry is None:
                continue
            if not isinstance(entry, dict):
                message = "must be a list of `alias: [alias, ...]`"
                draft.problem(inner, message)
                continue
            for alias, names in entry.items():
                _fall_back(draft, kind, str(alias), names, (*inner, alias))
        draft.mapped(path, f"{kind} of each alias")

    return take


def _fall_back(draft: Draft, kind: str, alias: str, names: Any, path: Path) -> None:
    listed = names if isinstance(names, list) else [names]
    models = draft.at("models") or {}
    if alias == "*":
        _default_fallbacks(draft, names, path)
        return
    if alias not in models:
        hint = did_you_mean(alias, models)
        message = f"no alias {quoted(alias)}: it is left out"
        draft.note("unsupported", path, message, hint)
        return
    for i, name in enumerate(listed):
        at: Path = (*path, i) if isinstance(names, list) else path
        if not isinstance(name, str):
            message = "a fallback with parameters of its own"
            hint = "make an alias with these parameters and name it here"
            draft.note("unsupported", at, f"{message}: it is left out", hint)
        elif name != alias and name not in (draft.at("models", alias, kind) or ()):
            native = ("models", alias, kind)
            if draft.at(*native) is None:
                draft.put(native, [], path)
            draft.put((*native, len(draft.at(*native))), name, at)


def _default_fallbacks(draft: Draft, value: Any, path: Path) -> None:
    if not isinstance(value, list):
        draft.problem(path, "must be a list of aliases")
        return
    for alias, model in (draft.at("models") or {}).items():
        if "fallbacks" not in model:
            _fall_back(draft, "fallbacks", alias, value, path)
    draft.changed(path, "fallbacks of every alias that has none")


def _group_alias(draft: Draft, value: Any, path: Path) -> None:
    if not isinstance(value, dict):
        draft.problem(path, "must be a mapping of alias to alias")
        return
    for name, target in value.items():
        at = (*path, name)
        hidden = isinstance(target, dict) and target.get("hidden") is True
        model = target.get("model") if isinstance(target, dict) else target
        if draft.at("models", str(model)) is None:
            hint = did_you_mean(str(model), draft.at("models") or {})
            draft.problem(at, f"no alias {quoted(model)}", hint)
            continue
        if draft.at("models", name) is not None:
            draft.note("unsupported", at, "there is a model of this name: left out")
            continue
        _copy(draft, str(model), name, at)
        if hidden:
            draft.put(("models", name, "hidden"), True, at)
        draft.changed(at, f"an alias with the deployments of {quoted(model)}")


def _copy(draft: Draft, source: str, name: str, path: Path) -> None:
    draft.put(("models", name), {}, path)
    for key, value in draft.at("models", source).items():
        if key != "deployments":
            draft.put(("models", name, key), value, path)
    draft.put(("models", name, "deployments"), [], path)
    for i, deployment in enumerate(draft.at("models", source, "deployments")):
        own = {k: v for k, v in deployment.items() if k != "id"}
        at: Path = ("models", name, "deployments", i)
        draft.put(at, own, path)
        draft.same_origins(("models", source, "deployments", i), at)


def _parallel(draft: Draft, value: Any, path: Path) -> None:
    for alias, model in (draft.at("models") or {}).items():
        for i, deployment in enumerate(model["deployments"]):
            if "max_parallel" not in deployment:
                at: Path = ("models", alias, "deployments", i, "max_parallel")
                draft.put(at, draft.number(value), path)
    draft.mapped(path, "max_parallel of each deployment")


def _verbose(draft: Draft, value: Any, path: Path) -> None:
    if value is True or str(value).upper() == "DEBUG":
        draft.put(("logs", "level"), "debug", path)
        draft.mapped(path, "logs.level: debug")
    else:
        draft.mapped(path, "logs.level")


def _json_logs(draft: Draft, value: Any, path: Path) -> None:
    draft.put(("logs", "format"), "json" if value is True else "auto", path)
    draft.mapped(path, "logs.format")


def _drop_params(draft: Draft, value: Any, path: Path) -> None:
    draft.put(("on_unsupported",), "drop" if value is True else "error", path)
    draft.mapped(path, "on_unsupported")


def _callbacks(draft: Draft, value: Any, path: Path) -> None:
    names = value if isinstance(value, list) else [value]
    for i, name in enumerate(names):
        at = (*path, i) if isinstance(value, list) else path
        ours = _OWN_CALLBACKS.get(str(name))
        if ours is not None:
            draft.mapped(at, ours)
        elif name is not None:
            hint = "send traces by OTLP: `telemetry.otlp_endpoint`"
            draft.note("unsupported", at, f"{quoted(name)} is not called", hint)
    if not names:
        draft.mapped(path, "none")


def _ca_file(draft: Draft, value: Any, path: Path) -> None:
    if isinstance(value, str) and value:
        draft.put(("egress", "ca_file"), draft.text(value), path)
        draft.mapped(path, "egress.ca_file")
    elif value is False:
        draft.unsupported(
            path, "certificates are always verified; see `egress.ca_file`"
        )
    else:
        draft.mapped(path, "certificates are always verified")


def _master_key(draft: Draft, value: Any, path: Path) -> None:
    reference = draft.secret(value, path, "the master key")
    if reference:
        draft.put(("keys", "master"), reference, path)
        draft.mapped(path, "keys.master")


def _contents(draft: Draft, value: Any, path: Path) -> None:
    draft.put(("records", "content"), value, path)
    draft.mapped(path, "records.content, redacted")


def _no_records(draft: Draft, value: Any, path: Path) -> None:
    draft.put(("records", "enabled"), value is not True, path)
    draft.mapped(path, "records.enabled")


def _retention(draft: Draft, value: Any, path: Path) -> None:
    match = _DAYS.fullmatch(str(value))
    if match is None:
        draft.problem(path, "must be a time such as 30d")
        return
    number, unit = int(match[1]), match[2]
    factor = {"w": 7, "mo": 30}.get(unit)
    days = number * factor if factor else -(-number // _DAY_UNITS[unit])
    draft.put(("records", "keep_days"), days, path)
    draft.changed(path, "records.keep_days, whole days")


_SHARED: Final[dict[str, Handler]] = {
    "num_retries": _retries,
    "allowed_fails": _allowed_fails,
    "cooldown_time": _cooldown_time,
    **{kind: _fallbacks(kind) for kind in _FALLBACKS},
    "default_fallbacks": _default_fallbacks,
    "set_verbose": _verbose,
}

ROUTER: Final[dict[str, Handler]] = {
    # Aliases first: fallbacks may name them.
    "model_group_alias": _group_alias,
    **_SHARED,
    "routing_strategy": _strategy,
    "timeout": _set("timeouts", "total_s"),
    "stream_timeout": _set(
        "timeouts", "first_token_s", said="until the first token", changed=True
    ),
    "retry_after": _set(
        "retries", "backoff_s", said="the first pause; it doubles", changed=True
    ),
    "disable_cooldowns": _no_cooldowns,
    "debug_level": _verbose,
    "enable_pre_call_checks": _always("context windows are always checked"),
    "default_max_parallel_requests": _parallel,
}

SETTINGS: Final[dict[str, Handler]] = {
    "vertex_project": setting("project"),
    "vertex_location": setting("location"),
    **_SHARED,
    "request_timeout": _set("timeouts", "total_s"),
    "drop_params": _drop_params,
    "json_logs": _json_logs,
    "callbacks": _callbacks,
    "success_callback": _callbacks,
    "failure_callback": _callbacks,
    "service_callback": _callbacks,
    "input_callback": _callbacks,
    "ssl_verify": _ca_file,
    "telemetry": _always("nothing is reported to anyone"),
    "turn_off_message_logging": _always("content is kept only with records.content"),
    "disable_token_counter": _always("providers count"),
    "forward_traceparent_to_llm_provider": _always("trace context is passed on"),
}

GENERAL: Final[dict[str, Handler]] = {
    "master_key": _master_key,
    "max_request_size_mb": _set("server", "max_body_bytes", scale=MIB),
    "max_response_size_mb": _set("egress", "max_response_bytes", scale=MIB),
    "user_api_key_cache_ttl": _set("keys", "cache_s"),
    "store_prompts_in_spend_logs": _contents,
    "disable_spend_logs": _no_records,
    "maximum_spend_logs_retention_period": _retention,
    "cancel_on_disconnect": _always("a client that hangs up always cancels"),
    "infer_model_from_keys": _always("`provider/*` for every key that is found"),
}
