"""POST /v1/images/..., /v1/audio/..., /v1/moderations: OpenAI's dialects of media."""

from typing import Final, NamedTuple

from adapters.contract import Operation
from adapters.registry import DIALECTS
from gateway.endpoints.chat import FORWARDED
from gateway.endpoints.door import Door
from gateway.endpoints.table import Row
from gateway.spine.dispatch import Dispatch
from gateway.telemetry.context import Propagation


class Surface(NamedTuple):
    """What is asked for under one path."""

    name: str
    dialect: str
    operation: Operation
    summary: str
    forms: bool = True
    """Whether its bodies may be forms."""


SURFACES: Final = (
    Surface(
        "images/generations",
        "openai.images",
        Operation.images_generate,
        "Pictures from words",
    ),
    Surface("images/edits", "openai.images", Operation.images_edit, "Pictures edited"),
    Surface(
        "images/variations", "openai.images", Operation.images_vary, "Pictures varied"
    ),
    Surface(
        "audio/speech", "openai.speech", Operation.speech, "Words spoken", forms=False
    ),
    Surface(
        "audio/transcriptions",
        "openai.transcriptions",
        Operation.transcribe,
        "Speech written down",
    ),
    Surface(
        "audio/translations",
        "openai.transcriptions",
        Operation.translate_audio,
        "Speech written down in English",
    ),
    Surface(
        "moderations",
        "openai.moderations",
        Operation.moderate,
        "Texts and pictures judged",
        forms=False,
    ),
)


def rows(dispatch: Dispatch, propagation: Propagation) -> list[Row]:
    """Under the bases that chat has."""
    return [_row(dispatch, propagation, surface) for surface in SURFACES]


def _row(dispatch: Dispatch, propagation: Propagation, surface: Surface) -> Row:
    name = surface.name
    path = f"/v1/{name}"
    return Row(
        method="POST",
        path=path,
        aliases=(f"/{name}", f"/openai/{name}", f"/openai/v1/{name}"),
        endpoint=Door(
            dispatch,
            propagation,
            DIALECTS[surface.dialect],
            surface.operation,
            path,
            FORWARDED,
            forms=surface.forms,
        ),
        auth="key",
        recorded=True,
        forms=surface.forms and surface.operation is not Operation.images_generate,
        summary=surface.summary,
    )
