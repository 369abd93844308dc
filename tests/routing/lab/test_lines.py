"""Tables with holes: how they are made, split, filled and judged by."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.lab.completion import completed, corrected, partial, read_table
from routing.lab.lines import Line, Lines, read_lines, split, write_lines
from routing.lab.logged import Answer, gathered
from routing.lab.table import TableError

MODELS = ["openai/good", "openai/poor"]


def _answer(id: str, prompt: str, model: str = MODELS[0], **more: object) -> Answer:
    said = {
        "id": id,
        "model": model,
        "alias": "auto",
        "group": "u",
        "cost": 0.5,
        "odds": {MODELS[0]: 0.75, MODELS[1]: 0.25},
        "prompt": prompt,
        **more,
    }
    return Answer(**said)  # type: ignore[arg-type]


def test_a_line_a_prompt_with_holes_where_nobody_was_asked() -> None:
    answers = [
        _answer("a", "one"),
        _answer("b", "two", MODELS[1], cost=None),
        _answer("c", "one", MODELS[1]),
        _answer("d", "one"),
        _answer("e", "unjudged"),
        _answer("f", "stepped in", odds={}),
    ]
    made = gathered(answers, {"a": 1.0, "b": 0.0, "c": 0.25, "d": 0.5, "f": 1.0})
    assert made.models == MODELS
    one, two, stepped = made.lines
    assert (one.scores, one.served) == ([0.75, 0.25], [2, 1])
    assert one.propensity == [0.75, 0.25]
    assert (two.scores, two.cost_usd) == ([None, 0.0], [None, None])
    assert (stepped.scores, stepped.served) == ([1.0, None], [0, 0])
    assert made.duplicates == 2


@given(
    st.lists(st.text(min_size=1), min_size=1, unique_by=str.strip),
    st.sampled_from(["random", "time", "group"]),
    st.floats(0.05, 0.95),
)
def test_a_split_loses_and_shares_nothing(
    prompts: list[str], by: str, part: float
) -> None:
    lines = [Line(scores=[1.0], cost_usd=[1.0], prompt=p) for p in prompts]
    table = Lines("t", ["m"], lines, [str(len(p)) for p in prompts])
    kept, held = split(table, by, part)  # type: ignore[arg-type]
    assert sorted(x.prompt for x in [*kept, *held]) == sorted(prompts)
    if by == "group":
        assert not {len(x.prompt) for x in kept} & {len(x.prompt) for x in held}


def test_a_table_goes_through_and_is_the_same_again(tmp_path: Path) -> None:
    first, second = tmp_path / "a.jsonl.gz", tmp_path / "b.jsonl.gz"
    lines = [
        Line(scores=[1.0, None], cost_usd=[0.1, None], prompt="x\u2028y", domain="d"),
        Line(scores=[1.0, 0.0], cost_usd=[0.1, 0.2], prompt="z"),
        Line(scores=[0.0, 0.0], cost_usd=[0.1, 0.2], prompt=" z "),
    ]
    write_lines(first, "t", MODELS, lines)
    read = read_lines(first)
    assert (len(read.lines), read.duplicates, read.groups) == (2, 1, ["d", ""])
    write_lines(second, read.name, read.models, lines)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("field", ["answers", "propensity", "served"])
def test_what_is_said_of_each_model_is_said_of_all(tmp_path: Path, field: str) -> None:
    said = {"answers": '["right"]', "propensity": "[0.5]", "served": "[1]"}[field]
    path = tmp_path / "t.jsonl"
    row = f'{{"prompt": "x", "scores": [1, 1], "cost_usd": [1, 1], "{field}": {said}}}'
    path.write_text(f'{{"models": ["a", "b"]}}\n{row}')
    with pytest.raises(TableError, match=f":2: `{field}` are not 2"):
        read_lines(path)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "models"),
        ('{"models": ["a", "b"]}\n{"scores": [1], "cost_usd": [1, 1]}', "one score"),
        ('{"models": ["a", "b"]}\n{"scores": [1, 1], "cost_usd": [1, 1]}', "prompt"),
        ('{"models": ["a", "b"]}\n{"scores": "x"}', ":2:"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(text)
    with pytest.raises(TableError, match=word):
        read_lines(path)
    path.write_bytes(gzip.compress(b"x" * 100)[:20])
    with pytest.raises(TableError, match="cut short"):
        read_lines(path)


def _logged(count: int, seed: int) -> tuple[Lines, np.ndarray]:
    """Traffic in which the good model is asked three times in four; it is right on
    all prompts, the poor one on those about rivers."""
    rng = np.random.default_rng(seed)
    lines, truth = [], np.empty((count, 2))
    for i in range(count):
        easy = bool(rng.random() < 0.5)
        words = "name a river of the country" if easy else "prove the lemma about sets"
        truth[i] = 0.9, 0.9 if easy else 0.1
        asked = int(rng.random() < 0.25)
        score, cost = [None, None], [None, None]
        score[asked] = float(rng.random() < truth[i, asked])  # type: ignore[call-overload]
        cost[asked] = (0.01, 0.001)[asked]  # type: ignore[call-overload]
        served = [int(asked == j) for j in range(2)]
        line = Line(
            scores=score,
            cost_usd=cost,
            prompt=f"{words} {i} {rng.integers(1000)}",
            propensity=[0.75, 0.25],
            served=served,
        )
        lines.append(line)
    return Lines("t", MODELS, lines, [""] * count), truth


def test_holes_are_filled_with_what_the_other_rows_say() -> None:
    lines, truth = _logged(600, 1)
    table = completed(lines)
    assert np.isfinite(table.quality).all()
    assert ((table.quality >= 0) & (table.quality <= 1)).all()
    hidden = np.array(
        [[score is None for score in line.scores] for line in lines.lines]
    )
    off = np.abs(table.quality - truth)[hidden]
    assert off.mean() < 0.15
    assert table.cost[:, 1].mean() == pytest.approx(0.001, rel=0.05)


def test_corrected_means_are_those_of_the_truth() -> None:
    gaps = []
    for seed in range(8):
        lines, truth = _logged(400, seed)
        quality, cost = corrected(partial(lines))
        gaps.append(quality.mean(0) - truth.mean(0))
        assert cost.mean(0) == pytest.approx([0.01, 0.001], rel=0.1)
    assert np.mean(gaps, axis=0) == pytest.approx([0.0, 0.0], abs=0.03)


def test_a_table_with_holes_can_be_read_to_learn_from(tmp_path: Path) -> None:
    lines, _ = _logged(60, 3)
    path = tmp_path / "t.jsonl.gz"
    write_lines(path, "t", MODELS, lines.lines)
    assert len(read_table(path)) == 60
    assert len(read_table(path, limit=40)) == 40
    assert len(read_table(path, limit=40).models) == 2
