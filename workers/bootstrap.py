"""Makes a Temporal namespace ours: keeps closed tasks for a month, knows our search attributes. Safe to run again.

The dev server keeps closed workflows for one day and ignores `--search-attribute` once its file exists
(`schema/sqlite/setup.go` of server 1.32), so both are said over its API after every start.
"""

import asyncio
import logging
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from controlplane.settings import Settings
from workers.connect import connect

RETENTION = timedelta(days=30)
_RETRY_SECONDS = 0.1

_log = logging.getLogger(__name__)


class EngineAbsent(Exception):  # noqa: N818 - the world's fault: nobody answers at the engine's address
    """No Temporal server answered before the deadline."""


async def bootstrap(settings: Settings, timeout_seconds: float = 30.0) -> Client:
    """A client of a server that is ready for us. Raises EngineAbsent."""
    client = await _wait_for_server(settings, timeout_seconds)
    await _keep_for(client, RETENTION)
    await _register_search_attributes(client)
    return client


async def _wait_for_server(settings: Settings, timeout_seconds: float) -> Client:
    try:
        async with asyncio.timeout(timeout_seconds):
            while True:
                client = await _try(settings)
                if client is not None:
                    return client
                await asyncio.sleep(_RETRY_SECONDS)  # nothing announces that a foreign server is ready
    except TimeoutError:
        raise EngineAbsent(
            f"no Temporal server with namespace {settings.temporal_namespace!r} answered at "
            f"{settings.engine_address} within {timeout_seconds:g} s: start it, or set TEMPORAL_ADDRESS"
        ) from None


async def _try(settings: Settings) -> Client | None:
    try:
        client = await connect(settings)
        await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=client.namespace), timeout=timedelta(seconds=2)
        )
    except (RPCError, RuntimeError):
        return None
    return client


async def _keep_for(client: Client, retention: timedelta) -> None:
    described = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    if described.config.workflow_execution_retention_ttl.ToTimedelta() >= retention:
        return
    wanted = Duration()
    wanted.FromTimedelta(retention)
    await client.workflow_service.update_namespace(
        UpdateNamespaceRequest(
            namespace=client.namespace, config=NamespaceConfig(workflow_execution_retention_ttl=wanted)
        )
    )


async def _register_search_attributes(client: Client) -> None:
    wanted = {
        "TaskStatus": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
        "TaskProject": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
        "TaskAgent": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
        "TaskRev": IndexedValueType.INDEXED_VALUE_TYPE_INT,
    }
    known = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing = {name: kind for name, kind in wanted.items() if name not in known.custom_attributes}
    if not missing:
        return
    try:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
        )
    except RPCError as error:
        if error.status is not RPCStatusCode.ALREADY_EXISTS:  # another worker was faster
            raise
    _log.info("search attributes registered", extra={"names": sorted(missing)})
