"""What sections of the configuration are made of: kinds of values, and their base."""

from typing import Annotated

import msgspec
from msgspec import Meta

Secret = Annotated[str, Meta(extra={"secret": True}, examples=["env:OPENAI_API_KEY"])]
"""A reference to a secret, kept as it is written; `Secrets.resolve` gives the value."""
HeaderValue = Annotated[str, Meta(extra={"template": True})]
"""May hold references, kept as they are written; `Secrets.text` gives the value."""
Seconds = Annotated[float, Meta(gt=0)]
Pause = Annotated[float, Meta(ge=0)]
"""Seconds, or 0 for not at all."""
Port = Annotated[int, Meta(ge=0, le=65535)]
"""0: whichever is free."""
Count = Annotated[int, Meta(ge=1)]
Number = Annotated[int, Meta(ge=0)]
Ratio = Annotated[float, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
Dollars = Annotated[float, Meta(ge=0)]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A mapping of the file; unknown keys are refused."""
