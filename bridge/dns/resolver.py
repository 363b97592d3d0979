"""What the DNS says to everybody: host names looked up by the system's resolver, with a deadline."""

import socket
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

from bridge.dns.names import Ip

SECONDS = 2.0
THREADS = 4


class Resolver:
    """Looks names up. A resolver that hangs costs the caller SECONDS, never more."""

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None

    def __call__(self, name: str) -> frozenset[Ip] | None:
        """The addresses of `name`, none when it does not exist; None when nobody answers in time."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="resolver")
        try:
            return self._pool.submit(_look_up, name).result(SECONDS)
        except TimeoutError:
            return None


def _look_up(name: str) -> frozenset[Ip] | None:
    try:
        found = socket.getaddrinfo(name, None, proto=socket.IPPROTO_TCP)
    except socket.gaierror as error:
        return frozenset() if error.errno in (socket.EAI_NONAME, socket.EAI_NODATA) else None
    return frozenset(ip_address(str(address[0]).partition("%")[0]) for *_, address in found)
