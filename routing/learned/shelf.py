"""The artifact that serves, exchanged for a newer one while requests go on."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from routing.learned.artifact import MANIFEST, ArtifactError, load
from routing.learned.model import Model
from routing.learned.signature import Verifier

EVERY_S: Final = 2.0
"""Between looks at the folder."""
_log = logging.getLogger(__name__)


class Shelf:
    """Holds the last good model of a folder.

    A newer artifact is loaded beside the loop and taken whole: a decision is made by
    the one or by the other. One that must not serve is named in the log, and in
    `fault`, and the last good one goes on.
    """

    def __init__(
        self, folder: Path, verifier: Verifier | None, clock: Callable[[], float]
    ) -> None:
        self._folder = folder
        self._verifier = verifier
        self._clock = clock
        self._seen = self._stamp()
        self._next = clock() + EVERY_S
        self._loading: threading.Thread | None = None
        self._model: Model | None = None
        self.fault = ""
        """Why the newest artifact does not serve; empty: it does."""
        self._load()

    def model(self) -> Model | None:
        """The one to decide with now; `None`: there has been no good one."""
        now = self._clock()
        if now >= self._next:
            self._next = now + EVERY_S
            self._look()
        return self._model

    def _look(self) -> None:
        stamp = self._stamp()
        if stamp == self._seen or (self._loading and self._loading.is_alive()):
            return
        self._seen = stamp
        self._loading = threading.Thread(
            target=self._load, name="routing-artifact", daemon=True
        )
        self._loading.start()

    def _load(self) -> None:
        try:
            found = load(self._folder, self._verifier)
            model = Model(found)
        except ArtifactError as error:
            self.fault = f"{error.kind}: {error}"
            _log.error("routing artifact refused (%s): %s", error.kind, error)
            return
        self.fault = ""
        self._model = model
        _log.info("routing artifact %s serves", found.digest[:12])

    def _stamp(self) -> tuple[int, int]:
        try:
            stat = (self._folder / MANIFEST).stat()
        except OSError:
            return (0, 0)
        return (stat.st_mtime_ns, stat.st_ino)
