"""The artifact that serves, exchanged for another while requests go on."""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal, NamedTuple

import numpy as np

from routing.learned.artifact import MANIFEST, ArtifactError, load
from routing.learned.booster import TooLate
from routing.learned.model import Model
from routing.learned.registry import POINTER, Live, Registry, RegistryError
from routing.learned.signature import Verifier
from routing.learned.watch import Watch
from routing.text import CAP, Reader

PROBES: Final = (
    "",
    "How many apples are left?",
    "def f(x):\n    return x\n" * 50,
    " ".join(f"word{n} {n}" for n in range(3000)),
    "".join(chr(0x4E00 + n) + chr(0x2190 + n % 3000) for n in range(CAP)),
)
"""Asked of every artifact before it serves: it is warm then, and known to answer, also
where every sign of a long prompt is a word, and another one."""
TRIES: Final = 3
"""At every probe: a machine that is busy for a moment is not the artifact's fault."""
Which = Literal["live", "newest"]
_log = logging.getLogger(__name__)


class Held(NamedTuple):
    """What decides."""

    model: Model
    live: Live | None
    """As it was promoted; `None`: a plain artifact, or not promoted."""
    name: str

    def cascades(self, head: str) -> bool:
        """Whether who asks by this kind may choose cascades: of what was promoted only
        where they were judged."""
        return self.live is None or head in self.live.cascades


