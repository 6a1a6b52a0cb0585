"""Holds real answers to what OpenAPI says of them: status, headers, type and schema."""

import re
from functools import cache
from typing import Any

import httpx2
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from controlplane.api.app import openapi_document

DOCUMENT = "https://pointsman.test/openapi.json"


class Description:
    """The API's own document, looked up by what was asked."""

    def __init__(self) -> None:
        self._document = openapi_document()
        self._registry: Registry[Any] = Registry().with_resource(
            DOCUMENT, Resource(self._document, specification=DRAFT202012)
        )
        self._paths = [
            (re.compile(re.sub(r"\\{\w+\\}", r"[^/]+", re.escape(path))), path) for path in self._document["paths"]
        ]

    def check(self, method: str, path: str, response: httpx2.Response) -> None:
        """What is at no described path, or asked with no described method, is nobody's promise."""
        path = path.partition("?")[0]
        described = next((template for pattern, template in self._paths if pattern.fullmatch(path)), None)
        if described is None or method.lower() not in self._document["paths"][described]:
            return
        where = f"{method} {path} → {response.status_code}"
        answers = self._document["paths"][described][method.lower()]["responses"]
        assert str(response.status_code) in answers, f"{where} is not described: {response.text}"
        answer = self._resolved(answers[str(response.status_code)])
        for name, header in answer.get("headers", {}).items():
            assert name in response.headers or not header.get("required"), f"{where} lacks {name}"
        content = answer.get("content", {})
        media_type = response.headers.get("content-type", "").partition(";")[0]
        if not content or method == "HEAD":
            assert not response.content, where
        elif "*/*" not in content:
            assert media_type in content, f"{where} is {media_type}"
            self._validator(described, method.lower(), str(response.status_code), media_type).validate(response.json())

    @cache  # noqa: B019 - one description lives as long as the tests
    def _validator(self, path: str, method: str, status: str, media_type: str) -> Draft202012Validator:
        answer = self._document["paths"][path][method]["responses"][status]
        if "$ref" in answer:
            steps = answer["$ref"].removeprefix("#/").split("/")
        else:
            steps = ["paths", path, method, "responses", status]
        pointer = "/".join(step.replace("~", "~0").replace("/", "~1") for step in [*steps, "content", media_type])
        return Draft202012Validator({"$ref": f"{DOCUMENT}#/{pointer}/schema"}, registry=self._registry)

    def _resolved(self, answer: dict[str, Any]) -> dict[str, Any]:
        name = answer.get("$ref", "").rpartition("/")[2]
        return dict(self._document["components"]["responses"][name]) if name else answer
