"""What an internal agent does: read its task, call its model and tools through the gateway, submit or give up."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
from pointsman.contract import KeyKind, derive_run_key
from sqlalchemy.exc import OperationalError
from temporalio import activity
from temporalio.exceptions import ApplicationError

from controlplane.access.callers import Caller
from controlplane.commands.desk import CommandRefused
from controlplane.commands.service import CommandService
from controlplane.domain.commands import FailRun
from controlplane.store.tables import Agent
from workers.agent_messages import (
    CALL_MODEL,
    CALL_REFUSED,
    CALL_TOOL,
    FAIL_RUN,
    OPEN_TRANSCRIPT,
    RUN_PAUSED,
    RUN_REVOKED,
    SUBMIT_ANSWER,
    AgentRunStart,
    AnswerStep,
    Failure,
    ModelStep,
    ModelTurn,
    ToolStep,
)
from workers.brief import read_brief
from workers.gateway import GatewayClient
from workers.transcript import Transcript, keep, recall

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AgentActivities:
    """The activities of the queue `agents`. Each keeps its run's lease alive for as long as it works."""

    service: CommandService
    gateway: GatewayClient

    @activity.defn(name=OPEN_TRANSCRIPT)
    async def open_transcript(self, run: AgentRunStart) -> str:
        """Reads only; a repeated one may see a newer comment, which is welcome."""
        async with self._alive(run):
            brief = await self._brief(run)
            listed = await self.gateway.tools(self._key(run), brief.tool_server) if brief.tool_server else []
            tools = tuple(_as_function(tool) for tool in listed)
            return await keep(self.service.blobs, Transcript(brief.model, brief.tool_server, brief.messages, tools))

    @activity.defn(name=CALL_MODEL)
    async def call_model(self, request: ModelStep) -> ModelTurn:
        """Paid once: a repeated one carries the same key and body, and the gateway answers from its record."""
        async with self._alive(request.run):
            transcript = await recall(self.service.blobs, request.transcript)
            message = await self.gateway.complete(
                self._key(request.run), f"{request.run.run_id}/{request.step}", transcript.request_body()
            )
            longer = transcript.with_message({"role": "assistant", **message})
            return ModelTurn(await keep(self.service.blobs, longer), len(message.get("tool_calls") or ()))

    @activity.defn(name=CALL_TOOL)
    async def call_tool(self, request: ToolStep) -> str:
        """Done once, like a model call."""
        async with self._alive(request.run):
            transcript = await recall(self.service.blobs, request.transcript)
            wanted = transcript.wanted_calls[request.index]
            answer = await self._run_tool(request, transcript.tool_server, wanted.get("function") or {})
            longer = transcript.with_message({"role": "tool", "tool_call_id": wanted.get("id", ""), "content": answer})
            return await keep(self.service.blobs, longer)

    @activity.defn(name=SUBMIT_ANSWER)
    async def submit_answer(self, request: AnswerStep) -> int:
        """The version; the same run and content are the same version, however often it is sent."""
        async with self._alive(request.run):
            transcript = await recall(self.service.blobs, request.transcript)
            if not transcript.answer.strip():
                raise ApplicationError("The model's last answer was empty.", type=CALL_REFUSED, non_retryable=True)
            caller = await self._caller(request.run)
            try:
                return await self.service.submit(caller, transcript.answer.encode())
            except CommandRefused as no:
                raise ApplicationError(str(no), type=RUN_REVOKED, non_retryable=True) from no

    @activity.defn(name=FAIL_RUN)
    async def fail_run(self, failure: Failure) -> bool:
        """False when the run had ended already. Its command id makes a repeated one harmless."""
        run = failure.run
        caller = await self._caller(run)
        command = FailRun(run.run_id, run.epoch, failure.reason, failure.message)
        try:
            await self.service.send(caller.actor, f"fail/{run.run_id}", run.task_id, command)
        except CommandRefused:
            return False
        return True

    async def _run_tool(self, request: ToolStep, server: str, function: dict[str, Any]) -> str:
        try:
            arguments = msgspec.json.decode(function.get("arguments") or "{}", type=dict[str, Any])
        except msgspec.DecodeError as error:
            return f"The arguments are not a JSON object: {error}"
        key, number = self._key(request.run), f"{request.run.run_id}/{request.step}.{request.index}"
        return await self.gateway.call_tool(key, number, server, str(function.get("name", "")), arguments)

    async def _brief(self, run: AgentRunStart) -> Any:
        try:
            return await read_brief(self.service.database, self.service.blobs, run.agent_id, run.task_id)
        except LookupError as error:
            raise ApplicationError(str(error), type=CALL_REFUSED, non_retryable=True) from error

    def _key(self, run: AgentRunStart) -> str:
        return derive_run_key(self.service.master_key, run.run_id, run.epoch)

    async def _caller(self, run: AgentRunStart) -> Caller:
        async with self.service.database.reading() as session:
            agent = await session.get(Agent, run.agent_id)
        return Caller(
            kind=KeyKind.RUN,
            key_id=run.run_id,
            workspace_id=agent.workspace_id if agent else "",
            name=agent.name if agent else run.agent_id,
            agent_id=run.agent_id,
            run_id=run.run_id,
            task_id=run.task_id,
            epoch=run.epoch,
        )

    @asynccontextmanager
    async def _alive(self, run: AgentRunStart) -> AsyncIterator[None]:
        caller = await self._caller(run)
        beats = asyncio.create_task(self._beat(run, caller), name="beats")  # noqa: TID251 - ended by this block
        try:
            yield
        except ApplicationError as error:
            if error.type == RUN_PAUSED:  # so far the gateway had it wait; if it had no room, the next one comes later
                await asyncio.sleep(run.beat_seconds)
            raise
        finally:
            beats.cancel()
            await asyncio.wait([beats])

    async def _beat(self, run: AgentRunStart, caller: Caller) -> None:
        """To Temporal (this activity's worker lives) and to the lease (the agent lives)."""
        while True:
            activity.heartbeat()
            try:
                await self.service.sign_of_life(caller)
            except OperationalError as error:
                log.warning("a sign of life was not written", extra={"run_id": run.run_id, "reason": str(error.orig)})
            await self.service.engine.beat(run.task_id, run.epoch)
            await asyncio.sleep(run.beat_seconds)


def _as_function(tool: dict[str, Any]) -> dict[str, Any]:
    described = {"name": tool["name"], "description": tool.get("description", "")}
    return {"type": "function", "function": {**described, "parameters": tool.get("inputSchema") or {"type": "object"}}}
