"""A credible project half-way through: the market report of the design's pages, made with real commands."""

import json

from pointsman.contract import IdPrefix, KeyKind, new_id

from controlplane.access.agents import register_agent
from controlplane.access.callers import Caller
from controlplane.commands.claims import Claim
from controlplane.domain.commands import AskQuestion, ReleaseRun, ReviewDeliverable
from controlplane.domain.state import Actor, ActorKind, TaskState
from controlplane.store.call_tables import Call, CallBody
from controlplane.store.outbox import announce
from controlplane.store.tables import RunUsage, Signal
from tests.fakes.site import Site

MINUTE_MS = 60_000
AGENTS = ("research", "drafting", "illustration", "qa", "publishing")
DRAFT = """# Who buys and why

Most buyers replace a boiler that is **older than 18 years**. Three reasons come up in every interview:

1. the price of gas,
2. the subsidy,
3. a neighbour who has one.

| Country | Share of buyers who had help |
|---|---|
| Sweden | 31 % |
| Finland | 44 % |
| Germany | 72 % |

> “We waited for the subsidy, not for the technology.”
"""


class Yard:
    """Makes things happen on a site, as people and agents would."""

    def __init__(self, site: Site, agent_ids: dict[str, str] | None = None) -> None:
        self.site = site
        self.agent_ids = agent_ids or {}

    async def register(self, *names: str) -> None:
        async with self.site.control.transaction() as session:
            for name in names:
                now_ms = self.site.clock.now_ms()
                agent = await register_agent(session, self.site.person.workspace_id, name, now_ms, is_simulated=True)
                self.agent_ids[name] = agent.agent_id

    def later(self, minutes: float) -> None:
        self.site.clock.at_ms += int(minutes * MINUTE_MS)

    async def create(self, title: str, **options: object) -> TaskState:
        self.later(0.001)  # age decides between tasks of one priority
        return await self.site.commands.create_task(
            self.site.person.actor,
            new_id(IdPrefix.COMMAND),
            self.site.person.workspace_id,
            None,
            title,
            **options,  # type: ignore[arg-type]
        )

    async def claim(self, agent: str) -> Claim:
        claim = await self.site.commands.claim_next(self.agent_ids[agent], new_id(IdPrefix.COMMAND), concurrency=9)
        assert claim is not None, f"nothing for {agent}"
        return claim

    def caller(self, claim: Claim) -> Caller:
        state, run = claim.state, claim.run
        name = next(name for name, agent_id in self.agent_ids.items() if agent_id == run.agent_id)
        return Caller(
            KeyKind.RUN, run.run_id, state.workspace_id, name, run.agent_id, run.run_id, state.task_id, run.epoch
        )

    async def submit(self, claim: Claim, text: str = DRAFT) -> int:
        return await self.site.commands.submit(self.caller(claim), text.encode(), title=claim.state.title)

    async def review(self, task: TaskState, version: int, verdict: str = "approve", note: str = "") -> TaskState:
        command = ReviewDeliverable(version, verdict, note)
        return await self.do(self.site.person.actor, task, command)

    async def do(self, actor: Actor, task: TaskState, command: object) -> TaskState:
        return await self.site.commands.execute(actor, new_id(IdPrefix.COMMAND), task.task_id, command)  # type: ignore[arg-type]

    async def ask(self, claim: Claim, text: str) -> None:
        command = AskQuestion(claim.run.run_id, claim.run.epoch, new_id(IdPrefix.QUESTION), text)
        await self.do(self.caller(claim).actor, claim.state, command)

    async def release(self, claim: Claim) -> None:
        await self.do(self.caller(claim).actor, claim.state, ReleaseRun(claim.run.run_id, claim.run.epoch))

    async def comment(self, task: TaskState, text: str, actor: Actor | None = None) -> None:
        speaker = actor or self.site.person.actor
        await self.site.commands.comment(speaker, new_id(IdPrefix.COMMAND), task.task_id, text)

    def agent_actor(self, name: str) -> Actor:
        return Actor(ActorKind.AGENT, self.agent_ids[name], name)

    async def call(self, claim: Claim, model: str, label: str, cost_nano_usd: int, **options: object) -> str:
        """A finished call of a run, with the roll-up that the recorder would have written."""
        call_id = new_id(IdPrefix.CALL)
        now_ms = self.site.clock.now_ms()
        row: dict[str, object] = {
            "call_id": call_id,
            "workspace_id": claim.state.workspace_id,
            "kind": "tool" if "/" in model else "model",
            "started_at_ns": now_ms * 1_000_000,
            "ended_at_ns": (now_ms + 1800) * 1_000_000,
            "key_id": claim.run.run_id,
            "agent_id": claim.run.agent_id,
            "run_id": claim.run.run_id,
            "task_id": claim.state.task_id,
            "provider": "simulated",
            "model": model,
            "dialect": "mcp" if "/" in model else "openai",
            "endpoint": "/mcp/demo" if "/" in model else "/v1/chat/completions",
            "is_simulated": True,
            "label": label,
            "outcome": "ok",
            "status": 200,
            "input_tokens": 1240,
            "output_tokens": 410,
            "cost_nano_usd": cost_nano_usd,
            "total_us": 1_800_000,
            "first_byte_us": 420_000,
            "price_source": "genai-prices: openai/gpt-5-mini",
        }
        async with self.site.station.calls.transaction() as session:
            session.add(Call(**{**row, **options}))
            session.add(
                CallBody(
                    call_id=call_id,
                    request=json.dumps({"model": model, "messages": [{"role": "user", "content": label}]}),
                    response='{"choices": [{"message": {"role": "assistant", "content": "Two *sentences*."}}]}',
                    policy="full",
                    kept_until_ns=9 * 10**18,
                )
            )
        await self.spend(claim, cost_nano_usd)
        return call_id

    async def spend(self, claim: Claim, cost_nano_usd: int, substate: str = "") -> None:
        """Adds to a run's roll-up and announces it."""
        async with self.site.control.transaction() as session:
            usage = await session.get(RunUsage, claim.run.run_id) or RunUsage(
                run_id=claim.run.run_id, workspace_id=claim.state.workspace_id, task_id=claim.state.task_id
            )
            usage.calls += 1
            usage.cost_nano_usd += cost_nano_usd
            usage.input_tokens += 1240
            usage.output_tokens += 410
            usage.substate = substate
            usage.is_simulated = True
            session.add(usage)
            now_ms = self.site.clock.now_ms()
            announce(session, claim.state.workspace_id, "usage", claim.state.task_id, now_ms)

    async def stuck(self, task: TaskState, reason: str, minutes: float) -> None:
        async with self.site.control.transaction() as session:
            now_ms = self.site.clock.now_ms()
            since_ms = now_ms - int(minutes * MINUTE_MS)
            session.add(
                Signal(
                    task_id=task.task_id,
                    workspace_id=task.workspace_id,
                    signal="stuck",
                    reason=reason,
                    since_ms=since_ms,
                )
            )
            announce(session, task.workspace_id, "signal", task.task_id, now_ms)


