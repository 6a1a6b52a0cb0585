"""Deterministic code alone: it imports pure modules, does no I/O, and asks activities by name.

A change here meets the old histories of `tests/replay/`; one that breaks them needs `workflow.patched`. So does a rule
of `controlplane.domain`: what it refuses now, and once allowed, it refuses in a replay, too.
"""
