"""What of a prompt's form tells how much there is to work out: its numbers and how
large they are, its sentences, and how words tie them together."""

import math
import re
from typing import Final

SEEN: Final = 1000
"""Characters looked at for numbers, names and sentences, as `routing.text.CAP`."""
SENTENCES: Final = 64
"""Looked at; the last of them holds the rest."""
NUMBERS: Final = 64
"""Looked at in one sentence."""
_LARGEST: Final = 1e12
_NUMBER: Final = re.compile(r"\d[\d,]{0,20}(?:\.\d{1,9})?(?:/\d)?")
_END: Final = re.compile(r"[.!?]+(?:\s|$)")
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
KINDS: Final = len(_TIES) + 3
"""Of words: those of `_TIES`, long ones, short ones, and numbers."""
FACTS: Final = 2 * KINDS + 26
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
    seen: str, lower: str, tokens: int, once: int, ties: list[int], told: list[float]
) -> list[float]:
    """`FACTS` numbers of a text. `tokens`: how many it has; `once`: how many of them
    come once; `ties`: of each kind how many; `told`: numbers that were words."""
    log = math.log1p
    if len(seen) > SEEN:
        seen = seen[: SEEN // 2] + "\n" + seen[-SEEN // 2 :]
    sentences = [part for part in _END.split(seen, SENTENCES) if part.strip()]
    found = [_NUMBER.findall(part)[:NUMBERS] for part in sentences]
    each = [len(numbers) for numbers in found]
    long = [part.count(" ") + 1 for part in sentences]
    written = [number for numbers in found for number in numbers]
    values = [_value(number) for number in written]
    every = values + told
    sizes = [math.log10(value + 1.0) for value in every]
    names = _NAME.findall(seen)
    last = sentences[-1].lower() if sentences else ""
    count = max(len(sentences), 1)
    out = [
        log(len(values)),
        log(len(every)),
        log(len(set(every))),
        max(sizes, default=0.0),
        sum(sizes) / (len(sizes) + 1),
        min(sum(sizes), 100.0),
        log(sum("." in number for number in written)),
        log(sum("/" in number for number in written)),
        log(seen.count("%")),
        log(seen.count("$")),
        log(sum(value > 0.0 and value % 10.0 == 0.0 for value in values)),
        log(sum(value >= 100.0 for value in every)),
        log(sum(value in {1.0, 2.0} for value in every)),
        log(len(sentences)),
        log(max(long, default=0)),
        min(sum(long) / count / 20.0, 10.0),
        log(sum(map(bool, each))),
        log(max(each, default=0)),
        log(long[-1] if long else 0),
        log(each[-1] if each else 0),
        log(len(names)),
        log(len(set(names))),
        log(once),
        float("how many" in lower),
        float("how much" in lower),
        float("what" in last[:400]),
    ]
    out += [log(n) for n in ties]
    out += [8.0 * n / (tokens + 1) for n in ties]
    return out


def _value(number: str) -> float:
    """Of what `_NUMBER` finds; of a fraction, what stands above the line."""
    plain = number.partition("/")[0].replace(",", "")
    return min(float(plain), _LARGEST)
