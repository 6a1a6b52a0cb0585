"""Recorded exchanges that nobody of this project wrote, for tests of codecs.

They are not part of this repository: `POINTSMAN_CORPUS` says where they are. A sample of them is read, spread evenly,
with `POINTSMAN_CORPUS_ALL=1` each one.
"""

import gzip
import os
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import orjson
import pytest

from proxy.canonical.answer import Answer
from proxy.canonical.folding import fold, unfold
from proxy.dialects.codec import Codec, Opening
from proxy.errors import InvalidRequest
from tests.unit.proxy.dialects.damage import damaged
from tests.unit.proxy.dialects.streams import decode_with, encode_with

CHECKOUT = Path(__file__).parents[4]
CORPUS = Path(os.environ.get("POINTSMAN_CORPUS", CHECKOUT.parent / "shared" / "corpus"))
TRAFFIC = CORPUS / "provider_traffic.dev.jsonl.gz"
TAKES_ALL = bool(os.environ.get("POINTSMAN_CORPUS_ALL"))
MOST = 10_000 if TAKES_ALL else 150
LONGEST_HEAD = 1000  # of a line: where it came from stands first

needs_recordings = pytest.mark.skipif(not TRAFFIC.is_file(), reason="no recordings here; set POINTSMAN_CORPUS")

Exchange = dict[str, Any]
Found = TypeVar("Found")


def recorded(*marks: str) -> Iterator[Exchange]:
    """Those in whose head one of these stands, or all."""
    sought = [mark.encode() for mark in marks]
    with gzip.open(TRAFFIC, "rb") as lines:
        for line in lines:
            if not sought or any(mark in line[:LONGEST_HEAD] for mark in sought):
                yield orjson.loads(line)


def recorded_at(*apis: str) -> Iterator[Exchange]:
    return recorded(*(f'"api": "{api}"' for api in apis))


def sample(found: Sequence[Found]) -> list[Found]:
    return list(found[:: max(1, -(-len(found) // MOST))])


def exchanges_of(provider: str, *apis: str) -> list[Exchange]:
    return sample(list(recorded(*(f'"provider": "{provider}", "api": "{api}"' for api in apis))))


def bodies_of(exchanges: Sequence[Exchange]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Whole answers, with the ids of their exchanges."""
    for exchange in exchanges:
        body = exchange["response"].get("body")
        if exchange["response"]["status"] == 200 and isinstance(body, dict):
            yield exchange["id"], body


def folded(codec: Codec, stream: bytes, mark: str) -> Answer:
    answer = fold(decode_with(codec, stream), codec.name)
    assert isinstance(answer, Answer), (mark, answer)
    return answer


def streamed_again(codec: Codec, answer: Answer, mark: str) -> Answer:
    """What a client understands to whom a whole answer is sent as a stream."""
    return folded(codec, encode_with(codec.encoder(Opening("call", "model")), unfold(answer)), mark)


def assert_damage_is_survived(
    codec: Codec,
    exchange: Exchange,
    chunks: Sequence[Any],
    written: Callable[[Any], bytes],
    dice: random.Random,
    model: str = "",
) -> None:
    """Whatever an exchange says in the wrong place, a request is parsed or refused, and an answer read and written."""
    request, response = exchange["request"], exchange["response"]
    if request and isinstance(request.get("body"), dict):
        with suppress(InvalidRequest):
            codec.render_request(codec.parse_request(damaged(request["body"], dice), model))
    if isinstance(response.get("body"), dict):
        codec.render_answer(codec.parse_answer(damaged(response["body"], dice)), Opening("call", "model"))
        codec.parse_failure(400, {}, orjson.dumps(damaged(response["body"], dice)))
    if chunks:
        encode_with(codec.encoder(Opening("call", "model")), decode_with(codec, written(damaged(chunks, dice))))
