"""Strategies that learn: laws of the odds, then what they come to."""

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.book import BadStrategy, Book, Spec
from routing.contract import Keeping, Learner, Outcome
from routing.health import Health
from routing.strategies.elo import expectation
from routing.strategies.odds import drawn, floored
from routing.strategies.personalised import Personalised
from routing.types import Candidate, Prompt, Query
from tests.routing.test_strategies import made

POOL = [
    Candidate(id="a", model="openai/a", input_price=1, output_price=1),
    Candidate(id="b", model="anthropic/b", input_price=10, output_price=10),
    Candidate(id="c", model="openai/c", input_price=100, output_price=100),
]
WELL = [Health() for _ in POOL]
ASK = Query(alias="m", input_tokens=100, output_tokens=100, prompt=Prompt(turns=1))


def outcome(candidate: str, quality: float | None = None, **more: Any) -> Outcome:
    known = {c.id: c.model for c in POOL}
    said: dict[str, Any] = {
        "query": ASK,
        "candidate": candidate,
        "model": known.get(candidate, ""),
        "ok": True,
        "latency_s": 1.0,
        "cost": None,
        "quality": quality,
    }
    return Outcome(**{**said, **more})


def learner(name: str, **options: object) -> Any:
    found = made(name, 3, **options)
    assert isinstance(found, Learner)
    return found


def odds(strategy: Any, query: Query = ASK) -> dict[str, float]:
    scores = strategy.score(query, POOL, WELL)
    return {c.id: s.propensity for c, s in zip(POOL, scores, strict=True)}


def first(strategy: Any, query: Query = ASK) -> str:
    scores = strategy.score(query, POOL, WELL)
    return POOL[max(range(len(POOL)), key=lambda i: scores[i].value)].id


QUALITY = {"reward": {"quality": 1, "price": 0, "latency": 0}}
TRUTH = {"a": 0.2, "b": 0.9, "c": 0.5}


def live(strategy: Any, rounds: int, seed: int = 1) -> Counter[str]:
    """Serve and be scored; how often each served."""
    rng = random.Random(seed)
    served = Counter[str]()
    for _ in range(rounds):
        who = first(strategy)
        served[who] += 1
        strategy.learn(outcome(who, float(rng.random() < TRUTH[who])))
    return served


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.floats(0, 0.5))
def test_odds_with_a_floor_add_up_and_keep_their_order(
    shares: list[float], floor: float
) -> None:
    total = sum(shares)
    plain = [s / total for s in shares] if total else [1 / len(shares)] * len(shares)
    raised = floored(plain, floor)
    assert sum(raised) == pytest.approx(1.0)
    assert min(raised) >= min(floor, 1 / len(shares)) - 1e-12
    for i, a in enumerate(plain):
        for j, b in enumerate(plain):
            if a < b:
                assert raised[i] <= raised[j] + 1e-12


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9), st.integers(0, 99))
def test_who_has_no_odds_is_not_drawn(shares: list[float], seed: int) -> None:
    at = drawn(random.Random(seed), shares)
    assert shares[at] > 0.0 or not sum(shares)


@pytest.mark.parametrize("name", ["thompson", "softmax"])
def test_the_recorded_odds_are_those_of_what_was_done(name: str) -> None:
    # The law by which others are judged by these records: weighting each choice by
    # one over its odds counts every candidate once a decision.
    strategy = learner(name, floor=0.02, **QUALITY)
    live(strategy, 30)
    weights = Counter[str]()
    rounds = 6000
    for _ in range(rounds):
        scores = strategy.score(ASK, POOL, WELL)
        at = max(range(len(POOL)), key=lambda i: scores[i].value)
        assert scores[at].propensity >= 0.02
        assert sum(s.propensity for s in scores) == pytest.approx(1.0)
        weights[POOL[at].id] += 1 / scores[at].propensity
    for candidate in POOL:
        assert weights[candidate.id] / rounds == pytest.approx(1.0, abs=0.25)


@pytest.mark.parametrize("name", ["thompson", "softmax", "linucb"])
def test_the_best_comes_to_serve(name: str) -> None:
    strategy = learner(name, **QUALITY)
    live(strategy, 200)
    assert live(strategy, 100, seed=2).most_common(1)[0][0] == "b"


def test_what_explores_nothing_by_itself_learns_with_who_does() -> None:
    specs = {
        "own": Spec(kind="elo", options={"k": 64}),
        "out": Spec(kind="explore", options={"of": "own", "share": 0.3}),
    }
    book = Book(specs, random.Random(5), lambda: 0.0)
    rng = random.Random(1)
    for _ in range(300):
        who = first(book.get("out"))
        for one in book.learners("out"):
            one.learn(outcome(who, float(rng.random() < TRUTH[who])))
    assert first(book.get("own")) == "b"


