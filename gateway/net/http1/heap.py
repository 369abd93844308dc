"""What the C library does with memory that was freed."""

import asyncio
import ctypes
import os
import sys
from pathlib import Path
from typing import Any, Final

_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
"""glibc's numbers, `malloc.h`."""

TRIM_BYTES: Final = 4 * 2**20
LARGE_BYTES: Final = 256 * 2**10
"""The size of pieces in which large bodies come; usual calls are smaller."""

EVERY_S: Final = 5.0
GROWN_BYTES: Final = 32 * 2**20
"""More than the least it ever had, from which on that is worth the while."""
_statm: Final = Path("/proc/self/statm")


def give_back() -> None:
    """Let blocks of large bodies go back to the system once they are freed.

    By itself glibc counts as small what is smaller than the largest block ever freed
    (up to 32 MiB), and keeps it: a worker would hold on to the most it ever needed,
    until its container is full. Whoever set glibc's variables knows better.
    """
    libc = _glibc()
    if libc is not None:
        libc.mallopt(_MMAP_THRESHOLD, LARGE_BYTES)
        libc.mallopt(_TRIM_THRESHOLD, TRIM_BYTES)


async def keep_small() -> None:
    """Give back what many small pieces leave behind, now and then, for ever.

    Free memory below a block in use stays with the process until it is asked for: a
    tenth of a millisecond for each MiB that goes, in a thread, and next to nothing
    where none does. Nobody can tell beforehand: it still counts as the process's.
    """
    libc = _glibc()
    if libc is None:
        return
    least = _resident()
    while True:
        await asyncio.sleep(EVERY_S)
        if _resident() - least > GROWN_BYTES:
            await asyncio.to_thread(libc.malloc_trim, 0)
        least = min(least, _resident())


def _glibc() -> Any:
    """The library; `None` for another one, and where somebody has tuned it."""
    tuned = "GLIBC_TUNABLES", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"
    if sys.platform != "linux" or any(name in os.environ for name in tuned):
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None


def _resident() -> int:
    return int(_statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
