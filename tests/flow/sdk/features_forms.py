"""The features about parts other than words, and the forms of answers: see `features`."""

from collections.abc import Callable
from typing import Any, Final

from google.genai import types as gt

from tests.flow.sdk.clients import Got
from tests.flow.sdk.features import (
    CITY,
    PDF,
    PICTURE,
    PNG,
    STOPS,
    WAV,
    Cell,
    Feature,
    Json,
    ask,
    b64,
    chat,
    generate,
    hears,
    says,
)
from tests.flow.sdk.heard import Heard, Part
from tests.harness.answers import Answer, Said

# --- parts -------------------------------------------------------------------------


def _with(
    prompt: str, openai: Json | None, anthropic: Json | None, gemini: Any
) -> Json:
    """One user turn: some part, then the prompt."""
    asks: Json = {}
    if openai is not None:
        asks["openai"] = chat([openai, {"type": "text", "text": prompt}])
    if anthropic is not None:
        asks["anthropic"] = ask([anthropic, {"type": "text", "text": prompt}])
    if gemini is not None:
        asks["gemini"] = generate([gemini, prompt])
    return asks


def _part(name: str, asks: Callable[[str], Json], part: Part) -> Feature:
    prompt = f"What is it? [[{name}]]"
    answer = Answer((Said(prompt),))
    return Feature(
        name, asks(prompt), answer, says(prompt), hears(part, ("text", prompt))
    )


IMAGE_URL = _part(
    "image_url",
    lambda prompt: _with(
        prompt,
        {"type": "image_url", "image_url": {"url": PICTURE}},
        {"type": "image", "source": {"type": "url", "url": PICTURE}},
        gt.Part.from_uri(file_uri=PICTURE, mime_type="image/png"),
    ),
    ("image_url", PICTURE),
)
IMAGE_DATA = _part(
    "image_data",
    lambda prompt: _with(
        prompt,
        {
            "type": "image_url",
            "image_url": {"url": f"data:image/png;base64,{b64(PNG)}"},
        },
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": b64(PNG)},
        },
        gt.Part.from_bytes(data=PNG, mime_type="image/png"),
    ),
    ("image", "image/png", PNG),
)
DOCUMENT = _part(
    "document",
    lambda prompt: _with(
        prompt,
        {
            "type": "file",
            "file": {
                "filename": "a.pdf",
                "file_data": f"data:application/pdf;base64,{b64(PDF)}",
            },
        },
        {
            "type": "document",
            "source": {
                "type": "base64",
                "media_type": "application/pdf",
                "data": b64(PDF),
            },
        },
        gt.Part.from_bytes(data=PDF, mime_type="application/pdf"),
    ),
    ("pdf", PDF),
)
AUDIO = _part(
    "audio",
    lambda prompt: _with(
        prompt,
        {"type": "input_audio", "input_audio": {"data": b64(WAV), "format": "wav"}},
        None,
        gt.Part.from_bytes(data=WAV, mime_type="audio/wav"),
    ),
    ("audio", "wav", WAV),
)

# --- forms and numbers -------------------------------------------------------------

FORM: Final = "Where? [[schema]]"


def _schema_heard(found: Heard, _: Cell) -> None:
    assert found.schema == CITY


SCHEMA = Feature(
    "schema",
    {
        "openai": chat(
            FORM,
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "place", "schema": CITY, "strict": True},
            },
        ),
        "anthropic": ask(
            FORM, output_config={"format": {"type": "json_schema", "schema": CITY}}
        ),
        "gemini": generate(
            FORM, response_mime_type="application/json", response_json_schema=CITY
        ),
    },
    Answer((Said('{"city":"Zürich"}'),)),
    says('{"city":"Zürich"}'),
    _schema_heard,
)
JSON_PROMPT: Final = "In JSON. [[json_mode]]"


def _json_heard(found: Heard, cell: Cell) -> None:
    if cell.family == "anthropic":
        assert "JSON" in found.system[0]
    else:
        assert found.json_mode


JSON_MODE = Feature(
    "json_mode",
    {
        "openai": chat(JSON_PROMPT, response_format={"type": "json_object"}),
        "gemini": generate(JSON_PROMPT, response_mime_type="application/json"),
    },
    Answer((Said('{"echo":"In JSON. [[json_mode]]"}'),)),
    says('{"echo":"In JSON. [[json_mode]]"}'),
    _json_heard,
)

TWICE: Final = "Twice. [[several]]"


def _several_shown(got: Got, cell: Cell) -> None:
    second = TWICE + " (2)" if cell.family == "echo" else TWICE
    assert got.choices == [TWICE, second]
    assert got.stop == STOPS[cell.dialect]["end"]


def _several_heard(found: Heard, _: Cell) -> None:
    assert found.n == 2


SEVERAL = Feature(
    "several",
    {
        "openai": chat(TWICE, n=2),
        "gemini": generate(TWICE, candidate_count=2),
    },
    Answer((Said(TWICE),)),
    _several_shown,
    _several_heard,
)

LIKELY: Final = "How likely? [[logprobs]]"


def _logprobs_heard(found: Heard, cell: Cell) -> None:
    assert found.logprobs == (None if cell.family == "anthropic" else 2)


def _logprobs_shown(got: Got, cell: Cell) -> None:
    assert got.text == LIKELY
    if cell.family == "anthropic":
        assert got.logprobs == []
        return
    assert "".join(token for token, _, _ in got.logprobs) == LIKELY
    value = -0.01 if cell.family == "echo" else -0.25
    assert {told for _, told, _ in got.logprobs} == {value}
    assert {top for _, _, top in got.logprobs} == {2}


LOGPROBS = Feature(
    "logprobs",
    {
        "openai": chat(LIKELY, logprobs=True, top_logprobs=2),
        "gemini": generate(LIKELY, response_logprobs=True, logprobs=2),
    },
    Answer((Said(LIKELY),)),
    _logprobs_shown,
    _logprobs_heard,
)

SEEDED: Final = "The same again. [[seed]]"


def _seed_heard(found: Heard, cell: Cell) -> None:
    assert found.seed == (None if cell.family == "anthropic" else 7)


SEED = Feature(
    "seed",
    {"openai": chat(SEEDED, seed=7), "gemini": generate(SEEDED, seed=7)},
    Answer((Said(SEEDED),)),
    says(SEEDED),
    _seed_heard,
)
