"""Heads that look at a prompt's inputs alone: one small function each.

`Inputs` are the embedding, the marks of form and the domains, as `Model` makes them.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Get = Callable[..., Floats]
"""`get(name, *shape)`: an array of the artifact; -1 is any length."""
Head = Callable[[Floats, Floats], Floats]
"""Of inputs (..., inputs) and domains (..., domains): quality (..., models)."""


def svm(get: Get, inputs: int, domains: int, models: int) -> Head:
    """A support vector machine on random Fourier features of the inputs.

    Source: Rahimi and Recht, Random features for large-scale kernel machines (2007).
    """
    frequencies = get("svm_frequencies", inputs, -1)
    phases = get("svm_phases", frequencies.shape[1])
    weights = get("svm_weights", frequencies.shape[1], models)
    bias = get("svm_bias", models)

    def head(x: Floats, domain: Floats) -> Floats:
        margin: Floats = np.cos(x @ frequencies + phases) @ weights + bias
        return sigmoid(margin)

    return head


def mlp(get: Get, inputs: int, domains: int, models: int) -> Head:
    """One hidden layer."""
    first = get("mlp_first", inputs, -1)
    first_bias = get("mlp_first_bias", first.shape[1])
    second = get("mlp_second", first.shape[1], models)
    second_bias = get("mlp_second_bias", models)

    def head(x: Floats, domain: Floats) -> Floats:
        hidden = np.maximum(x @ first + first_bias, np.float32(0.0))
        return sigmoid(hidden @ second + second_bias)

    return head


def mf(get: Get, inputs: int, domains: int, models: int) -> Head:
    """Few traits that prompts ask and models have: a product of two thin matrices."""
    asked = get("mf_asked", inputs, -1)
    had = get("mf_had", asked.shape[1], models)
    bias = get("mf_bias", models)

    def head(x: Floats, domain: Floats) -> Floats:
        traits: Floats = x @ asked
        quality: Floats = traits @ had
        return quality + bias

    return head


def ratings(get: Get, inputs: int, domains: int, models: int) -> Head:
    """Ratings in each domain: the chance to do better than another of the pool."""
    each = get("ratings", domains, models)

    def head(x: Floats, domain: Floats) -> Floats:
        rating = domain @ each
        beats = sigmoid(rating[..., :, None] - rating[..., None, :])
        share: Floats = beats.mean(-1, dtype=np.float32)
        return share

    return head


def hybrid(get: Get, inputs: int, domains: int, models: int) -> Head:
    """The chance to do no worse than the best single model.

    Source: Ding et al., Hybrid LLM: cost-efficient and quality-aware query routing
    (2024), for two models.
    """
    weights = get("hybrid_weights", inputs, models)
    bias = get("hybrid_bias", models)

    def head(x: Floats, domain: Floats) -> Floats:
        return sigmoid(x @ weights + bias)

    return head


KINDS: Final[dict[str, Callable[[Get, int, int, int], Head]]] = {
    "svm": svm,
    "mlp": mlp,
    "mf": mf,
    "ratings": ratings,
    "hybrid": hybrid,
}


def sigmoid(x: Floats) -> Floats:
    """Of each. By the hyperbolic tangent, which never overflows."""
    share: Floats = np.tanh(np.float32(0.5) * x).astype(np.float32, copy=False)
    share += np.float32(1.0)
    share *= np.float32(0.5)
    return share
