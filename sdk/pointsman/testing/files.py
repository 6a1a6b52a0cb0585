"""Files on their way into the fake server, in parts."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from pointsman.contract import ErrorCode
from pointsman.testing.board import Refused


@dataclass(slots=True)
class FakeUpload:
    """One file; it is complete when all of its bytes are there."""

    upload_id: str
    name: str
    size_bytes: int
    content: bytearray = field(default_factory=bytearray)

    def view(self) -> dict[str, Any]:
        is_complete = len(self.content) == self.size_bytes
        digest = hashlib.sha256(self.content).hexdigest() if is_complete else None
        return {"upload_id": self.upload_id, "offset": len(self.content), "sha256": digest}


class FakeUploads:
    """All uploads of one fake server."""

    def __init__(self) -> None:
        self.all: dict[str, FakeUpload] = {}

    def begin(self, body: dict[str, Any]) -> dict[str, Any]:
        upload = FakeUpload(f"up_{len(self.all) + 1}", body["name"], body["size_bytes"])
        self.all[upload.upload_id] = upload
        return upload.view()

    def find(self, upload_id: str) -> FakeUpload:
        if upload_id not in self.all:
            raise Refused(404, ErrorCode.NOT_FOUND, f"There is no upload {upload_id!r}.")
        return self.all[upload_id]

    def append(self, upload_id: str, offset: int, part: bytes) -> None:
        upload = self.find(upload_id)
        if offset != len(upload.content):
            raise Refused(409, ErrorCode.UPLOAD_OFFSET_MISMATCH, f"Go on at {len(upload.content)}.")
        upload.content += part
