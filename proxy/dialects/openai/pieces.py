"""A stream that is there as a whole, in the pieces in which it came: most servers send each event as a chunk.

Then nobody has to look for where an event ends, and what is alike in all of them is compared in one go. What is read is
what `OpenAIStreamReader` reads.
"""

from proxy.dialects.openai.chunks import Answer, decode_answers, decoded, is_usage_only, plain_text, take, take_head
from proxy.dialects.openai.tap import LAST
from proxy.dialects.reading import Reading
from proxy.wire.mould import read_texts

FEWEST = 12  # of fewer there is nothing to gain
MOST_OTHERS = 8  # events after the last text: why it stopped, usage, and what some add

_TEXT = b'"content":"'


def read_pieces(pieces: list[bytes], *, hides_usage: bool) -> tuple[Reading, bytes] | None:
    """The reading and the bytes for the client; None for a stream that is not of this form."""
    if len(pieces) < FEWEST or pieces[-1] != LAST:
        return None
    first, alike = pieces[0], pieces[1]
    start = alike.find(_TEXT) + len(_TEXT)
    end = alike.find(b'"', start) - len(alike)
    if start < len(_TEXT) or alike.find(_TEXT, start) >= 0:
        return None
    run_end = _end_of_run(pieces, alike[end:])
    run_pieces = pieces[1:run_end]
    run = b"".join(run_pieces)
    texts = _cut_texts(run_pieces, start, end, run)
    if texts is None:
        return None
    others = pieces[run_end:-1]
    said = _decode([first, alike, *others])
    text = read_texts(texts)
    if said is None or text is None:
        return None
    said_first, said_alike, *said_last = said
    plain = plain_text(said_alike)  # and not only a string of this name somewhere in it
    if not said_first.model or is_usage_only(said_first) or plain is None or plain.encode() != texts[0]:
        return None
    reading = Reading()
    take_head(said_first, reading)
    take(said_first, reading)
    reading.add_text(text)
    for answer in said_last:
        take(answer, reading)
    reading.is_complete = True
    if hides_usage:
        kept = [piece for piece, answer in zip(others, said_last, strict=True) if not is_usage_only(answer)]
        return reading, b"".join((first, run, *kept, LAST))
    return reading, b"".join((first, run, *others, LAST))


def _end_of_run(pieces: list[bytes], ending: bytes) -> int:
    """Where the last one that ends as the others do is passed; 0 when that is too long ago."""
    last = len(pieces) - 2
    for place in range(last, max(last - MOST_OTHERS, 0), -1):
        if pieces[place].endswith(ending):
            return place + 1
    return 0


def _cut_texts(pieces: list[bytes], start: int, end: int, joined: bytes) -> list[bytes] | None:
    """What stands in each from `start` to `end`; None when what is around it is not the same in all.

    The last one is known to end as the first does.
    """
    if not pieces:
        return None
    own, model = slice(start, end), pieces[0]
    texts = [piece[own] for piece in pieces]
    again = (model[end:] + model[:start]).join(texts)
    return texts if joined.startswith(again, start) and len(joined) == start + len(again) - end else None


def _decode(pieces: list[bytes]) -> list[Answer] | None:
    """None when one of them is not exactly one event, or cannot be read."""
    for piece in pieces:
        if not (piece.startswith(b"data: ") and piece.endswith(b"\n\n")):
            return None
    answers = decoded(decode_answers, b"[%b]" % b",".join([piece[6:-2] for piece in pieces]))
    return answers if answers is not None and len(answers) == len(pieces) else None
