"""Which addresses requests may go to: the public internet, and what an operator allowed."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.addresses import AllowanceError, allowances, is_public

NOTHING = allowances("")

CLOSED = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",  # metadata of a cloud
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",  # metadata of a cloud, on a public address
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.0.192",
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.175.48.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::1",  # Teredo
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2606:4700::5efe:7f00:1",  # ISATAP
    "2620:4f:8000::1",
    "3ffe::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]
OPEN = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"]


@pytest.mark.parametrize("text", CLOSED)
def test_what_leads_inside_is_closed(text: str) -> None:
    assert not is_public(ip_address(text))
    assert not NOTHING.may_reach(text, host="hooks.example.com", port=443)


@pytest.mark.parametrize("text", OPEN)
def test_the_public_internet_is_open(text: str) -> None:
    assert NOTHING.may_reach(text, host="hooks.example.com", port=443)


@pytest.mark.parametrize("text", ["", "fe80::1%eth0", "not an address", "127.1"])
def test_what_is_no_address_is_closed(text: str) -> None:
    assert not NOTHING.may_reach(text, host="hooks.example.com", port=443)


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_nothing_is_open_that_the_standard_library_calls_private(address: IPv4Address | IPv6Address) -> None:
    if address.is_private or address.is_multicast or address.is_link_local or not address.is_global:
        assert not is_public(address)


@given(st.ip_addresses(v=4))
def test_an_address_wrapped_in_another_stays_closed(address: IPv4Address) -> None:
    number = int(address)
    for wrapped in (number, 0xFFFF << 32 | number, 0x64FF9B << 96 | number, 0x2002 << 112 | number << 80):
        assert not is_public(IPv6Address(wrapped))


def test_an_allowed_host_may_stand_anywhere_on_the_usual_ports_or_its_own() -> None:
    allowed = allowances("Chat.corp.example, hooks.corp.example:9443, [fd00::7]:9443")
    assert allowed.may_reach("10.0.0.7", host="chat.corp.example", port=443)
    assert not allowed.may_reach("10.0.0.7", host="chat.corp.example.evil.example", port=443)
    assert allowed.may_reach("10.0.0.7", host="hooks.corp.example", port=9443)
    assert not allowed.may_reach("10.0.0.7", host="hooks.corp.example", port=443)
    assert allowed.may_reach("fd00::7", host="fd00::7", port=9443)
    assert [allowed.has_port("hooks.corp.example", port=port) for port in (443, 9443, 9444)] == [
        True,
        True,
        False,
    ]
    assert not allowed.has_port("chat.corp.example", port=9443)
    assert not allowed.may_be_plain("chat.corp.example", port=80)


def test_an_allowed_network_is_open_whatever_the_name() -> None:
    allowed = allowances("10.20.0.0/16,fd12::/32")
    assert allowed.may_reach("10.20.1.1", host="any.example", port=443)
    assert allowed.may_reach("fd12::9", host="any.example", port=443)
    assert not allowed.may_reach("10.21.1.1", host="any.example", port=443)


def test_only_the_loopback_may_be_called_without_tls() -> None:
    allowed = allowances("http://127.0.0.1:8025/, http://localhost")
    assert allowed.may_be_plain("127.0.0.1", port=8025)
    assert not allowed.may_be_plain("127.0.0.1", port=8026)
    assert allowed.may_be_plain("localhost", port=80)
    assert allowed.has_port("127.0.0.1", port=8025)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("http://chat.corp.example", "only this machine itself"),
        ("10.0.0.1/8", "no network"),
        ("a b", "is no host"),
        ("*.corp.example", "is no host"),
        ("user@host", "is no host"),
        ("host:0", "no port"),
        ("host:http", "no port"),
        ("https://host/", "no network"),
    ],
)
def test_an_entry_that_cannot_be_used_is_refused_in_a_sentence(entry: str, words: str) -> None:
    with pytest.raises(AllowanceError, match=words):
        allowances(f"fine.example,{entry}")
