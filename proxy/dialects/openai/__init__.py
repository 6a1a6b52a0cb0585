"""OpenAI's chat completions, which many providers speak (November 2026).

https://platform.openai.com/docs/api-reference/chat
"""
