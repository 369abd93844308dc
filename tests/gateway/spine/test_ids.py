"""An id tells when it was made, and whose it is."""

from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.spine.ids import made, made_at, owned

instants = st.integers(0, 2**48 - 1)
keys = st.text(max_size=40).filter(lambda key: key.isprintable())


@given(instants, st.integers(0, 2**64 - 1), keys)
def test_it_tells_its_time_whoever_it_is_of(ms: int, random: int, key: str) -> None:
    for id in (made(ms * 1_000_000, random), owned(made(ms * 1_000_000, random), key)):
        assert made_at(id) == ms / 1000.0
        assert len(id) == 32


@given(instants, st.integers(0, 2**64 - 1), keys, keys)
def test_it_is_of_one_key(ms: int, random: int, key: str, other: str) -> None:
    id = owned(made(ms * 1_000_000, random), key)
    assert owned(id, key) == id
    # Whom it was of before makes no difference.
    assert owned(owned(id, other), key) == id


def test_a_key_does_not_pass_for_another() -> None:
    ids = [owned(made(n, n), "key_one") for n in range(10_000)]
    assert not [id for id in ids if owned(id, "key_two") == id]


@given(st.text(max_size=40))
def test_other_texts_are_no_ids(text: str) -> None:
    assume(not text.startswith("req_"))
    assert made_at(text) is None