async def seed_project(site: Site) -> Yard:
    """Done, in review, working, asking, stuck, blocked, ready and in the backlog: one of each, and a few more."""
    yard = Yard(site)
    await yard.register(*AGENTS)
    outline = await yard.create(
        "Agree the outline and the questions", agent="research", brief="Six questions, one page."
    )
    claim = await yard.claim("research")
    await yard.call(claim, "gpt-5-mini", "Agree the outline", 41_300_000)
    await yard.submit(claim)
    await yard.review(outline, 1)
    yard.later(3)
    buyers = await yard.create("Draft section 2: Who buys and why", agent="drafting", priority=2, brief="600 words.")
    prices = await yard.create(
        "Draft section 3: Prices and subsidies",
        agent="drafting",
        priority=2,
        brief="Write section 3, **600 to 800 words**. Every figure carries a number from the source table.",
    )
    first = await yard.claim("drafting")
    await yard.call(first, "gpt-5-mini", "Draft section 2", 71_000_000)
    await yard.submit(first, DRAFT.replace("18 years", "about 20 years").replace("| Finland | 44 % |\n", ""))
    await yard.review(buyers, 1, "request_changes", "Please add Finland, and say how old the boilers are.")
    yard.later(2)
    again = await yard.claim("drafting")
    second = again if again.state.task_id == buyers.task_id else await yard.claim("drafting")
    stuck = await yard.claim("drafting") if second is again else again
    await yard.submit(second)
    await yard.comment(buyers, "Finland came from the ministry's table, @admin.", yard.agent_actor("drafting"))
    facts = await yard.create("Fact-check section 3", agent="qa", priority=2, blockers=("T-3",))
    await yard.create("Check every figure against its source", agent="qa", blockers=(f"T-{facts.number}",))
    await yard.create("Illustrate the subsidy map", agent="illustration")
    asking = await yard.claim("illustration")
    await yard.call(asking, "claude-haiku-4-5", "Illustrate the subsidy map", 6_200_000)
    await yard.ask(asking, "Show regions, or whole countries?")
    await yard.create("Collect installer prices from 40 public price lists", agent="research")
    working = await yard.claim("research")
    await yard.call(working, "demo/fetch_page", "/prices/se", 0)
    await yard.spend(working, 27_000_000, "tool: fetch_page")
    await yard.create("Glossary of terms", needs=("draft", "terms"))
    await yard.create("Translate the summary into German and Finnish", to_backlog=True)
    for _ in range(4):
        await yard.call(stuck, "gpt-5-mini", "Which subsidy applies in Finland in 2026?", 23_000_000)
        yard.later(0.2)
        await yard.call(stuck, "demo/search", '"Finland heat pump subsidy 2026"', 0)
        yard.later(0.1)
        await yard.call(stuck, "demo/fetch_page", "/support/2026/amounts", 0)
        yard.later(0.7)
    await yard.stuck(prices, "Repeated the same 3 calls 4 times in 4 min", 4)
    yard.later(1)
    return yard
