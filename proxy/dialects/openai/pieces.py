"""A stream that is there as a whole, in the pieces in which it came: most servers send each event as a chunk.

Then nobody has to look for where an event ends, and what is alike in all of them is compared in one go. What is read is
what `OpenAIStreamReader` reads.
"""

from proxy.dialects.openai.chunks import decode_answers, decoded, is_usage_only, plain_text, take, take_head
from proxy.dialects.openai.tap import LAST
from proxy.dialects.reading import Reading
from proxy.wire.mould import guess
from proxy.wire.sse import is_one_event

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
    known = [first, alike, *others]
    run = mould.cast_pieces(pieces[1:run_end])
    if run is None or not all(map(is_one_event, known)):
        return None
    answers = decoded(decode_answers, b"[%b]" % b",".join([piece[6:-2] for piece in known]))
    if answers is None or len(answers) != len(known):
        return None
    said_first, said_alike, *said_last = answers
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
