"""Keeps the tests on this machine: what would leave it fails as if there were no network.

The interpreter itself is asked (PEP 578), so it holds for every library. A server process that a
test starts has only addresses of this machine to ask.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
from typing import Any

_NAMED = {"socket.getaddrinfo", "socket.gethostbyname"}
_ADDRESSED = {"socket.connect", "socket.sendto"}


class NoNetwork(OSError):
    """A test wanted to leave this machine."""


def stay() -> None:
    """From now on, and for good: an audit hook cannot be taken away."""
    sys.addaudithook(_hook)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _NAMED:
        if not _needs_nobody(arguments[0]):
            raise NoNetwork(f"nobody is asked for {arguments[0]!r}")
    elif event in _ADDRESSED and isinstance(arguments[1], tuple) and not _local(arguments[1][0]):
        raise NoNetwork(f"{arguments[1][0]!r} is another machine")


def _needs_nobody(host: str | bytes | None) -> bool:
    """Whether a name is found without a name server: none, this machine, or an address."""
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return True
    assert name is not None
    try:
        socket.inet_aton(name)  # 127.1 and 0x7f.1 too
    except OSError:
        return _address(name) is not None
    return True


def _local(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
