"""What the names of models and aliases say."""

from typing import Final, NamedTuple

from adapters.contract import Provider
from adapters.providers import find
from gateway.config.schema import Config, Deployment, ProviderRow

_GUESSES: Final = {
    "gpt-": "openai",
    "o1": "openai",
    "o3": "openai",
    "o4": "openai",
    "text-embedding-": "openai",
    "claude": "anthropic",
    "gemini": "gemini",
    "mistral": "mistral",
    "deepseek": "deepseek",
    "grok": "xai",
    "command": "cohere",
}
"""How a model's name begins -> where it is at home."""


RESPONSES: Final = "responses/"
"""Before a model's name (`openai/responses/gpt-5`), where OpenAI's grammar is spoken:
by its Responses API, whatever the client speaks."""


class Place(NamedTuple):
    """Where a deployment's model is asked."""

    provider: str
    """As the file names it; empty: OpenAI-compatible, at `base_url`."""
    model: str
    known: Provider | None
    row: ProviderRow | None


def place(config: Config, deployment: Deployment) -> Place:
    """The provider and the provider's own model id of a deployment.

    A model whose beginning is no provider's name is all model id, of whatever answers
    at its `base_url`: its provider is empty.
    """
    name, model = deployment.provider, deployment.model
    if not name:
        prefix, slash, rest = model.partition("/")
        if slash and (prefix in config.providers or find(prefix) is not None):
            name, model = prefix, rest
    known = find(name) if name else None
    if known is None or known.family == "openai":
        model = model.removeprefix(RESPONSES)
    return Place(name, model, known, config.providers.get(name))


def matches(pattern: str, name: str) -> bool:
    """Whether a name is one that a wildcard alias stands for."""
    head, _, tail = pattern.partition("*")
    long_enough = len(name) > len(head) + len(tail)
    return long_enough and name.startswith(head) and name.endswith(tail)


def guess(model: str) -> str:
    """The provider a bare model id is at home at; empty when unsure."""
    return next((p for start, p in _GUESSES.items() if model.startswith(start)), "")
