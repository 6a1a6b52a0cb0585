"""Google's Application Default Credentials against its token endpoint and its metadata server."""

import base64
import ssl
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from proxy.credentials.google import SCOPE, GoogleSource
from proxy.credentials.source import SignInFailed
from tests.integration.proxy.credentials.clouds import (
    Answer,
    Answering,
    Asked,
    fake_cloud,
    google_metadata,
    in_seconds,
    invalid_grant,
    json,
    token,
)

EMAIL = "pointsman@my-project.iam.gserviceaccount.com"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


@cache
def private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def private_key_text() -> str:
    return (
        private_key()
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )


def write(folder: Path, content: Any) -> Path:
    path = folder / "credentials.json"
    path.write_bytes(orjson.dumps(content))
    return path


def service_account(folder: Path, token_uri: str) -> Path:
    return write(
        folder,
        {
            "type": "service_account", "project_id": "my-project", "private_key_id": "k1",
            "private_key": private_key_text(), "client_email": EMAIL, "client_id": "1", "token_uri": token_uri,
        },
    )  # fmt: skip


def claims_of(assertion: str) -> dict[str, Any]:
    """What is asserted. Raises InvalidSignature."""
    head, claims, signature = assertion.split(".")
    signed = base64.urlsafe_b64decode(signature + "==")
    private_key().public_key().verify(signed, f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
    content: dict[str, Any] = orjson.loads(base64.urlsafe_b64decode(claims + "=="))
    return content


def bearer(fresh: Any) -> str:
    return dict(fresh.value)[b"authorization"].decode()


def test_a_service_account_signs_for_its_token(tmp_path: Path) -> None:
    with fake_cloud(lambda _: token()) as cloud:
        path = service_account(tmp_path, f"{cloud.url}/token")
        fresh = GoogleSource({"credentials": str(path)}, {})()
    assert bearer(fresh) == "Bearer ya29.token"
    assert cloud.only.form["grant_type"] == JWT_BEARER
    claims = claims_of(cloud.only.form["assertion"])
    assert (claims["iss"], claims["scope"], claims["aud"]) == (EMAIL, SCOPE, "https://oauth2.googleapis.com/token")
    assert claims["exp"] - claims["iat"] == 3600
    assert abs(fresh.expires_ns / 1e9 - claims["iat"] - 3599) < 30


def test_the_variable_names_the_file_where_no_setting_does(tmp_path: Path) -> None:
    with fake_cloud(lambda _: token()) as cloud:
        path = service_account(tmp_path, f"{cloud.url}/token")
        for settings in ({}, {"credentials": "default"}):
            assert (
                bearer(GoogleSource(settings, {"GOOGLE_APPLICATION_CREDENTIALS": str(path)})()) == "Bearer ya29.token"
            )


def test_a_key_that_was_replaced_is_taken_over(tmp_path: Path) -> None:
    with fake_cloud(lambda asked: token(claims_of(asked.form["assertion"])["iss"])) as cloud:
        path = service_account(tmp_path, f"{cloud.url}/token")
        source = GoogleSource({"credentials": str(path)}, {})
        assert bearer(source()) == f"Bearer {EMAIL}"
        path.write_bytes(path.read_bytes().replace(EMAIL.encode(), b"other@x.iam.gserviceaccount.com"))
        assert bearer(source()) == "Bearer other@x.iam.gserviceaccount.com"


@pytest.mark.parametrize(
    ("answer", "code", "is_refused"),
    [
        (invalid_grant(), "invalid_grant", True),
        (json({"error": "invalid_client"}, 401), "invalid_client", True),
        ((404, {"content-type": "text/html"}, b"<h1>your assertion was sekrit</h1>"), "refused", True),
    ],
)
def test_a_refusal_says_googles_word_and_no_secret(tmp_path: Path, answer: Answer, code: str, is_refused: bool) -> None:
    with fake_cloud(lambda _: answer) as cloud:
        path = service_account(tmp_path, f"{cloud.url}/token")
        with pytest.raises(SignInFailed) as failed:
            GoogleSource({"credentials": str(path)}, {})()
    assert (failed.value.code, failed.value.is_refused) == (code, is_refused)
    assert "sekrit" not in str(failed.value)


def test_a_reason_of_the_machines_own_is_told(tmp_path: Path) -> None:
    content = {
        "type": "external_account", "token_url": "http://127.0.0.1:1", "audience": "a",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "credential_source": {"file": "/nowhere/subject"},
    }  # fmt: skip
    with pytest.raises(SignInFailed, match="/nowhere/subject") as failed:
        GoogleSource({"credentials": str(write(tmp_path, content))}, {})()
    assert failed.value.is_refused


def test_an_endpoint_that_is_down_may_be_asked_again(tmp_path: Path) -> None:
    with fake_cloud(lambda _: token()) as cloud:
        path = service_account(tmp_path, f"{cloud.url}/token")
    with pytest.raises(SignInFailed) as failed:
        GoogleSource({"credentials": str(path)}, {})()
    assert (failed.value.code, failed.value.is_refused) == ("unreachable", False)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"{", "malformed"),
        (b"[]", "malformed"),
        (b'{"type":"service_account","private_key":"sekrit-1"}', "malformed"),
        (b'{"type":"executable"}', "malformed"),
        (
            orjson.dumps({
                "type": "external_account", "audience": "a", "subject_token_type": "t", "token_url": "http://127.0.0.1",
                "credential_source": {"executable": {"command": "/bin/true sekrit-1"}},
            }),
            "malformed",
        ),
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_the_configurations_fault(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "credentials.json"
    path.write_bytes(content)
    with pytest.raises(SignInFailed) as failed:
        GoogleSource({"credentials": str(path)}, {})()
    assert (failed.value.code, failed.value.is_refused) == (code, True)
    assert "credentials.json" in failed.value.reason
    assert "sekrit" not in str(failed.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SignInFailed, match=r"nowhere\.json cannot be read") as failed:
        GoogleSource({"credentials": str(tmp_path / "nowhere.json")}, {})()
    assert failed.value.is_refused


def test_the_metadata_server_gives_the_machines_token(tmp_path: Path) -> None:
    with fake_cloud(google_metadata()) as cloud:
        fresh = GoogleSource({}, {"GCE_METADATA_HOST": cloud.host, "HOME": str(tmp_path)})()
    assert bearer(fresh) == "Bearer ya29.of-the-machine"
    assert cloud.only.query == {"scopes": SCOPE}


def test_where_nothing_is_found_the_reason_names_every_place(tmp_path: Path) -> None:
    with fake_cloud(google_metadata()) as cloud:
        environment = {"GCE_METADATA_HOST": cloud.host, "HOME": str(tmp_path)}
    with pytest.raises(SignInFailed) as failed:
        GoogleSource({}, environment)()
    assert failed.value.code == "not_found"
    for word in ("settings.credentials", "GOOGLE_APPLICATION_CREDENTIALS", "gcloud", "127.0.0.1"):
        assert word in failed.value.reason


def test_a_machine_without_an_account_is_said_so(tmp_path: Path) -> None:
    nobody: Answer = (404, {"content-type": "text/html"}, b"no account")
    with fake_cloud(lambda _: nobody) as cloud, pytest.raises(SignInFailed) as failed:
        GoogleSource({}, {"GCE_METADATA_HOST": cloud.host, "HOME": str(tmp_path)})()
    assert (failed.value.code, failed.value.is_refused) == ("status_404", True)


def certificate_of(folder: Path, *hosts: str) -> Path:
    """Which nobody but its holder trusts, with its key in one file."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, private_key().public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(map(x509.DNSName, hosts)), critical=False)
        .sign(private_key(), hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(private_key_text().encode() + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def googles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """For a server that our process takes for Google's."""
    certificate = certificate_of(tmp_path, "oauth2.googleapis.com", "iamcredentials.googleapis.com")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate)
    return serving


