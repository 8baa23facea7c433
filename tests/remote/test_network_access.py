"""What a sandbox may reach follows from the hosts of its connections."""

import pytest

from osiris.remote.network_access import NetworkAccess


@pytest.mark.parametrize(
    "hosts,allowed",
    [
        ([], ()),
        ([("10.1.2.3", 3306)], ("10.1.2.3/32",)),
        ([("10.1.2.3", 3306), ("10.1.2.3", 3307)], ("10.1.2.3/32",)),
        ([("2001:db8::1", 3306)], ("2001:db8::1/128",)),
        ([("db.example", 3306)], ("192.0.2.1/32", "192.0.2.2/32", "db.example")),
        ([("unknown.example", 443)], ("unknown.example",)),
    ],
)
def test_access(hosts: list[tuple[str, int]], allowed: tuple[str, ...]) -> None:
    known = {"db.example": ["192.0.2.2", "192.0.2.1"]}
    access = NetworkAccess.to(hosts, lambda host, _port: known.get(host, []))
    assert access.allowed == allowed


def test_names_are_looked_up_here() -> None:
    assert NetworkAccess.to([("localhost", 1)]).allowed == ("127.0.0.1/32", "localhost")
    assert NetworkAccess.to([("no-such-host.invalid", 1)]).allowed == ("no-such-host.invalid",)
