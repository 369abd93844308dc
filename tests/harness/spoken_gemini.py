"""Google's answers, whole and streamed, with the fields it is known to send."""

from typing import Final

from tests.harness.answers import (
    Answer,
    Called,
    Declined,
    Json,
    Said,
    Thought,
    event,
    pieces,
)

_STOP: Final = {
    "length": "MAX_TOKENS",
    "filtered": "SAFETY",
    "refusal": "SAFETY",
}


def text_only(count: int) -> list[Json]:
    return [{"modality": "TEXT", "tokenCount": count}]


def _parts(answer: Answer) -> list[Json]:
    out: list[Json] = []
    for part in answer.parts:
        match part:
            case Thought():
                out.append({"text": part.text, "thought": True})
            case Said():
                out.append({"text": part.text})
            case Called():
                call = {"functionCall": {"name": part.name, "args": part.arguments}}
                signed = {"thoughtSignature": part.signature} if part.signature else {}
                out.append({**call, **signed})
            case Declined():
                pass
    return out


def _usage(answer: Answer, count: int) -> Json:
    tokens = answer.tokens
    told = {
        "promptTokenCount": tokens.input,
        "candidatesTokenCount": (tokens.output - tokens.reasoning) * count,
        "totalTokenCount": tokens.input
        + (tokens.output - tokens.reasoning) * count
        + tokens.reasoning,
        "promptTokensDetails": text_only(tokens.input),
    }
    if tokens.cached:
        told["cachedContentTokenCount"] = tokens.cached
        told["cacheTokensDetails"] = text_only(tokens.cached)
    if tokens.reasoning:
        told["thoughtsTokenCount"] = tokens.reasoning
    return told


def _end(body: Json, answer: Answer) -> Json:
    """What stands beside the content of a finished candidate."""
    out: Json = {"finishReason": _STOP.get(answer.stop, "STOP")}
    said = [p for p in answer.parts if isinstance(p, Said)]
    text = "".join(p.text for p in said)
    config = body.get("generationConfig") or {}
    if config.get("responseLogprobs"):
        chosen = [
            {"token": piece, "tokenId": n, "logProbability": -0.25}
            for n, piece in enumerate(pieces(text))
        ]
        top = [{"candidates": [one] * config.get("logprobs", 1)} for one in chosen]
        out["logprobsResult"] = {"topCandidates": top, "chosenCandidates": chosen}
        out["avgLogprobs"] = -0.25
    cited = [p for p in said if p.cited is not None]
    if cited:
        chunks: list[Json] = []
        supports: list[Json] = []
        for index, part in enumerate(cited):
            assert part.cited is not None
            place = {"uri": part.cited.url, "title": part.cited.title}
            chunks.append({"web": place})
            segment = {"endIndex": len(part.text.encode()), "text": part.text}
            supports.append({"segment": segment, "groundingChunkIndices": [index]})
        out["groundingMetadata"] = {
            "groundingChunks": chunks,
            "groundingSupports": supports,
            "webSearchQueries": ["echo"],
        }
    return out


def _frame(model: str) -> Json:
    return {"modelVersion": model, "responseId": "kq8kaZ3hBqOk1MkPl7mQ8Ac"}


def whole(body: Json, model: str, answer: Answer) -> Json:
    """A GenerateContentResponse."""
    count = (body.get("generationConfig") or {}).get("candidateCount") or 1
    candidates = []
    for index in range(count):
        one: Json = {"content": {"parts": _parts(answer), "role": "model"}}
        if answer.stop in ("filtered", "refusal") and not one["content"]["parts"]:
            one = {}
        candidates.append({**one, **_end(body, answer), "index": index})
    told = {"candidates": candidates, "usageMetadata": _usage(answer, count)}
    return {**told, **_frame(model)}


def stream(body: Json, model: str, answer: Answer) -> list[bytes]:
    """The same in pieces: texts are cut, calls come whole, the end comes last."""
    count = (body.get("generationConfig") or {}).get("candidateCount") or 1
    usage = _usage(answer, count)
    early = {k: v for k, v in usage.items() if k.startswith("prompt")}
    cut: list[Json] = []
    for part in _parts(answer):
        if "text" not in part:
            cut.append(part)
        else:
            cut += [{**part, "text": text} for text in pieces(part["text"])]
    out = []
    for piece in cut:
        for index in range(count):
            content = {"parts": [piece], "role": "model"}
            told: Json = {"candidates": [{"content": content, "index": index}]}
            out.append({**told, "usageMetadata": early, **_frame(model)})
    for index in range(count):
        end = {**_end(body, answer), "index": index}
        if answer.stop not in ("filtered", "refusal"):
            end = {"content": {"parts": [{"text": ""}], "role": "model"}, **end}
        told = {"candidates": [end], "usageMetadata": usage}
        out.append({**told, **_frame(model)})
    return [event(one, "\r\n\r\n") for one in out]
