"""Situations that a task page must show: reviews by several, work that came late, questions in every form, hand-overs.

Each is made on a seeded project with real commands, and answers with the task's state.
"""

from contextlib import suppress

from pointsman.contract import IdPrefix, new_id

from controlplane.commands.claims import Claim
from controlplane.commands.contents import Content
from controlplane.commands.desk import CommandRefused
from controlplane.commands.reviews import ReviewWish
from controlplane.domain.commands import FailRun, HoldTask, NudgeRun, ReopenTask, ResolveBlocker, ReviewDeliverable
from controlplane.domain.state import Actor, ActorKind, HoldKind, TaskState
from controlplane.store.tables import LateDeliverable, User
from tests.fakes.project import DRAFT, Yard

PEOPLE = (("anna", "Anna Berg"), ("ben", "Ben Okoro"))
FORM = {
    "type": "object",
    "properties": {
        "region": {"type": "string", "title": "Region", "enum": ["Nordics", "DACH", "Benelux"]},
        "year": {"type": "integer", "title": "Reference year", "minimum": 2020, "maximum": 2030},
        "currency": {"type": "string", "title": "Currency", "default": "EUR", "maxLength": 3},
        "with_vat": {"type": "boolean", "title": "Prices with VAT", "description": "As households pay them."},
        "remarks": {"type": "string", "title": "Remarks", "maxLength": 500},
    },
    "required": ["region", "year"],
}
CODE = b"""import csv


def prices(path):
    with open(path) as file:
        return [row for row in csv.DictReader(file) if row["price"] > "<b>0</b>"]
"""
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)


async def join(yard: Yard) -> dict[str, Actor]:
    """Anna and Ben, and with them and QA the team `editors`."""
    site = yard.site
    actors = {}
    async with site.control.transaction() as session:
        for handle, name in PEOPLE:
            user_id = new_id(IdPrefix.USER)
            session.add(
                User(
                    user_id=user_id,
                    workspace_id=site.person.workspace_id,
                    email=f"{handle}@example.com",
                    name=name,
                    handle=handle,
                    role="member",
                    created_at_ms=site.clock.now_ms(),
                )
            )
            actors[handle] = Actor(ActorKind.PERSON, user_id, name)
    await site.commands.make_team(site.person.workspace_id, "editors", "Editors", ["anna", "ben"])
    return actors


def task(yard: Yard, number: int) -> TaskState:
    return next(state for state in yard.site.engine.tasks.values() if state.number == number)


def live_claim(yard: Yard, number: int) -> Claim:
    """The claim of the run that has the task now."""
    state = task(yard, number)
    run = state.live_run
    assert run is not None
    return Claim(state, run, "")


def late_row(state: TaskState, sha256: str, size_bytes: int) -> LateDeliverable:
    """Late work of a task's first run."""
    return LateDeliverable(
        run_id=state.runs[0].run_id,
        sha256=sha256,
        workspace_id=state.workspace_id,
        task_id=state.task_id,
        size_bytes=size_bytes,
        format="markdown",
        title="Afterwards",
        submitted_at_ms=state.updated_at_ms,
    )


async def review_by_several(yard: Yard) -> TaskState:
    """T-2 is judged by two of three, after QA has looked; Anna has said yes and asked something before."""
    actors = await join(yard)
    person, workspace = yard.site.person, yard.site.person.workspace_id
    wish = ReviewWish(("anna", "ben", person.handle), 2, "qa")
    await yard.site.commands.set_review(person.actor, new_id(IdPrefix.COMMAND), "T-2", wish, workspace)
    ask = {"note": "Where is the Finnish figure from?", "verdict": "ask"}
    await _verdict(yard, actors["anna"], 2, **ask)
    yard.later(2)
    await yard.comment(task(yard, 2), "From the ministry's table, row 12.", yard.agent_actor("drafting"))
    yard.later(1)
    await _verdict(yard, yard.agent_actor("qa"), 2, "approve", "All eleven figures have a source.")
    await _verdict(yard, actors["anna"], 2, "approve", "")
    return task(yard, 2)


async def _verdict(yard: Yard, actor: Actor, version: int, verdict: str, note: str) -> None:
    await yard.do(actor, task(yard, 2), ReviewDeliverable(version, verdict, note))


async def handed_over(yard: Yard) -> TaskState:
    """T-3 was taken from Drafting and given to QA, with a reason; one old call still flies."""
    yard.later(0.5)
    site = yard.site
    await site.commands.assign(
        site.person.actor,
        new_id(IdPrefix.COMMAND),
        "T-3",
        "qa",
        site.person.workspace_id,
        reason="Drafting turns in circles over Finland. Leave it open and say so.",
    )
    return task(yard, 3)


