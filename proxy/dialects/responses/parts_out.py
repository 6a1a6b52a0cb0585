"""Parts → content of messages and of tool outputs, as a request has it."""

from typing import Any

from proxy.canonical.parts import Media, Native, Part, Refusal, Text
from proxy.dialects.losses import Losses, native_kind
from proxy.errors import Dialect

_UNREACHABLE = ("gs://", "s3://")
_EXPLICIT = {"prompt_cache_breakpoint": {"mode": "explicit"}}


class PartsOut:
    """Renders what a person, an instruction or a tool says."""

    def __init__(self, dialect: Dialect, losses: Losses) -> None:
        self._dialect = dialect  # that the request was written in
        self._losses = losses

    def render_content(self, parts: list[Part]) -> str | list[dict[str, Any]]:
        """A string where nothing but one text is said: every provider takes it."""
        if len(parts) == 1 and isinstance(parts[0], Text) and not self._mark(parts[0]):
            return parts[0].text
        return [rendered for part in parts for rendered in self._render(part)]

    def render_output(self, parts: list[Part]) -> str | list[dict[str, Any]]:
        """What a tool answered: text, or a list where there is more than text."""
        if not parts:
            return ""
        return self.render_content(parts)

    def _render(self, part: Part) -> list[dict[str, Any]]:
        match part:
            case Text(text=text):
                return [{"type": "input_text", "text": text, **self._mark(part)}]
            case Refusal(text=text):
                return [{"type": "input_text", "text": text}]
            case Media():
                return self._render_media(part)
            case Native(text=text, dialect=dialect):
                self._losses.add(native_kind(part.raw), f"Only {dialect} knows it.")
                return [{"type": "input_text", "text": text}] if text else []
        self._losses.add(type(part).__name__.lower(), "It has no place in what a person or a tool says.")
        return []

    def _mark(self, part: Text | Media) -> dict[str, Any]:
        """Others' marks are left out: this API caches without being told to."""
        return _EXPLICIT if part.cache is not None and self._dialect == "responses" else {}

    def _render_media(self, media: Media) -> list[dict[str, Any]]:
        for name in media.extra if media.extra_of not in {"responses", None} else ():
            self._losses.add(name, f"{media.kind} parts have no such member here.")
        if media.text and not media.data and not media.url:
            return [{"type": "input_text", "text": f"{media.name}\n{media.text}" if media.name else media.text}]
        rendered = self._render_bytes(media)
        if rendered is None:
            return []
        if media.extra and media.extra_of == "responses":
            rendered.update(media.extra)
        return [{**rendered, **self._mark(media)}]

    def _render_bytes(self, media: Media) -> dict[str, Any] | None:
        if media.kind == "video" or media.url.startswith(_UNREACHABLE):
            self._losses.add(media.kind, "This API takes images, documents and audio, by web address or inline.")
            return None
        if media.file_id and self._dialect not in {"openai", "responses"}:
            self._losses.add(media.kind, "The file is kept at another provider.")
            return None
        if media.kind == "image":
            return _image(media, "" if self._dialect == "responses" else "auto")
        if media.kind == "audio":
            return self._render_audio(media)
        return _file(media)

    def _render_audio(self, media: Media) -> dict[str, Any] | None:
        if not media.data:
            self._losses.add("audio", "This API takes audio inline only.")
            return None
        form = media.media_type.rpartition("/")[2].removeprefix("x-")
        return {
            "type": "input_audio",
            "input_audio": {"data": media.data, "format": "mp3" if form == "mpeg" else form or "wav"},
        }


def _image(media: Media, default_detail: str) -> dict[str, Any]:
    """OpenAI takes it without `detail`; its own description asks for one, and others go by that."""
    rendered: dict[str, Any] = {"type": "input_image"}
    if media.file_id:
        rendered["file_id"] = media.file_id
    else:
        rendered["image_url"] = _data_url(media, "image/png") if media.data else media.url
    if media.detail or default_detail:
        rendered["detail"] = media.detail or default_detail
    return rendered


def _file(media: Media) -> dict[str, Any]:
    """`filename` is asked for beside data, and refused beside an address (gpt-5, November 2026)."""
    rendered: dict[str, Any] = {"type": "input_file"}
    if media.file_id:
        rendered["file_id"] = media.file_id
    elif media.data:
        media_type = media.media_type or "application/pdf"
        rendered["filename"] = media.name or f"file.{media_type.rpartition('/')[2]}"
        rendered["file_data"] = _data_url(media, "application/pdf")
    else:
        rendered["file_url"] = media.url
    if media.detail:
        rendered["detail"] = media.detail
    return rendered


def _data_url(media: Media, default: str) -> str:
    return f"data:{media.media_type or default};base64,{media.data}"
