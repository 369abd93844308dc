"""What of a prompt's form tells how much there is to work out: its numbers and how
large they are, its sentences, and how words tie them together."""

import math
import re
from typing import Final

LOG: Final = [math.log1p(n) for n in range(1 << 14)]
"""Of one more than a count; of any that a sketch has."""
SEEN: Final = 1000
"""Characters looked at for numbers, names and sentences, as `routing.text.CAP`."""
SENTENCES: Final = 64
"""Looked at; the last of them holds the rest."""
NUMBERS: Final = 64
"""Looked at in one sentence."""
_LARGEST: Final = 1e12
_NUMBER: Final = re.compile(r"\d[\d,]{0,20}(?:\.\d{1,9})?(?:/\d)?")
_END: Final = re.compile(r"(?<![.!?])[.!?]+(?:\s|$)")
"""Begins where its signs do: else a thousand dots before a letter would be looked at
from each of them."""
_NAME: Final = re.compile(r"[A-Z][a-z]+")

_SMALL: Final = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    " fifteen sixteen seventeen eighteen nineteen twenty"
)
_TENS: Final = "thirty forty fifty sixty seventy eighty ninety hundred"
VALUES: Final[dict[str, float]] = (
    {word: n + 1.0 for n, word in enumerate(_SMALL.split())}
    | {word: 10.0 * n + 30.0 for n, word in enumerate(_TENS.split())}
    | {"thousand": 1e3, "million": 1e6, "billion": 1e9}
)
"""Numbers that are words."""

_TIES: Final = (
    # on what it depends
    "if unless when until while whenever but however although only instead except",
    # compared with what
    "than as twice half double triple times more less fewer older younger longer"
    " taller",
    # in which order
    "then after before next first second finally later again now already still another"
    " rest remaining left",
    # taken together, or one by one
    "total altogether combined together sum all both average mean overall each every"
    " per",
    # of whom was told before
    "he she it they his her their its him them",
    # how things stand to each other
    "of in on at for with from to by into between among",
    "and or",
    "-",
    # how fast, how often
    "rate per speed ratio hourly daily weekly monthly yearly annual",
)
_LONG, _SHORT, _COUNTED = range(len(_TIES), len(_TIES) + 3)
KINDS: Final[int] = len(_TIES) + 3
"""Of words: those of `_TIES`, long ones, short ones, and numbers."""
FACTS: Final = 26
"""How many numbers `facts` are."""

_TIE: Final[dict[str, tuple[int, ...]]] = {
    word: tuple(kind for kind, words in enumerate(_TIES) if word in words.split())
    for words in _TIES
    for word in words.split()
}


def kinds(word: str) -> tuple[int, ...]:
    """Of `KINDS`, those that a word in lower case is of."""
    found = _TIE.get(word, ())
    if word in VALUES:
        found += (_COUNTED,)
    if word[0].isalpha():
        if len(word) > 8:
            found += (_LONG,)
        elif len(word) < 4:
            found += (_SHORT,)
    return found


def facts(
    seen: str, lower: str, digits: bool, once: int, told: list[float]
) -> list[float]:
    """`FACTS` numbers of a text. `digits`: whether it has any; `once`: how many words
    come once; `told`: numbers that were words."""
    if len(seen) > SEEN:
        seen = seen[: SEEN // 2] + "\n" + seen[-SEEN // 2 :]
    sentences = [p for p in _END.split(seen, SENTENCES) if p and not p.isspace()]
    found = [_NUMBER.findall(part)[:NUMBERS] for part in sentences] if digits else []
    each = [len(numbers) for numbers in found] or [0]
    long = [part.count(" ") + 1 for part in sentences] or [0]
    names = _NAME.findall(seen)
    last = sentences[-1].lower() if sentences else ""
    written = [number for numbers in found for number in numbers]
    sizes, values = _numbers(written, told)
    return [
        *sizes,
        LOG[seen.count("%")],
        LOG[seen.count("$")],
        *values,
        LOG[len(sentences)],
        LOG[max(long)],
        min(sum(long) / max(len(sentences), 1) / 20.0, 10.0),
        LOG[len(each) - each.count(0)],
        LOG[max(each)],
        LOG[long[-1]],
        LOG[each[-1]],
        LOG[len(names)],
        LOG[len(set(names))],
        LOG[once],
        float("how many" in lower),
        float("how much" in lower),
        float("what" in last[:400]),
    ]


def _numbers(written: list[str], told: list[float]) -> tuple[list[float], list[float]]:
    """How many there are and how large, and which ones. `written` in digits, `told` in
    words."""
    if not written and not told:
        return _NONE
    values = [_value(number) for number in written]
    every = values + told
    sizes = [math.log10(value + 1.0) for value in every]
    total = sum(sizes)
    return [
        LOG[len(values)],
        LOG[len(every)],
        LOG[len(set(every))],
        max(sizes),
        total / (len(sizes) + 1),
        min(total, 100.0),
        LOG[sum(["." in number for number in written])],
        LOG[sum(["/" in number for number in written])],
    ], [
        LOG[sum([value > 0.0 and value % 10.0 == 0.0 for value in values])],
        LOG[sum([value >= 100.0 for value in every])],
        LOG[every.count(1.0) + every.count(2.0)],
    ]


_NONE: Final = ([0.0] * 8, [0.0] * 3)


def _value(number: str) -> float:
    """Of what `_NUMBER` finds; of a fraction, what stands above the line."""
    plain = number.partition("/")[0].replace(",", "")
    return min(float(plain), _LARGEST)
