"""Where the SDK looks for the server and the key."""

import pytest
from pointsman import ConfigurationError
from pointsman.connection import Connection, read_connection
from pointsman.contract import KeyKind, new_key

KEY = new_key(KeyKind.AGENT)


def test_arguments_win_over_the_environment():
    other = new_key(KeyKind.AGENT)
    environment = {"POINTSMAN_URL": "http://elsewhere:1", "POINTSMAN_KEY": other}
    assert read_connection("http://here:2/", KEY, environment) == Connection("http://here:2", KEY)


def test_the_environment_is_read_and_the_address_has_a_default():
    assert read_connection(None, None, {"POINTSMAN_KEY": KEY}) == Connection("http://127.0.0.1:8080", KEY)


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({}, "pointsman keys create --agent writer"),
        ({"POINTSMAN_KEY": KEY[:-1] + "_"}, "cut or mistyped"),
        ({"POINTSMAN_KEY": KEY, "POINTSMAN_URL": "localhost:8080"}, "http:// or https://"),
    ],
)
def test_what_is_missing_is_said_in_a_sentence(environment: dict[str, str], sentence: str):
    with pytest.raises(ConfigurationError, match=sentence):
        read_connection(None, None, environment)


def test_the_key_is_not_printed():
    assert KEY not in repr(Connection("http://here", KEY))


@pytest.mark.parametrize(
    ("url", "is_loopback"),
    [("http://127.0.0.1:1", True), ("http://[::1]:1", True), ("http://localhost", True), ("https://pm.example", False)],
)
def test_loopback_is_recognised(url: str, is_loopback: bool):
    assert Connection(url, KEY).is_loopback is is_loopback


def test_the_channel_is_encrypted_where_the_api_is():
    assert Connection("https://pm.example", KEY).websocket_url == "wss://pm.example"