@given(st.permutations(range(12)), st.sampled_from(["thompson", "softmax", "linucb"]))
def test_the_order_of_lessons_does_not_matter(order: list[int], name: str) -> None:
    lessons = [
        outcome(POOL[i % 3].id, (i % 5) / 4, latency_s=i / 10, weight=1 - i / 20)
        if i % 2
        else outcome(POOL[i % 3].id, cost=i / 7, expected_cost=0.5)
        for i in range(12)
    ]
    plain, mixed = learner(name), learner(name)
    for i in range(12):
        plain.learn(lessons[i])
        mixed.learn(lessons[order[i]])
    for a, b in zip(
        plain.score(ASK, POOL, WELL), mixed.score(ASK, POOL, WELL), strict=True
    ):
        assert a.quality == pytest.approx(b.quality)


@pytest.mark.parametrize("name", ["thompson", "softmax", "linucb", "elo"])
@given(
    votes=st.lists(
        st.tuples(st.sampled_from("abc"), st.floats(0, 1), st.floats(0, 1)),
        max_size=20,
    ),
    who=st.sampled_from("abc"),
)
def test_one_more_good_score_never_hurts(
    name: str, votes: list[tuple[str, float, float]], who: str
) -> None:
    strategy = learner(name)
    for candidate, quality, weight in votes:
        strategy.learn(outcome(candidate, quality, weight=weight))
    before = {
        c.id: s.quality
        for c, s in zip(POOL, strategy.score(ASK, POOL, WELL), strict=True)
    }
    strategy.learn(outcome(who, 1.0))
    after = {
        c.id: s.quality
        for c, s in zip(POOL, strategy.score(ASK, POOL, WELL), strict=True)
    }
    for candidate, quality in after.items():
        if candidate == who:
            assert quality >= before[candidate] - 1e-9
        else:
            assert quality == pytest.approx(before[candidate])


@pytest.mark.parametrize("name", ["thompson", "softmax", "linucb", "elo"])
def test_what_was_learned_comes_back_after_a_restart(name: str) -> None:
    before = learner(name)
    assert isinstance(before, Keeping)
    for i, quality in enumerate([1.0, 0.0, 0.5, 1.0, 1.0]):
        before.learn(outcome(POOL[i % 3].id, quality))
        before.learn(outcome(POOL[i % 3].id, cost=0.3, expected_cost=0.1))
    kept = before.notes.join(None, 0.0)
    after = learner(name)
    after.notes.join(kept, 0.0)
    told = [s.quality for s in before.score(ASK, POOL, WELL)]
    assert [s.quality for s in after.score(ASK, POOL, WELL)] == pytest.approx(told)
    assert after.told() == before.told()
    assert before.told()["learned"]


def test_a_price_that_turns_out_higher_is_learned() -> None:
    reward = {"quality": 0, "price": 1, "latency": 0}
    strategy = learner("softmax", reward=reward)
    assert max(odds(strategy), key=odds(strategy).__getitem__) == "a"
    for _ in range(30):  # it thinks aloud, at length
        strategy.learn(outcome("a", cost=2e-8, expected_cost=2e-10))
        strategy.learn(outcome("b", cost=2e-9, expected_cost=2e-9))
    assert max(odds(strategy), key=odds(strategy).__getitem__) == "b"


def test_a_slow_one_is_learned_and_failures_say_nothing_of_time() -> None:
    reward = {"quality": 0, "price": 0, "latency": 1}
    strategy = learner("softmax", reward=reward)
    for _ in range(5):
        strategy.learn(outcome("a", latency_s=9.0))
        strategy.learn(outcome("b", latency_s=3.0))
        strategy.learn(outcome("c", latency_s=0.5))
        strategy.learn(outcome("a", latency_s=0.001, ok=False))
    ranked = sorted(odds(strategy).items(), key=lambda item: item[1])
    assert [id for id, _ in ranked] == ["a", "b", "c"]


def test_unknown_terms_count_nothing_and_an_unknown_price_is_the_dearest() -> None:
    strategy = learner("softmax", qualities={"x": 0.9, "y": 0.2})
    free = [Candidate(id="x"), Candidate(id="y")]
    scores = strategy.score(ASK, free, WELL[:2])
    assert scores[0].propensity > 0.9  # by quality alone
    priced = [Candidate(id="x"), POOL[0]]
    scores = learner("softmax").score(ASK, priced, WELL[:2])
    assert scores[0].value != scores[1].value
    assert scores[0].propensity <= scores[1].propensity


def test_what_is_expected_goes_before_what_was_said() -> None:
    strategy = learner("thompson", qualities={"openai/*": 0.9}, **QUALITY)
    assert strategy.score(ASK, POOL, WELL)[0].quality > 0.7
    for _ in range(60):
        strategy.learn(outcome("a", 0.0))
    assert strategy.score(ASK, POOL, WELL)[0].quality < 0.2


