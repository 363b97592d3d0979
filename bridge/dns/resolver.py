"""What the DNS says to everybody: host names looked up by the system's resolver, with a deadline."""

import socket
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor, wait
from ipaddress import ip_address

from bridge.dns.names import Ip

SECONDS = 2.0
THREADS = 8


class Resolver:
    """Looks names up. A resolver that hangs costs the caller SECONDS, never more, however many names there are."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="resolver")

    def __call__(self, names: Collection[str]) -> dict[str, frozenset[Ip]]:
        """The addresses of each name, none where it does not exist; names that nobody tells of in time are left out."""
        asked = {name: self._pool.submit(_look_up, name) for name in names}
        done = wait(asked.values(), SECONDS).done
        for future in asked.values():
            future.cancel()  # what has not begun would keep others waiting
        answers = {name: future.result() for name, future in asked.items() if future in done}
        return {name: found for name, found in answers.items() if found is not None}


def _look_up(name: str) -> frozenset[Ip] | None:
    try:
        found = socket.getaddrinfo(name, None, proto=socket.IPPROTO_TCP)
    except socket.gaierror as error:
        return frozenset() if error.errno in (socket.EAI_NONAME, socket.EAI_NODATA) else None
    except (OSError, UnicodeError):
        return None
    return frozenset(ip_address(str(address[0]).partition("%")[0]) for *_, address in found)
