"""What a model's name tells of it: how long it may answer, how it thinks, what it refuses.

https://platform.claude.com/docs/en/about-claude/models/overview, …/build-with-claude/effort, …/adaptive-thinking and
…/structured-outputs (November 2026). Asked only where a request comes from another dialect and has to be made to fit:
who speaks this dialect is taken at his word.
"""

import re
from typing import Literal

import msgspec

Version = tuple[int, int]

_NAME = re.compile(
    r"claude-(?:(?P<line>opus|sonnet|haiku|fable|mythos|instant)-)?v?(?P<major>\d{1,2})(?:[-.](?P<minor>\d{1,2})(?!\d))?"
    r"(?!\d)(?:-(?P<old_line>opus|sonnet|haiku))?"
)
_DEFAULT_MAX_TOKENS = 32_000  # for a client that sets no limit; what a model allows may be less
_ALWAYS_THINKING = ("fable", "mythos")  # they refuse `thinking: disabled`


class Model(msgspec.Struct, frozen=True):
    thinking: Literal["none", "budget", "adaptive"]
    longest: int  # output tokens
    is_known: bool = True
    can_stop_thinking: bool = True
    thinks_unasked: bool = False
    has_formats: bool = False  # output_config.format
    has_sampling: bool = True  # temperature, top_p, top_k
    has_both_samplings: bool = True  # temperature and top_p in one request
    has_xhigh: bool = False

    @property
    def default_max_tokens(self) -> int:
        """The API demands a limit. Not the longest: it counts against the context window of older models."""
        return min(self.longest, _DEFAULT_MAX_TOKENS)


# What speaks this dialect without being Claude (Kimi, MiniMax, DeepSeek …) gets the plainest request.
_STRANGER = Model("budget", 32_000, is_known=False)


def model_of(name: str) -> Model:
    """Finds Claude in 'us.anthropic.claude-sonnet-4-5-20250929-v1:0' and 'anthropic/claude-opus-4.6' too."""
    found = _NAME.search(name.lower())
    if found is None:
        return _newest("mythos") if "claude-mythos" in name else _STRANGER
    line = found["line"] or found["old_line"] or ""
    version = int(found["major"]), int(found["minor"] or 0)
    if version < (3, 7):
        return Model("none", 8192 if version >= (3, 5) else 4096)
    if version < (4, 6):
        return _budgeted(line, version)
    if version >= (4, 7):
        return _newest(line, version)
    return Model("adaptive", 128_000 if line == "opus" else 64_000, has_formats=True, has_both_samplings=False)


def _budgeted(line: str, version: Version) -> Model:
    is_old_opus = line == "opus" and version < (4, 5)
    return Model(
        "budget",
        32_000 if is_old_opus else 64_000,
        has_formats=version >= (4, 5) or (line == "opus" and version == (4, 1)),
        has_both_samplings=version < (4, 1),
    )


def _newest(line: str, version: Version = (5, 0)) -> Model:
    return Model(
        "adaptive",
        128_000,
        can_stop_thinking=line not in _ALWAYS_THINKING,
        thinks_unasked=version >= (5, 0),
        has_formats=True,
        has_sampling=False,
        has_xhigh=True,
    )
