"""Upper limits of time, on machines that have other things to do.

That something takes no longer than a second is shown by one run in which it did not; a
run that was late shows only that the machine was busy. So a test that was late, and
nothing worse, is run again:

    @timely
    def test_it_is_quick() -> None:
        began = time.monotonic()
        ...
        at_most(1.0, time.monotonic() - began)

Lower limits hold always and are plain assertions. What is only waited for, to go on, is
waited for long.
"""

import functools
import inspect
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, ParamSpec

P = ParamSpec("P")

RUNS: Final = 5


class Late(AssertionError):
    """Right, but not in time."""


def at_most(limit_s: float, took_s: float) -> None:
    """Raises `Late`; below a test marked `timely`."""
    if took_s >= limit_s:
        raise Late(f"took {took_s:.3f} s of {limit_s:.3f}")


def once_below(limit_s: float, measure: Callable[[], float], what: str) -> None:
    """The same of a single step, measured a few times at most."""
    took: list[float] = []
    for _ in range(3 * RUNS):
        took.append(measure())
        if took[-1] < limit_s:
            return
    raise AssertionError(f"{what}: at best {min(took):.3f} s of {limit_s:.3f}")


def timely(test: Callable[P, Any]) -> Callable[P, Any]:
    """Run the test again, a few times at most, while it is late."""

    @functools.wraps(test)
    def again(*args: P.args, **kwargs: P.kwargs) -> None:
        for _ in range(RUNS - 1):
            with suppress(Late):
                test(*args, **kwargs)
                return
        test(*args, **kwargs)

    @functools.wraps(test)
    async def again_on_a_loop(*args: P.args, **kwargs: P.kwargs) -> None:
        for _ in range(RUNS - 1):
            with suppress(Late):
                await test(*args, **kwargs)
                return
        await test(*args, **kwargs)

    return again_on_a_loop if inspect.iscoroutinefunction(test) else again
