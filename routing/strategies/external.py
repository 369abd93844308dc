"""What another server thinks of the candidates: any model, behind HTTP.

The scores are fetched before this is asked to score (`Remote`); without any, `then`
ranks.
"""

import hashlib
import math
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from routing.contract import Options, Question, Setting, vetoes
from routing.health import Health
from routing.types import Candidate, Query, Score

Seconds = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1, le=1_000_000)]
NOT_ASKED: Final = "not asked"
_WORDS: Final = ("text", "first", "system")
"""Fields of a prompt that are somebody's words."""


class ExternalOptions(Options, frozen=True, kw_only=True):
    """`external`."""

    url: str
    """Where the features are posted."""
    headers: dict[str, str] = {}
    """Sent along; may hold references to secrets."""
    timeout_s: Annotated[float, Meta(gt=0, le=10)] = 0.2
    send_text: bool = False
    """Whether the words of the prompt are sent, besides their numbers."""
    then: str = "weighted"
    """The strategy for when there are no scores."""
    keep_s: Seconds = 60.0
    """How long the scores of a prompt are kept."""
    most: Count = 10_000
    """Prompts whose scores are kept at once."""
    rest_s: Annotated[float, Meta(ge=0)] = 1.0
    """How long it is left alone after it failed."""


class _Told(msgspec.Struct, frozen=True):
    """What the server answers."""

    scores: dict[str, float] | list[float]
    """By deployment id, or in the order of the candidates; the highest goes first."""
    qualities: dict[str, float] | list[float] = {}
    """Expected, 0 to 1, where it says so."""


class External:
    """Ranks as the server says."""

    options = ExternalOptions
    reads_prompt = True

    def __init__(self, name: str, options: ExternalOptions, setting: Setting) -> None:
        self.name = name
        self.url = options.url
        self.headers = options.headers
        self._options = options
        self._clock = setting.clock
        self._then = setting.named(options.then)
        self.vetoes = vetoes(self._then)
        self.scored = Counter[str]()
        self._known: OrderedDict[str, tuple[float, _Scores]] = OrderedDict()
        self._rests_until = -math.inf
        self._why = NOT_ASKED

    def score(
        self,
        query: Query,
        candidates: Sequence[Candidate],
        health: Sequence[Health],
    ) -> list[Score]:
        until, told = self._known.get(_key(query), (-math.inf, NOTHING))
        if self._clock() >= until:
            why = f"no scores, {self._why}"
            rests = self._clock() < self._rests_until
            self.scored["rest" if rests else "otherwise"] += 1
            return [
                msgspec.structs.replace(score, reason=f"{why}; {score.reason}")
                for score in self._then.score(query, candidates, health)
            ]
        self.scored["learned"] += 1
        values = [told.scores.get(c.id, -math.inf) for c in candidates]
        best = max(values)
        ties = values.count(best)
        return [
            Score(
                value,
                "not scored" if value == -math.inf else f"scored {value:.4g}",
                1.0 / ties if value == best else 0.0,
                told.qualities.get(candidate.id),
            )
            for value, candidate in zip(values, candidates, strict=True)
        ]

    def question(
        self, query: Query, candidates: Sequence[Candidate]
    ) -> Question | None:
        """The features, where their scores are not known and the server is well."""
        now, key = self._clock(), _key(query)
        known = self._known.get(key)
        if now < self._rests_until or (known is not None and now < known[0]):
            return None
        body = _features(query, candidates, words=self._options.send_text)
        return Question(key=key, body=body, timeout_s=self._options.timeout_s)

    def answered(
        self, question: Question, body: bytes, candidates: Sequence[Candidate]
    ) -> None:
        """Keep what the server says.

        Raises:
            ValueError: it cannot be read.
        """
        try:
            told = _told(body)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise ValueError("no scores can be read") from error
        ids = [c.id for c in candidates]
        scores, qualities = _by_id(told.scores, ids), _by_id(told.qualities, ids)
        if any(not 0.0 <= q <= 1.0 for q in qualities.values()):
            raise ValueError("a quality is from 0 to 1")
        until = self._clock() + self._options.keep_s
        self._known[question.key] = (until, _Scores(scores, qualities))
        self._known.move_to_end(question.key)
        while len(self._known) > self._options.most:
            self._known.popitem(last=False)

    def failed(self, why: str) -> None:
        """It did not answer, or nothing that could be read."""
        self._why = why
        self._rests_until = self._clock() + self._options.rest_s


class _Scores(msgspec.Struct, frozen=True):
    scores: Mapping[str, float]
    qualities: Mapping[str, float]


NOTHING: Final = _Scores({}, {})
_told: Final = msgspec.json.Decoder(_Told).decode


def _by_id(
    told: Mapping[str, float] | Sequence[float], ids: Sequence[str]
) -> dict[str, float]:
    if isinstance(told, Mapping):
        found = dict(told)
    elif len(told) == len(ids):
        found = dict(zip(ids, told, strict=True))
    else:
        raise ValueError(f"{len(told)} numbers for {len(ids)} candidates")
    if not all(map(math.isfinite, found.values())):
        raise ValueError("a number is not finite")
    return found


def _key(query: Query) -> str:
    """What tells this question from others."""
    wishes = query.wishes
    told = (query.alias, wishes.profile, wishes.quality, wishes.tags, query.prompt)
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()


def _features(query: Query, candidates: Sequence[Candidate], *, words: bool) -> bytes:
    """The body of the question."""
    prompt: dict[str, Any] = {}
    if query.prompt is not None:
        prompt = msgspec.to_builtins(query.prompt)
        for name in _WORDS:
            said = prompt.pop(name)
            prompt[f"{name}_chars"] = len(said)
            if words:
                prompt[name] = said
    return msgspec.json.encode(
        {
            "model": query.alias,
            "operation": query.operation,
            "stream": query.stream,
            "input_tokens": query.input_tokens,
            "output_tokens": query.output_tokens,
            "profile": query.wishes.profile,
            "quality": query.wishes.quality,
            "tags": query.wishes.tags,
            "prompt": prompt,
            "candidates": [_shown(candidate) for candidate in candidates],
        }
    )


def _shown(candidate: Candidate) -> dict[str, Any]:
    def usd(pico: int | None) -> float | None:
        """Of a million tokens."""
        return None if pico is None else pico / 1e6

    return {
        "deployment": candidate.id,
        "model": candidate.model,
        "input_usd": usd(candidate.input_price),
        "output_usd": usd(candidate.output_price),
        "max_input_tokens": candidate.max_input_tokens,
        "tier": candidate.tier,
        "region": candidate.region,
    }
