"""Prints the reference of providers from `proxy/providers`: `python docs/generate_providers.py`. A test compares."""

from collections.abc import Iterable
from pathlib import Path

from proxy.providers.known import Known
from proxy.providers.registry import all_known

PAGE = Path(__file__).parent / "reference" / "providers.md"
HEAD = """# Providers

This page is made from `proxy/providers` by `python docs/generate_providers.py`. To configure one,
see [use a real provider](../how-to/use-a-real-provider.md); to add one, [add a provider](../how-to/add-a-provider.md).

A client may speak Chat Completions, Responses, Messages or Gemini's generateContent. Where the provider speaks the same
(its dialect, or one of those beside it), the client's bytes pass; else request and answer are translated.

| name | provider | dialect | passes beside it | key | address |
|---|---|---|---|---|---|
"""
FIELDS = """
## Fields

Of an entry under `providers:` in `pointsman.yaml`, or in the proxy's own file. A provider of the table needs none.

| field | what it says |
|---|---|
| `kind` | the name of the table that it is one of, where its own name is another |
| `dialect` | what it is asked in: `openai`, `responses`, `anthropic`, `gemini`, `bedrock`, `cohere` |
| `speaks` | a list of dialects beside it in which calls pass as they are |
| `base_url` | its address up to the version; the whole address of an endpoint is understood too |
| `api_key` | goes where the provider reads it, into no log; [clouds do without](../how-to/sign-in-to-a-cloud.md) |
| `settings` | what it needs beside the key, see below |
| `models` | names, or beginnings that end in `*`, for which it is asked first |
| `headers` | to be sent with each request |
| `unsupported` | `warn` (a header names what was taken out), `drop` (only log and call page do), `reject` (400) |
| `price_provider` | the name under which the price list knows it; `free` for models of one's own |
| `simulated` | `true`: its calls are labelled so everywhere |
| `passes_trace_context` | `true`: `traceparent` and `tracestate` go on to it |
"""
SETTINGS = """
## Settings

Beside the key, under `settings:`; the variable is read where nothing is set there.

| provider | setting | variable | what it is |
|---|---|---|---|
"""
UNSUPPORTED = """
## What a provider cannot do

A parameter in this table is taken out of the request, and named by the provider's `unsupported:` policy (`warn`,
`drop`, `reject`). What a whole dialect has no word for is named the same way.
`proxy/providers/capabilities.py` has it as data.

| provider | parameter | models | allowed all the same | since we read it |
|---|---|---|---|---|
"""
QUIRKS = """
## Quirks

What is written otherwise for one provider, where a request holds one of these members.

| provider | members | what is done | since we read it |
|---|---|---|---|
"""
NOTES = "\n## Notes\n\n"


def render_providers() -> str:
    """The whole page."""
    known = all_known()
    settings = (row for one in known for row in _settings(one))
    unsupported = (row for one in known for row in _unsupported(one))
    quirks = (row for one in known for row in _quirks(one))
    notes = "".join(f"- **{one.title}**: {one.note}\n" for one in known if one.note)
    return "".join([
        HEAD, _table(map(_row, known)), FIELDS, SETTINGS, _table(settings), UNSUPPORTED, _table(unsupported),
        QUIRKS, _table(quirks), NOTES, notes,
    ])  # fmt: skip


def _row(known: Known) -> tuple[str, ...]:
    beside = ", ".join(f"`{dialect}`" for dialect in known.speaks) or "–"
    key, address = f"`{known.variable}`" if known.variable else "–", f"`{known.base_url}`" if known.base_url else "–"
    return f"`{known.name}`", f"[{known.title}]({known.source.link})", f"`{known.dialect}`", beside, key, address


def _settings(known: Known) -> Iterable[tuple[str, ...]]:
    for one in known.settings:
        needed = "" if one.default is not None else " (needed)"
        yield f"`{known.name}`", f"`{one.name}`", f"`{one.variable}`" if one.variable else "–", one.meaning + needed


def _unsupported(known: Known) -> Iterable[tuple[str, ...]]:
    for row in known.unsupported:
        allowed = ", ".join(f"`{value}`" for value in row.allowed) or "–"
        models = "all" if row.models == ("*",) else ", ".join(f"`{one}`" for one in row.models)
        yield f"`{known.name}`", f"`{row.parameter}`", models, allowed, f"[{row.source.date}]({row.source.link})"


def _quirks(known: Known) -> Iterable[tuple[str, ...]]:
    for quirk in known.quirks:
        sentence = (quirk.change.__doc__ or "").split("\n")[0]
        members = ", ".join(f"`{name}`" for name in quirk.members)
        yield f"`{known.name}`", members, sentence, f"[{quirk.source.date}]({quirk.source.link})"


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    PAGE.write_text(render_providers(), encoding="utf-8")
