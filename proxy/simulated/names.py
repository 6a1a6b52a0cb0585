"""The models that the simulated provider lists, so that a client which asks finds something. Any name works."""

MODELS = ("claude-sonnet-5", "gpt-5", "gpt-5-mini")
