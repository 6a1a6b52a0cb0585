"""AWS's chain against the metadata service, a container's endpoint, STS and the portal of SSO."""

import hashlib
import os
import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from proxy.credentials.aws import AwsSource, Keys
from proxy.credentials.source import NEVER_NS, SignInFailed
from tests.integration.proxy.credentials.clouds import (
    Answer,
    Asked,
    aws_keys,
    fake_cloud,
    imds,
    in_seconds,
    json,
    sts_answer,
    sts_error,
)

ROLE = "arn:aws:iam::123456789012:role/Pointsman"
BASE = {"region": "eu-west-1", "access_key_id": "AKIDBASE", "secret_access_key": "secret-of-base"}


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of nobody: no variables, no files, no metadata."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def fetched(**settings: str) -> Keys:
    return AwsSource(settings)().value


def keys_of(name: str) -> Keys:
    given = aws_keys(name)
    return Keys(given["AccessKeyId"], given["SecretAccessKey"], given["Token"])


def test_variables_have_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    fresh = AwsSource({"region": "eu-west-1"})()
    assert (fresh.value, fresh.expires_ns) == (Keys("AKIDENV", "s"), NEVER_NS)


def test_a_profile_is_read_and_read_again(tmp_path: Path) -> None:
    source = AwsSource({"profile": "models"})
    for key in ("AKIDONE", "AKIDTWO"):
        (tmp_path / "credentials").write_text(f"[models]\naws_access_key_id={key}\naws_secret_access_key=s\n")
        assert source().value == Keys(key, "s")


def test_the_machines_role_comes_by_the_second_version_of_its_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    with fake_cloud(imds(lambda: aws_keys("machine", 6 * 3600))) as cloud:
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"{cloud.url}/")
        fresh = AwsSource({})()
    assert fresh.value == keys_of("machine")
    assert fresh.expires_ns != NEVER_NS
    assert [one.method for one in cloud.asked] == ["PUT", "GET", "GET"]


def test_a_containers_role_comes_with_its_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("of-the-pod", encoding="utf-8")
    with fake_cloud(lambda _: json({"RoleArn": ROLE, **aws_keys("container")})) as cloud:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{cloud.url}/v1/credentials")
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(tmp_path / "token"))
        assert fetched() == keys_of("container")
    assert (cloud.only.path, cloud.only.headers["authorization"]) == ("/v1/credentials", "of-the-pod")


def test_a_web_identity_is_exchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("jwt-of-the-pod", encoding="utf-8")
    with fake_cloud(lambda _: sts_answer("AssumeRoleWithWebIdentity", aws_keys("pod"))) as cloud:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", cloud.url)
        monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
        monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
        assert fetched(region="eu-west-1") == keys_of("pod")
    form = cloud.only.form
    assert (form["Action"], form["RoleArn"], form["WebIdentityToken"]) == (
        "AssumeRoleWithWebIdentity", ROLE, "jwt-of-the-pod",
    )  # fmt: skip
    assert "authorization" not in cloud.only.headers


def test_a_role_is_taken_on_with_what_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_cloud(lambda _: sts_answer("AssumeRole", aws_keys("role"))) as cloud:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", cloud.url)
        fresh = AwsSource({**BASE, "role_arn": ROLE})()
    assert fresh.value == keys_of("role")
    assert fresh.expires_ns != NEVER_NS
    assert (cloud.only.form["RoleArn"], cloud.only.form["RoleSessionName"]) == (ROLE, "pointsman")
    assert re.search(r"Credential=AKIDBASE/\d+/eu-west-1/sts/", cloud.only.headers["authorization"])


def test_a_profile_may_take_on_a_role_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "credentials").write_text("[base]\naws_access_key_id=AKIDBASE\naws_secret_access_key=s\n")
    (tmp_path / "config").write_text(f"[profile models]\nrole_arn={ROLE}\nsource_profile=base\nregion=eu-west-1\n")
    with fake_cloud(lambda _: sts_answer("AssumeRole", aws_keys("profile"))) as cloud:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", cloud.url)
        assert fetched(profile="models") == keys_of("profile")
    assert "Credential=AKIDBASE/" in cloud.only.headers["authorization"]


def test_who_has_signed_in_by_sso_need_not_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = "https://d-1.awsapps.com/start"
    (tmp_path / "config").write_text(
        f"[profile models]\nsso_start_url={start}\nsso_region=eu-west-1\nsso_account_id=123456789012\n"
        "sso_role_name=Models\nregion=eu-west-1\n"
    )
    cache = tmp_path / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True)
    kept = {"startUrl": start, "region": "eu-west-1", "accessToken": "of-a-person", "expiresAt": in_seconds(3600)}
    name = hashlib.sha1(start.encode(), usedforsecurity=False).hexdigest()
    (cache / f"{name}.json").write_bytes(orjson.dumps(kept))
    monkeypatch.setattr("botocore.credentials.SSOProvider._SSO_TOKEN_CACHE_DIR", str(cache))  # made of HOME on import

    def portal(asked: Asked) -> Answer:
        assert asked.headers["x-amz-sso_bearer_token"] == "of-a-person"
        assert asked.query == {"role_name": "Models", "account_id": "123456789012"}
        given = aws_keys("person")
        return json({
            "roleCredentials": {
                "accessKeyId": given["AccessKeyId"], "secretAccessKey": given["SecretAccessKey"],
                "sessionToken": given["Token"], "expiration": 4_000_000_000_000,
            }
        })  # fmt: skip

    with fake_cloud(portal) as cloud:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", cloud.url)
        assert fetched(profile="models") == keys_of("person")


def failed(settings: dict[str, str]) -> Any:
    with pytest.raises(SignInFailed) as raised:
        AwsSource(settings)()
    return raised.value


def test_where_nothing_is_found_it_is_said_so() -> None:
    said = failed({"region": "eu-west-1"})
    assert (said.code, said.is_refused) == ("not_found", False)


def test_an_unknown_profile_is_named() -> None:
    said = failed({"profile": "nobody"})
    assert said.code == "ProfileNotFound"
    assert "nobody" in said.reason


@pytest.mark.parametrize(
    ("answer", "code", "is_refused"),
    [
        (sts_error("AccessDenied", "not authorized to perform: sts:AssumeRole"), "AccessDenied", True),
        (sts_error("ServiceUnavailable", "later", 503), "ServiceUnavailable", False),
        (sts_error("Throttling", "slowly", 429), "Throttling", False),
    ],
)
def test_a_refusal_says_awss_word_and_no_secret(
    monkeypatch: pytest.MonkeyPatch, answer: Answer, code: str, is_refused: bool
) -> None:
    with fake_cloud(lambda _: answer) as cloud:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", cloud.url)
        said = failed({**BASE, "role_arn": ROLE})
    assert (said.code, said.is_refused) == (code, is_refused)
    assert "secret-of-base" not in str(said)


def test_an_endpoint_that_is_down_may_be_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_cloud(lambda _: json({})) as cloud:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", cloud.url)
    said = failed({**BASE, "role_arn": ROLE})
    assert (said.code, said.is_refused) == ("EndpointConnectionError", False)