PERSON = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "1//of-a-person"}


def test_what_gcloud_left_is_refreshed_through_a_companys_proxy(tmp_path: Path, googles: ssl.SSLContext) -> None:
    folder = tmp_path / ".config" / "gcloud"
    folder.mkdir(parents=True)
    content = orjson.dumps({**PERSON, "quota_project_id": "who-pays"})
    (folder / "application_default_credentials.json").write_bytes(content)
    with fake_cloud(lambda _: token("ya29.of-a-person"), googles) as cloud:
        environment = {"HOME": str(tmp_path), "HTTPS_PROXY": f"http://someone:secret@{cloud.host}"}
        fresh = GoogleSource({}, environment)()
    assert fresh.value == [(b"authorization", b"Bearer ya29.of-a-person"), (b"x-goog-user-project", b"who-pays")]
    through, asked = cloud.asked
    assert (through.method, through.target) == ("CONNECT", "oauth2.googleapis.com:443")
    assert base64.b64decode(through.headers["proxy-authorization"].removeprefix("Basic ")) == b"someone:secret"
    assert (asked.path, asked.form["grant_type"], asked.form["refresh_token"]) == (
        "/token", "refresh_token", "1//of-a-person",
    )  # fmt: skip


def test_a_person_may_impersonate_an_account(tmp_path: Path, googles: ssl.SSLContext) -> None:
    def answering(asked: Asked) -> Answer:
        if asked.path == "/token":
            return token("ya29.of-a-person")
        return impersonated(asked, "Bearer ya29.of-a-person")

    where = f"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{EMAIL}:generateAccessToken"
    content = {
        "type": "impersonated_service_account", "service_account_impersonation_url": where, "delegates": [],
        "source_credentials": PERSON,
    }  # fmt: skip
    with fake_cloud(answering, googles) as cloud:
        settings = {"credentials": str(write(tmp_path, content))}
        fresh = GoogleSource(settings, {"HTTPS_PROXY": cloud.url})()
    assert bearer(fresh) == "Bearer impersonated"


