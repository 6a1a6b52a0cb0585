"""OpenAI's Responses: https://platform.openai.com/docs/api-reference/responses (November 2026).

An answer is a list of *items*: messages, reasoning, calls of functions, and what the provider's own tools did. A stream
names each event twice (`event:` and `type`), counts them (`sequence_number`) and ends with `response.completed`,
`response.incomplete` or `response.failed`; there is no `[DONE]` and no `stream_options.include_usage`.
`input_tokens` includes cached tokens and `output_tokens` includes reasoning.
"""
