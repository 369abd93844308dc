"""What an evaluation says of made-up models of known worth."""

import numpy as np
import pytest

from routing.lab import evaluate, split
from routing.lab.cascade import Arms, agreement
from routing.lab.results import Report
from routing.lab.table import Table, TableError
from routing.lab.train import Trained
from routing.learned.model import NAMES
from tests.routing import outcomes


@pytest.fixture(scope="module")
def report(table: Table) -> Report:
    judged = evaluate.crossed(table, split.by_chance(len(table), 3, 0), 0)
    return evaluate.report(table, judged, "chance", 0)


def test_knowing_more_saves_more(report: Report) -> None:
    saved = {name: r.levels["0.95"].nested for name, r in report.routers.items()}
    assert saved["query oracle"] >= saved["domain oracle"] > 0.5
    assert saved["gbdt"] > 0.8 * saved["domain oracle"]
    assert saved["gbdt"] > saved["single models"] + 0.2
    assert saved["gbdt"] > saved["random"] + 0.2


def test_domains_and_tenths_hold_every_row_once(report: Report) -> None:
    assert sum(one.rows for one in report.domains.values()) == report.rows
    assert set(report.domains) == set(outcomes.WORDS)
    alone = sum(d.alone * d.rows for d in report.domains.values()) / report.rows
    assert alone == pytest.approx(report.alone.quality)
    pairs = sum(one.pairs for one in report.calibration)
    assert pairs == report.rows * len(outcomes.MODELS)
    off = sum(abs(b.predicted - b.actual) * b.pairs for b in report.calibration)
    assert off / pairs < 0.1
    assert report.domains["sums"].saved > report.domains["law"].saved


def test_every_way_is_told(report: Report) -> None:
    assert set(NAMES) < set(report.routers)
    assert list(report.singles) == list(outcomes.MODELS)
    assert report.base == "large"
    assert report.rows == 400
    gbdt = report.routers["gbdt"]
    assert gbdt.ece < 0.05
    assert gbdt.pair is None
    for level in gbdt.levels.values():
        assert level.low <= level.nested + 0.1
        assert level.nested <= level.high + 0.1
    assert report.latency_us["min"] <= report.latency_us["p50"]


def test_the_time_of_a_decision_is_also_that_of_the_features(
    table: Table, trained: Trained
) -> None:
    assert (table.reading_s > 0.0).all()
    some = table.take(np.arange(20))
    some.reading_s[:] = 5.0
    latency = evaluate.predicted(trained.artifact, some).latency_s
    assert ((latency > 5.0) & (latency < 10.0)).all()


def test_judging_twice_says_the_same(table: Table, trained: Trained) -> None:
    one, other = (
        evaluate.report(table, evaluate.predicted(trained.artifact, table), "", 1)
        for _ in range(2)
    )
    assert one.routers == other.routers


def test_whole_domains_are_new_to_who_judges_them(table: Table) -> None:
    seen = np.zeros(len(table), int)
    for labels in (0, 5):
        for fold in split.by_domain(table, 3, labels, 0):
            assert not set(fold.train) & set(fold.test)
            new = set(table.domains[fold.test])
            again = np.isin(table.domains[fold.train], list(new)).sum()
            assert again == labels * len(new)
            seen[fold.test] += 1
    assert set(seen) == {0, 2}  # the same rows, whatever is given of the others
    table = table.take(np.flatnonzero(table.domains == "law"))
    with pytest.raises(TableError, match="needs 2"):
        list(split.by_domain(table, 2, 0, 0))


def test_two_models_are_a_pair(table: Table) -> None:
    two = Table(
        name="two",
        models=table.models[::2],
        sketches=table.sketches,
        domains=table.domains,
        quality=table.quality[:, ::2],
        cost=table.cost[:, ::2],
    )
    judged = evaluate.crossed(two, split.by_chance(len(two), 2, 0), 0)
    found = evaluate.report(two, judged, "", 0)
    pair = found.routers["gbdt"].pair
    assert pair is not None
    assert pair.low <= pair.apgr <= pair.high
    assert pair.apgr > 0.6
    assert pair.cpt50 < pair.cpt80


def _answered(table: Table, answers: np.ndarray | None) -> Table:
    return Table(
        name="answered",
        models=table.models,
        sketches=table.sketches,
        domains=table.domains,
        quality=table.quality,
        cost=table.cost,
        answers=answers,
    )


def test_agreement_is_what_was_said(table: Table) -> None:
    said = np.where(table.quality > 0.5, 0, np.arange(3)[None] + 1)
    said[:10] = -1
    agreed = agreement(_answered(table, said), 1.0, 0).of(0, 1)
    right = (table.quality[:, 0] > 0.5) & (table.quality[:, 1] > 0.5)
    assert agreed[10:].tolist() == right[10:].tolist()
    assert not agreed[:10].any()  # who says nothing agrees with nobody


def test_without_answers_only_two_wrong_ones_are_guessed(table: Table) -> None:
    right = table.quality > 0.5
    both, none = right[:, 0] & right[:, 1], ~right[:, 0] & ~right[:, 1]
    for chance in (0.0, 0.5, 1.0):
        agreed = agreement(table, chance, 0).of(0, 1)
        assert agreed[both].all()
        assert not agreed[right[:, 0] ^ right[:, 1]].any()
        assert agreed[none].mean() == pytest.approx(chance, abs=0.12)
    half = _answered(table, None)
    half.quality = half.quality * 0.5
    with pytest.raises(TableError, match="answers"):
        agreement(half, 0.5, 0)


def test_some_cascade_ends_at_every_strong_model(table: Table) -> None:
    """However much cheaper those are that end elsewhere."""
    rng = np.random.default_rng(0)
    names = ("best", "good", *"abcdef")
    right = (0.9, 0.8, *(0.7,) * 6)
    many = _answered(table, None)
    many.models = names
    many.quality = (rng.random((len(table), 8)) < right).astype(float)
    many.cost = np.tile([1.0, 0.2, *(0.01,) * 6], (len(table), 1))
    arms = Arms().widened(many, np.arange(len(table))).arms
    ends = [last for _, _, last in arms.values()]
    assert ends == ["good", "best", "good", "best", "good", "best"]
    assert list(Arms(most=2).widened(many, np.arange(len(table))).arms) == [*arms][:2]


def test_an_artifact_s_own_cascades_are_judged(table: Table) -> None:
    arms = {"x": ("small", "coder", "large")}
    wide = Arms().joined(table, arms)
    assert wide.models == (*outcomes.MODELS, "x")
    assert wide.take(np.arange(5)).arms == arms
    assert Arms().joined(table, {}) is table


def test_a_cascade_is_one_more_way_to_answer(table: Table) -> None:
    arms = Arms(wrong_agreement=0.0)
    wide = arms.widened(table, np.arange(len(table)))
    assert wide.models == (*outcomes.MODELS, "coder+small>large")
    same = agreement(table, 0.0, 0).of(1, 0)
    dear = table.cost[:, 0] + table.cost[:, 1] + np.where(same, 0, table.cost[:, 2])
    assert wide.cost[:, 3] == pytest.approx(dear)
    judged = evaluate.crossed(table, split.by_chance(len(table), 3, 0), 0, arms)
    found = evaluate.report(table, judged, "", 0)
    assert list(found.singles) == list(outcomes.MODELS)
    assert found.base == "large"
