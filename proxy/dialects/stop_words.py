"""Why an answer ended, where a dialect has one word for it."""

from collections.abc import Mapping

import msgspec

from proxy.canonical.answer import StopReason


class StopWords(msgspec.Struct, frozen=True):
    """What a dialect's words mean, and which of them says what others mean."""

    meanings: Mapping[str, StopReason]
    words: Mapping[StopReason, str]

    def parse(self, word: object) -> StopReason:
        """A word that nobody knows yet ends like any other answer; it is kept as the native one."""
        return self.meanings.get(word, "stop") if isinstance(word, str) else "stop"

    def render(self, stop: StopReason, native: str) -> str:
        """The native word where it is one of the dialect's, for several may mean the same to others."""
        return native if self.is_own(stop, native) else self.words[stop]

    def is_own(self, stop: StopReason, native: str) -> bool:
        return self.meanings.get(native) == stop
