"""Recordings that are not what they seem, each with its reason.

Every entry is tried too: one that has become unnecessary fails.
"""

NO_ANSWER = {
    "anthropic-916c30": "of the skills API",
    "anthropic-109483": "of the skills API",
    "gemini-a98de4": "an OpenAPI schema",
    "gemini-01f584": "a cached content",
    "openai_chat-494771": "a PDF that was fetched for the request",
    "openai_chat-c20a99": "no body was kept",
    "openai_chat-597e57": "of a tracing service",
    "openai_chat-580fe8": "of a tracing service",
    "openai_chat-9ae004": "of a tracing service",
    "openai_chat-eb12e0": "of a tracing service",
    "ollama-f50ea8": "of /api/show",
    "ollama-769d19": "of /api/show",
    "ollama-fd1164": "of /api/show",
    "ollama-9c66bb": "vectors",
    "ollama-cb6e4e": "vectors",
    "ollama-787d46": "vectors",
    "ollama-c02ea9": "vectors",
    "ollama-cff7e3": "vectors",
    "openai_completions-96c4af": "the recording ends in the middle of the body",
}
"""Of status 200, but no answer of a model."""

BROKEN = {
    "openai_chat-44a687": "OpenRouter tells an error in the stream",
    "openai_chat-6b84ea": "Groq tells an error in the stream",
    "openai_chat-2ec897": "GPUStack tells an error in the stream",
    "openai_chat-5547a0": "the recording ends in the middle of an event",
    "openai_completions-0a7656": "the recording ends without any end of the answer",
    "gemini-3bf991": "the blank lines between the events were lost",
    "gemini_vertex-be40b0": "no parts and no finish reason (hand-made)",
}
"""Streams that do not come to their end."""

UNFINISHED = {
    "openai_chat-5bfdae": "Snowflake: an empty finish reason",
    "openai_chat-154d65": "Snowflake: an empty call beside the text",
    "openai_chat-ab5ba0": "Snowflake: an empty finish reason",
    "openai_chat-c468f1": "Snowflake: an empty finish reason and an empty call",
    "openai_completions-06c558": "Writer tells no finish reason",
    "gemini-9535ad": "cut by hand: no finish reason",
    "gemini-9fb6d9": "cut by hand: no finish reason",
    "gemini_vertex-8ed4a7": "no parts and no finish reason (hand-made)",
}
"""Whole answers that do not say why they ended: clients whose types want a reason are
told the plain end; calls without a name are not told at all."""

TWO_IN_ONE = {
    "openai_chat-960f97": "two streams, one after the other",
    "anthropic-def908": "the events of two messages, mixed",
}
"""Streams of which no more than their grammar can be asked."""

LOST = {
    "openai_chat-ac74db": "a proxy lost the end of the second choice",
}
"""Streams of which one choice has no end."""

NO_SUCH_TYPE = {
    "openai_chat-686bba": "the SDK's chunks know no custom tools, the API does",
}
"""Answers that the types of `openai` cannot hold when they are streamed."""

ODD_RELAYED = {
    "anthropic-b27ec2": "the events of two messages",
    "anthropic-142dde": "the events of two messages",
    "anthropic-0890c0": "the events of two messages",
    "anthropic-83bb6c": "the events of two messages",
    "anthropic-def908": "the events of two messages, mixed",
    "gemini-a6244d": "a made-up finish reason, then more text",
    "gemini-9535ad": "no finish reason",
    "gemini-9fb6d9": "no finish reason",
    "gemini-144cab": "the total is smaller than its parts (hand-made)",
    "gemini-00364a": "the total is smaller than its parts (hand-made)",
    "gemini-c933ed": "numbers for words, as its client asked",
    "gemini-63562f": "numbers for words, as its client asked",
    "gemini-f5f2ab": "numbers for words, as its client asked",
    "gemini-c601a6": "numbers for words, as its client asked",
    "gemini-2e2600": "numbers for words, as its client asked",
    "gemini-4fb510": "numbers for words, as its client asked",
    "gemini-4c2943": "a signature that is no base64 (hand-made)",
    "gemini_vertex-467a8d": "numbers for words, as its client asked",
    "gemini_vertex-f26277": "numbers for words, as its client asked",
    "gemini_vertex-ca9f55": "numbers for words, as its client asked",
    "gemini_vertex-0dfeea": "numbers for words, as its client asked",
    "gemini_vertex-8ed4a7": "no finish reason (hand-made)",
    "gemini_vertex-13da48": "a candidate speaks after its end (hand-made)",
}
"""Answers that a client of the same dialect is given as they are, though they do not
follow its grammar."""
