"""A gateway over the three models that the made-up outcomes know, for the tests of who
decides by what was learned."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.flow.provider import ENV, deployment, whole
from tests.harness.gateway import Running, gateway
from tests.harness.upstream import Upstream

THREE = ("large", "coder", "small")
"""As they stand in a model's list: the dearest first, so that `ordered` takes it."""
PATIENCE = {"otherwise": "ordered", "poll_s": 0.1, "budget_ms": 20_000.0}
"""Options of who decides by an artifact: a busy machine is not at fault."""


@contextmanager
def routed(
    folder: Path,
    strategies: Mapping[str, Any],
    *,
    models: Mapping[str, str] | None = None,
    routing: Mapping[str, Any] | None = None,
    args: tuple[str, ...] = (),
    env: Mapping[str, str] = ENV,
    **more: Any,
) -> Iterator[Running]:
    """Serves `models` (name -> strategy; else one of each strategy's name), each by
    deployments NAME/large, NAME/coder and NAME/small, which answer whatever is asked.
    `routing` and `more`: of the configuration."""
    with Upstream() as up:
        up.on(None, whole())
        config = {
            "models": {
                name: {
                    "strategy": strategy,
                    "deployments": [
                        deployment(up, m, id=f"{name}/{m}", model=f"openai/{m}")
                        for m in THREE
                    ],
                }
                for name, strategy in (models or {n: n for n in strategies}).items()
            },
            "routing": {"strategies": dict(strategies), **(routing or {})},
            **more,
        }
        with gateway(config, folder, args=args, env=env) as running:
            yield running
