"""Forms: what is written is read again, and what could be two things is refused."""

import email.parser
import email.policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import BadCall
from adapters.framing import multipart
from adapters.framing.multipart import Part

NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20
).filter(lambda name: "%" not in name)
TYPES = st.sampled_from(["", "audio/wav", "application/octet-stream"])
DATA = st.binary(max_size=80) | st.sampled_from(
    [b"", b"\r\n", b"--", b"\r\n--", b"\r\n\r\n", b"--x--\r\n"]
)
PARTS = st.lists(
    st.builds(
        Part,
        name=NAMES,
        filename=st.none() | NAMES,
        content_type=TYPES,
        data=DATA,
    ),
    max_size=6,
)
FORM = (
    b"--x\r\n"
    b'Content-Disposition: form-data; name="model"\r\n\r\n'
    b"whisper-1\r\n"
    b"--x\r\n"
    b'Content-Disposition: form-data; name="file"; filename="a.wav"\r\n'
    b"Content-Type: audio/wav\r\n\r\n"
    b"RIFF\r\n--xy\r\n"
    b"\r\n--x--\r\n"
)


def bare(parts: list[Part]) -> list[tuple[str, str | None, str, bytes]]:
    return [(p.name, p.filename, p.content_type, p.data) for p in parts]


@given(PARTS.filter(bool))
def test_what_is_written_is_read_again(parts: list[Part]) -> None:
    body, mark = multipart.write(parts)
    read = multipart.read(body, mark)
    assert bare(read) == bare(parts)
    assert all(body[p.at : p.at + len(p.data)] == p.data for p in read)


@given(PARTS.filter(bool))
def test_the_standard_library_reads_the_same(parts: list[Part]) -> None:
    body, mark = multipart.write(parts)
    head = b"Content-Type: multipart/form-data; boundary=" + mark + b"\r\n\r\n"
    parser = email.parser.BytesParser(policy=email.policy.HTTP)
    found = list(parser.parsebytes(head + body).iter_parts())
    assert [p.get_payload(decode=True) for p in found] == [p.data for p in parts]


@given(PARTS.filter(bool), st.data())
def test_other_data_in_some_parts_leave_the_others_alone(
    parts: list[Part], data: st.DataObject
) -> None:
    body, mark = multipart.write(parts)
    name = data.draw(st.sampled_from([p.name for p in parts]))
    changed = multipart.replaced(body, multipart.read(body, mark), {name: b"new"})
    assert bare(multipart.read(changed, mark)) == [
        (n, f, t, b"new" if n == name else d) for n, f, t, d in bare(parts)
    ]
    assert len(changed) - len(body) == sum(
        3 - len(p.data) for p in parts if p.name == name
    )


@given(st.binary(max_size=300))
def test_any_bytes_are_a_form_or_a_bad_call(body: bytes) -> None:
    for data in (body, b"--x" + body, FORM[:-9] + body):
        try:
            multipart.read(data, b"x")
        except BadCall:
            continue


@given(st.integers(0, len(FORM) - 1))
def test_a_form_that_is_cut_off_is_refused(at: int) -> None:
    whole = FORM.rstrip(b"\r\n")
    if at < len(whole):
        with pytest.raises(BadCall):
            multipart.read(FORM[:at], b"x")


def test_a_longer_boundary_inside_is_data() -> None:
    model, file = multipart.read(FORM, b"x")
    assert (model.name, model.text(), file.filename) == ("model", "whisper-1", "a.wav")
    assert file.data == b"RIFF\r\n--xy\r\n"


@pytest.mark.parametrize(
    ("form", "word"),
    [
        (b"junk" + FORM, "begin"),
        (FORM + b"junk", "follows"),
        (FORM.replace(b"\r\n", b"\n"), "cut off"),
        (FORM.replace(b'name="model"', b"x=1"), "no name"),
        (FORM.replace(b"form-data", b"attachment"), "form-data"),
        (
            FORM.replace(
                b"audio/wav", b"audio/wav\r\nContent-Transfer-Encoding: base64"
            ),
            "transfer",
        ),
        (FORM.replace(b'name="model"', b'name="model"; name="user"'), "twice"),
        (FORM.replace(b"audio/wav", b"a\r\ncontent-type: b"), "twice"),
        (FORM.replace(b"audio/wav", b"audio/wav\r\n folded"), "none"),
        (FORM.replace(b'"model"', b'"mod\xffel"'), "UTF-8"),
        (FORM.replace(b"model", b"m" * 20_000), "do not end"),
    ],
)
def test_what_could_be_two_things_is_refused(form: bytes, word: str) -> None:
    with pytest.raises(BadCall, match=word):
        multipart.read(form, b"x")


def test_a_form_of_too_many_parts_is_refused() -> None:
    body, mark = multipart.write(Part(name="a") for _ in range(multipart.MAX_PARTS + 1))
    with pytest.raises(BadCall, match="more than"):
        multipart.read(body, mark)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (b"multipart/form-data; boundary=abc", b"abc"),
        (b'Multipart/Form-Data;charset=utf-8; Boundary="a b?"', None),
        (b'multipart/form-data; boundary="a:b"', b"a:b"),
        (b"multipart/form-data", None),
        (b"multipart/form-data; boundary=" + b"a" * 71, None),
        (b"multipart/form-data; boundary=a; boundary=b", None),
        (b"application/json", b""),
        (b"multipart/form-dataX; boundary=a", b""),
        (b"", b""),
    ],
)
def test_the_boundary_is_the_headers(kind: bytes, expected: bytes | None) -> None:
    if expected is None:
        with pytest.raises(BadCall):
            multipart.boundary(kind)
    else:
        assert multipart.boundary(kind) == expected


def test_a_field_is_text_and_a_file_is_not() -> None:
    with pytest.raises(BadCall, match="a file"):
        Part(name="model", filename="x").text()
    with pytest.raises(BadCall, match="UTF-8"):
        Part(name="model", data=b"\xff").text()


def test_json_values_become_fields() -> None:
    assert [(p.name, p.data) for p in multipart.fields("a", b'["x", 1]')] == [
        ("a[]", b"x"),
        ("a[]", b"1"),
    ]
    assert multipart.fields("t", b'"say"')[0].data == b"say"
    assert multipart.fields("t", b"0.5")[0].data == b"0.5"


def test_near_misses_and_endless_boundaries_are_read_in_one_go() -> None:
    """Some seconds, where each miss is looked at one by one."""
    misses = b"\r\n--xa" * 2_000_000
    form = FORM.replace(b"RIFF", misses)
    assert multipart.read(form, b"x")[1].data[: len(misses)] == misses
    with pytest.raises(BadCall):
        multipart.read(b"--x\r\n" * 1_000_000, b"x")
