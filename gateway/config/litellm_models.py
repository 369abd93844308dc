"""LiteLLM's `model_list`: entries with `litellm_params` and `model_info`.

Source: the typed fields of LiteLLM 1.109 (`LiteLLMParamsTypedDict`, `ModelInfo`).
"""

from typing import Any, Final

from adapters.providers import find
from gateway.config import litellm_clouds
from gateway.config.found import found_keys
from gateway.config.litellm_draft import Draft, Handler
from gateway.config.litellm_keys import (
    ENTRY_UNSUPPORTED,
    INFO_UNSUPPORTED,
    PARAMS_UNSUPPORTED,
    PROVIDERS,
    REQUEST_FIELDS,
)
from gateway.config.names import guess
from gateway.config.problem import Path, did_you_mean, nearest, quoted

MILLION: Final = 1_000_000

_PRICES: Final = {
    "input_cost_per_token": ("input", MILLION),
    "output_cost_per_token": ("output", MILLION),
    "cache_read_input_token_cost": ("cached", MILLION),
    "cache_creation_input_token_cost": ("cache_write", MILLION),
    "cache_creation_input_token_cost_above_1hr": ("cache_write_1h", MILLION),
    "output_cost_per_reasoning_token": ("reasoning", MILLION),
    "input_cost_per_audio_token": ("audio_input", MILLION),
    "output_cost_per_audio_token": ("audio_output", MILLION),
    "input_cost_per_image_token": ("image_input", MILLION),
    "output_cost_per_image_token": ("image_output", MILLION),
    "input_cost_per_character": ("character", MILLION),
    "output_cost_per_image": ("image", 1),
    "input_cost_per_request": ("request", 1),
    "input_cost_per_query": ("search", 1),
    "input_cost_per_second": ("audio_minute", 60),
}
"""LiteLLM's dollars for one -> our name, and for how many of them ours is."""
_EACH: Final = {MILLION: "per million", 1: "for each", 60: "per minute"}

_NO_KEYS: Final = frozenset({"none", "null", "empty", "dummy", "fake", "not-needed"})
"""What people write where a server wants no key."""

_NUMBERS: Final = {
    "rpm": "rpm",
    "tpm": "tpm",
    "weight": "weight",
    "order": "order",
    "max_parallel_requests": "max_parallel",
}


def take_models(draft: Draft, value: Any, path: Path) -> None:
    """The whole list, alias by alias."""
    if not isinstance(value, list):
        draft.problem(path, "must be a list of models", "- model_name: ...")
        return
    draft.put(("models",), {}, path)
    for i, entry in enumerate(value):
        _Entry(draft, (*path, i)).take(entry)
    _weigh_by_rate(draft)


