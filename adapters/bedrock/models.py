"""What a deployment's model is called, and what its vendor takes through Converse.

    anthropic.claude-sonnet-4-5-20250929-v1:0    a model
    us.anthropic.claude-...   global.anthropic.claude-...    an inference profile
    arn:aws:bedrock:eu-west-1:1234:application-inference-profile/abc    any ARN
    converse/MODEL  invoke/MODEL    the API to ask, where it should not be chosen

`nova/`, `llama/` and the like before an ARN name the vendor that it hides (LiteLLM's
way of writing). Sources: docs.aws.amazon.com/bedrock, "Supported models and model
features" of Converse; the model's own pages; recorded traffic (2026-11).
"""

import re
from functools import lru_cache
from typing import Final, Literal
from urllib.parse import quote

import msgspec

from adapters.errors import BadCall

Api = Literal["", "converse", "invoke"]

VENDORS: Final = frozenset(
    {
        *("ai21", "amazon", "anthropic", "cohere", "deepseek", "google", "luma"),
        *("meta", "minimax", "mistral", "moonshot", "moonshotai", "nvidia", "openai"),
        *("qwen", "stability", "twelvelabs", "writer", "xai", "zai"),
    }
)
_HIDDEN: Final = {
    "claude": "anthropic",
    "nova": "amazon",
    "llama": "meta",
    "deepseek_r1": "deepseek",
    "qwen2": "qwen",
    "qwen3": "qwen",
    **{vendor: vendor for vendor in VENDORS},
}
"""Words before an ARN -> the vendor."""
_ARN: Final = re.compile(r"arn:aws[a-z-]*:(?:bedrock|sagemaker):([a-z0-9-]*):")
_HOST: Final = re.compile(r"\.([a-z]{2}(?:-[a-z]+)+-\d)\.")
"""The region in a host of AWS."""
_VERSION: Final = re.compile(r"nova-(\d)")
_NO_SYSTEM: Final = (
    *("amazon.titan", "mistral.mistral-7b", "mistral.mixtral", "cohere.command-text"),
    *("cohere.command-light", "ai21.j2"),
)
_FORCED: Final = frozenset({"", "anthropic", "amazon", "mistral", "openai", "writer"})
_CACHES: Final = frozenset({"", "anthropic", "amazon"})
_SCHEMAS: Final = frozenset(
    {"deepseek", "google", "minimax", "moonshot", "moonshotai", "nvidia", "openai"}
    | {"qwen", "zai"}
)


class Model(msgspec.Struct, frozen=True):
    """A deployment's model."""

    id: str
    """As the API's path names it, not encoded."""
    vendor: str
    """Whose it is; empty for an ARN that does not tell."""
    bare: str
    """The id without the profile's region: `anthropic.claude-...`."""
    api: Api = ""
    """The API that was named; empty: the best for the call."""

    @property
    def path(self) -> str:
        """The id as one segment of a path."""
        return quote(self.id, safe="")

    @property
    def foundation(self) -> "Model":
        """The model itself, where this is a profile that tells: CountTokens knows no
        profiles."""
        told = self.bare.partition(".")[0] in VENDORS
        return msgspec.structs.replace(self, id=self.bare) if told else self

    @property
    def is_claude(self) -> bool:
        """Whether it speaks Messages through InvokeModel."""
        spoken = ("anthropic.claude-v", "anthropic.claude-instant")
        return self.vendor == "anthropic" and not self.bare.startswith(spoken)

    @property
    def nova(self) -> int:
        """The generation of an Amazon Nova model; 0 for any other."""
        if not self.bare.startswith("amazon.nova"):
            return 0
        found = _VERSION.search(self.bare)
        return int(found[1]) if found is not None else 1

    @property
    def system(self) -> bool:
        """Whether it takes a system prompt."""
        return not self.bare.startswith(_NO_SYSTEM)

    @property
    def forced(self) -> bool:
        """Whether it can be made to use a tool."""
        return self.vendor in _FORCED

    @property
    def caches(self) -> bool:
        """Whether it takes cache points."""
        return self.vendor in _CACHES

    @property
    def schemas(self) -> bool:
        """Whether it takes `outputConfig`, for vendors of whom all newer models do;
        Claude's and Nova's abilities are looked up elsewhere."""
        large = self.bare.startswith(("mistral.mistral-large-3", "mistral.ministral-3"))
        return self.vendor in _SCHEMAS or large


@lru_cache(512)
def named(name: str) -> Model:
    """The model of a name.

    Raises:
        BadCall: there is none.
    """
    api: Api = ""
    vendor = ""
    while (cut := name.partition("/"))[1] and not name.startswith("arn:"):
        word, rest = cut[0], cut[2]
        if word in {"converse", "invoke"}:
            api = "converse" if word == "converse" else "invoke"
        elif word in _HIDDEN:
            vendor = _HIDDEN[word]
        elif not _is_region(word):
            break
        name = rest
    if not name:
        raise BadCall("the deployment names no model", "model")
    bare = name.rpartition("/")[2] if name.startswith("arn:") else name
    while (cut := bare.partition("."))[1] and cut[0] not in VENDORS:
        bare = cut[2]
    known = bare.partition(".")[0]
    if known not in VENDORS:
        bare = name.rpartition("/")[2]
        known = vendor
    return Model(name, vendor or known, bare, api)


def catalogued(name: str, url: str) -> tuple[tuple[str, bool], ...]:
    """What the catalogue may call a model that is asked at `url`, best first, and
    whether its price holds there: another region's does not."""
    model = named(name)
    host = _HOST.search(url)
    local = ((f"{host[1]}/{model.bare}", True),) if host is not None else ()
    plain = model.id == model.bare or model.id.startswith("arn:")
    return (*local, (model.id, True), (model.bare, plain))


def region(name: str) -> str:
    """The region that a name tells: `us-west-2/MODEL`, or an ARN's own."""
    for word in name.split("/"):
        if _is_region(word):
            return word
        if found := _ARN.match(word):
            return found[1]
    return ""


def _is_region(word: str) -> bool:
    return re.fullmatch(r"[a-z]{2}(?:-[a-z]+)+-\d", word) is not None
