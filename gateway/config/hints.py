"""What to say beside a mistake, so that it is mended at the first try."""

import re
from collections.abc import Mapping
from typing import Any, Final, get_args

import msgspec

from gateway.config.problem import Path, did_you_mean, dotted, quoted
from gateway.config.schema import Config
from gateway.config.secrets import has_expansion
from gateway.config.section import Section

_KEY: Final = re.compile(
    r"^(Bearer |Basic |sk-|AIza|AKIA|gh[pousr]_|xox|hf_|gsk_|eyJ)|[A-Za-z0-9_+=-]{28}"
)
_ELSEWHERE: Final = {
    "api_base": "base_url",
    "endpoint": "base_url",
    "url": "base_url",
    "apikey": "api_key",
    "key": "api_key",
    "token": "api_key",
    "secret": "api_key",
    "extra_headers": "headers",
    "priority": "order",
    "model_name": "model",
    "timeout": "timeouts: {total_s: ...}",
    "request_timeout": "timeouts: {total_s: ...}",
    "max_retries": "retries: {attempts: ...}",
    "num_retries": "retries: {attempts: ...}",
    "max_parallel_requests": "max_parallel",
    "master_key": "keys: {master: ...}",
    "aliases": "models",
    "model": "models",
    "logging": "logs",
    "database": "store",
    "tracing": "telemetry: {traces: ...}",
    "metrics": "telemetry: {metrics: ...}",
    "routing_strategy": "strategy",
}
"""Other gateways' words for what we call otherwise."""


def unknown_key(
    key: str, cls: type[Section], fields: Mapping[str, msgspec.structs.FieldInfo]
) -> str:
    """What a key may have been meant to be, or where it belongs."""
    other = _ELSEWHERE.get(key.lower().replace("-", "_"))
    if other is not None and other.split(":")[0] in fields:
        return f"it is called `{other}` here"
    near = did_you_mean(key, fields)
    if near:
        return near
    if other is not None and ":" in other:
        return f"it is called `{other}`"
    homes = sorted(_homes(key, Config, ()))
    if homes and cls is not Section:
        return f"it belongs under `{homes[0]}`"
    return f"known here: {', '.join(fields)}"


def _homes(key: str, cls: type[Section], path: Path) -> list[str]:
    """Sections that have a field of this name."""
    found: list[str] = []
    for field in msgspec.structs.fields(cls):
        if field.encode_name == key and path:
            found.append(dotted(path))
        section = section_of(field.type)
        if section is not None:
            found += _homes(key, section, (*path, field.encode_name))
    return found


def section_of(hint: Any) -> type[Section] | None:
    """The section inside a type: of a list, a mapping, an optional one."""
    if isinstance(hint, type) and issubclass(hint, Section):
        return hint
    for arg in get_args(hint):
        found = section_of(arg)
        if found is not None:
            return found
    return None


def wrong_type(want: type, value: Any, path: Path) -> str:
    """How to write what is wanted instead of what is there."""
    if want is dict:
        return _no_mapping(value, path)
    if want is str and isinstance(value, int | float):
        return "put it in quotes"
    if want is list and isinstance(value, str) and value.isprintable():
        brief = len(value) < 40 and not looks_secret(value)
        return f"write [{value}]" if brief else ""
    if want in (int, float) and isinstance(value, str) and value[:1].isdigit():
        return "no quotes, no unit"
    return ""


def _no_mapping(value: Any, path: Path) -> str:
    if not path:
        return "the file must begin with keys such as `models:`"
    if path == ("models",) and isinstance(value, list):
        return "`models` maps each alias to its deployments"
    if "deployments" in path[-2:] and isinstance(value, str):
        return "write `- model: provider/model-id`"
    if path[:1] == ("models",) and len(path) == 2:
        return "write `deployments:` below the alias, then `- model: provider/model-id`"
    return ""


def looks_secret(text: str) -> bool:
    """Whether a text may be a key that stands in the wrong place."""
    return _KEY.search(text) is not None


def shown(value: Any) -> str:
    """A value as messages tell it: never what came out of the environment."""
    if isinstance(value, str):
        if has_expansion(value):
            return f"what {quoted(value)} stands for"
        if looks_secret(value):
            return f"a text of {len(value)} characters"
        return f"the text {quoted(value)}" if value else "an empty text"
    if isinstance(value, bool):
        return str(value).lower()
    kinds = {dict: "a mapping", list: "a list", type(None): "nothing"}
    return kinds.get(type(value)) or quoted(value)
