"""Ollama's own API: /api/chat, /api/generate, /api/embed; JSON lines for streams."""
