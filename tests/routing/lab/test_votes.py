"""Which votes count: laws first, then what a poisoner tries."""

from hypothesis import given
from hypothesis import strategies as st

from routing.lab.votes import FREE, SLACK_NS, Given, Vote, cap, labels

NOW = 10**18


def _given(count: int, key: str = "key_a") -> dict[str, Given]:
    return {f"{key}-{i}": Given(key=key, at_ns=NOW - 10**12) for i in range(count)}


def _vote(id: str, key: str, score: float = 1.0, **more: object) -> Vote:
    said = {"id": id, "key": key, "score": score, "at_ns": NOW, **more}
    return Vote(**said)  # type: ignore[arg-type]


@given(
    st.lists(st.integers(0, 100_000), min_size=1, max_size=12),
    st.floats(0.05, 0.95),
    st.integers(0, 10_000),
)
def test_no_key_has_more_than_its_share_or_what_is_free(
    counts: list[int], share: float, free: int
) -> None:
    most = cap(counts, share, free)
    kept = [min(count, most) for count in counts]
    total = free + sum(kept)
    assert all(k <= max(FREE, share * total) for k in kept)
    assert all(min(count, FREE) <= k for count, k in zip(counts, kept, strict=True))


@given(st.lists(st.integers(0, 5000), min_size=2, max_size=8))
def test_a_key_that_says_more_moves_nobody_elses_votes(counts: list[int]) -> None:
    before = cap(counts, 0.5)
    louder = [*counts[:-1], counts[-1] + 100_000]
    after = cap(louder, 0.5)
    assert [min(c, after) for c in counts[:-1]] == [
        min(c, max(before, after)) for c in counts[:-1]
    ]


def test_a_hundred_thousand_false_votes_weigh_as_much_as_the_honest() -> None:
    answers = _given(500) | _given(5000, "key_evil")
    votes = [_vote(id, "key_a", 1.0) for id in answers if id.startswith("key_a")]
    own = [id for id in answers if id.startswith("key_evil")]
    votes += [_vote(own[i % len(own)], "key_evil", 0.0) for i in range(100_000)]
    made = labels(votes, answers, NOW)
    false = sum(score == 0.0 for score in made.scores.values())
    assert sum(score == 1.0 for score in made.scores.values()) == 500
    assert false <= 500
    assert made.refused["said before"] == 95_000
    assert made.refused["more than the key's share"] == 5000 - false


def test_a_single_voter_is_not_capped() -> None:
    answers = _given(2000)
    made = labels([_vote(id, "key_a") for id in answers], answers, NOW)
    assert len(made.scores) == 2000
    assert not made.refused


def test_votes_that_cannot_be_are_refused_and_counted() -> None:
    answers = _given(1)
    votes = [
        _vote("nobody", "key_a"),
        _vote("key_a-0", "key_b"),
        _vote("key_a-0", "key_a", at_ns=NOW + 2 * SLACK_NS),
        _vote("key_a-0", "key_a", at_ns=NOW - 10**13),
        _vote("key_a-0", "key_a", score=float("nan")),
        _vote("key_a-0", "key_a", score=1.5),
        _vote("key_a-0", "key_a", score=0.25),
        _vote("key_a-0", "key_a", score=1.0),
    ]
    made = labels(votes, answers, NOW)
    assert made.scores == {"key_a-0": 0.25}
    assert made.refused == {
        "unknown answer": 1,
        "another key's answer": 1,
        "in the future": 1,
        "before the answer": 1,
        "not a score from 0 to 1": 2,
        "said before": 1,
    }


def test_clients_come_before_the_judge_and_the_whole_before_its_parts() -> None:
    answers = _given(3)
    votes = [
        _vote("key_a-0", "judge", 0.0, source="judge"),
        _vote("key_a-0", "key_a", 1.0, name="style"),
        _vote("key_a-0", "master", 0.5),
        _vote("key_a-1", "judge", 0.75, source="judge"),
        _vote("key_a-2", "key_a", 0.0, name="style"),
        _vote("key_a-2", "key_a", 1.0, name="truth"),
    ]
    made = labels(votes, answers, NOW)
    assert made.scores == {"key_a-0": 0.5, "key_a-1": 0.75, "key_a-2": 0.5}
