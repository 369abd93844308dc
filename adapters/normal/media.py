"""Files that travel beside a call: pictures and sounds, in and out."""

import msgspec


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file in a call: one of `data`, `url`, `file`."""

    data: bytes | memoryview = b""
    media_type: str = ""
    """As the client said, or as its first bytes say; empty when unknown."""
    name: str = ""
    """Its file name; empty when it had none."""
    url: str = ""
    """Also `data:`."""
    file: str = ""
    """A file id of the provider."""
