"""What a prompt looks like, without its words: hashed counts and marks of form.

One pass over the text, no numbers library: the sketch of a prompt is small enough to be
kept in a record in place of the prompt, and is all that learning needs of it.
"""

import base64
import binascii
import math
import re
import zlib
from array import array
from collections import Counter
from itertools import pairwise
from typing import Final

import msgspec

from routing import sums

VERSION: Final = 2
"""Of the sketch: what was learned from one version knows nothing of another."""
BITS: Final = 18
BUCKETS: Final = 1 << BITS
CAP: Final = 4000
"""Characters looked at: longer prompts give their first and their last half of it."""
CACHED: Final = 20_000
"""Words whose hashes are kept, ..."""
LONGEST: Final = 40
"""... none of them longer: what is said once fills no memory."""
MOST: Final = 255
"""Counts stop here: one byte each."""

_MOST_BYTES: Final = 1 << 18
"""Of a sketch, unpacked."""
_MASK: Final = BUCKETS - 1
_TOKEN: Final = re.compile(r"[^\W\d_]+|\d+|[^\w\s]|_+")
_OPTION: Final = re.compile(r"^[^\S\n]*\(?[A-Ja-j][.):]\s", re.MULTILINE)
"""Never over a line's end: thousands of empty lines would each look at all others."""
_SALT: Final = {"shape": 0x1F35, "pair": 0x2C1B3C6D, "mark": 0x6A09E667}
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
MARKS: Final = 2 * GROUPS + 18 + sums.FACTS
"""Numbers of form in a sketch."""


class Sketch(msgspec.Struct, frozen=True):
    """Hashed features of one prompt. No word can be read from it, only guessed."""

    ids: bytes
    """Buckets, four bytes each, in the machine's order; one may come again."""
    counts: bytes
    """How often, one byte each, in the order of `ids`."""
    marks: tuple[float, ...]
    """`MARKS` numbers: sizes, shares, groups of words."""


class _Word(msgspec.Struct, frozen=True):
    hash: int
    group: int
    """Of the lexicon; -1: none."""
    ids: tuple[int, ...]
    kinds: tuple[int, ...]
    """Of `sums.KINDS`."""
    value: float
    """Of a number that is a word; 0: it is none."""


