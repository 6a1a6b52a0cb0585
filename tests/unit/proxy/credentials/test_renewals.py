"""Which provider signs in, and how long what it got is kept."""

from typing import Any

import pytest

from proxy.config import parse_providers
from proxy.credentials.aws import SigningCredentials
from proxy.credentials.bearer import BearerCredentials
from proxy.credentials.renewals import Renewals
from proxy.ports import Provider

PLACE = {"project": "p", "location": "global"}
BEDROCK = {"region": "eu-west-1"}
LOCAL = "http://127.0.0.1:1"


def configured(name: str, environment: dict[str, str] | None = None, **fields: Any) -> Provider:
    (provider,) = parse_providers({name: fields}, environment or {})
    return provider


@pytest.mark.parametrize(
    ("provider", "kind"),
    [
        (configured("vertex", settings=PLACE), BearerCredentials),
        (configured("vertex", settings=PLACE, api_key="k"), type(None)),
        (configured("vertex", settings=PLACE, headers={"Authorization": "Bearer mine"}), type(None)),
        (configured("vertex", settings=PLACE, base_url=LOCAL), type(None)),
        (configured("vertex", settings={**PLACE, "credentials": "default"}, base_url=LOCAL), BearerCredentials),
        (configured("azure", settings={"resource": "r"}), BearerCredentials),
        (configured("azure", settings={"resource": "r"}, headers={"api-key": "mine"}), type(None)),
        (configured("azure", base_url=LOCAL), type(None)),
        (configured("azure", {"AZURE_CLIENT_ID": "c"}, base_url=LOCAL), BearerCredentials),
        (configured("bedrock", settings=BEDROCK), SigningCredentials),
        (configured("bedrock", settings=BEDROCK, base_url=LOCAL), SigningCredentials),
        (configured("bedrock", settings=BEDROCK, api_key="k"), type(None)),
        (configured("openai"), type(None)),
        (configured("mine", dialect="openai", base_url=LOCAL), type(None)),
    ],
)
def test_who_signs_in_has_no_key_and_a_safe_way(provider: Provider, kind: type) -> None:
    assert type(Renewals(environment={}).find(provider)) is kind


def test_a_provider_that_is_read_again_in_the_same_words_keeps_what_it_got() -> None:
    renewals = Renewals(environment={})
    first = renewals.find(configured("vertex", settings=PLACE))
    assert first is not None
    assert renewals.find(configured("vertex", settings=PLACE)) is first
    assert renewals.find(configured("vertex", settings={**PLACE, "credentials": "other.json"})) is not first


async def test_what_no_provider_has_any_more_falls_away() -> None:
    there = [configured("vertex", settings={**PLACE, "credentials": "nowhere.json"})]
    renewals = Renewals(providers=lambda: there, environment={})
    first = renewals.find(there[0])
    (renewing,) = renewals._renewing.values()
    await renewing.ready()
    assert renewing._is_wanted()
    again = configured("vertex", settings={**PLACE, "credentials": "nowhere.json"})
    there.clear()
    assert not renewing._is_wanted()
    renewing.close()
    assert renewals.find(again) is not first


def test_keys_that_stay_sign_at_once() -> None:
    keys = {**BEDROCK, "access_key_id": "AKID", "secret_access_key": "s"}
    renewals = Renewals(environment={})
    assert isinstance(renewals.find(configured("bedrock", settings=keys)), SigningCredentials)
    assert not renewals._renewing
    for more in ({"profile": "p"}, {"role_arn": "arn:aws:iam::1:role/r"}):  # with these they are only the beginning
        renewals.find(configured("bedrock", settings={**keys, **more}))
    assert len(renewals._renewing) == 2
