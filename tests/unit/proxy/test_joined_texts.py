"""Pieces of a text that came together: a few go out as they came, a burst as one."""

from proxy.canonical.events import Event, MessageStarted, StreamEnded, TextDelta
from proxy.stages.foreign_relay import MOST_PIECES, joined


def pieces(count: int, part: int = 0, choice: int = 0) -> list[TextDelta]:
    return [TextDelta(part, f"{number} ", choice) for number in range(count)]


def test_a_few_pieces_are_left_as_they_came() -> None:
    events: list[Event] = [MessageStarted("m"), *pieces(MOST_PIECES), StreamEnded()]
    assert list(joined(events)) == events


def test_a_burst_is_one_piece_in_its_place() -> None:
    burst = pieces(MOST_PIECES + 1)
    whole = TextDelta(0, "".join(piece.text for piece in burst))
    assert list(joined([MessageStarted("m"), *burst, StreamEnded()])) == [MessageStarted("m"), whole, StreamEnded()]


def test_texts_of_other_parts_and_choices_are_not_mixed() -> None:
    runs = [pieces(20), pieces(20, part=1), pieces(20, part=1, choice=1), pieces(20)]
    found = list(joined(piece for run in runs for piece in run))
    assert [(one.part, one.choice) for one in found if isinstance(one, TextDelta)] == [(0, 0), (1, 0), (1, 1), (0, 0)]
    assert len(found) == len(runs)