class Reader:
    """Makes sketches. It keeps the hashes of frequent words, at most `CACHED`."""

    def __init__(self) -> None:
        self._words: dict[str, _Word] = {}

    def sketch(self, text: str) -> Sketch:
        """The features of `text`, of its first and last part where it is long."""
        seen = text
        if len(text) > CAP:
            seen = text[: CAP // 2] + "\n" + text[-CAP // 2 :]
        lower = seen.lower()
        tokens = _TOKEN.findall(lower)
        known = self._words
        try:
            words = [known[token] for token in tokens]
        except KeyError:
            words = [known.get(token) or self._learn(token) for token in tokens]
        ids: list[int] = []
        counts: list[int] = []
        groups = [0] * (GROUPS + 1)
        ties = [0] * sums.KINDS
        told: list[float] = []
        for token, count in Counter(tokens).items():
            word = known.get(token) or self._learn(token)
            ids += word.ids
            counts += [count] * len(word.ids)
            groups[word.group] += count
            for kind in word.kinds:
                ties[kind] += count
            if word.value:
                told += [word.value] * min(count, sums.NUMBERS)
        once = counts.count(1)
        salt = _SALT["pair"]
        pairs = Counter([(a.hash * salt ^ b.hash) & _MASK for a, b in pairwise(words)])
        ids += pairs
        counts += pairs.values()
        marks = _marks(text, seen, tokens, groups)
        marks += sums.facts(seen, lower, len(tokens), once, ties, told)
        forms = _forms(seen, tokens, marks)
        ids += forms
        counts += [1] * len(forms)
        few = bytes([c if c < MOST else MOST for c in counts])
        return Sketch(array("I", ids).tobytes(), few, tuple(marks))

    def bag(self, text: str, without: frozenset[str] = frozenset()) -> dict[int, int]:
        """Buckets of words, their beginnings and pairs -> how often; of its first part
        where it is long. `without`: words that are passed over, in lower case."""
        tokens = [t for t in _TOKEN.findall(text[:CAP].lower()) if t not in without]
        words = [self._words.get(token) or self._learn(token) for token in tokens]
        found = Counter([id for word in words for id in word.ids])
        salt = _SALT["pair"]
        found.update([(a.hash * salt ^ b.hash) & _MASK for a, b in pairwise(words)])
        return found

    def _learn(self, token: str) -> _Word:
        hash = zlib.crc32(token.encode("utf-8", "surrogatepass"))
        ids = [hash & _MASK]
        if token[0].isdigit():
            ids.append(_id(f"#{len(token)}"))
        elif len(token) > _STEM - 1:
            ids.append(_id("^" + token[:_STEM]))
        word = _Word(
            hash,
            _GROUP.get(token, -1),
            tuple(ids),
            sums.kinds(token),
            sums.VALUES.get(token, 0.0),
        )
        if len(self._words) < CACHED and len(token) <= LONGEST:
            self._words[token] = word
        return word


def _id(what: str) -> int:
    return (zlib.crc32(what.encode("utf-8", "surrogatepass")) ^ _SALT["shape"]) & _MASK


def _marks(text: str, seen: str, tokens: list[str], groups: list[int]) -> list[float]:
    log = math.log1p
    count, size = len(tokens), len(seen)
    numbers = [token for token in tokens if token[0].isdigit()]
    lines = seen.count("\n")
    options = len(_OPTION.findall(seen)) if lines else 0
    last = len(seen) - 1 - seen.rfind("\n")
    head = seen[:400]
    upper = sum(map(str.isupper, head))
    plain = len(head.encode("utf-8", "surrogatepass"))
    sizes = [len(token) for token in tokens]
    values = [min(len(n), 9) for n in numbers]
    marks = [
        log(len(text)),
        log(count),
        log(lines),
        len(set(tokens)) / (count + 1),
        log(len(numbers)),
        len(numbers) / (count + 1),
        len(set(numbers)) / (len(numbers) + 1),
        float(max(values, default=0)),
        sum(values) / (len(values) + 1),
        log(options),
        log(last),
        upper / (len(head) + 1),
        plain / (len(head) + 1) - 1,
        sum(sizes) / (count + 1),
        float(min(max(sizes, default=0), 40)),
        size / (lines + 1) / 100 if lines else min(size / 100, 10.0),
        float(seen.rstrip().endswith("?")),
        float("```" in seen or ">>>" in seen),
    ]
    marks += [log(n) for n in groups[:GROUPS]]
    marks += [8 * n / (count + 1) for n in groups[:GROUPS]]
    return marks


def _forms(seen: str, tokens: list[str], marks: list[float]) -> list[int]:
    """What is said of the prompt as a whole: how it begins, ends and is laid out."""
    if not tokens:
        return [_id("empty")]
    first = tokens[:3]
    return [
        _id("1:" + first[0]),
        _id("2:" + " ".join(first[:2])),
        _id("3:" + " ".join(first)),
        _id("-1:" + tokens[-1]),
        _id("-2:" + " ".join(tokens[-2:])),
        _id(f"options:{marks[9]:.2f}"),
        _id(f"size:{marks[0]:.0f}"),
        _id(f"lines:{marks[2]:.1f}"),
        _id(f"numbers:{marks[4]:.1f}"),
    ]


def closed(sketch: Sketch) -> str:
    """The sketch as text, for a record."""
    marks = array("f", sketch.marks)
    head = bytes([VERSION]) + len(sketch.counts).to_bytes(3, "little")
    whole = head + sketch.ids + sketch.counts + marks.tobytes()
    return base64.b64encode(zlib.compress(whole)).decode()


def opened(text: str) -> Sketch:
    """The sketch of `closed`.

    Raises:
        ValueError: it is damaged, or of another version.
    """
    try:
        packed = base64.b64decode(text, validate=True)
        whole = zlib.decompressobj().decompress(packed, _MOST_BYTES)
    except (binascii.Error, zlib.error):
        raise ValueError("is damaged") from None
    if not whole or whole[0] != VERSION:
        raise ValueError(f"is not of version {VERSION}")
    count = int.from_bytes(whole[1:4], "little")
    ids, counts = whole[4 : 4 + 4 * count], whole[4 + 4 * count : 4 + 5 * count]
    marks = array("f")
    if len(whole) != 4 + 5 * count + 4 * MARKS:
        raise ValueError("is damaged")
    marks.frombytes(whole[4 + 5 * count :])
    return Sketch(ids, counts, tuple(marks))
