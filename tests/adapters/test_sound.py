"""What the first bytes of a sound tell."""

import io
import struct
import wave

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import sound


@given(st.binary(max_size=400).map(lambda b: b[: len(b) // 2 * 2]))
def test_what_is_written_as_wav_is_read_as_wav(samples: bytes) -> None:
    data = sound.wav(samples)
    with wave.open(io.BytesIO(data)) as read:
        assert read.getframerate() == sound.RATE
        assert read.readframes(1000) == samples
    assert sound.wav_ms(data) == len(samples) * 1000 // 48_000
    assert sound.wav_ms(sound.wav_head(None) + samples) == sound.wav_ms(data)


@given(st.binary(max_size=80))
def test_any_bytes_have_a_length_or_none(data: bytes) -> None:
    sound.wav_ms(data)
    sound.wav_ms(b"RIFF....WAVE" + data)


def test_endless_chunks_are_given_up() -> None:
    chunk = struct.pack("<4sI", b"junk", 0)
    assert sound.wav_ms(b"RIFF....WAVE" + chunk * 1_000_000) is None


@pytest.mark.parametrize(
    ("said", "name", "data", "kind"),
    [
        ("audio/x-wav", "a.mp3", b"", "audio/x-wav"),
        ("audio/mpeg; x=1", "", b"", "audio/mpeg"),
        ("application/octet-stream", "a.MP3", b"", "audio/mpeg"),
        ("", "speech", b"RIFF....WAVE", "audio/wav"),
        ("", "", b"ID3", "audio/mpeg"),
        ("", "", b"OggS", "audio/ogg"),
        ("", "", b"....ftypM4A ", "audio/mp4"),
        ("", "", b"\x1aE\xdf\xa3", "audio/webm"),
        ("", "", b"?", "application/octet-stream"),
    ],
)
def test_a_sound_has_a_name(said: str, name: str, data: bytes, kind: str) -> None:
    assert sound.media_type(said, name, data) == kind
