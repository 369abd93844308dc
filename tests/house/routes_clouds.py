"""The paths of Azure and Vertex AI: a part of the inventory."""

from typing import Final

AZURE: Final = "/openai/deployments/{model}"
VERTEX: Final = "/{version}/projects/{project}/locations/{location}/publishers"
GOOGLE: Final = f"{VERTEX}/google/models/{{model}}"
CLAUDE: Final = f"{VERTEX}/anthropic/models"

_HI: Final = [{"role": "user", "content": "hi"}]
_CONTENT: Final = {"parts": [{"text": "hi"}]}

BODIES: Final[dict[str, dict[str, object]]] = {
    f"{AZURE}/chat/completions": {"messages": _HI},
    f"{AZURE}/completions": {"prompt": "hi"},
    f"{AZURE}/embeddings": {"input": "hi"},
    f"{AZURE}/images/generations": {"prompt": "hi"},
    f"{AZURE}/images/edits": {"prompt": "hi", "images": [{"image_url": "data:,"}]},
    f"{AZURE}/audio/speech": {"input": "hi", "voice": "alloy"},
    f"{AZURE}/audio/transcriptions": {},
    f"{AZURE}/audio/translations": {},
    f"{GOOGLE}:generateContent": {"contents": [{"role": "user", **_CONTENT}]},
    f"{GOOGLE}:streamGenerateContent": {"contents": [{"role": "user", **_CONTENT}]},
    f"{GOOGLE}:countTokens": {"contents": [{"role": "user", **_CONTENT}]},
    f"{GOOGLE}:embedContent": {"content": _CONTENT},
    f"{GOOGLE}:batchEmbedContents": {"requests": [{"content": _CONTENT}]},
    f"{GOOGLE}:predict": {"instances": [{"content": "hi"}]},
    f"{CLAUDE}/{{model}}:rawPredict": {"max_tokens": 9, "messages": _HI},
    f"{CLAUDE}/{{model}}:streamRawPredict": {"max_tokens": 9, "messages": _HI},
    f"{CLAUDE}/count-tokens:rawPredict": {"messages": _HI},
}
FILES: Final = {
    f"{AZURE}/audio/transcriptions": "file",
    f"{AZURE}/audio/translations": "file",
}
"""Forms, with the field that holds a file."""
ROUTES: Final = {("POST", path): ("key", True) for path in BODIES}
"""(method, path): (auth, recorded)"""
