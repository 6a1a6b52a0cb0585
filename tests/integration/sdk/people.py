"""A person at the JSON API of a running product, and calls through its gateway, for tests of the real thing."""

import re
from collections.abc import Callable
from typing import Any, Self

import httpx2

from tests.product import Product, wait_until

PATIENCE_SECONDS = 20.0


class Person:
    """Somebody with the admin key."""

    def __init__(self, product: Product) -> None:
        self.product = product
        headers = {"authorization": f"Bearer {product.admin_key}"}
        self.client = httpx2.Client(
            base_url=f"{product.web_url}/api/v1", headers=headers, trust_env=False, timeout=PATIENCE_SECONDS
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def get(self, path: str) -> dict[str, Any]:
        answer = self.client.get(path)
        assert answer.is_success, answer.text
        return dict(answer.json())

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        answer = self.client.post(path, json=body)
        assert answer.is_success, f"{path}: {answer.text}"
        return dict(answer.json())

    def new_agent(self, name: str, *capabilities: str) -> str:
        """Its key."""
        self.post("/agents", name=name, capabilities=capabilities)
        return str(self.post("/keys", kind="agent", agent=name, name=name)["key"])

    def new_task(self, title: str, **wish: Any) -> str:
        """Its number. It needs something of its own, so that no agent of another test takes it."""
        own = "-".join(re.findall(r"[a-z]+", title.lower()))[:40]
        return str(self.post("/tasks", **{"title": title, "needs": [own], **wish})["ref"])

    def do(self, ref: str, verb: str, **body: Any) -> dict[str, Any]:
        return self.post(f"/tasks/{ref}/{verb}", **body)

    def task(self, ref: str) -> dict[str, Any]:
        return self.get(f"/tasks/{ref}")

    def kinds(self, ref: str) -> list[str]:
        """What happened to the task, by kind."""
        return [one["kind"] for one in self.get(f"/tasks/{ref}/activity?limit=200")["activity"]]

    def until(self, ref: str, is_so: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The task as soon as it is so."""
        assert wait_until(lambda: is_so(self.task(ref)), PATIENCE_SECONDS), self.task(ref)
        return self.task(ref)

    def answer_when_asked(self, ref: str, value: Any = None, text: str = "") -> dict[str, Any]:
        """The question, once it is asked and answered."""
        question: dict[str, Any] = self.until(ref, lambda task: task["question"])["question"]
        self.do(ref, "answer", value=value, text=text, question_id=question["question_id"])
        return question

    def times_asked(self, idempotency_key: str) -> int:
        """How often the provider itself was asked for this call."""
        url = f"{self.product.run_file['simulated']['url']}/sim/calls"
        calls = httpx2.get(url, trust_env=False, timeout=PATIENCE_SECONDS).json()
        listed = calls["calls"] if isinstance(calls, dict) else calls
        return sum(call["idempotency_key"] == idempotency_key for call in listed)


def ask_model(base_url: str, key: str, idempotency_key: str, script: str = "[[sim:say Hello]]") -> httpx2.Response:
    """One whole model call, as slow as the gateway makes it."""
    return httpx2.post(
        f"{base_url}/chat/completions",
        json={"model": "gpt-5-mini", "messages": [{"role": "user", "content": f"Say it. {script}"}]},
        headers={"authorization": f"Bearer {key}", "idempotency-key": idempotency_key},
        trust_env=False,
        timeout=60,
    )
