"""Pictures, sound and moderation, as OpenAI has them."""
