"""Which calls go through a company's proxy."""

import pytest

from proxy.upstream.origin import Origin
from proxy.upstream.tunnel import find_relay

PROVIDER = Origin("api.openai.com", 443, is_tls=True)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://relay:3128"}, ("relay", 3128, b"")),
        ({"https_proxy": "relay:3128", "HTTPS_PROXY": "http://other"}, ("relay", 3128, b"")),
        ({"ALL_PROXY": "http://relay"}, ("relay", 80, b"")),
        ({"HTTP_PROXY": "http://relay"}, None),
        ({"HTTPS_PROXY": "http://relay", "NO_PROXY": "*"}, None),
        ({"HTTPS_PROXY": "http://relay", "NO_PROXY": "a.b, .openai.com"}, None),
        ({"HTTPS_PROXY": "http://relay", "no_proxy": "api.openai.com"}, None),
        ({"HTTPS_PROXY": "http://relay", "NO_PROXY": "penai.com"}, ("relay", 80, b"")),
    ],
)
def test_the_environment_says_which_way_calls_go(
    environment: dict[str, str], expected: tuple[str, int, bytes] | None
) -> None:
    assert find_relay(environment, PROVIDER) == expected


def test_a_model_of_ones_own_at_a_plain_address_is_asked_directly() -> None:
    assert find_relay({"ALL_PROXY": "http://relay"}, Origin("localhost", 11434, is_tls=False)) is None


def test_a_proxy_of_another_kind_is_refused_with_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="must be an http address, not one of 'socks5'"):
        find_relay({"ALL_PROXY": "socks5://relay"}, PROVIDER)
