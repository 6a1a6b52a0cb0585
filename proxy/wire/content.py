"""Undoes a content encoding in a copy, so that usage can be read from an answer that came compressed unasked."""

import zlib

LARGEST_PLAIN = 64 * 1024 * 1024  # a small answer that unfolds to more than this is an attack


class Decoder:
    """Undoes gzip or deflate piece by piece. What it does not know, or what is damaged, reads as nothing."""

    def __init__(self, encoding: bytes) -> None:
        known = encoding in {b"gzip", b"x-gzip", b"deflate"}
        self._inflate = zlib.decompressobj(wbits=47) if known else None  # 32 + 15: gzip or zlib, by their headers
        self._left = LARGEST_PLAIN

    def feed(self, part: bytes) -> bytes:
        if self._inflate is None or self._left <= 0:
            return b""
        try:
            text = self._inflate.decompress(part, self._left)
        except zlib.error:
            self._inflate = None
            return b""
        self._left -= len(text)
        return text


def plain(body: bytes, encoding: bytes) -> bytes:
    """The body without its encoding, or b'' when it cannot be undone."""
    return body if encoding in {b"", b"identity"} else Decoder(encoding).feed(body)
