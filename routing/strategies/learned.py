"""By what was learned: each model's expected quality and cost on this prompt."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final

import numpy as np
from msgspec import Meta

from routing.contract import Options, Outcome, Serving, Setting, vetoes
from routing.health import Health
from routing.learned.artifact import STRANGE, Terms
from routing.learned.model import GBDT, Model
from routing.learned.shelf import Held, Shelf, Which
from routing.learned.signature import Verifier, verifier
from routing.learned.watch import ALONE, CASCADES, Band, Choice, Positive, Watch
from routing.strategies import gated
from routing.strategies.estimates import Estimate, dearer, estimates, several
from routing.strategies.rest import Rest
from routing.text import Reader
from routing.types import Candidate, Query, Score

Share = Annotated[float, Meta(ge=0, le=1)]
_log = logging.getLogger(__name__)

PROFILES: Final = {"eco": 0.95, "free": 0.9, "auto": 0.99, "premium": 1.0}
"""Profile -> share of the best single model's quality that is enough."""


class LearnedOptions(Options, frozen=True, kw_only=True):
    """Of every strategy that decides by an artifact."""

    artifact: str
    """The folder that `routeiq routing train` wrote, or one of such folders of which
    `routeiq routing promote` says who serves; watched for another one."""
    version: Which = "live"
    """Of a folder of versions: the promoted one, or the newest (for shadows)."""
    poll_s: Positive = 2.0
    """How often is looked for another one."""
    key_file: str = ""
    """A file with the key that its signature must hold by."""
    quality: Share | None = None
    """Share of the best single model's quality that is enough; default: 0.99, or what
    the profile says."""
    otherwise: str = "weighted"
    """Who decides while no artifact is good."""
    budget_ms: Positive = 500.0
    """Of a decision; after one that took longer, or failed, ..."""
    rest_s: Positive = 30.0
    """... `otherwise` decides for so long, and twice as long each time in a row, ..."""
    rest_max_s: Positive = 3600.0
    """... up to this; a decision in time, or another artifact, ends the row."""
    band: Band = Band()
    """How far a promoted version may be from what it was promoted for; out of it, the
    one before serves again."""


