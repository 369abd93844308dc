"""Claims of pictures, sound and moderation."""

from typing import Final

from tests.matrix.row import Row

_RELAY = "flow/media/test_relay.py::"
_ECHO = "flow/media/test_echo.py::"

ROWS: Final = (
    Row(
        "media",
        "pictures are made, watched while they are made, edited and varied",
        (
            f"{_RELAY}test_pictures_are_made",
            f"{_RELAY}test_a_picture_is_watched_while_it_is_made",
            f"{_RELAY}test_pictures_are_edited",
            f"{_RELAY}test_pictures_are_edited_in_json",
            f"{_RELAY}test_pictures_are_varied",
        ),
        (
            "POST /v1/images/generations",
            "POST /v1/images/edits",
            "POST /v1/images/variations",
        ),
    ),
    Row(
        "media",
        "words are spoken, the sound handed on as it comes, in bytes or events",
        (
            f"{_RELAY}test_words_are_spoken_as_they_come",
            f"{_RELAY}test_sound_in_events",
        ),
        ("POST /v1/audio/speech",),
    ),
    Row(
        "media",
        "speech is written down in every format, whole and streamed, and translated",
        (
            f"{_RELAY}test_speech_is_written_down",
            f"{_RELAY}test_transcripts_that_are_no_json",
            f"{_RELAY}test_transcripts_in_detail",
            f"{_RELAY}test_a_transcript_as_it_is_understood",
            f"{_RELAY}test_a_whole_transcript_where_a_stream_was_asked_for",
            f"{_RELAY}test_speech_is_translated",
        ),
        ("POST /v1/audio/transcriptions", "POST /v1/audio/translations"),
    ),
    Row(
        "media",
        "texts and pictures are judged; who cannot judge says so",
        (
            f"{_RELAY}test_texts_are_judged",
            f"{_RELAY}test_who_has_no_moderation_says_so",
        ),
        ("POST /v1/moderations",),
    ),
    Row(
        "media",
        "bad calls for media are refused in words, and nothing is sent",
        (f"{_RELAY}test_what_cannot_be_asked_is_refused_in_words",),
    ),
    Row(
        "media",
        "pictures, seconds and characters are counted and priced",
        (
            f"{_RELAY}test_pictures_without_usage_cost_by_the_piece",
            f"{_RELAY}test_speech_is_written_down",
            f"{_RELAY}test_words_are_spoken_as_they_come",
        ),
    ),
    Row(
        "media",
        "the demo model draws, speaks, listens and judges without any provider",
        (
            f"{_ECHO}test_the_demo_draws",
            f"{_ECHO}test_the_demo_speaks_and_listens",
            f"{_ECHO}test_the_demo_judges",
        ),
    ),
)
