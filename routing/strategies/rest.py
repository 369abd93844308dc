"""How long what was late or failed is left alone."""


class Rest:
    """Twice as long with every failure in a row: what is always late costs less and
    less, and what was late once is soon back. Instants are seconds of any clock."""

    def __init__(self, first_s: float, most_s: float) -> None:
        self._first_s = first_s
        self._most_s = max(first_s, most_s)
        self._of = ""
        self._next_s = first_s
        self._until = 0.0
        self.why = ""
        """What was wrong the last time."""
        self.count = 0
        """Failures so far."""

    def holds(self, what: str, now: float) -> bool:
        """Whether `what` rests; something else than what failed does not."""
        return what == self._of and now < self._until

    def begin(self, what: str, why: str, now: float) -> float:
        """`what` failed; for how many seconds it rests."""
        seconds = self._next_s if what == self._of else self._first_s
        self._of, self.why = what, why
        self._until = now + seconds
        self._next_s = min(2.0 * seconds, self._most_s)
        self.count += 1
        return seconds

    def well(self) -> None:
        """It did what it should: the next failure is the first again."""
        self._next_s = self._first_s
