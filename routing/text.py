"""What a prompt looks like, without its words: hashed counts and marks of form.

One pass over the text, no numbers library: the sketch of a prompt is small enough to be
kept in a record in place of the prompt, and is all that learning needs of it.
"""

import math
import re
from array import array
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from routing import sums
from routing.sketch import FORM, MARKS, Sketch
from routing.words import GROUPS, TALLIES, Word, Words, bucket

CAP: Final = 2000
"""Characters looked at: longer prompts give their first and their last half of it."""
MOST: Final = 255
"""Counts stop here: one byte each."""
_HEAD: Final = 400
"""Characters whose case and script are looked at."""
_OPTION: Final = re.compile(r"\n[^\S\n]*\(?[A-Ja-j][.):](?=\s)")
"""Begins with the end of the line before, which is quickly looked for. Never over a
line's end: thousands of empty lines would each look at all others."""
_SMALL: Final = bytes(set(range(256)) - set(range(ord("A"), ord("Z") + 1)))
"""Bytes of ASCII that are no capital letters."""
_FACTS: Final = FORM + 2 * GROUPS
_TIES: Final = _FACTS + sums.FACTS
"""Where they begin among the marks."""
_PLACES: Final = [
    *((FORM + group, FORM + GROUPS + group) for group in range(GROUPS)),
    *((_TIES + kind, _TIES + sums.KINDS + kind) for kind in range(sums.KINDS)),
]
"""Of each tally, where its logarithm and its share stand."""


class Reader:
    """Makes sketches. It keeps what it knows of frequent words."""

    def __init__(self) -> None:
        self._words = Words()

    def sketch(self, text: str) -> Sketch:
        """The features of `text`, of its first and last part where it is long."""
        seen = text
        if len(text) > CAP:
            seen = text[: CAP // 2] + "\n" + text[-CAP // 2 :]
        lower = seen.lower()
        known = self._words
        said = known.split(lower)
        often = Counter(said)
        words = known.of(often)
        ids = known.own(often)
        counts = list(often.values())
        special: list[tuple[Word, int]] = []
        for word, count in zip(words, often.values(), strict=True):
            if word.alike >= 0:
                ids.append(word.alike)
                counts.append(count)
            if word.special:
                special.append((word, count))
        once = counts.count(1)
        pairs = Counter(known.pairs(said))
        ids += pairs
        counts += pairs.values()
        marks = [0.0] * MARKS
        marks[:FORM] = _form(text, seen, said, often, special)
        told = _tally(marks, special, len(said) + 1)
        marks[_FACTS:_TIES] = sums.facts(seen, lower, marks[4] > 0.0, once, told)
        forms = _forms(said, marks)
        ids += forms
        counts += [1] * len(forms)
        return Sketch(array("I", ids).tobytes(), _few(counts), tuple(marks))

    def bag(self, text: str, without: frozenset[str] = frozenset()) -> dict[int, int]:
        """Buckets of words, their beginnings and pairs -> how often; of its first part
        where it is long. `without`: words that are passed over, in lower case."""
        known = self._words
        said = [w for w in known.split(text[:CAP].lower()) if w not in without]
        words = known.of(said)  # whose buckets are known then
        found = Counter(known.own(said))
        found.update([w.alike for w in words if w.alike >= 0])
        found.update(known.pairs(said))
        return found


def _few(counts: list[int]) -> bytes:
    try:
        return bytes(counts)
    except ValueError:
        return bytes([min(count, MOST) for count in counts])


def _tally(
    marks: list[float], special: list[tuple[Word, int]], size: int
) -> list[float]:
    """Write how often words of each kind came; those that are numbers, as often as
    they came. `size`: one more than all words."""
    tallies = [0] * TALLIES
    told: list[float] = []
    for word, count in special:
        for tally in word.tallies:
            tallies[tally] += count
        if word.value:
            told += [word.value] * min(count, sums.NUMBERS)
    for tally, count in enumerate(tallies):
        if count:
            log, share = _PLACES[tally]
            marks[log] = sums.LOG[count]
            marks[share] = 8.0 * count / size
    return told


def _form(
    text: str,
    seen: str,
    said: list[str],
    often: Mapping[str, int],
    special: list[tuple[Word, int]],
) -> list[float]:
    """`FORM` marks: sizes, numbers, lines, letters."""
    log = sums.LOG
    count, size = len(said), len(seen)
    numbers = [(word.digits, times) for word, times in special if word.digits]
    lines = seen.count("\n")
    options = len(_OPTION.findall("\n" + seen)) if lines else 0
    last = len(seen) - 1 - seen.rfind("\n")
    head = seen[:_HEAD]
    digits = [min(length, 9) for length, _ in numbers]
    many = sum([times for _, times in numbers])
    longest = max(map(len, often), default=0)
    return [
        math.log1p(len(text)),
        log[count],
        log[lines],
        len(often) / (count + 1),
        log[many],
        many / (count + 1),
        len(numbers) / (many + 1),
        float(max(digits, default=0)),
        sum([min(length, 9) * times for length, times in numbers]) / (many + 1),
        log[options],
        log[last],
        _capitals(head) / (len(head) + 1),
        len(head.encode("utf-8", "surrogatepass")) / (len(head) + 1) - 1,
        len("".join(said)) / (count + 1),
        float(min(longest, 40)),
        size / (lines + 1) / 100 if lines else min(size / 100, 10.0),
        float(seen.rstrip().endswith("?")),
        float("```" in seen or ">>>" in seen),
    ]


def _capitals(head: str) -> int:
    if head.isascii():
        return len(head.encode().translate(None, _SMALL))
    return sum(map(str.isupper, head))


def _forms(said: list[str], marks: list[float]) -> list[int]:
    """What is said of the prompt as a whole: how it begins, ends and is laid out."""
    if not said:
        return [bucket("empty")]
    first = said[:3]
    return [
        bucket("1:" + first[0]),
        bucket("2:" + " ".join(first[:2])),
        bucket("3:" + " ".join(first)),
        bucket("-1:" + said[-1]),
        bucket("-2:" + " ".join(said[-2:])),
        _laid("options:%.2f", marks[9]),
        _laid("size:%.0f", float(round(marks[0]))),
        _laid("lines:%.1f", marks[2]),
        _laid("numbers:%.1f", marks[4]),
    ]


@lru_cache(maxsize=8192)
def _laid(what: str, mark: float) -> int:
    return bucket(what % mark)
