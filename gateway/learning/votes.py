"""How much a score counts, when its key has given many."""

SHARE_OF_OTHERS = 0.25
"""A key may always say a quarter of what all others said."""


def weight(n: int, others: float, full: int) -> float:
    """Of a key's `n`-th score of a day (from 1), when the scores of all other keys of
    that day weigh `others` together.

    The first `full` count whole, or as many as make a quarter of what others said;
    then ever less: however many a key gives, they never weigh twice that together. So
    one key cannot turn what several others say.
    """
    allowed = max(float(full), SHARE_OF_OTHERS * others)
    if n <= allowed:
        return 1.0
    return (allowed / n) ** 2
