"""Names -> kinds of strategies. A new one: a file here and a row below.

Kinds are named by text and imported when a configuration asks for them: who routes by
weight loads no numbers library. Other distributions add theirs by the entry point
group `routeiq.strategies`.
"""

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Final, cast

from routing.contract import Kind

GROUP: Final = "routeiq.strategies"

STRATEGIES: Final[Mapping[str, str]] = {
    "weighted": "weighted:Weighted",
    "ordered": "ordered:Ordered",
    "least_busy": "load:LeastBusy",
    "usage": "load:Usage",
    "latency": "latency:Latency",
    "cheapest": "cost:Cheapest",
    "cost_quality": "quality:CostQuality",
    "floor": "floor:Floor",
    "rules": "rules:Rules",
    "intent": "intent:Intents",
    "affinity": "affinity:Affinity",
    "prompt_cache": "affinity:PromptCache",
    "blend": "blend:Blend",
    "cascade": "conducted:Cascade",
    "external": "external:External",
    "router_r1": "conducted:RouterR1",
    "agentic": "conducted:Agentic",
    "experiment": "experiment:Experiment",
    "explore": "explore:Explore",
    "thompson": "bandit:Thompson",
    "softmax": "bandit:Softmax",
    "linucb": "linucb:LinUcb",
    "elo": "elo:Elo",
    "personalised": "personalised:Personalised",
    "centroid": "centroid:Centroid",
    "gbdt": "learned:Gbdt",
    "ridge": "learned:Ridge",
    "knn": "learned:Knn",
    "logistic": "learned:Logistic",
    "svm": "learned:Svm",
    "mlp": "learned:Mlp",
    "mf": "learned:Mf",
    "ratings": "learned:Ratings",
    "hybrid": "hybrid:Hybrid",
}
"""Kind -> module beside this one, and its class."""


def kind(name: str) -> Kind:
    """The class of a kind.

    Raises:
        LookupError: there is none of that name, or a plug-in does not load.
    """
    if name in STRATEGIES:
        module, _, cls = STRATEGIES[name].partition(":")
        return cast(Kind, getattr(import_module(f"routing.strategies.{module}"), cls))
    for entry in entry_points(group=GROUP, name=name):
        try:
            return cast(Kind, entry.load())
        except (ImportError, AttributeError) as error:
            raise LookupError(f"the plug-in {entry.value} does not load") from error
    raise LookupError(f"there is no kind of strategy {name!r}")


def kinds() -> list[str]:
    """Every name that `kind` knows."""
    plugged = {entry.name for entry in entry_points(group=GROUP)}
    return sorted({*STRATEGIES, *plugged})
