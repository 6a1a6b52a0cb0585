"""Content parts ↔ media: pictures, sounds, films and documents of a message.

`image_url`, `input_audio` and `file` are OpenAI's; `video_url` is OpenRouter's, `document_url` Mistral's.
"""

import re
from collections.abc import Mapping
from typing import Any

from proxy.canonical.parts import Media, MediaKind
from proxy.dialects.reading import member, text_of

_DATA_URI = re.compile(r"data:([^;,]*)((?:;[^;,]*)*),", re.IGNORECASE)
_AUDIO_TYPES = {"mp3": "audio/mpeg", "wav": "audio/wav", "m4a": "audio/mp4"}
_AUDIO_FORMATS = {
    "audio/mpeg": "mp3", "audio/mp3": "mp3", "audio/wav": "wav", "audio/x-wav": "wav", "audio/wave": "wav",
    "audio/mp4": "m4a", "audio/m4a": "m4a",
}  # fmt: skip
_OWN_AUDIO = {"mp3", "wav"}  # https://platform.openai.com/docs/guides/audio (November 2026)


def media_of_url(kind: MediaKind, url: str, **more: Any) -> Media:
    """From a URL that may hold the bytes themselves."""
    match = _DATA_URI.match(url)
    if match and match[2].lower().endswith(";base64"):
        return Media(kind, media_type=match[1].lower(), data=url[match.end() :], **more)
    return Media(kind, url=url, **more)


def url_of(media: Media) -> str:
    """The other way. '' when the media are known by an id or as text only."""
    if media.data:
        return f"data:{media.media_type or _usual_type(media)};base64,{media.data}"
    return media.url


def parse_media(part: Mapping[str, Any]) -> Media | None:
    """None for what is no media part, or one of a form unknown."""
    parse = _PARSERS.get(text_of(part.get("type")))
    return parse(part) if parse else None


def _parse_image(part: Mapping[str, Any]) -> Media | None:
    image = part.get("image_url")
    url = image if isinstance(image, str) else text_of(member(image, "url"))
    return media_of_url("image", url, detail=text_of(member(image, "detail"))) if url else None


def _parse_audio(part: Mapping[str, Any]) -> Media | None:
    sound = part.get("input_audio")
    data, form = text_of(member(sound, "data")), text_of(member(sound, "format"))
    if not data:
        return None
    return Media("audio", media_type=_AUDIO_TYPES.get(form) or (f"audio/{form}" if form else ""), data=data)


def _parse_file(part: Mapping[str, Any]) -> Media | None:
    file = part.get("file")
    name, file_id, data = (text_of(member(file, key)) for key in ("filename", "file_id", "file_data"))
    if data.startswith(("data:", "http://", "https://")):
        return media_of_url("document", data, name=name)
    if data:
        return Media("document", media_type="application/pdf", data=data, name=name)
    return Media("document", file_id=file_id, name=name) if file_id else None


def _parse_document(part: Mapping[str, Any]) -> Media | None:
    url = part.get("document_url")
    name = text_of(part.get("document_name"))
    return media_of_url("document", url, name=name) if isinstance(url, str) and url else None


def _parse_video(part: Mapping[str, Any]) -> Media | None:
    video = part.get("video_url")
    url = video if isinstance(video, str) else text_of(member(video, "url"))
    return media_of_url("video", url) if url else None


_PARSERS = {
    "image_url": _parse_image,
    "input_audio": _parse_audio,
    "file": _parse_file,
    "document_url": _parse_document,
    "video_url": _parse_video,
}


def render_media(media: Media, *, is_own: bool) -> dict[str, Any] | None:
    """A content part; None where Chat Completions has none for it.

    `is_own`: the request came in this dialect, so its provider knows what OpenAI itself does not.
    """
    render = {"image": _render_image, "audio": _render_audio, "document": _render_document, "video": _render_video}
    return render[media.kind](media, is_own)


def _render_image(media: Media, is_own: bool) -> dict[str, Any] | None:
    url = url_of(media)
    if not url or not (is_own or url.startswith(("data:", "http://", "https://"))):
        return None
    image = {"url": url, "detail": media.detail} if media.detail else {"url": url}
    return {"type": "image_url", "image_url": image}


def _render_audio(media: Media, is_own: bool) -> dict[str, Any] | None:
    form = _AUDIO_FORMATS.get(media.media_type) or media.media_type.removeprefix("audio/")
    if not media.data or not (is_own or form in _OWN_AUDIO):
        return None
    return {"type": "input_audio", "input_audio": {"data": media.data, "format": form or "wav"}}


def _render_document(media: Media, is_own: bool) -> dict[str, Any] | None:
    if media.text:
        return {"type": "text", "text": f"{media.name}\n\n{media.text}" if media.name else media.text}
    name = {"filename": media.name} if media.name else {}
    if media.data:
        return {"type": "file", "file": {"filename": media.name or "document.pdf", "file_data": url_of(media)}}
    if media.file_id:
        return {"type": "file", "file": {"file_id": media.file_id, **name}}
    if media.url and is_own:
        return {"type": "document_url", "document_url": media.url, **({"document_name": media.name} if name else {})}
    return None


def _render_video(media: Media, is_own: bool) -> dict[str, Any] | None:
    return {"type": "video_url", "video_url": {"url": url_of(media)}} if is_own else None


def _usual_type(media: Media) -> str:
    usual = {"image": "image/png", "audio": "audio/wav", "document": "application/pdf", "video": "video/mp4"}
    return usual[media.kind]
