"""Claims of pictures, sound and moderation."""

from typing import Final

from tests.matrix.row import Row

_RELAY = "flow/media/test_relay.py::"
_ECHO = "flow/media/test_echo.py::"

_WAY = "flow/media/test_way.py::"

_FETCH = "flow/media/test_fetch.py::"
_FLUX = "flow/media/test_flux.py::"
_PRICES = "flow/media/test_prices.py::"
_VENDORS = "flow/media/test_vendors.py::"

ROWS: Final = (
    Row(
        "media",
        "pictures by address are fetched and sent inline where a backend takes data only",
        (
            f"{_FETCH}test_a_picture_by_address_is_sent_by_its_data",
            f"{_FETCH}test_a_document_by_address_is_sent_by_its_data",
            f"{_FETCH}test_what_is_no_picture_is_told",
            f"{_FETCH}test_who_takes_addresses_is_given_them",
        ),
    ),
    Row(
        "media",
        "fault 24: what a client names by address leads nowhere inside",
        (
            f"{_FETCH}test_fault_24_a_clients_address_leads_nowhere_inside",
            f"{_FETCH}test_fault_24_neither_does_a_redirect",
        ),
    ),
    Row(
        "media",
        "Google draws, edits, speaks and listens for OpenAI's clients",
        (
            f"{_VENDORS}test_imagen_draws",
            f"{_VENDORS}test_recorded_answers_of_imagen",
            f"{_VENDORS}test_gemini_draws_and_edits",
            f"{_VENDORS}test_gemini_speaks",
            f"{_VENDORS}test_gemini_listens",
        ),
    ),
    Row(
        "media",
        "Stability, Deepgram and ElevenLabs answer OpenAI's clients",
        (
            f"{_VENDORS}test_stability_draws",
            f"{_VENDORS}test_deepgram_as_recorded",
            f"{_VENDORS}test_deepgram_is_told_what_the_configuration_sets",
            f"{_VENDORS}test_elevenlabs_speaks",
            f"{_VENDORS}test_elevenlabs_listens",
        ),
    ),
    Row(
        "media",
        "Black Forest Labs is asked until the picture is ready; fal draws and edits",
        (
            f"{_FLUX}test_a_picture_is_asked_for_until_it_is_ready",
            f"{_FLUX}test_a_picture_is_edited",
            f"{_FLUX}test_a_streamed_picture_comes_when_it_is_ready",
            f"{_FLUX}test_a_picture_that_never_comes_is_late",
            f"{_FLUX}test_no_key_is_shown_at_a_stranger_s_address",
            f"{_FLUX}test_fal_draws",
            f"{_FLUX}test_fal_edits_and_answers_with_data",
            f"{_FLUX}test_fal_refuses_in_its_own_words",
        ),
    ),
    Row(
        "media",
        "a picture's cost is that of its quality and size; unknown ones have none",
        (
            f"{_PRICES}test_a_picture_costs_by_quality_and_size",
            f"{_PRICES}test_what_a_deployment_sets_is_priced",
            f"{_PRICES}test_pictures_of_other_vendors_cost_by_the_piece",
        ),
    ),
    Row(
        "media",
        "recorded media go through unchanged, their usage counted",
        ("flow/media/test_recordings.py::test_every_recording_goes_through_unchanged",),
    ),
    Row(
        "media",
        "media have chat's fallbacks, cooldowns and limits, and end with their client",
        (
            f"{_WAY}test_another_deployment_answers_what_the_first_cannot",
            f"{_WAY}test_a_limit_of_one_kind_is_told_as_for_chat",
            f"{_WAY}test_a_listener_who_leaves_ends_the_speech",
            f"{_WAY}test_who_leaves_while_it_is_heard_frees_the_provider",
            f"{_WAY}test_an_upload_that_is_given_up_asks_nobody",
        ),
    ),
    Row(
        "media",
        "media that break off never look whole",
        (
            f"{_WAY}test_sound_that_breaks_off_does_not_look_whole",
            f"{_WAY}test_a_transcript_that_breaks_off_ends_in_an_error",
        ),
    ),
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