def test_prompts_of_another_size_are_another_matter() -> None:
    strategy = learner("softmax", **QUALITY)
    for _ in range(50):
        strategy.learn(outcome("a", 0.0))
    long = Query(alias="m", input_tokens=9000)
    assert odds(strategy)["a"] < 0.1
    assert odds(strategy, long)["a"] == pytest.approx(1 / 3)
    together = learner("softmax", by="none", **QUALITY)
    for _ in range(50):
        together.learn(outcome("a", 0.0))
    assert odds(together, long)["a"] < 0.1


def test_a_linear_model_tells_queries_apart() -> None:
    strategy = learner("linucb", alpha=0.0, **QUALITY)
    tools = Query(alias="m", input_tokens=100, prompt=Prompt(turns=1, tools=3))
    for _ in range(40):
        strategy.learn(outcome("a", 1.0, query=tools))
        strategy.learn(outcome("a", 0.0))
        strategy.learn(outcome("b", 0.0, query=tools))
        strategy.learn(outcome("b", 1.0))
    assert first(strategy, tools) == "a"
    assert first(strategy) == "b"


@given(st.lists(st.floats(0, 1), max_size=30))
def test_a_rating_ends_where_its_scores_are(qualities: list[float]) -> None:
    strategy = learner("elo")
    for quality in qualities:
        strategy.learn(outcome("a", quality))
    low, high = min([*qualities, 0.5]), max([*qualities, 0.5])
    value = strategy.score(ASK, POOL, WELL)[0].value
    assert low - 0.05 <= expectation(value) <= high + 0.05


def test_ratings_may_be_written() -> None:
    strategy = learner("elo", ratings={"openai/c": 1700, "anthropic/*": 1600})
    assert [s.value for s in strategy.score(ASK, POOL, WELL)] == [1500, 1600, 1700]


def _user(name: str, key: str = "k") -> Query:
    return Query(alias="m", input_tokens=10, key=key, user=name)


def test_everyone_has_a_taste_of_their_own() -> None:
    strategy = learner("personalised", then="ordered")
    assert isinstance(strategy, Personalised)
    for _ in range(6):
        strategy.learn(outcome("c", 1.0, query=_user("ann")))
        strategy.learn(outcome("a", 0.0, query=_user("ann")))
        strategy.learn(outcome("b", 1.0, query=_user("bob")))
    assert first(strategy, _user("ann")) == "c"
    assert first(strategy, _user("bob")) == "b"
    assert first(strategy, _user("cy")) == "a"  # as `then` says
    assert first(strategy, _user("ann", key="other")) == "a"
    kept = strategy.notes.join(None, 0.0)
    assert b"ann" not in kept
    assert strategy.forget("k/ann")
    assert not strategy.forget("k/nobody")
    assert first(strategy, _user("ann")) == "a"
    assert first(strategy, _user("bob")) == "b"
    assert strategy.told() == {"subjects": 1}


def test_a_team_shares_its_taste() -> None:
    strategy = learner("personalised", by="key", then="ordered")
    for _ in range(6):
        strategy.learn(outcome("c", 1.0, query=_user("ann")))
    assert first(strategy, _user("bob")) == "c"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 1)), max_size=40))
def test_a_preference_stays_within_what_was_said(
    votes: list[tuple[str, float]],
) -> None:
    strategy = learner("personalised", rate=1.0)
    for who, quality in votes:
        strategy.learn(outcome(who, quality, query=_user("ann")))
    for score in strategy.score(_user("ann"), POOL, WELL):
        assert abs(score.value) < 5.0


def test_who_is_asked_learns_with_who_asks() -> None:
    specs = {
        "deep": Spec(kind="thompson"),
        "middle": Spec(kind="explore", options={"of": "deep"}),
        "top": Spec(kind="experiment", options={"arms": {"middle": 1, "elo": 1}}),
    }
    book = Book(specs, random.Random(1), lambda: 0.0)
    assert {s.name for s in book.learners("top")} == {"deep", "elo"}
    assert book.learners("weighted") == ()
    assert book.learners("top") is book.learners("top")


@pytest.mark.parametrize(
    ("name", "options", "word"),
    [
        ("softmax", {"floor": 0.001}, "0.02"),
        ("softmax", {"temperature": 0}, "0.001"),
        ("thompson", {"reward": {"qualty": 1}}, "qualty"),
        ("thompson", {"reward": {"quality": 0, "price": 0, "latency": 0}}, "count"),
        ("thompson", {"qualities": {"a": 2}}, "1.0"),
        ("linucb", {"alpha": -1}, "0.0"),
        ("elo", {"k": 1e9}, "400"),
        ("explore", {"of": "cheapest", "share": 2}, "1.0"),
        ("personalised", {"by": "team"}, "team"),
    ],
)
def test_options_that_cannot_be_are_told(
    name: str, options: dict[str, object], word: str
) -> None:
    with pytest.raises(BadStrategy) as told:
        made(name, 1, **options)
    assert word in told.value.message
