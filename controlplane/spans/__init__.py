"""OpenTelemetry GenAI spans, made from the rows of ended calls, off the hot path.

`names` holds every attribute's name, `describe` turns a row into a span's description (pure), `export` sends it. Only
`export` imports OpenTelemetry, and only the recorder imports `export`, when an endpoint is configured.
"""
