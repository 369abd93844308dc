"""What the C library does with memory that was freed."""

import ctypes
import os
import sys
from contextlib import suppress
from typing import Final

_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
"""glibc's numbers, `malloc.h`."""

TRIM_BYTES: Final = 4 * 2**20
LARGE_BYTES: Final = 256 * 2**10
"""The size of pieces in which large bodies come; usual calls are smaller."""


def give_back() -> None:
    """Let blocks of large bodies go back to the system once they are freed.

    By itself glibc counts as small what is smaller than the largest block ever freed
    (up to 32 MiB), and keeps it: a worker would hold on to the most it ever needed,
    until its container is full. Whoever set glibc's variables knows better.
    """
    tuned = "GLIBC_TUNABLES", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"
    if sys.platform != "linux" or any(name in os.environ for name in tuned):
        return
    with suppress(AttributeError, OSError):  # another C library
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_MMAP_THRESHOLD, LARGE_BYTES)
        mallopt(_TRIM_THRESHOLD, TRIM_BYTES)
