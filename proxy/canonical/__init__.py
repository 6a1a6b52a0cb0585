"""The hub between wire formats: requests, answers, stream events and failures that every dialect reads and writes."""