class _Entry:
    """One entry on its way to a deployment."""

    def __init__(self, draft: Draft, path: Path) -> None:
        self._draft = draft
        self._path = path
        self._at: Path = ()
        self._guessed = False
        self._has_address = False
        self._given: dict[str, Any] = {}

    @property
    def _provider(self) -> str:
        return str(self._draft.at(*self._at, "model")).partition("/")[0]

    def take(self, entry: Any) -> None:
        draft, path = self._draft, self._path
        if not isinstance(entry, dict):
            draft.problem(path, "must be a mapping with model_name and litellm_params")
            return
        name, params = entry.get("model_name"), entry.get("litellm_params")
        missing = [k for k in ("model_name", "litellm_params") if not entry.get(k)]
        for key in missing:
            draft.problem(path, f"`{key}` is missing", _misspelt(key, entry))
        inner = (*path, "litellm_params")
        if params is not None and not isinstance(params, dict):
            draft.problem(inner, "must be a mapping of keys to values")
        if not missing and isinstance(params, dict) and self._begin(str(name), params):
            self._has_address = bool(_address(params))
            self._given = params
            if litellm_clouds.is_google(self._provider):
                litellm_clouds.place(draft, self._at, params, (*inner, "model"))
            self._credential(params)
            draft.walk(params, inner, self._params(), PARAMS_UNSUPPORTED)
            info = (*path, "model_info")
            draft.walk(entry.get("model_info"), info, self._info(), INFO_UNSUPPORTED)
            self._complete_price()
            rest = {k: v for k, v in entry.items() if k not in _TAKEN}
            draft.walk(rest, path, self._outer(), ENTRY_UNSUPPORTED)

    def _begin(self, alias: str, params: dict[str, Any]) -> bool:
        """Whether there is such a provider here; then the deployment is begun."""
        draft, path = self._draft, (*self._path, "litellm_params", "model")
        model = params.get("model")
        if not isinstance(model, str) or not model:
            hint = _misspelt("model", params)
            draft.problem((*self._path, "litellm_params"), "`model` is missing", hint)
            return False
        if alias == "*" and model == "*":
            self._everything(path)
            return False
        custom = params.get("custom_llm_provider")
        provider, _, rest = model.partition("/")
        if isinstance(custom, str) and custom:
            rest = rest if provider == custom else model
            provider = custom
        elif not rest or not _is_provider(provider):
            rest = model
            provider = guess(model) or ("openai" if _address(params) else provider)
            if "/" not in model and guess(model):
                self._guessed = True
        if not _is_provider(provider):
            hint = did_you_mean(provider, PROVIDERS)
            draft.problem(path, f"unknown provider {quoted(provider)}", hint)
            return False
        if find(provider) is None and not _address(params):
            message = f"the provider {quoted(provider)} is not served here yet"
            draft.note("unsupported", path, f"{message}: the entry is left out")
            return False
        if find(provider) is None:
            # Ours is OpenAI-compatible too, whatever LiteLLM calls it.
            provider, self._guessed = "openai", True
        self._open(alias, provider, rest, path)
        return True

    def _everything(self, path: Path) -> None:
        """`*` at `*`: every provider that can be asked, under its own name."""
        found = found_keys(self._draft.secrets)
        for provider, _ in found:
            if self._draft.at("models", f"{provider}/*") is None:
                self._open(f"{provider}/*", provider, "*", path)
        if found:
            self._draft.changed(path, "an alias `provider/*` for every key that is set")
        else:
            message = "no provider's key is set: no alias is made of it"
            self._draft.note("unsupported", path, message)

    def _open(self, alias: str, provider: str, model: str, path: Path) -> None:
        draft = self._draft
        if draft.at("models", alias) is None:
            draft.put(("models", alias), {}, (*self._path, "model_name"))
            draft.put(("models", alias, "deployments"), [], path)
        position = len(draft.at("models", alias, "deployments"))
        self._at = ("models", alias, "deployments", position)
        draft.put(self._at, {}, self._path)
        text = draft.text(f"{provider}/{model}")
        draft.put((*self._at, "model"), text, path)
        if self._guessed:
            draft.changed(path, f"model: taken as {quoted(text)}")
        else:
            draft.mapped(path, "model")
        draft.mapped((*self._path, "model_name"), "alias of the model")

    def _credential(self, params: dict[str, Any]) -> None:
        """`litellm_credential_name`: values of `credential_list`, below one's own."""
        name = params.get("litellm_credential_name")
        if name is None:
            return
        draft, path = self._draft, (*self._path, "litellm_params")
        at = (*path, "litellm_credential_name")
        listed = (draft.source.value or {}).get("credential_list")
        for i, entry in enumerate(listed if isinstance(listed, list) else []):
            if isinstance(entry, dict) and entry.get("credential_name") == name:
                values = entry.get("credential_values")
                own = {k: v for k, v in (values or {}).items() if k not in params}
                where = ("credential_list", i, "credential_values")
                draft.walk(own, where, self._params(), PARAMS_UNSUPPORTED)
                draft.mapped(at, "values of the credential")
                return
        draft.problem(at, f"no credential {quoted(name)} in `credential_list`")

    def _params(self) -> dict[str, Handler]:
        handlers: dict[str, Handler] = {
            "model": lambda *_: None,
            "custom_llm_provider": self._nothing("prefix of model"),
            "litellm_credential_name": lambda *_: None,
            "api_base": self._base_url,
            "aws_bedrock_runtime_endpoint": self._base_url,
            "base_url": self._base_url,
            "api_key": self._api_key,
            "timeout": self._limit("total_s", "limit of the exchange"),
            "stream_timeout": self._limit("first_token_s", "limit to the first token"),
            "max_retries": self._retries,
            "num_retries": self._retries,
            "organization": self._organization,
            "extra_headers": self._headers,
            "headers": self._headers,
            "drop_params": self._drop_params,
            "additional_drop_params": self._drop,
            "extra_body": self._extra_body,
        }
        handlers |= litellm_clouds.handlers(self._at, self._provider)
        handlers |= {key: self._number(ours) for key, ours in _NUMBERS.items()}
        handlers |= {key: self._price(*ours) for key, ours in _PRICES.items()}
        handlers |= {key: self._field(key) for key in REQUEST_FIELDS}
        return handlers

    def _info(self) -> dict[str, Handler]:
        handlers: dict[str, Handler] = {
            "id": self._plain("id"),
            "max_input_tokens": self._number("max_input_tokens"),
            "max_output_tokens": self._number("max_output_tokens"),
            "mode": self._mode,
            "base_model": self._plain("base_model"),
            "rpm": self._number("rpm"),
            "tpm": self._number("tpm"),
        }
        return handlers | {key: self._price(*ours) for key, ours in _PRICES.items()}

    def _outer(self) -> dict[str, Handler]:
        """Keys of the entry itself."""
        known: dict[str, Handler] = dict.fromkeys(_TAKEN, self._nothing(""))
        return known | {key: self._number(key) for key in ("rpm", "tpm")}

    def _put(self, ours: str, value: Any, path: Path) -> None:
        self._draft.put((*self._at, ours), value, path)

    def _nothing(self, ours: str) -> Handler:
        return lambda draft, _, path: draft.mapped(path, ours)

    def _plain(self, ours: str) -> Handler:
        def take(draft: Draft, value: Any, path: Path) -> None:
            self._put(ours, draft.text(value), path)
            draft.mapped(path, ours)

        return take

    def _number(self, ours: str) -> Handler:
        def take(draft: Draft, value: Any, path: Path) -> None:
            if value is not None:
                self._put(ours, draft.number(value), path)
                draft.mapped(path, ours)

        return take

    def _price(self, ours: str, many: int) -> Handler:
        def take(draft: Draft, value: Any, path: Path) -> None:
            number = draft.number(value)
            if isinstance(number, int | float) and not isinstance(number, bool):
                price = round(number * many, 9)
                draft.put((*self._at, "price", ours), price, path)
                draft.mapped(path, f"price.{ours}, {_EACH[many]}")
            elif value is not None:
                draft.problem(path, "must be a number: dollars for one")

        return take

    def _complete_price(self) -> None:
        """Ours wants both directions; LiteLLM takes a missing one for free."""
        price = self._draft.at(*self._at, "price")
        if isinstance(price, dict):
            for name in ("input", "output"):
                price.setdefault(name, 0.0)

    def _field(self, key: str) -> Handler:
        def take(draft: Draft, value: Any, path: Path) -> None:
            draft.put((*self._at, "params", key), draft.text(value), path)
            draft.mapped(path, f"params.{key}, where the client sets none")

        return take

    def _extra_body(self, draft: Draft, value: Any, path: Path) -> None:
        if not isinstance(value, dict):
            draft.problem(path, "must be a mapping of keys to values")
            return
        for key, item in value.items():
            self._field(key)(draft, item, (*path, key))

    def _base_url(self, draft: Draft, value: Any, path: Path) -> None:
        if not value:
            return
        url = draft.text(value)
        if not isinstance(url, str):
            self._put("base_url", url, path)
            return
        url = url.rstrip("/")
        if litellm_clouds.is_azure(self._provider):
            ours = litellm_clouds.azure_address(url, draft.text(self._given))
        else:
            ours = ADDRESSES.get(self._provider, _same)(url)
        self._put("base_url", ours, path)
        if ours == url:
            draft.mapped(path, "base_url")
        else:
            draft.changed(path, f"base_url: {ours}")

    def _api_key(self, draft: Draft, value: Any, path: Path) -> None:
        model = str(draft.at(*self._at, "model"))
        no_key = isinstance(value, str) and value.lower() in _NO_KEYS
        if no_key and self._has_address and model.startswith("openai/"):
            # Under `openai` the key of the environment would go to that server.
            model = "openai_compatible/" + model.removeprefix("openai/")
            self._put("model", model, draft.origin(*self._at, "model"))
            draft.changed(path, f"no key is sent: model: {model}")
            return
        reference = draft.secret(value, path, "the provider's key")
        if reference:
            self._put("api_key", reference, path)
            draft.mapped(path, "api_key")

    def _limit(self, ours: str, meaning: str) -> Handler:
        def take(draft: Draft, value: Any, path: Path) -> None:
            if value is not None:
                draft.put((*self._at, "timeouts", ours), draft.number(value), path)
                draft.changed(path, f"timeouts.{ours}: {meaning}")

        return take

    def _retries(self, draft: Draft, value: Any, path: Path) -> None:
        number = draft.number(value)
        if value is None:
            return
        at = (*self._at[:2], "retries", "per_deployment")
        if isinstance(number, int) and isinstance(draft.at(*at), int):
            number = max(number, draft.at(*at))
        draft.put(at, number, path)
        message = "retries.per_deployment of the alias: the highest of its deployments"
        draft.changed(path, message)

    def _organization(self, draft: Draft, value: Any, path: Path) -> None:
        if value:
            at = (*self._at, "headers", "OpenAI-Organization")
            draft.put(at, draft.text(value), path)
            draft.mapped(path, "headers.OpenAI-Organization")

    def _headers(self, draft: Draft, value: Any, path: Path) -> None:
        if not isinstance(value, dict):
            draft.problem(path, "must be a mapping of header names to values")
            return
        for name, item in value.items():
            text = draft.text(item if isinstance(item, str) else str(item))
            draft.put((*self._at, "headers", name), text, (*path, name))
        draft.mapped(path, "headers")

    def _drop_params(self, draft: Draft, value: Any, path: Path) -> None:
        self._put("on_unsupported", "drop" if value is True else "error", path)
        draft.mapped(path, "on_unsupported")

    def _drop(self, draft: Draft, value: Any, path: Path) -> None:
        names = value if isinstance(value, list) else [value]
        self._put("drop", [n for n in names if isinstance(n, str)], path)
        draft.mapped(path, "drop")

    def _mode(self, draft: Draft, value: Any, path: Path) -> None:
        if value in ("chat", "completion", "embedding"):
            draft.mapped(path, "known of the provider")
        else:
            draft.unsupported(path, "chat, completions and embeddings are served")


