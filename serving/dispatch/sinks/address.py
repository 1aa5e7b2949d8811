"""Connections to public addresses only, and none that lasts longer than its deadline.

A name is resolved and checked where the connection is made, and that very address is used: a name that points elsewhere
a moment later (DNS rebinding) gains nothing. Host header and TLS keep the name, so certificates are checked as ever.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# Clouds answer their machines' secrets here; the one public-looking address among them.
_METADATA = ipaddress.ip_address("168.63.129.16")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class AddressRefusedError(httpcore.ConnectError):
    """The name leads to an address that is not public."""


def is_public(text: str) -> bool:
    """True for an address of the open internet, also behind the wrappings of IPv6."""
    address: Address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if address in _NAT64:
            inner = ipaddress.IPv4Address(address.packed[-4:])
        if inner is not None:
            return is_public(str(inner))
        if address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved and address != _METADATA


def checked_addresses(host: str, port: int, allow_private: bool) -> list[str]:
    """The addresses of a host; raises AddressRefusedError when one is not public, ConnectError when there is none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(f"{host} has no address ({error})") from error
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    private = [] if allow_private else [address for address in addresses if not is_public(address)]
    if private:
        raise AddressRefusedError(f"{host} leads to {private[0]}, which is not a public address")
    return addresses


class Deadline(threading.local):
    """Until when this thread's request may take, by time.monotonic()."""

    until: float = float("inf")

    def left(self, timeout: float | None, error: type[Exception]) -> float:
        """Seconds one operation may take; raises `error` when none are left."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise error("took longer than timeout_seconds")
        return left if timeout is None else min(left, timeout)


class _Stream(httpcore.NetworkStream):
    """A stream whose operations together keep to the deadline, however slowly the bytes drip."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:  # the interface says so
        return self._stream.get_extra_info(info)


class _Backend(httpcore.SyncBackend):
    def __init__(self, allow_private: bool, deadline: Deadline) -> None:
        self._allow_private, self._deadline = allow_private, deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = checked_addresses(host, port, self._allow_private)
        for place, address in enumerate(addresses):
            left = self._deadline.left(timeout, httpcore.ConnectTimeout)
            try:
                stream = super().connect_tcp(address, port, left, local_address, socket_options)
                return _Stream(stream, self._deadline)
            except httpcore.ConnectError:
                if place == len(addresses) - 1:
                    raise
        raise httpcore.ConnectError(f"{host} has no address")


class CheckedTransport(httpx.HTTPTransport):
    """httpx's transport over connections of this module; proxies and other settings of the environment do not count."""

    def __init__(self, allow_private: bool, connections: int, deadline: Deadline) -> None:
        super().__init__(trust_env=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=30.0,
            network_backend=_Backend(allow_private, deadline),
        )