class Shelf:
    """Holds the last good model of a folder: an artifact, or a registry of versions.

    Another one is loaded beside the loop and taken whole: a decision is made by the
    one or by the other. One that must not serve is named in the log, and in `fault`,
    and the last good one goes on. A version that `watch` finds at fault is taken out,
    for every process that looks at the registry.
    """

    def __init__(
        self,
        folder: Path,
        verifier: Verifier | None,
        clock: Callable[[], float],
        *,
        head: str,
        which: Which,
        every_s: float,
        budget_s: float,
        watch: Watch,
    ) -> None:
        """`head` is what will be asked for; `budget_s` what an answer may take."""
        self._folder = folder
        self._registry = Registry(folder)
        self._verifier = verifier
        self._clock = clock
        self._head = head
        self._which = which
        self._every_s = every_s
        self._budget_s = budget_s
        self._watch = watch
        self._watched: Live | None = None
        self._lock = threading.Lock()
        self._seen = self._stamp()
        self._next = clock() + every_s
        self._loading: threading.Thread | None = None
        self._held: Held | None = None
        self.fault = ""
        """Why what should serve does not; empty: it does."""
        self.refused = 0
        """Artifacts that must not serve."""
        self.withdrawn = 0
        """Versions that were taken out here for what they did."""
        self.rolled_back = 0
        """Versions that were taken out of the registry, by whomever."""
        self.reload()

    def held(self) -> Held | None:
        """What to decide with now; `None`: there has been no good one."""
        now = self._clock()
        if now >= self._next:
            self._next = now + self._every_s
            self._look()
        held = self._held
        live = held.live if held is not None else None
        if live != self._watched:
            self._watched = live
            # Put in again, it begins anew.
            version = f"{live.version} of {live.since}" if live is not None else ""
            promised = live.promised(self._head) if live is not None else None
            cascades = live.cascades.get(self._head) if live is not None else None
            self._watch.begin(version, promised, cascades)
        return held

    def last(self) -> Held | None:
        """What decides, without looking for another one; from any thread."""
        return self._held

    def reload(self) -> None:
        """Look again; blocks the calling thread."""
        with self._lock:
            self._load()

    def _look(self) -> None:
        if self._loading is not None and self._loading.is_alive():
            return
        why, held = self._watch.fault(), self._held
        stamp = self._stamp()
        live = held.live if held is not None else None
        # Who was put back meanwhile is not yet watched: the fault is another's.
        if why and held is not None and live is not None and live == self._watched:
            self._begin(lambda: self._withdraw(held.name, why))
        elif stamp and stamp != self._seen:  # what is gone may be on its way
            self._seen = stamp
            self._begin(lambda: self._reload_of(stamp))

    def _reload_of(self, stamp: list[tuple[str, int, int]]) -> None:
        self.reload()
        if self._stamp() != stamp:
            # Exchanged meanwhile: what was read may be the other one, and the first
            # may come back with the same times and the same places on the disk.
            self._seen = []

    def _begin(self, work: Callable[[], None]) -> None:
        self._loading = threading.Thread(
            target=work, name="routing-artifact", daemon=True
        )
        self._loading.start()

    def _withdraw(self, version: str, why: str) -> None:
        with self._lock:
            self.withdrawn += 1
            try:
                self._registry.rollback(why, only=version)
            except RegistryError as error:
                # It must not decide, whoever may write here.
                self._held = None
                self.fault = f"{version} is at fault: {why}"
                _log.error("routing version cannot be rolled back: %s", error)
                return
            _log.error("routing version %s rolled back: %s", version, why)
            self._load()

    def _load(self) -> None:
        with suppress(RegistryError):
            history = self._registry.history()
            self.rolled_back = sum(event.what == "rollback" for event in history)
        try:
            folder, live = self._chosen()
            if folder is None:
                self.fault, self._held = "no version serves", None
                return
            found = load(folder, self._verifier)
            model = Model(found)
            self._probe(model)
        except ArtifactError as error:
            self._refuse(error.kind, str(error))
        except RegistryError as error:
            self._refuse("registry", str(error))
        except Exception as error:  # noqa: BLE001 - whatever is in it, the last good one serves
            self._refuse("damaged", repr(error))
        else:
            self.fault = ""
            self._held = Held(model, live, folder.name)
            _log.info("routing artifact %s of %s serves", found.digest[:12], folder)

    def _refuse(self, kind: str, why: str) -> None:
        self.fault = f"{kind}: {why}"
        self.refused += 1
        _log.error("routing artifact refused (%s): %s", kind, why)

    def _chosen(self) -> tuple[Path | None, Live | None]:
        """The folder of what is to serve; `None`: nothing is."""
        if (self._folder / MANIFEST).is_file():
            return self._folder, None
        if self._which == "newest":
            versions = self._registry.versions()
            return (self._folder / versions[-1] if versions else None), None
        live = self._registry.live()
        if live is None and not self._folder.is_dir():
            raise ArtifactError("missing", f"{self._folder} is not there")
        if live is None or not live.version:
            return None, None
        return self._folder / live.version, live

    def _probe(self, model: Model) -> None:
        """Raises ArtifactError for what does not answer in numbers, in time, whatever
        is asked."""
        for text in PROBES:
            tries = (self._took(model, text) for _ in range(TRIES))
            if all(took > self._budget_s for took in tries):
                raise ArtifactError(
                    "slow", f"it takes more than {self._budget_s:g} s to answer"
                )

    def _took(self, model: Model, text: str) -> float:
        """Seconds, of a reader that knows no word yet."""
        began = self._clock()
        with np.errstate(all="ignore"), suppress(TooLate):
            said = model.predict(
                Reader().sketch(text),
                self._head,
                lambda: self._clock() - began > self._budget_s,
            )
            if not (np.isfinite(said.quality).all() and np.isfinite(said.cost).all()):
                raise ArtifactError("not_finite", "it answers with what is no number")
        return self._clock() - began

    def _stamp(self) -> list[tuple[str, int, int]]:
        """What changes when something else should serve."""
        names = [MANIFEST, POINTER]
        if self._which == "newest":
            names += [f"{name}/{MANIFEST}" for name in self._registry.versions()]
        found = []
        for name in names:
            try:
                stat = (self._folder / name).stat()
            except OSError:
                continue
            found.append((name, stat.st_mtime_ns, stat.st_ino))
        return found
