"""Bedrock's words for kinds of media, and what it wants of a document's name.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html and its siblings for image, video
and audio (November 2026).
"""

import re
from collections.abc import Mapping

from proxy.canonical.parts import MediaKind

_IMAGES = {"png": "image/png", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"}
_DOCUMENTS = {
    "pdf": "application/pdf",
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "html": "text/html",
    "txt": "text/plain",
    "md": "text/markdown",
}
_VIDEOS = {
    "mkv": "video/x-matroska",
    "mov": "video/quicktime",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "flv": "video/x-flv",
    "mpeg": "video/mpeg",
    "mpg": "video/mpg",
    "wmv": "video/x-ms-wmv",
    "three_gp": "video/3gpp",
}
_AUDIOS = {
    "mp3": "audio/mpeg",
    "opus": "audio/opus",
    "wav": "audio/wav",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "mp4": "audio/mp4",
    "ogg": "audio/ogg",
    "mkv": "audio/x-matroska",
    "mka": "audio/matroska",
    "m4a": "audio/m4a",
    "pcm": "audio/pcm",
    "webm": "audio/webm",
}
MEDIA_TYPES: Mapping[MediaKind, Mapping[str, str]] = {
    "image": _IMAGES,
    "document": _DOCUMENTS,
    "video": _VIDEOS,
    "audio": _AUDIOS,
}
_FORMATS = {kind: {media_type: name for name, media_type in known.items()} for kind, known in MEDIA_TYPES.items()}
_OTHER_NAMES = {
    "image/jpg": "jpeg",
    "text/x-markdown": "md",
    "audio/mp3": "mp3",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
}

# Letters, digits, single blanks, hyphens, parentheses and square brackets; 200 at most.
_STRANGE = re.compile(r"[^a-zA-Z0-9\-()\[\] ]+")
_BLANKS = re.compile(r"\s+")
_LONGEST_NAME = 200


def media_type_of(kind: MediaKind, name: str) -> str:
    """Of a format that nobody knows yet: a type made of its name."""
    return MEDIA_TYPES[kind].get(name) or (f"{kind}/{name}" if name else "")


def format_of(kind: MediaKind, media_type: str) -> str:
    """'' for what Bedrock has no word for. Any other text is a plain document."""
    media_type = media_type.partition(";")[0].strip().lower()
    found = _OTHER_NAMES.get(media_type) or _FORMATS[kind].get(media_type)
    if found is None and kind == "document" and media_type.startswith(("text/", "application/json", "application/xml")):
        return "txt"
    return found or ""


def fit_document_name(name: str, taken: set[str]) -> str:
    """A name that Bedrock takes, and that no other document of this request has; noted in `taken`."""
    clean = _BLANKS.sub(" ", _STRANGE.sub(" ", name)).strip()[:_LONGEST_NAME].strip() or "Document"
    found, number = clean, 1
    while found in taken:
        number += 1
        found = f"{clean[: _LONGEST_NAME - 8]} ({number})"
    taken.add(found)
    return found
