"""The vendors' own clients, pointed at the gateway with the key of one run. None of them is a dependency of ours."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from pointsman.errors import VendorMissing
from pointsman.offer import OfferedTask

if TYPE_CHECKING:
    from anthropic import Anthropic, AsyncAnthropic
    from openai import AsyncOpenAI, OpenAI


def _client(package: str, name: str, options: dict[str, Any]) -> Any:
    try:
        module = import_module(package)
    except ModuleNotFoundError as missing:
        if missing.name != package:
            raise
        raise VendorMissing(f"The {package} client is not installed here: pip install {package}.") from missing
    return getattr(module, name)(**options)


def _openai_options(task: OfferedTask, options: dict[str, Any]) -> dict[str, Any]:
    return {"base_url": task.openai_base_url, "api_key": task.gateway_key, **options}


def _anthropic_options(task: OfferedTask, options: dict[str, Any]) -> dict[str, Any]:
    # `auth_token=None`: a token in the user's environment would be sent beside the run's key.
    return {"base_url": task.anthropic_base_url, "api_key": task.gateway_key, "auth_token": None, **options}


def openai_client(task: OfferedTask, options: dict[str, Any]) -> "OpenAI":
    return cast("OpenAI", _client("openai", "OpenAI", _openai_options(task, options)))


def async_openai_client(task: OfferedTask, options: dict[str, Any]) -> "AsyncOpenAI":
    return cast("AsyncOpenAI", _client("openai", "AsyncOpenAI", _openai_options(task, options)))


def anthropic_client(task: OfferedTask, options: dict[str, Any]) -> "Anthropic":
    return cast("Anthropic", _client("anthropic", "Anthropic", _anthropic_options(task, options)))


def async_anthropic_client(task: OfferedTask, options: dict[str, Any]) -> "AsyncAnthropic":
    return cast("AsyncAnthropic", _client("anthropic", "AsyncAnthropic", _anthropic_options(task, options)))
