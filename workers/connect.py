"""The door to Temporal: one client a process, which keeps its own log quiet."""

from temporalio.client import Client
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter

from controlplane.settings import Settings
from workers.converter import data_converter


async def connect(settings: Settings, *, lazy: bool = False) -> Client:
    """A client of the engine. `lazy` connects with its first call, so that `web` starts while Temporal is down;
    a worker needs an eager one. Raises RuntimeError when an eager one finds nobody.
    """
    return await Client.connect(
        settings.engine_address,
        namespace=settings.temporal_namespace,
        data_converter=data_converter(),
        runtime=_quiet_runtime(),
        lazy=lazy,
    )


def _quiet_runtime() -> Runtime:
    # The SDK's core writes hundreds of warnings whenever the server restarts; what matters of it we say ourselves.
    return Runtime(
        telemetry=TelemetryConfig(
            logging=LoggingConfig(filter=TelemetryFilter(core_level="ERROR", other_level="ERROR"))
        )
    )
