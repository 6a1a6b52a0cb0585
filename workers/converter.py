"""Payloads of Temporal as msgspec JSON: the domain's types go in and come out checked, without a second schema."""

from dataclasses import replace
from typing import Any

import msgspec
from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    BinaryNullPayloadConverter,
    BinaryPlainPayloadConverter,
    BinaryProtoPayloadConverter,
    CompositePayloadConverter,
    DataConverter,
    EncodingPayloadConverter,
    JSONProtoPayloadConverter,
)
from typing_extensions import override


class MsgspecPayloadConverter(EncodingPayloadConverter):
    """`json/plain`, so that other SDKs and the Temporal UI can read it."""

    @property
    @override
    def encoding(self) -> str:
        return "json/plain"

    @override
    def to_payload(self, value: Any) -> Payload:
        """Never declines: it stands last in the list."""
        return Payload(metadata={"encoding": b"json/plain"}, data=msgspec.json.encode(value))

    @override
    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        """Raises RuntimeError, as Temporal expects it, when the payload is not of that type."""
        try:
            return msgspec.json.decode(payload.data, type=Any if type_hint is None else type_hint)
        except msgspec.DecodeError as error:
            raise RuntimeError(f"payload is not a {type_hint!r}: {error}") from error


class PointsmanPayloadConverter(CompositePayloadConverter):
    """Temporal makes it without arguments, once a client and once a sandbox."""

    def __init__(self) -> None:
        super().__init__(
            BinaryNullPayloadConverter(),
            BinaryPlainPayloadConverter(),
            JSONProtoPayloadConverter(),
            BinaryProtoPayloadConverter(),
            MsgspecPayloadConverter(),
        )


def data_converter() -> DataConverter:
    """The one converter of clients, workers and the replayer."""
    return replace(DataConverter.default, payload_converter_class=PointsmanPayloadConverter)
