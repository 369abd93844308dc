"""Cohere's API: chat, embed and rerank (v2; answers of v1 are understood, too)."""
