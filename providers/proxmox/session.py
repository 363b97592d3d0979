"""The HTTP session to one cluster: connection pool, TLS verification, credentials, deadlines.

proxmoxer's own session, with what it lacks: no environment proxies or netrc, no redirects (they would turn a POST into a
GET), certificate pinning, and a ticket login that goes through the same connection pool and the same verification.
"""

import logging
import re
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

import requests
from proxmoxer.backends.https import ProxmoxHTTPApiTokenAuth, ProxmoxHTTPAuthBase, ProxmoxHttpSession
from requests.adapters import BaseAdapter

from providers.errors import AuthFailed
from providers.proxmox.endpoint import Endpoint

# proxmoxer writes request bodies to its log at INFO, cipassword and all.
logging.getLogger("proxmoxer").setLevel(logging.WARNING)
logging.getLogger("proxmoxer.core").setLevel(logging.WARNING)

# More than the workers that talk to one cluster at a time; pveproxy closes what is idle for 5 s.
POOL_SIZE = 32

# A ticket is valid for two hours; Proxmox's own clients renew after one.
TICKET_RENEW_AGE = 3600


class TicketStore(Protocol):
    """Where a ticket outlives the process: `ticket|csrf-token`, the form of WHMCS's access hash field."""

    def load(self) -> str:
        """The stored text; empty when there is none."""
        ...

    def save(self, ticket: str) -> None:
        """Keep the text. May run twice."""
        ...


class TicketAuth(ProxmoxHTTPAuthBase):  # type: ignore[misc]
    """Login with user and password: a cookie on every request and a CSRF token on every write.

    `login` posts the credentials and returns the answer's data; it is called under a lock, so threads share one ticket.
    """

    def __init__(
        self,
        login: Callable[[str, str], dict[str, Any]],
        endpoint: Endpoint,
        store: TicketStore | None,
        now: Callable[[], float],
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._login, self._endpoint, self._store, self._now = login, endpoint, store, now
        self._lock = threading.Lock()
        self._ticket, _, self._csrf = (store.load() if store else "").partition("|")

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign a request, logging in first when there is no ticket or an old one."""
        with self._lock:
            if not self._ticket or self._now() - _issued_at(self._ticket) >= TICKET_RENEW_AGE:
                self._renew()
            request.headers["Cookie"] = f"PVEAuthCookie={self._ticket}"
            if request.method != "GET":
                request.headers["CSRFPreventionToken"] = self._csrf
        return request

    def forget(self) -> None:
        """Drop a ticket that was refused; the next request logs in anew."""
        with self._lock:
            self._ticket = ""

    def _renew(self) -> None:
        data = self._login(self._endpoint.token_id, self._endpoint.token_secret)
        if data.get("NeedTFA"):
            raise AuthFailed(
                f"Could not log in to {self._endpoint} as {self._endpoint.token_id}: the account wants a second factor;"
                " use an API token"
            )
        self._ticket, self._csrf = str(data["ticket"]), str(data["CSRFPreventionToken"])
        if self._store:
            self._store.save(f"{self._ticket}|{self._csrf}")


def _issued_at(ticket: str) -> float:
    """Epoch seconds written into a ticket (`PVE:user@realm:HEXTIME::signature`); 0 when it is no ticket."""
    match = re.match(r"PVE:[^:]+:([0-9A-Fa-f]{8})::", ticket)
    return int(match[1], 16) if match else 0


class Session(ProxmoxHttpSession):  # type: ignore[misc]
    """proxmoxer's session without its surprises. Safe to share between threads."""

    def __init__(self, endpoint: Endpoint, adapter: BaseAdapter | None = None) -> None:
        super().__init__()
        self.trust_env = False
        self.verify = endpoint.tls.requests_verify
        self.auth = ProxmoxHTTPAuthBase(verify_ssl=self.verify, timeout=endpoint.timeout)
        self.headers["Accept"] = "application/json"
        self.mount("https://", adapter or endpoint.tls.adapter(POOL_SIZE))
        if adapter is not None:
            self.mount("http://", adapter)

    def request(self, method: str, url: str, **options: Any) -> requests.Response:
        """Send one request; redirects are answers, not instructions."""
        response: requests.Response = super().request(method, url, allow_redirects=False, **options)
        return response


def open_session(
    endpoint: Endpoint,
    *,
    login: Callable[[str, str], dict[str, Any]],
    adapter: BaseAdapter | None = None,
    tickets: TicketStore | None = None,
    now: Callable[[], float] = time.time,
) -> Session:
    """A session with the endpoint's credentials. Sends nothing yet.

    `adapter` replaces the network (a sandbox in process). `login` is used for password accounts only.
    """
    session = Session(endpoint, adapter)
    options = {"verify_ssl": session.verify, "timeout": endpoint.timeout}
    if endpoint.uses_token:
        user, _, token_name = endpoint.token_id.partition("!")
        session.auth = ProxmoxHTTPApiTokenAuth(user, token_name, endpoint.token_secret, **options)
    else:
        session.auth = TicketAuth(login, endpoint, tickets, now, **options)
    return session
