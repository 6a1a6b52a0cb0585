"""Recorded exchanges that nobody of this project wrote, for tests of codecs.

They are not part of this repository: `POINTSMAN_CORPUS` says where they are. A sample of them is read, spread evenly,
with `POINTSMAN_CORPUS_ALL=1` each one.
"""

import gzip
import os
from pathlib import Path
from typing import Any

import orjson
import pytest

CHECKOUT = Path(__file__).parents[4]
CORPUS = Path(os.environ.get("POINTSMAN_CORPUS", CHECKOUT.parent / "shared" / "corpus"))
TRAFFIC = CORPUS / "provider_traffic.dev.jsonl.gz"
MOST = 10_000 if os.environ.get("POINTSMAN_CORPUS_ALL") else 150
LONGEST_HEAD = 1000  # of a line: where it came from stands first

needs_recordings = pytest.mark.skipif(not TRAFFIC.is_file(), reason="no recordings here; set POINTSMAN_CORPUS")


def exchanges_of(provider: str, *apis: str) -> list[dict[str, Any]]:
    marks = [f'"provider": "{provider}", "api": "{api}"'.encode() for api in apis]
    with gzip.open(TRAFFIC, "rb") as lines:
        found = [line for line in lines if any(mark in line[:LONGEST_HEAD] for mark in marks)]
    return [orjson.loads(line) for line in found[:: max(1, -(-len(found) // MOST))]]