def _same(url: str) -> str:
    return url


def _with_v1(url: str) -> str:
    """Of servers that LiteLLM asks below the address, at `/v1/...` or `/api/...`."""
    url = url.removesuffix("/v1/messages").removesuffix("/api")
    return url if url.endswith("/v1") else f"{url}/v1"


ADDRESSES: Final = {
    "anthropic": _with_v1,
}
"""How an `api_base` is written here, where it is not the same."""

_TAKEN: Final = ("model_name", "litellm_params", "model_info")


def _misspelt(key: str, given: dict[str, Any]) -> str:
    near = nearest(key, given)
    return f"{quoted(near)} is there" if near and near != key else ""


def _is_provider(name: str) -> bool:
    return find(name) is not None or name in PROVIDERS


def _address(params: dict[str, Any]) -> object:
    return params.get("api_base") or params.get("base_url")


def _weigh_by_rate(draft: Draft) -> None:
    """LiteLLM's shuffle goes by `rpm`, then `tpm`, where no `weight` is given."""
    for alias, model in draft.native["models"].items():
        deployments = model["deployments"]
        if len(deployments) < 2 or any("weight" in d for d in deployments):
            continue
        for key in ("rpm", "tpm"):
            rates = [d.get(key) for d in deployments]
            if all(_is_rate(r) for r in rates):
                for i, rate in enumerate(rates):
                    at: Path = ("models", alias, "deployments", i)
                    origin = draft.origin(*at, key)
                    draft.put((*at, "weight"), rate, origin)
                    draft.changed(origin, "also the weight, as in LiteLLM's shuffle")
                break


def _is_rate(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0
