"""One field of a form with files, found without taking the form apart: https://www.rfc-editor.org/rfc/rfc7578."""

import re

_BOUNDARY = re.compile(rb"""boundary=(?:"([^"]{1,70})"|([^\s;,]{1,70}))""", re.IGNORECASE)


def find_field(body: bytes, content_type: bytes, name: bytes) -> tuple[int, int] | None:
    """Where the value of a field stands that is not a file; None if it is not there."""
    found = _BOUNDARY.search(content_type)
    if found is None:
        return None
    border = b"--" + (found[1] or found[2])
    start = body.find(border)
    while start >= 0:
        start += len(border)
        head_end = body.find(b"\r\n\r\n", start)
        end = body.find(b"\r\n" + border, start)
        if head_end < 0 or end < head_end:
            return None
        head = body[start:head_end]
        if b'name="%b"' % name in head and b"filename=" not in head:
            return head_end + 4, end
        start = end + 2
    return None
