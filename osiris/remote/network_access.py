"""Which outbound connections a cloud sandbox needs: those to the hosts of its connections."""

import ipaddress
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

EVERYWHERE = "0.0.0.0/0"
PACKAGE_INDEX = (("pypi.org", 443), ("files.pythonhosted.org", 443))

Resolve = Callable[[str, int], Iterable[str]]


@dataclass(frozen=True)
class NetworkAccess:
    """What may be reached; nothing when `allowed` is empty.

    `allowed` holds addresses as `a.b.c.d/32` and host names. A firewall that looks at connections
    other than HTTP and TLS (a database's) knows addresses only, so each name is there with its
    addresses; the name itself lets the sandbox look it up.
    """

    allowed: tuple[str, ...]

    @classmethod
    def to(
        cls, hosts: Sequence[tuple[str, int]], resolve: Resolve | None = None
    ) -> "NetworkAccess":
        """Return the access to these (host, port) pairs, names resolved here and now."""
        find = resolve or addresses_of
        allowed: set[str] = set()
        for host, port in hosts:
            if _is_address(host):
                allowed.add(_network(host))
            else:
                allowed |= {host, *(_network(address) for address in find(host, port))}
        return cls(tuple(sorted(allowed)))


def addresses_of(host: str, port: int) -> list[str]:
    """Return the IPv4 addresses of a host; none when it has none that this machine knows."""
    try:
        found = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)
    except OSError:
        return []
    return sorted({str(address[0]) for *_, address in found})


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _network(address: str) -> str:
    return str(ipaddress.ip_network(address))
