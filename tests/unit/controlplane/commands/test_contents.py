"""From what a run hands in to a content: five kinds, each with what it needs and nothing else."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from pointsman.contract import ErrorCode, KeyKind

from controlplane.access.callers import Caller
from controlplane.blobs import DirectoryParts
from controlplane.commands import CommandRefused
from controlplane.commands.contents import (
    MAX_TEXT_BYTES,
    MAX_URL,
    Content,
    Submission,
    checked_url,
    store_submission,
    words_of,
)
from controlplane.commands.uploads import Announcement, Uploads
from controlplane.domain.state import Deliverable


@pytest.fixture
def caller(admin) -> Caller:
    return Caller(KeyKind.RUN, "r_1", admin.workspace_id, "writer", "a_1", "r_1", "t_1", 1)


@pytest.fixture
def uploads(service, database, settings, clock) -> Uploads:
    return Uploads(database, service.blobs, DirectoryParts(settings.home.uploads), clock, max_bytes=1000)


@pytest.fixture
def store(service, uploads, caller):
    async def stored(**said) -> Content:
        return await store_submission(service.blobs, uploads, caller, Submission(**said))

    return stored


@pytest.mark.parametrize(
    ("said", "media_type", "raw"),
    [
        ({"kind": "markdown", "content": "# Draft"}, "text/markdown", b"# Draft"),
        ({"kind": "text", "content": "Grüße"}, "text/plain", "Grüße".encode()),
        ({"kind": "text", "content": ""}, "text/plain", b""),
        ({"kind": "code", "content": "x = 1", "language": "python", "name": "a.py"}, "text/plain", b"x = 1"),
        ({"kind": "link", "url": "https://example.org/?a=1#b"}, "text/uri-list", b"https://example.org/?a=1#b"),
    ],
)
async def test_a_kind_that_comes_with_the_request_is_a_content(service, store, said, media_type, raw):
    content = await store(**said, title="Draft")
    assert await service.blobs.get(content.sha256) == raw
    assert content == Content(
        content.sha256, len(raw), said["kind"], "Draft", said.get("name", ""), media_type, said.get("language", "")
    )


@pytest.mark.parametrize(("name", "expected"), [("", "chart.png"), ("better.png", "better.png")])
async def test_a_file_is_its_upload_under_its_own_or_a_better_name(store, uploads, caller, name, expected):
    async def chunks():
        yield b"0123456789"

    upload_id = (await uploads.begin(caller, "cmd_u", Announcement("chart.png", "image/png", 10))).upload_id
    view = await uploads.append(caller, upload_id, 0, chunks())
    content = await store(kind="file", upload_id=upload_id, name=name)
    assert content == Content(view.sha256, 10, "file", "", expected, "image/png", "")


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"kind": "poem", "content": "x"}, "kind"),
        ({"kind": "markdown"}, "content"),
        ({"kind": "link", "content": "https://example.org"}, "url"),
        ({"kind": "file", "content": "x"}, "upload_id"),
        ({"kind": "markdown", "content": "x", "url": "https://example.org"}, "url"),
        ({"kind": "markdown", "content": "x", "language": "python"}, "language"),
        ({"kind": "link", "url": "https://example.org", "content": ""}, "content"),
        ({"kind": "text", "content": "x", "upload_id": "up_1"}, "upload_id"),
    ],
)
async def test_what_a_kind_lacks_or_has_too_much_is_named(store, said, field):
    with pytest.raises(CommandRefused) as no:
        await store(**said)
    assert (no.value.refusal.code, no.value.refusal.detail["field"]) == (ErrorCode.INVALID_REQUEST, field)


async def test_a_file_that_nobody_sent_is_not_found(store):
    with pytest.raises(CommandRefused) as no:
        await store(kind="file", upload_id="up_nothing")
    assert no.value.refusal.code is ErrorCode.NOT_FOUND


async def test_a_long_text_is_told_to_come_as_a_file(store):
    with pytest.raises(CommandRefused) as no:
        await store(kind="text", content="é" * (MAX_TEXT_BYTES // 2 + 1))
    assert no.value.refusal.code is ErrorCode.REQUEST_TOO_LARGE
    assert no.value.refusal.detail["limit_bytes"] == MAX_TEXT_BYTES


async def test_half_a_character_is_refused_and_not_our_fault(store):
    with pytest.raises(CommandRefused) as no:
        await store(kind="text", content="\ud800")
    assert no.value.refusal.code is ErrorCode.INVALID_REQUEST


async def test_an_agent_reads_a_text_and_is_told_of_a_file(service):
    sha256 = await service.blobs.put("# Grüße".encode())
    text = Deliverable(1, "r_1", sha256, 8, 1)
    assert await words_of(service.blobs, text) == "# Grüße"
    assert await words_of(service.blobs, replace(text, sha256="0" * 64)) == ""
    file = replace(text, kind="file", name="a.pdf", media_type="application/pdf")
    assert await words_of(service.blobs, file) == "(A file: a.pdf, application/pdf, 8 bytes.)"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org",
        "https://example.org:8443/a/b?c=d&e=%20#f",
        "https://[::1]/",
        "https://xn--bcher-kva.example",
        "https://bücher.example/straße",
        "HTTPS://EXAMPLE.ORG/",
        "https://example.org/@somebody",
    ],
)
def test_a_link_to_the_web_is_taken_as_it_is(url):
    assert checked_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "//example.org",
        "https://",
        "https:///path",
        "https:example.org",
        "javascript:alert(1)",
        "JavaScript:alert(1)//https://example.org",
        "data:text/html,<script>",
        "file:///etc/passwd",
        "ftp://example.org",
        "https://user:password@example.org/",
        "https://user@example.org/",
        "https://example.org\\@example.com/",
        "https:\\\\example.org",
        "https://@example.org/",
        "https://example.org/a b",
        "https://example.org/\n",
        " https://example.org/",
        "java\tscript:alert(1)",
        "https://example.org/\u202egnp.exe",
        "https://exam\u200bple.org/",
        "https://example.org:port/",
        "https://[::1/",
        "https://example.org/" + "a" * MAX_URL,
    ],
)
def test_what_is_no_harmless_link_is_refused(url):
    with pytest.raises(CommandRefused) as no:
        checked_url(url)
    assert (no.value.refusal.code, no.value.refusal.detail["field"]) == (ErrorCode.INVALID_REQUEST, "url")


@given(st.text(st.sampled_from("htps:/@[]?#.a1\\ \t%é\u202e"), max_size=30).map("https://".__add__) | st.text())
def test_any_text_is_a_link_or_refused(url):
    try:
        accepted = checked_url(url)
    except CommandRefused:
        return
    assert accepted == url
    assert url.lower().startswith(("http://", "https://"))
    assert "@" not in re.split(r"[/?#\\]", url)[2]
