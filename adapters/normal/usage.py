"""Tokens of one exchange."""

import msgspec


class Usage(msgspec.Struct, frozen=True):
    """Token counts of one answer. Totals include their parts; nothing is counted twice.

    Families that tell cached input or reasoning apart from the totals (Anthropic's
    input, Gemini's thoughts, xAI's reasoning) are added up by their decoder.
    """

    input: int = 0
    """All prompt tokens, cached and cache-written ones included."""
    output: int = 0
    """All generated tokens, reasoning included."""
    cached: int = 0
    """Of `input`: read from the provider's prompt cache."""
    cache_write: int = 0
    """Of `input`: written to the provider's prompt cache, any lifetime."""
    cache_write_1h: int = 0
    """Of `cache_write`: those with a lifetime of one hour."""
    reasoning: int = 0
    """Of `output`: spent on thinking."""
    audio_input: int = 0
    """Of `input`: audio."""
    audio_output: int = 0
    """Of `output`: audio."""
    image_input: int = 0
    """Of `input`: images."""
    image_output: int = 0
    """Of `output`: images."""
    tool_input: int = 0
    """Of `input`: results of tools that the provider ran itself."""
    predicted: int = 0
    """Of `output`: accepted predicted tokens."""
    rejected: int = 0
    """Of `output`: rejected predicted tokens, billed all the same."""
    images: int = 0
    """Pictures made, where they are billed by the piece: beside tokens, like the
    following two."""
    audio_ms: int = 0
    """Milliseconds of sound listened to or made, where told."""
    characters: int = 0
    """Of text to be spoken."""
    searches: int = 0
    """Questions that documents were ranked for, where these are billed."""
    estimated: bool = False
    """Counted by us, because the stream broke before the provider told."""
    paid: tuple[int, int] | None = None
    """Tokens in and out that are billed, where the provider bills others than those it
    counts (Cohere does not bill its own hidden prompt)."""

    service: str = ""
    """How it was served where that may cost otherwise: `flex`, `priority`, `batch`."""

    @property
    def total(self) -> int:
        return self.input + self.output

    def plus(self, other: "Usage") -> "Usage":
        """Both together."""
        added = {
            name: getattr(self, name) + getattr(other, name)
            for name in self.__struct_fields__
            if type(getattr(self, name)) is int
        }
        return msgspec.structs.replace(self, **added)
