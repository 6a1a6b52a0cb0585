"""Microsoft Entra ID against its token endpoint and the endpoints of machines."""

from pathlib import Path

import pytest

from proxy.credentials.entra import SCOPE, EntraSource
from proxy.credentials.source import SignInFailed
from tests.integration.proxy.credentials.clouds import entra_error, fake_cloud, json, machine_token, token

CLIENT = {"tenant_id": "a-tenant", "client_id": "a-client"}
RESOURCE = "https://cognitiveservices.azure.com"


def test_an_application_signs_in_with_its_secret() -> None:
    with fake_cloud(lambda _: token("of-entra")) as cloud:
        fresh = EntraSource({**CLIENT, "client_secret": "s"}, {"AZURE_AUTHORITY_HOST": f"{cloud.url}/"})()
    assert fresh.value == [(b"authorization", b"Bearer of-entra")]
    assert (cloud.only.method, cloud.only.path) == ("POST", "/a-tenant/oauth2/v2.0/token")
    assert cloud.only.headers["content-type"] == "application/x-www-form-urlencoded"
    assert cloud.only.form == {
        "grant_type": "client_credentials", "client_id": "a-client", "client_secret": "s", "scope": SCOPE,
    }  # fmt: skip


def test_a_pod_signs_in_with_its_own_token_as_it_stands_now(tmp_path: Path) -> None:
    path = tmp_path / "token"
    with fake_cloud(lambda asked: token(asked.form["client_assertion"])) as cloud:
        source = EntraSource({**CLIENT, "federated_token_file": str(path)}, {"AZURE_AUTHORITY_HOST": cloud.url})
        for jwt in ("one", "two"):
            path.write_text(f"{jwt}\n", encoding="utf-8")
            assert source().value == [(b"authorization", f"Bearer {jwt}".encode())]
    asked = cloud.asked[0].form
    assert asked["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert "client_secret" not in asked


def test_a_machine_asks_its_metadata_service() -> None:
    with fake_cloud(lambda _: machine_token()) as cloud:
        settings, environment = {"client_id": "assigned"}, {"AZURE_POD_IDENTITY_AUTHORITY_HOST": cloud.url}
        fresh = EntraSource(settings, environment)()
    assert fresh.value == [(b"authorization", b"Bearer of-the-machine")]
    assert (cloud.only.path, cloud.only.headers["metadata"]) == ("/metadata/identity/oauth2/token", "true")
    assert cloud.only.query == {"api-version": "2018-02-01", "resource": RESOURCE, "client_id": "assigned"}


def test_app_service_has_an_endpoint_of_its_own() -> None:
    with fake_cloud(lambda _: machine_token()) as cloud:
        environment = {"IDENTITY_ENDPOINT": f"{cloud.url}/msi/token", "IDENTITY_HEADER": "of-the-app"}
        EntraSource({"scope": "https://ai.azure.com/.default"}, environment)()
    assert (cloud.only.path, cloud.only.headers["x-identity-header"]) == ("/msi/token", "of-the-app")
    assert cloud.only.query == {"api-version": "2019-08-01", "resource": "https://ai.azure.com"}


def failed(settings: dict[str, str], environment: dict[str, str]) -> SignInFailed:
    with pytest.raises(SignInFailed) as raised:
        EntraSource(settings, environment)()
    return raised.value


def test_a_refusal_says_microsofts_words_and_no_secret() -> None:
    with fake_cloud(lambda _: entra_error()) as cloud:
        said = failed({**CLIENT, "client_secret": "sekrit"}, {"AZURE_AUTHORITY_HOST": cloud.url})
    assert (said.code, said.is_refused) == ("invalid_client", True)
    assert "AADSTS7000215" in said.reason
    assert "sekrit" not in str(said)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_may_pass_is_no_refusal(status: int) -> None:
    with fake_cloud(lambda _: json({"error": "temporarily_unavailable"}, status)) as cloud:
        said = failed({**CLIENT, "client_secret": "s"}, {"AZURE_AUTHORITY_HOST": cloud.url})
    assert (said.code, said.is_refused) == ("temporarily_unavailable", False)


@pytest.mark.parametrize("content", [{"access_token": "ü"}, {"access_token": "x", "expires_in": "soon"}])
def test_an_answer_that_makes_no_sense_is_a_failure_that_quotes_nothing(content: dict[str, str]) -> None:
    with fake_cloud(lambda _: json(content)) as cloud:
        said = failed({**CLIENT, "client_secret": "s"}, {"AZURE_AUTHORITY_HOST": cloud.url})
    assert said.code == "malformed"
    assert "ü" not in str(said)


def test_a_secret_without_a_tenant_is_the_configurations_fault() -> None:
    said = failed({"client_id": "a-client", "client_secret": "s"}, {})
    assert (said.code, said.reason, said.is_refused) == ("incomplete", "settings.tenant_id is not set", True)


def test_a_pods_token_that_is_not_there_is_named(tmp_path: Path) -> None:
    said = failed({**CLIENT, "federated_token_file": str(tmp_path / "token")}, {})
    assert (said.code, said.is_refused) == ("unreadable", True)
