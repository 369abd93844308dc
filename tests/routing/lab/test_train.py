"""Training: what is learned, and from what it refuses to learn."""

from pathlib import Path

import numpy as np
import pytest

from routing.lab import features
from routing.lab.table import LEAST_COST, Table, TableError, read
from routing.lab.train import Trained, train
from routing.learned.model import HEADS, NAMES, Model
from routing.text import Reader
from tests.routing import outcomes


def test_it_learns_which_model_is_good_at_what(trained: Trained) -> None:
    model, reader = Model(trained.artifact), Reader()
    for domain, expected in outcomes.QUALITY.items():
        prompt = " ".join(outcomes.WORDS[domain])
        found = model.predict(reader.sketch(prompt)).quality
        assert found == pytest.approx(np.array(expected), abs=0.15), domain


@pytest.mark.parametrize("name", NAMES)
def test_every_head_learns(name: str, trained: Trained) -> None:
    model, reader = Model(trained.artifact), Reader()
    law, code = (
        model.predict(reader.sketch("7 " + " ".join(2 * outcomes.WORDS[d]) + "?"), name)
        for d in ("law", "code")
    )
    for said in (law, code):
        assert said.quality.shape == said.cost.shape == (3,)
        assert ((said.quality > 0.0) & (said.quality < 1.0)).all()
        assert (said.cost > LEAST_COST).all()
    assert law.quality[2] > law.quality[1] + 0.1
    assert code.quality[1] > code.quality[0] + 0.1
    assert code.quality[1] > law.quality[1] + 0.1


def test_the_same_table_and_seed_give_the_same_artifact(table: Table) -> None:
    one, other = train(table, seed=3), train(table, seed=3)
    assert one.artifact.trees == other.artifact.trees
    for name, array in one.artifact.arrays.items():
        assert (array == other.artifact.arrays[name]).all(), name


def test_trees_see_in_serving_what_they_saw_in_training(
    table: Table, trained: Trained
) -> None:
    """With the heads' own words given, the columns are the same."""
    model = Model(trained.artifact)
    model.predict(table.sketches[0])
    row = model._trees.rows
    learned = features.learn(table.sketches)
    given = features.inputs(learned, table.sketches[:1])
    at = 3 + 3 * len(HEADS) + 2
    shared = np.concatenate([given.marks[0], given.embedded[0, :32]])
    assert row[0, at : at + len(shared)] == pytest.approx(shared, abs=0.02)


def test_prompts_unlike_any_learned_from_get_the_prior(trained: Trained) -> None:
    said = Model(trained.artifact).predict(Reader().sketch("qwzx " * 40))
    assert said.trust == 0.0
    assert said.quality == pytest.approx(trained.artifact.arrays["prior"], abs=0.2)
    assert said.quality.argmax() == 2


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"{}", r":2: .*scores"),
        (b'{"prompt":"a","scores":[1,1],"cost_usd":[1,1,1]}', "2 of 3"),
        (b'{"prompt":"a","scores":[1,1,2],"cost_usd":[1,1,1]}', "from 0 to 1"),
        (b'{"prompt":"a","scores":[1,1,1],"cost_usd":[1,1,-1]}', "negative"),
        (b'{"scores":[1,1,1],"cost_usd":[1,1,1]}', "neither"),
        (b'{"sketch":"?","scores":[1,1,1],"cost_usd":[1,1,1]}', "sketch.*damaged"),
        (b"no json", ":2:"),
        (b'{"prompt":"a","answers":["1"],"scores":[1,1,1],"cost_usd":[1,1,1]}', "ans"),
    ],
)
def test_a_wrong_line_is_named(line: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(outcomes.lines(0)[0] + b"\n" + line + b"\n")
    with pytest.raises(TableError, match=says):
        read(path)


@pytest.mark.parametrize(
    "data", [b"", b"[]\n", b'{"models":[]}\n', b'{"models":["a"]}\n', b"\x1f\x8bxx"]
)
def test_what_is_no_table_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl.gz"
    path.write_bytes(data)
    with pytest.raises(TableError):
        read(path)


def test_a_prompt_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    made = outcomes.lines(40)
    path.write_bytes(b"\n".join([*made, *made[1:11]]))
    found = read(path)
    assert (len(found), found.duplicates) == (40, 10)
    assert len(read(path, limit=7)) == 7


def test_too_little_is_not_learned_from(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="needs 30"):
        train(outcomes.table(tmp_path, 20))