class Learned:
    """The best of `quality - rate x cost`, the rate by what quality is enough."""

    options = LearnedOptions
    reads_prompt = True
    gates = True
    head: ClassVar[str] = GBDT

    def __init__(self, name: str, options: LearnedOptions, setting: Setting) -> None:
        self.name = name
        self._options = options
        self._otherwise = setting.named(options.otherwise)
        self.vetoes = vetoes(self._otherwise)
        self.scored = Counter[str]()
        self._reader = Reader()
        self._clock = setting.clock
        self._budget_s = options.budget_ms / 1000.0
        self._rest = Rest(options.rest_s, options.rest_max_s)
        self.notes = Watch(options.band)
        """What is seen of the version that serves; kept, and shared by workers."""
        self._shelf = Shelf(
            Path(options.artifact),
            _verifier(options.key_file),
            setting.clock,
            head=self.head,
            which=options.version,
            every_s=options.poll_s,
            budget_s=self._budget_s,
            watch=self.notes,
        )

    def score(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> list[Score]:
        held = self._shelf.held()
        began = self._clock()
        if held is not None and not self._rest.holds(_digest(held), began):
            try:
                until = began + self._budget_s
                scores, made = self._by(held, query, candidates, health, until)
            except Exception as error:  # noqa: BLE001 - no model takes a request along
                self._leave(held, repr(error))
            else:
                took = self._clock() - began
                if took > self._budget_s:
                    self._leave(held, f"a decision took {took:.3f} s")
                else:
                    self._rest.well()
                self.notes.chose(query.id, made)
                self.scored["learned"] += 1
                return scores
        if held is None:
            why = f"no artifact ({self._shelf.fault}); "
            self.scored["otherwise"] += 1
        else:
            self.scored["rest"] += 1
            why = f"artifact {held.name} rests ({self._rest.why}); "
        return [
            Score(s.value, why + s.reason, s.propensity, s.quality, s.out)
            for s in self._otherwise.score(query, candidates, health)
        ]

    def _by(
        self,
        held: Held,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
        until: float,
    ) -> tuple[list[Score], Choice]:
        """With what is to be watched of it."""
        model = held.model
        prompt = query.prompt.text if query.prompt is not None else ""
        sketch = self._reader.sketch(prompt)
        said = model.predict(sketch, self.head, lambda: self._clock() > until)
        if not (np.isfinite(said.quality).all() and np.isfinite(said.cost).all()):
            raise ArithmeticError("it answers with what is no number")
        found = estimates(model, query, candidates, said.quality, said.cost)
        arms: list[gated.Open] = []
        if held.cascades(self.head):
            costs = [e.cost for e in found]
            arms = gated.opened(model, query, candidates, health, costs)
        every = found + [
            several(model, arm, said.quality, said.cost, found) for arm in arms
        ]
        share = wanted(query, self._options.quality)
        values, told = self.decide(model, every, share, said.trust)
        if said.trust < 1.0:
            told = f"{told}, trust {said.trust:.2f}"
        told = f"{told} (artifact {model.artifact.digest[:8]})"
        alone = values[: len(found)]
        best = max(alone)
        ties = alone.count(best)
        scores = [
            Score(
                value,
                f"quality {e.quality:.3f}{'' if e.known else ' (not learned)'},"
                f" ${e.cost:.6f}{dearer(e.scale)}, {told}",
                1.0 / ties if value == best else 0.0,
                e.quality,
            )
            for value, e in zip(alone, found, strict=True)
        ]
        at = max(range(len(values)), key=lambda i: values[i])
        asked: Sequence[int] = [at]
        if at >= len(found):
            e, arm = every[at], arms[at - len(found)]
            why = f"quality {e.quality:.3f}, ${e.cost:.6f}{dearer(e.scale)}"
            scores, asked = gated.conducted(scores, arm, why), arm.members
        scales = {candidates[i].id: found[i].scale for i in asked}
        return scores, Choice(scales, CASCADES if arms else ALONE)

    def _leave(self, held: Held, why: str) -> None:
        seconds = self._rest.begin(_digest(held), why, self._clock())
        _log.error("routing strategy %s rests for %g s: %s", self.name, seconds, why)

    def learn(self, outcome: Outcome) -> None:
        """Watch what comes of its decisions."""
        self.notes.learn(outcome)

    def reload(self) -> None:
        """Look for another artifact now; blocks the calling thread."""
        self._shelf.reload()

    def counts(self) -> dict[str, int]:
        """As `routing.contract.Reloading`."""
        return {
            "refused": self._shelf.refused,
            "failed": self._rest.count,
            "withdrawn": self._shelf.withdrawn,
            "rolled_back": self._shelf.rolled_back,
        }

    def serving(self) -> Serving | None:
        """As `routing.contract.Reloading`."""
        held = self._shelf.last()
        if held is None:
            return None
        artifact = held.model.artifact
        return Serving(
            version=held.name, digest=artifact.digest, made_s=artifact.made_s
        )

    def told(self) -> dict[str, Any]:
        """What serves, and how it does."""
        held, seen = self._shelf.held(), self.notes.seen().whole()
        rests = held is not None and self._rest.holds(_digest(held), self._clock())
        said: dict[str, Any] = {
            "artifact": _digest(held) if held is not None else None,
            "version": held.name if held is not None else None,
            "watched": self.notes.watches,
            "cascades": held is not None
            and bool(held.model.arms)
            and held.cascades(self.head),
            "fault": self._shelf.fault or (self._rest.why if rests else ""),
            **self.counts(),
        }
        for name, total in (
            ("quality", seen.quality),
            ("errors", seen.failed),
            ("cost", seen.cost),
        ):
            if total.weight:
                said[name] = {"mean": total.mean, "weight": total.weight}
        return said

    def decide(
        self, model: Model, found: list[Estimate], share: float, trust: float
    ) -> tuple[list[float], str]:
        """A value for each estimate, and what it was weighed by."""
        arms = not found[-1].alone
        rate, loyalty = weighed(model, self.head, share, trust, cascades=arms)
        first = max((e.prior for e in found if e.alone), default=0.0)
        values = [
            e.quality
            - rate * e.cost
            + (loyalty if e.alone and e.prior == first else 0.0)
            for e in found
        ]
        return values, f"{share:.0%} of the best"


def wanted(query: Query, option: float | None) -> float:
    """The share of the best single model's quality that is enough: as the client
    says, else its profile, else the options."""
    wishes = query.wishes
    if wishes.quality is not None:
        return wishes.quality
    if wishes.profile in PROFILES:
        return PROFILES[wishes.profile]
    return PROFILES["auto"] if option is None else option


def weighed(
    model: Model, head: str, share: float, trust: float, *, cascades: bool = False
) -> tuple[float, float]:
    """The rate and the loyalty, between those of known prompts and of strange ones;
    `cascades`: where these may be chosen, too."""
    manifest = model.artifact.manifest
    if cascades:
        own, others = manifest.arm_terms[head], manifest.arm_terms[STRANGE]
    else:
        own, others = manifest.terms[head], manifest.strange_terms
    known, strange = terms_of(own, share), terms_of(others, share)
    return (
        trust * known.rate + (1.0 - trust) * strange.rate,
        trust * known.loyalty + (1.0 - trust) * strange.loyalty,
    )


def terms_of(terms: Mapping[str, Terms], share: float) -> Terms:
    """Those of the nearest share that is not less; above all, quality alone counts."""
    enough = [float(s) for s in terms if float(s) >= share - 1e-9]
    return terms[str(min(enough))] if enough else Terms(0.0, 0.0)


def _digest(held: Held) -> str:
    """What tells one artifact from another."""
    return held.model.artifact.digest


def _verifier(file: str) -> Verifier | None:
    if not file:
        return None
    try:
        return verifier(Path(file).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"key_file {file}: {error}") from None


class Gbdt(Learned):
    """The LightGBM stack over all heads, calibrated."""


class Ridge(Learned):
    """Linear, on the embedding, the marks of form and the domains."""

    head = "ridge"


class Knn(Learned):
    """The nearest prompts learned from."""

    head = "knn"


class Logistic(Learned):
    """Linear, on the words themselves."""

    head = "logistic"


class Svm(Learned):
    """A support vector machine with a Gaussian kernel."""

    head = "svm"


class Mlp(Learned):
    """A small neural network."""

    head = "mlp"


class Mf(Learned):
    """Matrix factorisation."""

    head = "mf"


class Ratings(Learned):
    """Ratings, in each domain."""

    head = "ratings"
