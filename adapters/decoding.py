"""How a streamed answer is read to its end, whatever its grammar."""

from abc import ABC, abstractmethod

from adapters.errors import UpstreamError
from adapters.normal.delta import Failed, Frame


class Reading(ABC):
    """A `Decoder` of one stream, without its grammar: nothing is read after the end,
    and what a subclass raises comes as a last frame, after those that came before."""

    __slots__ = ("_over",)

    def __init__(self) -> None:
        self._over = False
        """A subclass may say so before the end of the file."""

    def feed(self, data: bytes) -> list[Frame]:
        """Frames that are complete with `data`; the last one may be `Failed`."""
        frames: list[Frame] = []
        if self._over:
            return frames
        try:
            self._take(data, frames)
        except UpstreamError as error:
            self._over = True
            frames.append(Frame(b"", (Failed(error),)))
        return frames

    def close(self) -> list[Frame]:
        """The last frames; `Failed` unless the answer had come to its own end."""
        frames: list[Frame] = []
        if self._over:
            return frames
        try:
            self._finish(frames)
        except UpstreamError as error:
            frames.append(Frame(b"", (Failed(error),)))
        self._over = True
        return frames

    @abstractmethod
    def _take(self, data: bytes, frames: list[Frame]) -> None:
        """Add what is complete with `data`, one by one: what was added before it raises
        counts."""

    @abstractmethod
    def _finish(self, frames: list[Frame]) -> None:
        """Add what is left at the end of the file.

        Raises:
            Garbled: the answer's own end is missing.
        """
