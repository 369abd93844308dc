"""Names -> strategies. A new one: a file here and a row below."""

import random
from collections.abc import Callable, Mapping
from typing import Final

from routing.contract import Strategy
from routing.strategies.cost import Cheapest
from routing.strategies.load import Latency, LeastBusy
from routing.strategies.ordered import Ordered
from routing.strategies.weighted import Weighted

STRATEGIES: Final[Mapping[str, Callable[[random.Random], Strategy]]] = {
    "weighted": Weighted,
    "ordered": lambda _: Ordered(),
    "least_busy": LeastBusy,
    "latency": Latency,
    "cheapest": lambda _: Cheapest(),
}
