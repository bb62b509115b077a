"""Which network addresses a request may go to: public ones, and what the installation has allowed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# The special-purpose registries of IANA, and Azure's metadata host, which has a public address.
_CLOSED_4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Only global unicast is open at all: that leaves out loopback, link and site local, unique local, multicast,
# IPv4 mapped or compatible, and both NAT64 prefixes. These lie inside of it and lead elsewhere.
_OPEN_6 = IPv6Network("2000::/3")
_CLOSED_6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # Teredo, ORCHID, benchmarking and the rest of the protocol assignments
        "2001:db8::/32",
        "2002::/16",  # 6to4 carries an IPv4 address
        "2620:4f:8000::/48",
        "3ffe::/16",
        "3fff::/20",
    )
)
_ISATAP = 0x5EFE
_DEFAULT_PORTS = frozenset({443, 8443})
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class AllowanceError(ValueError):
    """An entry of the allow-list cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Allowances:
    """What an installation lets requests reach beside public hosts on the usual ports.

    `hosts` may resolve to any address, on the port named with them (None: the usual ones); `networks` are open
    whatever name leads there; `plain` hosts may be called without TLS, which is for the loopback only.
    """

    hosts: frozenset[tuple[str, int | None]] = frozenset()
    networks: tuple[Network, ...] = ()
    plain: frozenset[tuple[str, int | None]] = frozenset()

    def has_host(self, host: str, *, port: int) -> bool:
        """Return whether a host was allowed by its name."""
        return not {(host, port), (host, None)}.isdisjoint(self.hosts | self.plain)

    def may_be_plain(self, host: str, *, port: int) -> bool:
        """Return whether a host may be called without TLS."""
        return not {(host, port), (host, None)}.isdisjoint(self.plain)

    def has_port(self, host: str, *, port: int) -> bool:
        """Return whether a port of a host may be used."""
        return port in _DEFAULT_PORTS or (host, port) in self.hosts or self.may_be_plain(host, port=port)

    def may_reach(self, address: str, *, host: str, port: int) -> bool:
        """Return whether a request to a host may go to one of the addresses its name resolved to."""
        if self.has_host(host, port=port):
            return True
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return is_public(found) or any(found in network for network in self.networks)


def is_public(address: Address) -> bool:
    """Return whether an address leads to the public internet and nowhere else."""
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in network for network in _CLOSED_4)
    if address not in _OPEN_6 or not address.is_global or any(address in network for network in _CLOSED_6):
        return False
    return (int(address) >> 32) & 0xFFFF != _ISATAP


@cache
def allowances(entries: str) -> Allowances:
    """Read an allow-list: host, host:port, network/bits or http://loopback:port, separated by commas.

    Raises AllowanceError with a sentence about the first entry that cannot be used.
    """
    hosts: set[tuple[str, int | None]] = set()
    plain: set[tuple[str, int | None]] = set()
    networks: list[Network] = []
    for entry in filter(None, (word.strip() for word in entries.split(","))):
        if entry.startswith("http://"):
            plain.add(_loopback(entry))
        elif "/" in entry:
            networks.append(_network(entry))
        else:
            hosts.add(_host(entry))
    return Allowances(frozenset(hosts), tuple(networks), frozenset(plain))


def _host(entry: str) -> tuple[str, int | None]:
    host, _, port = entry.rpartition(":") if _has_port(entry) else (entry, "", "")
    host = host.strip("[]").lower()
    if not host or any(c.isspace() or c in "@\\?#*" for c in host):
        raise AllowanceError(f"“{entry}” is no host: write host, host:port or a network such as 10.1.0.0/16.")
    if port and not (port.isdecimal() and 0 < int(port) < 65536):
        raise AllowanceError(f"“{entry}” names no port between 1 and 65535.")
    return host, int(port) if port else None


def _has_port(entry: str) -> bool:
    return entry.count(":") == 1 or "]:" in entry


def _network(entry: str) -> Network:
    try:
        return ip_network(entry)
    except ValueError as error:
        raise AllowanceError(f"“{entry}” is no network; write it as 10.1.0.0/16.") from error


def _loopback(entry: str) -> tuple[str, int | None]:
    host, port = _host(entry.removeprefix("http://").rstrip("/"))
    if host not in _LOOPBACK_NAMES and not host.startswith("127."):
        raise AllowanceError(f"“{entry}”: only this machine itself may be called without TLS.")
    return host, port
