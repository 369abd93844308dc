"""The words of a prompt, and what is known of each before any prompt is seen."""

import re
import zlib
from collections.abc import Iterable
from itertools import chain, islice, pairwise
from operator import xor
from typing import Final, NamedTuple

from routing import sums

BITS: Final = 18
BUCKETS: Final = 1 << BITS
CACHED: Final = 20_000
"""Words of which is kept what they are, before all are forgotten, ..."""
LONGEST: Final = 40
"""... none of them longer: what is said once fills no memory."""

_MASK: Final = BUCKETS - 1
_TOKEN: Final = re.compile(r"[^\W\d_]+|\d+|[^\w\s]|_+")
_SHAPE: Final = 0x1F35
_PAIR: Final = 0x2C1B3C6D
"""Salts."""
_STEM: Final = 5
"""Letters of a word's beginning that stand for it and its like."""

_LEXICON: Final = (
    # code
    "def class return import function void int var const print lambda null elif",
    "python java javascript sql html code algorithm program array string output",
    # mathematics: signs, words, tasks
    "= + - * / ^ < > \xb1 \xd7 \xf7 ≤ ≥ ∑ ∫ √",
    "integral matrix polynomial equation vector prime triangle probability circle"
    " angle frac sqrt integer derivative modulo divisible",
    "prove proof derive show theorem lemma",
    "how many much calculate compute find total sum evaluate determine",
    # arithmetic told as a story
    "half twice double triple thrice third quarter times fraction percent % discount",
    "each every per apiece dozen pair",
    "left remaining rest after before then remain spent gave lost",
    "more less fewer than most least older younger longer",
    "hour hours minute minutes day days week weeks month months year years",
    "$ dollars dollar cents cost costs price pay paid earn earns sell sells",
    "miles km kg meters feet inches cm pounds gallons liters speed",
    # ways of asking
    "which following choose select best correct option",
    "not except never false incorrect without unless",
    "why explain describe discuss summarize analyze compare",
    "write create generate compose implement draft story poem essay",
    "according passage article text paragraph refers statement context",
    "because therefore if assume suppose given hence thus",
    "what who where when whom whose",
    # fields
    "patient disease symptom treatment diagnosis clinical drug cell gene protein blood",
    "court law contract plaintiff defendant statute liable constitution rights act",
    "company market firm demand supply profit interest tax account cash bond stock",
    "energy force mass velocity electron acid reaction temperature pressure voltage",
    "moral ethics philosophy religion god believe argument century war king",
    # signs
    "{ } [ ] ; < >",
    "( )",
    "\\ $",
    "\" ' “ ”",
    "?",
    ".",
    ", :",
    "!",
)
_GROUP: Final = {
    word: group for group, words in enumerate(_LEXICON) for word in words.split()
}
GROUPS: Final = len(_LEXICON)
TALLIES: Final = GROUPS + sums.KINDS
"""What words are counted in: the groups of the lexicon, then `sums.KINDS`."""


class Word(NamedTuple):
    """One of them."""

    alike: int
    """A bucket that it shares with its like, words of one beginning or numbers of one
    length; -1: with none."""
    special: bool
    """Whether anything of the following is to be said."""
    digits: int
    """How many; 0: it is no number."""
    tallies: tuple[int, ...]
    """It counts for these."""
    value: float
    """Of a number that is a word; 0: it is none."""


class Words:
    """What words are. It keeps that of those it met."""

    def __init__(self, most: int = CACHED) -> None:
        """`most` are kept at a time."""
        self._most = most
        self._parts: dict[str, tuple[str, ...]] = {}
        """Of what stands between spaces, the words, numbers and signs."""
        self._same: dict[str, str] = {}
        """One object for each of these: its hash is reckoned once."""
        self._kept: dict[str, Word] = {}
        self._first: dict[str, int] = {}
        self._own: dict[str, int] = {}
        """Its bucket. With an exclusive or of the first, the bucket of a pair."""

    def split(self, lower: str) -> list[str]:
        """The words, numbers and signs of a text in lower case."""
        parts = lower.split()
        kept = self._parts
        try:
            return list(chain.from_iterable(map(kept.__getitem__, parts)))
        except KeyError:
            return [w for part in parts for w in kept.get(part) or self._part(part)]

    def of(self, said: Iterable[str]) -> list[Word]:
        """What each of the words is."""
        kept = self._kept
        try:
            return [kept[word] for word in said]
        except KeyError:
            return [kept.get(word) or self._learn(word) for word in said]

    def own(self, said: Iterable[str]) -> list[int]:
        """The bucket of each of the words."""
        kept = self._own
        try:
            return [kept[word] for word in said]
        except KeyError:
            return [_code(word) & _MASK for word in said]

    def pairs(self, said: list[str]) -> list[int]:
        """The bucket of each of the words with the one after it."""
        try:
            first = map(self._first.__getitem__, said)
            second = map(self._own.__getitem__, islice(said, 1, None))
            return list(map(xor, second, first))
        except KeyError:
            codes = [_code(word) for word in said]
            return [(a * _PAIR ^ b) & _MASK for a, b in pairwise(codes)]

    def _part(self, part: str) -> tuple[str, ...]:
        found = _TOKEN.findall(part)
        if len(part) > LONGEST:
            return tuple(found)
        if max(len(self._parts), len(self._same)) >= self._most:
            self._parts.clear()
            self._same.clear()
        # Not `sys.intern`, which in Python 3.12 keeps all for ever.
        same = self._same.setdefault
        kept = self._parts[part] = tuple(map(same, found, found))
        return kept

    def _learn(self, token: str) -> Word:
        code = _code(token)
        digits = len(token) if token[0].isdigit() else 0
        alike = -1
        if digits:
            alike = bucket(f"#{digits}")
        elif len(token) >= _STEM:
            alike = bucket("^" + token[:_STEM])
        group = _GROUP.get(token)
        tallies = tuple(GROUPS + kind for kind in sums.kinds(token))
        if group is not None:
            tallies = (group, *tallies)
        value = sums.VALUES.get(token, 0.0)
        special = bool(digits or tallies or value)
        word = Word(alike, special, digits, tallies, value)
        if len(token) <= LONGEST:
            if len(self._kept) >= self._most:
                for kept in (self._kept, self._first, self._own):
                    kept.clear()
            self._kept[token] = word
            self._first[token] = code * _PAIR & _MASK
            self._own[token] = code & _MASK
        return word


def _code(word: str) -> int:
    return zlib.crc32(word.encode("utf-8", "surrogatepass"))


def bucket(what: str) -> int:
    """Of a mark that is no word."""
    return (_code(what) ^ _SHAPE) & _MASK