async def late_work(yard: Yard) -> TaskState:
    """Drafting hands in T-3 after it was taken away."""
    caller = yard.caller(live_claim(yard, 3))
    await handed_over(yard)
    yard.later(1)
    with suppress(CommandRefused):
        await yard.site.commands.submit(
            caller, DRAFT.replace("older than 18", "older than 21").encode(), title="Prices"
        )
    return task(yard, 3)


async def asked(yard: Yard, kind: str, **options: object) -> TaskState:
    """A task of QA that waits for an answer of that kind, for a quarter of an hour."""
    questions = {
        "approval": "May I publish the **draft** to the customer's portal?",
        "choice": "Which map should it be?",
        "form": "What should the price table be based on?",
        "text": "Who signs the preface?",
    }
    made = await yard.create(f"Needs an answer: {kind}", agent="publishing")
    claim = await yard.claim("publishing")
    if kind == "choice":
        options = {"choices": ("Regions", "Whole countries", "Both"), **options}
    if kind == "form":
        options = {"form": FORM, **options}
    await yard.site.commands.ask(
        yard.caller(claim), new_id(IdPrefix.COMMAND), questions[kind], kind=kind, expires_in_seconds=900, **options
    )
    return task(yard, made.number)


async def held(yard: Yard) -> TaskState:
    """T-7 is paused by a person, waits for something outside, and has been nudged before."""
    actor = yard.site.person.actor
    await yard.do(actor, task(yard, 7), NudgeRun("Skip price lists older than 2024."))
    await yard.do(actor, task(yard, 7), HoldTask(HoldKind.OPERATOR, "Wait for the lawyers' opinion."))
    await yard.do(actor, task(yard, 7), HoldTask(HoldKind.EXTERNAL, "The portal is down until noon."))
    return task(yard, 7)


async def frozen(yard: Yard) -> TaskState:
    site = yard.site
    await site.commands.freeze(
        site.person.actor, new_id(IdPrefix.COMMAND), "task", "T-7", "It mails customers.", site.person.workspace_id
    )
    return task(yard, 7)


async def in_parts(yard: Yard) -> TaskState:
    """A task with four sub-tasks: one done, one at work, two to come."""
    whole = await yard.create("Publish the report", agent="publishing", brief="In four parts.", to_backlog=True)
    for title in ("Lay out the PDF", "Write the press release", "Translate the summary", "Announce it"):
        await yard.create(title, agent="illustration", parent=f"T-{whole.number}")
    claim = await yard.claim("illustration")
    await yard.submit(claim)
    await yard.review(claim.state, 1)
    await yard.claim("illustration")
    return task(yard, whole.number)


async def failed_thrice(yard: Yard) -> TaskState:
    """Three runs in a row failed: a person must decide."""
    made = await yard.create("Convert the tables", agent="publishing")
    for _ in range(3):
        claim = await yard.claim("publishing")
        await yard.call(claim, "gpt-5-mini", "Convert", 11_000_000)
        run = claim.run
        await yard.do(
            yard.caller(claim).actor, claim.state, FailRun(run.run_id, run.epoch, "exception", "KeyError: 'price'")
        )
        yard.later(1)
    return task(yard, made.number)


async def upstream_reopened(yard: Yard) -> TaskState:
    """A task at work was built on T-1, which is reopened."""
    made = await yard.create("Built on the outline", agent="publishing", blockers=("T-1",))
    system = Actor(ActorKind.SYSTEM, "workers")
    await yard.do(system, made, ResolveBlocker(task(yard, 1).task_id, "done"))
    await yard.claim("publishing")
    await yard.do(yard.site.person.actor, task(yard, 1), ReopenTask("A seventh question came in."))
    await yard.do(system, made, ResolveBlocker(task(yard, 1).task_id, "open"))
    return task(yard, made.number)


async def handed_in(yard: Yard, kind: str) -> TaskState:
    """Work of that kind, in review."""
    contents = {
        "code": (
            CODE,
            "prices.py",
            "text/plain",
            "python",
        ),
        "link": (b"https://docs.example/report?section=3", "", "text/uri-list", ""),
        "file": (b"%PDF-1.7 not really", "report.pdf", "application/pdf", ""),
        "image": (PNG, "map.png", "image/png", ""),
        "text": (b"Plain words.\n\n  Indented.", "", "text/plain", ""),
    }
    content, name, media_type, language = contents[kind]
    made = await yard.create(f"Hand in: {kind}", agent="publishing")
    claim = await yard.claim("publishing")
    sha256 = await yard.site.station.blobs.put(content)
    shape = "file" if kind == "image" else kind
    await yard.site.commands.submit_content(
        yard.caller(claim), Content(sha256, len(content), shape, made.title, name, media_type, language)
    )
    return task(yard, made.number)
