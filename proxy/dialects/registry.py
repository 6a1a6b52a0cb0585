"""Dialect name → codec. Loaded when first asked for: most processes translate few of them."""

from functools import cache
from importlib import import_module

from proxy.dialects.codec import Codec
from proxy.errors import Dialect


@cache
def codec(dialect: Dialect) -> Codec:
    """`CODEC` of the dialect's package."""
    found: Codec = import_module(f"proxy.dialects.{dialect}.codec").CODEC
    return found
