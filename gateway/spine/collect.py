"""What a record keeps of a prompt, so that routing can learn from it."""

from msgspec.structs import replace

from adapters.contract import Call
from gateway.spine.asked import prompt
from gateway.telemetry.facts import Facts
from gateway.telemetry.redact import Redactor
from routing.sketch import closed
from routing.text import Reader


class Collector:
    """Made for the recorder's thread: reading a prompt is not for the loop."""

    def __init__(self, redactor: Redactor, *, text: bool) -> None:
        """`text`: the words themselves, else hashed counts."""
        self._redactor = redactor
        self._text = text
        self._reader = Reader()

    def collected(self, facts: Facts, call: Call) -> Facts:
        """The exchange with its prompt's sketch or words, and without the call."""
        said = self._redactor.text(prompt(call).text)
        if not said:
            return replace(facts, asked=None)
        if self._text:
            return replace(facts, asked=None, prompt=said)
        return replace(facts, asked=None, sketch=closed(self._reader.sketch(said)))
