"""Deterministic code alone: it imports pure modules, does no I/O, and asks activities by name.

A change here meets the old histories of `tests/replay/`; one that breaks them needs `workflow.patched`.
"""
