"""How a click is answered: with scripts by fragments, without by a page; and the same for every "no"."""

from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from controlplane.access.people import Person
from controlplane.queries.rows import newest_seq
from web.frame import look_of
from web.live.blocks import changed_blocks
from web.live.board import BoardSource
from web.live.inbox import InboxSource
from web.live.task import TaskSource
from web.pages.filters import board_filter, selection_of
from web.pages.posted import Posted
from web.rendering import partial
from web.station import Station


@dataclass(frozen=True, slots=True)
class Retry:
    """A form that sends the same command again."""

    action: str
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Toast:
    """One line at the edge of the page."""

    text: str
    kind: str = "done"  # done | refused | away
    retry: Retry | None = None
    link: str = ""
    link_text: str = ""


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """What `frame/error.html` says: what happened, and what to do."""

    title: str
    sentence: str
    back: str = "/"
    back_text: str = "Back to the board"
    retry: Retry | None = None
    request_id: str = ""


def is_htmx(request: Request) -> bool:
    """Did a script of ours ask, that can put fragments in their places?"""
    return request.headers.get("hx-request") == "true"


def toast(station: Station, message: Toast) -> str:
    """The fragment of a toast."""
    return partial("#toasts", "beforeend", station.renderer.part("frame/shell.html", "toast", message))


async def done(request: Request, station: Station, person: Person, task_id: str, ref: str) -> Response:
    """After a command: back to the page, or the fragments that changed on it, without waiting for the live stream."""
    if not is_htmx(request):
        return RedirectResponse(came_from(request, f"/tasks/{ref}"), 303)
    return HTMLResponse(await _fragments(request, station, person, task_id, ref))


async def _fragments(request: Request, station: Station, person: Person, task_id: str, ref: str) -> str:
    current = urlsplit(request.headers.get("hx-current-url", ""))
    query = {name: values[-1] for name, values in parse_qs(current.query).items()}
    if current.path.startswith("/tasks/"):
        chosen = selection_of(query)
        blocks = await TaskSource(person.workspace_id, person.user_id, task_id, chosen, station).load()
        return changed_blocks({}, blocks)
    if current.path == "/inbox":
        kind, item = query.get("kind", ""), query.get("item", "")
        return changed_blocks({}, await InboxSource(person.workspace_id, person.user_id, kind, item, station).load())
    if current.path != "/":
        return ""
    known = {name: query.get(name, "") for name in ("signal", "agent", "q", "show", "done")}
    async with station.control.reading() as session:
        seq = await newest_seq(session)  # not the feed's, which may be behind the very change that is answered here
    board = await BoardSource(person.workspace_id, board_filter(**known), station).load()
    card = board.cards().get(task_id)
    if card is None:
        return partial(f"#slot-{ref}", "delete")
    column = next(column.status for column in board.columns if card in column.cards)
    return partial(f"#cards-{column}", "place", station.renderer.part("board/card.html", "slot", card, seq))


def refused(request: Request, station: Station, status: int, sentence: str) -> Response:
    """A rule said no: the sentence, and nothing changed. A form in a dialog says it itself, a toast would be behind."""
    if is_htmx(request):
        posted: Posted | None = getattr(request.state, "posted", None)
        if posted and posted.text("answer_in") == "dialog":
            said = station.renderer.part("task/operate.html", "error", sentence)
            return HTMLResponse(partial("#verb-error", "outerHTML", said), status)
        return HTMLResponse(toast(station, _refusal(request, sentence)), status)
    back = came_from(request, "/")
    page = ErrorPage("That is not possible", sentence, back=back, back_text="Go back")
    return error_page(request, station, status, page)


def _refusal(request: Request, sentence: str) -> Toast:
    """The rule that said no, and the way to the task that it said it of."""
    _, room, ref, *rest = (*request.url.path.split("/"), "", "")
    is_of_task = room == "tasks" and ref and rest[0]
    return (
        Toast(sentence, "refused", link=f"/tasks/{ref}", link_text=f"Open {ref}")
        if is_of_task
        else Toast(sentence, "refused")
    )


def engine_away(request: Request, station: Station) -> Response:
    """The engine did not answer: the click is offered again under the same id, so that it cannot count twice."""
    posted: Posted | None = getattr(request.state, "posted", None)
    retry = Retry(posted.action, posted.again()) if posted else None
    sentence = "The engine does not answer at the moment. Your click was kept; sending it again cannot count twice."
    if is_htmx(request):
        return HTMLResponse(toast(station, Toast(sentence, "away", retry)), 503, {"Retry-After": "1"})
    page = ErrorPage("The engine is away", sentence, retry=retry)
    return error_page(request, station, 503, page)


def error_page(request: Request, station: Station, status: int, error: ErrorPage) -> HTMLResponse:
    """A whole page that says what is wrong."""
    look = look_of(request)
    return HTMLResponse(station.renderer.page("frame/error.html", frame=look, error=error), status)


def came_from(request: Request, default: str) -> str:
    """The page the form stood on, if it was ours."""
    referer = urlsplit(request.headers.get("referer", ""))
    if referer.netloc != request.headers.get("host") or referer.path.startswith("/sign-in"):
        return default
    if referer.path.endswith(("/actions", "/new")) or "/operate/" in referer.path:
        return default
    return referer.path + (f"?{referer.query}" if referer.query else "")
