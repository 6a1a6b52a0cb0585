"""An agent's model calls through the gateway: JSON and streams, both dialects, with and without idempotency key.

Every request carries a `traceparent` of its own, which the gateway records and passes on: so each call that the
provider counted leads to the record of the very request that made it.
"""

import json
import os
import time
from collections.abc import Iterator
from random import Random
from typing import Any, Self

import httpx2
from pointsman import LeaseLost, Task
from pointsman.contract import IDEMPOTENCY_HEADER, ErrorCode, trace_id_of_run
from pointsman.patience import Backoff

from tests.chaos.ledger import Book

OPENAI_MODEL = "gpt-5-mini"
ANTHROPIC_MODEL = "claude-sonnet-4-5"
MAX_TOKENS = 400
PATIENCE_SECONDS = 90.0
ERROR_SHARE = 0.08  # of the calls meet an overloaded provider at first


class CallFailed(Exception):  # noqa: N818 - the event of a failure, which ends a run
    """The gateway said no, or nothing, for too long."""


class _TryAgain(Exception):  # noqa: N818 - never seen outside of this module
    """This try gave no usable answer."""


class Calls:
    """The calls of one run."""

    def __init__(self, task: Task, random: Random, book: Book) -> None:
        self._task, self._random, self._book = task, random, book
        self._client = httpx2.Client(timeout=httpx2.Timeout(30.0, connect=5.0), trust_env=False)
        self._number = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._client.close()

    def ask(self) -> None:
        """One call, until it is answered whole. A try without an idempotency key is another call each time."""
        self._number += 1
        random = self._random
        is_openai, is_stream, is_keyed = random.random() < 0.6, random.random() < 0.6, random.random() < 0.5
        tokens, has_fault = random.randrange(5, 60), random.random() < ERROR_SHARE
        said = f"{self._task.title}, run {self._task.run.run_id}, call {self._number}. [[sim:tokens {tokens}]]"
        deadline, backoff, tries = time.monotonic() + PATIENCE_SECONDS, Backoff(), 0
        while True:
            tries += 1
            words = said if is_keyed else f"{said} Try {tries}."
            if has_fault and (is_keyed or tries == 1):  # the provider counts the tries of one and the same request
                words += " [[sim:error 529 1]]"
            key = f"{self._task.run.run_id}/{self._number}" if is_keyed else ""
            try:
                return self._try(words, key, is_openai=is_openai, is_stream=is_stream)
            except (_TryAgain, httpx2.TransportError) as fault_of_this_try:
                self._check_lease()
                if time.monotonic() > deadline:
                    raise CallFailed(f"no answer in {PATIENCE_SECONDS:.0f} s: {fault_of_this_try}") from None
                time.sleep(min(backoff.next_seconds(), 2.0))

    def _check_lease(self) -> None:
        if self._task.is_lost:
            raise LeaseLost("The run was taken away.", code=ErrorCode.LEASE_LOST, status=409)

    def _try(self, words: str, key: str, *, is_openai: bool, is_stream: bool) -> None:
        trace = f"00-{trace_id_of_run(self._task.run.run_id)}-{os.urandom(8).hex()}-01"
        headers = {"authorization": f"Bearer {self._task.gateway_key}", "traceparent": trace}
        if key:
            headers[IDEMPOTENCY_HEADER] = key
        body: dict[str, Any] = {"messages": [{"role": "user", "content": words}], "stream": is_stream}
        body |= {"model": OPENAI_MODEL if is_openai else ANTHROPIC_MODEL, "max_tokens": MAX_TOKENS}
        url = f"{self._task.openai_base_url}/chat/completions"
        if not is_openai:
            headers["anthropic-version"] = "2023-06-01"
            url = f"{self._task.anthropic_base_url}/v1/messages"
        self._book.note("asked", run_id=self._task.run.run_id, trace=trace)
        with self._client.stream("POST", url, json=body, headers=headers) as answer:
            self._check(answer)
            if not is_stream:
                json.loads(answer.read())
            elif not any(_is_last(event) for event in _events(answer)):
                raise _TryAgain("the stream broke off")

    def _check(self, answer: httpx2.Response) -> None:
        if answer.is_success:
            return
        said = answer.read().decode(errors="replace")[:200]
        if answer.status_code == 403:
            raise LeaseLost("The gateway refused the run's key.", code=ErrorCode.RUN_REVOKED, status=403)
        if answer.status_code == 429 or answer.status_code >= 500:
            raise _TryAgain(f"{answer.status_code} {said}")
        raise CallFailed(f"the gateway answered {answer.status_code}: {said}")


def _events(answer: httpx2.Response) -> Iterator[str]:
    for line in answer.iter_lines():
        if line.startswith("data:"):
            yield line[5:].strip()


def _is_last(event: str) -> bool:
    """Raises _TryAgain for an error inside of the stream."""
    if event == "[DONE]":
        return True
    content = json.loads(event)
    if content.get("type") == "error" or "error" in content:
        raise _TryAgain(f"the stream ended with {str(content)[:200]}")
    return content.get("type") == "message_stop"
