"""A stream that is there as a whole, in the pieces in which it came: most servers send each event as a chunk.

Then nobody has to look for where an event ends, and what is alike in all of them is compared in one go. What is read is
what `OpenAIStreamReader` reads.
"""

from proxy.dialects.openai.chunks import Answer, decode_answers, decoded, is_usage_only, plain_text, take, take_head
from proxy.dialects.openai.tap import LAST
from proxy.dialects.reading import Reading
from proxy.wire.mould import guess
from proxy.wire.sse import join_data

FEWEST = 12  # of fewer there is nothing to gain
MOST_OTHERS = 8  # events after the last text: why it stopped, usage, and what some add


def read_pieces(pieces: list[bytes], *, hides_usage: bool) -> tuple[Reading, bytes] | None:
    """The reading and the bytes for the client; None for a stream that is not of this form."""
    if len(pieces) < FEWEST or pieces[-1] != LAST:
        return None
    first, alike = pieces[0], pieces[1]
    mould = guess(alike, b"content")
    if mould is None:
        return None
    run_end = len(pieces) - 1
    last_end = run_end - MOST_OTHERS
    while not pieces[run_end - 1].endswith(mould.end):
        run_end -= 1
        if run_end <= last_end:
            return None
    others = pieces[run_end:-1]
    run = mould.cast_pieces(pieces[1:run_end])
    if run is None:
        return None
    said = _decode([first, alike, *others])
    if said is None:
        return None
    said_first, said_alike, *said_last = said
    if not said_first.model or is_usage_only(said_first) or plain_text(said_alike) != mould.text_in(alike):
        return None
    reading = Reading()
    take_head(said_first, reading)
    take(said_first, reading)
    reading.add_text(run.text)
    shown = []
    for piece, answer in zip(others, said_last, strict=True):
        take(answer, reading)
        if not (hides_usage and is_usage_only(answer)):
            shown.append(piece)
    reading.is_complete = True
    return reading, b"".join((first, run.events, *shown, LAST))


def _decode(pieces: list[bytes]) -> list[Answer] | None:
    """None when one of them is not exactly one event, or cannot be read."""
    for piece in pieces:
        if not piece.endswith(b"\n\n"):
            return None
    joined = join_data(b"".join(pieces))
    answers = decoded(decode_answers, b"[%b]" % joined) if joined is not None else None
    return answers if answers is not None and len(answers) == len(pieces) else None
