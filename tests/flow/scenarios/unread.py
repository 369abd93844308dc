"""Recorded requests that their readers do not know all of, by why."""

from typing import Final

REASONS: Final = {
    "tools that the provider runs, and their results": """
        anthropic-00305f anthropic-0cc1e2 anthropic-10909a anthropic-12d400
        anthropic-18e0ab anthropic-1a25d4 anthropic-1d5d5c anthropic-1ff94d
        anthropic-21227b anthropic-2147c3 anthropic-2b8e04 anthropic-2ba482
        anthropic-30c121 anthropic-3243c2 anthropic-324805 anthropic-3427cf
        anthropic-37a0a5 anthropic-3a7091 anthropic-3d971a anthropic-4026d8
        anthropic-46007f anthropic-468809 anthropic-46abd6 anthropic-4c736c
        anthropic-4d9b8c anthropic-4e4e9c anthropic-5072e6 anthropic-508be5
        anthropic-5780bd anthropic-59751c anthropic-5a5c32 anthropic-6663da
        anthropic-66c6a9 anthropic-6b4673 anthropic-6f2409 anthropic-6f5cc1
        anthropic-701f8d anthropic-713304 anthropic-757cb8 anthropic-787554
        anthropic-797e95 anthropic-7bd2b3 anthropic-7e424a anthropic-806326
        anthropic-81a7a0 anthropic-86db36 anthropic-879b31 anthropic-88ffc1
        anthropic-95222c anthropic-97a185 anthropic-99aa4a anthropic-9a072c
        anthropic-a98658 anthropic-a9b5f6 anthropic-a9d93a anthropic-aa2464
        anthropic-adafa6 anthropic-b052ad anthropic-b129b7 anthropic-b45636
        anthropic-c28ec3 anthropic-c43551 anthropic-c6578c anthropic-c66c22
        anthropic-c72620 anthropic-ca9b50 anthropic-cdc5fc anthropic-cf2460
        anthropic-d40fdb anthropic-d63315 anthropic-d83aaf anthropic-d930c6
        anthropic-db6331 anthropic-de48ab anthropic-eca216 anthropic-ef1a41
        anthropic-ef2464 anthropic-f0f677 anthropic-fbe5f0 anthropic-fc827d
        bedrock_converse-24e0b9 gemini-120cce gemini-15f0b2 gemini-a8a759
        openai_chat-39848f openai_chat-51dcde openai_chat-686bba
        openai_responses-03a8d5 openai_responses-0e0532
        openai_responses-12274e openai_responses-142a79
        openai_responses-1f812f openai_responses-1fb242
        openai_responses-215764 openai_responses-253da8
        openai_responses-25fa8d openai_responses-293dd9
        openai_responses-2950e5 openai_responses-2c07c3
        openai_responses-2f8a5b openai_responses-302dbf
        openai_responses-31aeb3 openai_responses-34db77
        openai_responses-3e1369 openai_responses-4271cd
        openai_responses-44a15d openai_responses-44f147
        openai_responses-454027 openai_responses-4615ef
        openai_responses-4a843d openai_responses-4b1da0
        openai_responses-5141f2 openai_responses-54792d
        openai_responses-5b2451 openai_responses-5f361d
        openai_responses-634166 openai_responses-650ac4
        openai_responses-655b78 openai_responses-6583f2
        openai_responses-6a7e61 openai_responses-710faa
        openai_responses-730b8f openai_responses-73315c
        openai_responses-74e085 openai_responses-7604e6
        openai_responses-76bf64 openai_responses-78af0e
        openai_responses-7d7fbd openai_responses-7ef551
        openai_responses-81d40e openai_responses-855f8e
        openai_responses-8647f8 openai_responses-886d23
        openai_responses-91825f openai_responses-94c54b
        openai_responses-953e38 openai_responses-9541cf
        openai_responses-959053 openai_responses-97df30
        openai_responses-996b82 openai_responses-9b488f
        openai_responses-a8fcc6 openai_responses-b2d59b
        openai_responses-b455ea openai_responses-b55401
        openai_responses-b65aeb openai_responses-b6671c
        openai_responses-ba2cc4 openai_responses-ba827a
        openai_responses-bfd8c3 openai_responses-c0e24d
        openai_responses-c1876b openai_responses-c43262
        openai_responses-c50f5b openai_responses-c7c181
        openai_responses-cb36ff openai_responses-d0ac5c
        openai_responses-df3cbf openai_responses-e02f8b
        openai_responses-e163eb openai_responses-eb031e
        openai_responses-f40689 openai_responses-fd1442
        openai_responses-ff2042 openai_responses-ff42d5
        openai_responses-ff63fc
    """,
    "what a provider keeps, and the request only names": """
        anthropic-32d4da anthropic-49bd0e anthropic-ca821b
        openai_responses-046974 openai_responses-13eda0
        openai_responses-164a45 openai_responses-1c7f17
        openai_responses-2f349e openai_responses-42dc8a
        openai_responses-45507f openai_responses-5cebe2
        openai_responses-6647f4 openai_responses-6ec636
        openai_responses-7b5cf2 openai_responses-99b923
        openai_responses-a2feec openai_responses-a44f14
        openai_responses-bb80ab openai_responses-cd6ca8
        openai_responses-e830c5 openai_responses-f317fa
        openai_responses-f43319 openai_responses-f632ca
        openai_responses-fa06da
    """,
    "parts as one vendor writes them": """
        bedrock_converse-3a4662 bedrock_converse-97f8ac openai_chat-ab958e
        openai_chat-bf1c9a openai_chat-c222b3 openai_chat-d16f82
        openai_chat-e7a0bc openai_chat-ed9458 openai_chat-eed06d
        openai_responses-c33690
    """,
    "other than chat, at Ollama": """
        ollama-08a00d ollama-69d376 ollama-719e59 ollama-769d19 ollama-787d46
        ollama-c02ea9 ollama-cb6e4e ollama-ce966e ollama-cff7e3 ollama-f50ea8
    """,
    "settings that only one vendor has": """
        bedrock_converse-f57b4d cohere_v2-10e960 cohere_v2-c04e2e
        gemini_vertex-828379 ollama-4646e4 ollama-8c7543 openai_chat-0a3c3b
        openai_responses-315349
    """,
    "Google's words by their numbers in protobuf": """
        gemini-2e2600 gemini-4fb510 gemini-63562f gemini-c601a6 gemini-c933ed
        gemini-f5f2ab
    """,
    "damaged": """
        openai_chat-4fc5e8 openai_chat-9a826b openai_chat-bb98f4
    """,
    "videos": """
        bedrock_converse-7c886b openai_chat-9f685c
    """,
    "a turn of the system among the others": """
        anthropic-b2deb7 anthropic-e7fb1f
    """,
    "a guardrail's own blocks": """
        bedrock_converse-41625f bedrock_converse_stream-b92cbe
    """,
    "no model": """
        openai_chat-1a2fec
    """,
    "a call without an id": """
        openai_chat-672691
    """,
}
