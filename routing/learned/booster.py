"""LightGBM's C library on buffers made once, without its Python package.

Importing that package would bring scipy and more: tens of megabytes and half a second
for one function of the library.
"""

import ctypes
import functools
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from routing.learned.paths import longest

_FLOAT32: Final = 0
_ROW_MAJOR: Final = 1
_PLAIN: Final = 0
"""Of LGBM_BoosterPredictForMat: probabilities, not raw scores or leaves."""
_PARAMETERS: Final = b"num_threads=1 predict_disable_shape_check=false"
MOST_STEPS: Final = 1_000_000
"""Of one call of the library, from node to node: a tenth of a second where the memory
is asked at every one."""
_NAMES: Final = {"darwin": "lib_lightgbm.dylib", "win32": "lib_lightgbm.dll"}


class BoosterError(Exception):
    """The library cannot be had, or does not take the model."""


class TooLate(Exception):
    """Whoever asked would wait no longer."""


class Booster:
    """A trained model; rows are written to `rows`, then asked for with `predict`.

    Not thread-safe: its buffers are one caller's.
    """

    def __init__(self, text: str, columns: int, most: int) -> None:
        """`most` rows of `columns` numbers are asked for at once.

        Raises:
            BoosterError: it is no model, or of other columns.
            TooLate: it could not answer for one row in a tenth of a second.
        """
        try:
            steps = longest(text, columns)
        except ValueError as error:
            raise BoosterError(str(error)) from None
        if steps > MOST_STEPS:
            raise TooLate(f"a row may walk {steps} steps, {MOST_STEPS} are allowed")
        self.at_once = max(1, MOST_STEPS // max(steps, 1))
        """Rows that are not too much for one call."""
        self._library = _library()
        self._handle = ctypes.c_void_p()
        trees = ctypes.c_int()
        self._check(
            self._library.LGBM_BoosterLoadModelFromString(
                text.encode(), ctypes.byref(trees), ctypes.byref(self._handle)
            )
        )
        wanted = ctypes.c_int()
        self._check(
            self._library.LGBM_BoosterGetNumFeature(self._handle, ctypes.byref(wanted))
        )
        if wanted.value != columns:
            raise BoosterError(f"{wanted.value} columns where {columns} are given")
        self.rows: npt.NDArray[np.float32] = np.zeros((most, columns), np.float32)
        self._out: npt.NDArray[np.float64] = np.zeros(most, np.float64)
        self._count = ctypes.c_int64()
        self._columns = ctypes.c_int32(columns)
        self._whole = self._at(0)

    def _at(self, row: int) -> tuple[Any, Any]:
        """Arguments of the library: what is read, and where the answer goes."""
        return (
            (
                self._handle,
                ctypes.c_void_p(self.rows[row:].ctypes.data),
                ctypes.c_int(_FLOAT32),
            ),
            (
                self._columns,
                ctypes.c_int(_ROW_MAJOR),
                ctypes.c_int(_PLAIN),
                ctypes.c_int(0),
                ctypes.c_int(-1),
                ctypes.c_char_p(_PARAMETERS),
                ctypes.byref(self._count),
                self._out[row:].ctypes.data_as(ctypes.POINTER(ctypes.c_double)),
            ),
        )

    def predict(
        self, count: int, late: Callable[[], bool] | None = None
    ) -> npt.NDArray[np.float64]:
        """Of the first `count` of `rows`; good until the next call. Between groups of
        rows, where these are much work, is asked whether it is too `late`.

        Raises:
            TooLate: it was.
        """
        most = self.at_once
        if count <= most:
            self._ask(self._whole, count)
            return self._out[:count]
        for row in range(0, count, most):
            if late is not None and late():
                raise TooLate(f"it was stopped after {row} of {count} models")
            self._ask(self._at(row), min(most, count - row))
        return self._out[:count]

    def _ask(self, at: tuple[Any, Any], count: int) -> None:
        before, after = at
        self._check(
            self._library.LGBM_BoosterPredictForMat(
                *before, ctypes.c_int32(count), *after
            )
        )

    def _check(self, code: int) -> None:
        if code:
            said = self._library.LGBM_GetLastError()
            raise BoosterError(said.decode(errors="replace"))

    def __del__(self) -> None:
        handle = getattr(self, "_handle", None)
        if handle:
            self._library.LGBM_BoosterFree(handle)


@functools.cache
def _library() -> ctypes.CDLL:
    found = importlib.util.find_spec("lightgbm")
    if found is None or found.origin is None:
        raise BoosterError("LightGBM is not installed")
    home = Path(found.origin).parent
    name = _NAMES.get(sys.platform, "lib_lightgbm.so")
    for folder in ("lib", "bin", "."):
        path = home / folder / name
        if path.exists():
            try:
                library = ctypes.CDLL(str(path))
            except OSError as error:
                # libgomp is the system's; slim images come without it.
                raise BoosterError(f"{name} cannot be loaded: {error}") from None
            library.LGBM_GetLastError.restype = ctypes.c_char_p
            return library
    raise BoosterError(f"{name} is not in {home}")
