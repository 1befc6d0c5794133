"""Webhooks lead to the internet, and elsewhere only where that was allowed; seen when a socket is made."""

import ipaddress
import socket

import pytest

from workers.deliveries.addresses import ForbiddenAddress, guarded_sockets, is_public


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.0.9",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.3.4",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "::1",
        "::",
        "fe80::1",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::169.254.169.254",
        "64:ff9b:1::10.0.0.1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::",
    ],
)
def test_every_other_address_is_not(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


def info(address: str) -> tuple[object, ...]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    place = (address, 80, 0, 0) if ":" in address else (address, 80)
    return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", place


def test_no_socket_is_made_for_a_private_address_that_is_not_allowed() -> None:
    make = guarded_sockets([ipaddress.ip_network("10.1.0.0/16")])
    make(info("10.1.2.3")).close()
    make(info("8.8.8.8")).close()
    for address in ("10.2.0.1", "127.0.0.1", "fe80::1%eth0", "::ffff:10.1.2.3"):
        with pytest.raises(ForbiddenAddress, match="private address"):
            make(info(address))