def impersonated(asked: Asked, authorization: str) -> Answer:
    """https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken"""
    assert asked.path.endswith(f"{EMAIL}:generateAccessToken")
    assert asked.headers["authorization"] == authorization
    assert orjson.loads(asked.body)["scope"] == [SCOPE]
    return json({"accessToken": "impersonated", "expireTime": in_seconds(3600)})


def federation(subject: str) -> Answering:
    """Google's token exchange (RFC 8693), then the account that is impersonated."""

    def answering(asked: Asked) -> Answer:
        if asked.path == "/v1/token":
            form = asked.form
            assert (form["grant_type"], form["subject_token"]) == (EXCHANGE, subject)
            issued = "urn:ietf:params:oauth:token-type:access_token"
            content = {"access_token": "federated", "issued_token_type": issued, "token_type": "Bearer"}
            return json({**content, "expires_in": 3599})
        return impersonated(asked, "Bearer federated")

    return answering


@pytest.mark.parametrize(("is_impersonating", "value"), [(False, "federated"), (True, "impersonated")])
def test_a_workloads_identity_is_exchanged(tmp_path: Path, is_impersonating: bool, value: str) -> None:
    (tmp_path / "subject").write_text("token-of-the-pod", encoding="utf-8")
    with fake_cloud(federation("token-of-the-pod")) as cloud:
        content = {
            "type": "external_account", "token_url": f"{cloud.url}/v1/token",
            "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/k8s",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "credential_source": {"file": str(tmp_path / "subject")},
        }  # fmt: skip
        if is_impersonating:
            where = f"{cloud.url}/v1/projects/-/serviceAccounts/{EMAIL}:generateAccessToken"
            content["service_account_impersonation_url"] = where
        fresh = GoogleSource({"credentials": str(write(tmp_path, content))}, {})()
    assert bearer(fresh) == f"Bearer {value}"
