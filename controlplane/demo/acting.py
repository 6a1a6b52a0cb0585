"""How the external agents work: talk to the model, call tools, say what they do, hand in the text."""

import asyncio
import json
import logging
from typing import Any, Final

import httpx2
from pointsman import AsyncAgent, AsyncTask, LeaseLost

from controlplane.demo.conversation import CallFailed, Conversation, Turn
from controlplane.demo.drafts import next_draft
from controlplane.demo.story import CHAPTERS, Chapter, Character

log = logging.getLogger(__name__)

MAX_ROUNDS: Final = 8  # of tools, before the text must come
CIRCLES: Final = 40  # then the stuck agent goes quiet, and costs nothing more
QUICK_CIRCLES: Final = 4
QUICK_PAUSE_SECONDS: Final = 4.0  # three equal rounds, which is what the watch looks for, within half a minute
SLOW_PAUSE_SECONDS: Final = 20.0
CIRCLE_MODEL: Final = "gpt-5"
CIRCLE_SCRIPT: Final = '[[sim:tool search {"query": "Finland heat pump subsidy 2026"}]]'
CLOSED_PAGE: Final = "https://market.example/support/2026/amounts"


async def act(character: Character, url: str, key: str) -> None:
    """One agent at work until cancelled, which gives its task back."""
    agent = AsyncAgent(character.name, character.capabilities, url=url, key=key)
    async with httpx2.AsyncClient(trust_env=False) as client, agent:
        while (task := await agent.next_task()) is not None:
            try:
                async with task:
                    await _until_done_or_lost(task, Player(character, task, Conversation(task, client)))
            except LeaseLost:
                log.info("a task was taken away", extra={"agent": character.name, "task": task.ref})
            except CallFailed as failed:
                log.warning("a run failed", extra={"agent": character.name, "task": task.ref, "reason": str(failed)})


async def _until_done_or_lost(task: AsyncTask, player: "Player") -> None:
    """The play, which a loss interrupts at once: an agent that was relieved does not finish its sentence."""
    playing = asyncio.create_task(player.play(), name=f"play {task.ref}")  # noqa: TID251 - awaited below
    losing = asyncio.create_task(task.until_lost(), name=f"lease of {task.ref}")  # noqa: TID251 - awaited below
    try:
        await asyncio.wait({playing, losing}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        playing.cancel()
        losing.cancel()
        await asyncio.gather(playing, losing, return_exceptions=True)
    if not playing.cancelled():
        playing.result()


class Player:
    """One character in one run of one chapter, or of a task that a visitor made."""

    def __init__(self, character: Character, task: AsyncTask, conversation: Conversation) -> None:
        self._character = character
        self._task = task
        self._conversation = conversation
        self._chapter = next((chapter for chapter in CHAPTERS if chapter.title == task.title), None)

    async def play(self) -> None:
        """From the brief to the deliverable."""
        chapter = self._chapter
        if chapter is not None and self._is_stuck_in(chapter):
            await self._go_in_circles(chapter)
            return
        note = await self._ask_a_person(chapter) + await self._ask_for_approval(chapter)
        text = await (self._write_with_tools(note) if self._character.uses_tools else self._write(note))
        if chapter is not None and chapter.comment and self._task.run.number == 1:
            await self._task.comment(chapter.comment)
        await self._task.submit(text, title=self._task.title)

    def _is_stuck_in(self, chapter: Chapter) -> bool:
        """Only the one meant to, and only until somebody has said something under the task."""
        return chapter.gets_stuck and self._character.name == chapter.agent and not self._task.comments

    async def _ask_a_person(self, chapter: Chapter | None) -> str:
        if chapter is None or not chapter.question:
            return ""
        answer = await self._task.ask(chapter.question)
        return f"\n\nA person was asked “{chapter.question}” and said: {answer}"

    async def _ask_for_approval(self, chapter: Chapter | None) -> str:
        if chapter is None or not chapter.approval:
            return ""
        may = await self._task.approve(chapter.approval, expires_in_seconds=chapter.approval_seconds)
        return f"\n\nA person was asked “{chapter.approval}” and said {'yes' if may else 'no, or nothing in time'}."

    @property
    def _system(self) -> str:
        chapter = self._chapter
        if chapter is None:
            return self._character.system
        draft = next_draft(chapter.drafts, self._task.previous_version) if chapter.drafts else ""
        said = f"[[sim:say {draft}]]" if draft else ""
        return f"{self._character.system} {chapter.script} {said}".strip()

    def _brief(self, note: str) -> str:
        task, brief = self._task, f"{self._task.title}\n\n{self._task.brief}{note}"
        if task.review_note:
            brief += f"\n\nA person wants changes: {task.review_note}\n\nThe last version:\n\n{task.previous_version}"
        return brief

    async def _write(self, note: str) -> str:
        await self._task.progress("Writing a first version")
        messages = [{"role": "user", "content": self._brief(note)}]
        if self._character.dialect == "anthropic":
            turn = await self._conversation.ask_anthropic(self._character.model, self._system, messages)
        else:
            turn = await self._conversation.ask_openai(self._character.model, [self._system_message, *messages])
        return turn.text

    @property
    def _system_message(self) -> dict[str, Any]:
        return {"role": "system", "content": self._system}

    async def _write_with_tools(self, note: str) -> str:
        await self._task.progress("Looking at the sources")
        tools = await self._conversation.list_tools()
        messages = [self._system_message, {"role": "user", "content": self._brief(note)}]
        for _ in range(MAX_ROUNDS):
            turn = await self._conversation.ask_openai(self._character.model, messages, tools)
            if not turn.tools:
                return turn.text
            messages += await self._use_tools(turn)
        raise CallFailed("The model asked for tools eight times in a row.")

    async def _use_tools(self, turn: Turn) -> list[dict[str, Any]]:
        calls = [
            {
                "id": use.call_id,
                "type": "function",
                "function": {"name": use.name, "arguments": json.dumps(use.arguments)},
            }
            for use in turn.tools
        ]
        said: list[dict[str, Any]] = [{"role": "assistant", "content": turn.text, "tool_calls": calls}]
        for use in turn.tools:
            await self._task.progress(f"{use.name}: {next(iter(use.arguments.values()), '')}")
            result = await self._conversation.call_tool(use.name, use.arguments)
            said.append({"role": "tool", "tool_call_id": use.call_id, "content": result})
        return said

    async def _go_in_circles(self, chapter: Chapter) -> None:
        """The same three calls again and again: asks the model, searches, and runs against a closed door."""
        await self._task.progress("Looking for the 2026 amounts")
        system = {"role": "system", "content": f"{self._character.system} {CIRCLE_SCRIPT}"}
        messages = [system, {"role": "user", "content": chapter.brief}]
        tools = await self._conversation.list_tools()
        for circle in range(CIRCLES):
            turn = await self._conversation.ask_openai(CIRCLE_MODEL, messages, tools)
            for use in turn.tools:
                await self._conversation.call_tool(use.name, use.arguments)
            await self._conversation.call_tool("fetch_page", {"url": CLOSED_PAGE})
            await asyncio.sleep(QUICK_PAUSE_SECONDS if circle < QUICK_CIRCLES else SLOW_PAUSE_SECONDS)
        await asyncio.Event().wait()  # until a person takes the task away
