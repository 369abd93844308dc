"""Files that travel beside a call: pictures and sounds, in and out."""

import base64

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

    def inline(self) -> tuple[str, str] | None:
        """Media type and base64 of its data; `None`: it has none at hand."""
        if self.url.startswith("data:"):
            head, _, data = self.url[5:].partition(",")
            kind, *more = head.split(";")
            return (kind, data) if more and more[-1] == "base64" else None
        if self.url or self.file:
            return None
        return self.media_type, base64.b64encode(self.data).decode()
