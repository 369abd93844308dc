"""A YAML file as plain values that know their lines.

Read as a graph of nodes rather than as finished objects: only so every key and value
has its place, a key given twice is seen, and an alias that would unfold into millions
of values is stopped before it does. YAML 1.2: `yes` and `on` are words.
"""

import math
import re
import warnings
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from gateway.config.problem import ConfigError, Path, Problem, Spot, dotted, quoted

MAX_BYTES: Final = 8 * 1024 * 1024
MAX_VALUES: Final = 200_000
"""Values of a document, each use of an alias counted anew."""
MAX_DEPTH: Final = 64

_TAG: Final = "tag:yaml.org,2002:"
_MERGE: Final = _TAG + "merge"
_KINDS: Final = frozenset(
    {"null", "bool", "int", "float", "str", "timestamp", "merge", "value", "seq", "map"}
)
_TRUE: Final = frozenset({"true", "yes", "on"})


class Document:
    """The values of a file and where each stands."""

    __slots__ = ("file", "keys", "problems", "sources", "spots", "value")

    def __init__(self, file: str, value: Any = None) -> None:
        self.file = file
        self.value = value
        """Dicts, lists, strings, numbers, booleans and `None`."""
        self.spots: dict[Path, Spot] = {}
        """Where the value of a path stands."""
        self.keys: dict[Path, Spot] = {}
        """Where the key of a path stands."""
        self.sources: dict[Path, Path] = {}
        """What a path is called in the file, where the values were translated."""
        self.problems: list[Problem] = []
        """Mistakes that leave the rest of the document readable."""

    def spot(self, path: Path) -> Spot:
        """Where a value stands, or the nearest thing around it that stands anywhere."""
        for end in range(len(path), -1, -1):
            found = self.spots.get(path[:end]) or self.keys.get(path[:end])
            if found is not None:
                return found
        return Spot(self.file, 0, 0)

    def key_spot(self, path: Path) -> Spot:
        """Where the key of a value stands."""
        return self.keys.get(path) or self.spot(path)

    def problem(
        self, path: Path, message: str, hint: str = "", *, at_key: bool = False
    ) -> Problem:
        """A mistake at a path of this document."""
        spot = self.key_spot(path) if at_key else self.spot(path)
        return Problem(*spot, self.name(path), message, hint)

    def name(self, path: Path) -> str:
        """A path as the file's reader knows it."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.sources:
                return dotted(self.sources[path[:end]])
        return dotted(path)


def parse(text: str, file: str) -> Document:
    """The document in a text.

    Raises:
        ConfigError: it is no YAML, or nothing of it can be used.
    """
    node = _compose(text, file)
    document = Document(file)
    if node is not None:
        try:
            document.value = _Builder(document).value(node, ())
        except RecursionError:
            raise ConfigError([_too_deep(file)]) from None
    return document


def decode(data: bytes, file: str) -> str:
    """The text of a file's bytes: UTF-8, with or without a byte order mark.

    Raises:
        ConfigError: it is too big, or no UTF-8.
    """
    if len(data) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB"
        raise ConfigError([Problem(file, 0, 0, "", message)])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        problem = Problem(
            file, line, column, "", "this byte is no UTF-8", "save the file as UTF-8"
        )
        raise ConfigError([problem]) from None


def scalar(text: str) -> Any:
    """What a text would be as a plain YAML scalar: `8` a number, `true` a boolean."""
    try:
        node = _compose(text, "")
    except ConfigError:
        return text
    if not isinstance(node, ScalarNode):
        return text
    try:
        return _scalar(node)
    except ValueError:
        return text


def _compose(text: str, file: str) -> Node | None:
    yaml = YAML(typ="safe", pure=True)
    try:
        with warnings.catch_warnings():
            # The same anchor again is legal YAML: the later one holds.
            warnings.simplefilter("ignore", ReusedAnchorWarning)
            return yaml.compose(text)  # type: ignore[no-any-return]
    except MarkedYAMLError as error:
        raise ConfigError([_syntax(error, text, file)]) from None
    except YAMLError as error:
        raise ConfigError([_unreadable(error, text, file)]) from None
    except RecursionError:
        raise ConfigError([_too_deep(file)]) from None
    except (ValueError, IndexError, AttributeError, AssertionError) as error:
        # Malformed escapes and directives leave ruamel.yaml as these.
        message = f"this is no YAML: {quoted(error)}"
        raise ConfigError([Problem(file, 0, 0, "", message)]) from None


def _too_deep(file: str) -> Problem:
    return Problem(file, 0, 0, "", "the file is nested too deeply")


def _unreadable(error: YAMLError, text: str, file: str) -> Problem:
    position = getattr(error, "position", None)
    if not isinstance(position, int):
        return Problem(file, 0, 0, "", f"this is no YAML: {quoted(error)}")
    line = text.count("\n", 0, position) + 1
    column = position - (text.rfind("\n", 0, position) + 1) + 1
    return Problem(file, line, column, "", "a control character YAML does not allow")


def _syntax(error: MarkedYAMLError, text: str, file: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    what = " ".join(str(error.problem or error.context or "").split())
    line, column = (mark.line, mark.column) if mark is not None else (-1, -1)
    lines = text.splitlines()
    row = lines[line] if 0 <= line < len(lines) else ""
    hint = ""
    if "\\t" in what or "\t" in row[: column + 1]:
        what, hint = "a tab where YAML wants spaces", "indent with spaces"
    elif "alias" in what or "found undefined alias" in what:
        hint = "a text that begins with * or & needs quotes"
    elif "mapping values are not allowed" in what:
        hint = "a text with a colon and a space in it needs quotes"
    elif "got '{'" in what:
        hint = "inside {...} and [...], a text with ${...} needs quotes"
    elif "single document" in str(error.context or "") or "document" in what:
        what, hint = "a second document begins here", "one document per file"
    elif what.startswith("could not find expected ':'"):
        hint = "is a colon missing, or a line indented too little?"
    elif what.startswith("expected <block end>"):
        hint = "is this line indented like its neighbours?"
    return Problem(file, line + 1, column + 1, "", f"this is no YAML: {what}", hint)


class _Builder:
    """Turns nodes into values, noting places on the way."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._left = MAX_VALUES
        self._open: list[Node] = []

    def value(self, node: Node, path: Path) -> Any:
        spot = self._spot(node)
        self._document.spots[path] = spot
        self._left -= 1
        if self._left < 0:
            self._stop(spot, path, f"the file has more than {MAX_VALUES} values")
        if any(node is outer for outer in self._open):
            self._stop(spot, path, "an alias that contains itself")
        if len(path) > MAX_DEPTH:
            self._stop(spot, path, "the file is nested too deeply")
        tag = str(node.tag)
        if tag.removeprefix(_TAG) not in _KINDS:
            self._complain(spot, path, f"the tag {quoted(tag)} is not known")
            return None
        self._open.append(node)
        try:
            if isinstance(node, MappingNode):
                return self._mapping(node, path)
            if isinstance(node, SequenceNode):
                return [self.value(n, (*path, i)) for i, n in enumerate(node.value)]
            return self._scalar(node, path)
        finally:
            self._open.pop()

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        out: dict[str, Any] = {}
        merges: list[Node] = []
        for key, value in node.value:
            if str(key.tag) == _MERGE:
                merges.append(value)
                continue
            if not isinstance(key, ScalarNode):
                self._complain(self._spot(key), path, "a key must be a plain word")
                continue
            name = str(key.value)
            inner = (*path, name)
            if name in out:
                first = self._document.keys[inner].line
                self._complain(
                    self._spot(key),
                    inner,
                    "the key is there twice",
                    f"first in line {first}; the second would win unseen",
                )
                continue
            self._document.keys[inner] = self._spot(key)
            out[name] = self.value(value, inner)
        for merge in merges:
            self._merge(merge, path, out)
        return out

    def _merge(self, node: Node, path: Path, out: dict[str, Any]) -> None:
        """`<<`: keys of other mappings, where this one has none of its own."""
        sources = node.value if isinstance(node, SequenceNode) else [node]
        for source in sources:
            if not isinstance(source, MappingNode):
                hint = "write `<<: *name` of an anchored mapping"
                self._complain(self._spot(source), path, "only mappings merge", hint)
                continue
            if any(source is outer for outer in self._open):
                self._stop(self._spot(source), path, "an alias that contains itself")
            inner = MappingNode(
                source.tag,
                [
                    (key, value)
                    for key, value in source.value
                    if str(key.tag) == _MERGE or str(key.value) not in out
                ],
                source.start_mark,
            )
            self._open.append(source)
            try:
                out.update(
                    (name, value)
                    for name, value in self._mapping(inner, path).items()
                    if name not in out
                )
            finally:
                self._open.pop()

    def _scalar(self, node: Node, path: Path) -> Any:
        try:
            return _scalar(node)
        except ValueError:
            self._complain(
                self._spot(node), path, f"{quoted(node.value)} is no usable number"
            )
            return None

    def _spot(self, node: Node) -> Spot:
        mark = node.start_mark
        return Spot(self._document.file, mark.line + 1, mark.column + 1)

    def _complain(self, spot: Spot, path: Path, message: str, hint: str = "") -> None:
        self._document.problems.append(Problem(*spot, dotted(path), message, hint))

    def _stop(self, spot: Spot, path: Path, message: str) -> None:
        problems = [*self._document.problems, Problem(*spot, dotted(path[:8]), message)]
        raise ConfigError(problems)


def _scalar(node: Node) -> Any:
    """Raises ValueError for numbers out of reach."""
    kind, text = str(node.tag).removeprefix(_TAG), str(node.value)
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() in _TRUE
    if kind == "int":
        return _int(text)
    if kind == "float":
        number = float(re.sub(r"(?i)^([-+]?)\.(inf|nan)$", r"\1\2", _plain(text)))
        if not math.isfinite(number):
            raise ValueError(text)
        return number
    return text


def _plain(text: str) -> str:
    return text.replace("_", "")


def _int(text: str) -> int:
    plain = _plain(text).lower()
    sign = -1 if plain.startswith("-") else 1
    digits = plain.lstrip("+-")
    for prefix, base in (("0x", 16), ("0o", 8), ("0b", 2)):
        if digits.startswith(prefix):
            return sign * int(digits[2:], base)
    if len(digits) > 18:
        raise ValueError(text)
    return sign * int(digits or "?")
