"""One call to the Proxmox API: send it, wait as long as its class deserves, and translate whatever comes back.

Three rules that everything above relies on:
- a write is sent once, whatever happens to its answer;
- a read is repeated once, and only when a kept-alive connection turned out to be closed (pveproxy drops them after 5 s);
- no exception of requests, urllib3 or proxmoxer gets out.
"""

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, unquote

import requests
from proxmoxer.backends.https import JsonSerializer
from proxmoxer.core import ProxmoxResource, ResourceException
from requests.adapters import BaseAdapter
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError, ProtocolError

from providers.errors import AuthFailed, CertificateRefused, ProviderError, Unavailable
from providers.proxmox import translate
from providers.proxmox.apicall import ApiCall, Observer, nobody
from providers.proxmox.endpoint import Endpoint
from providers.proxmox.session import Session, TicketAuth, TicketStore, open_session
from providers.tls import certificate_trouble

Params = Mapping[str, str | int | None]

# Values of these parameters are cut out of every error text.
SECRET_PARAMS = frozenset({"password", "cipassword"})


class _Unreadable(Exception):
    """A success status with a body that is no Proxmox answer."""


class _Serializer(JsonSerializer):  # type: ignore[misc]
    """proxmoxer's reader, strict: it would hand an HTML page on as data, and drop the message of an error."""

    def loads(self, response: requests.Response) -> Any:
        """The answer's data."""
        try:
            return json.loads(response.content)["data"]
        except (ValueError, KeyError, TypeError) as error:
            raise _Unreadable from error

    def loads_errors(self, response: requests.Response) -> dict[str, Any]:
        """Message and complaints by parameter of an error answer; both may be missing (401 has an empty body)."""
        try:
            body = json.loads(response.content)
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}


class _Exchange:
    """The session as proxmoxer sees it, with the deadlines of one class of calls."""

    def __init__(self, session: Session, timeout: float) -> None:
        self._session = session
        self._timeout = (min(timeout, 10.0), timeout)

    def request(self, method: str, url: str, **options: Any) -> requests.Response:
        try:
            response = self._session.request(method, url, timeout=self._timeout, **options)
        except requests.ConnectionError as error:
            if method != "GET" or not _connection_was_stale(error):
                raise
            response = self._session.request(method, url, timeout=self._timeout, **options)
        # proxmoxer joins the reason to other text, and statuses of AnyEvent's own invention may come without one.
        response.reason = response.reason or ""
        if 300 <= response.status_code < 400:
            # proxmoxer would return None for these.
            raise ResourceException(response.status_code, "Redirect", "")
        return response


class Transport:
    """Calls to one cluster. Safe to share between threads; opens its first connection with the first call.

    `observe` gets every call after its end, also those that failed; it must not raise.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        adapter: BaseAdapter | None = None,
        tickets: TicketStore | None = None,
        now: Callable[[], float] = time.time,
        observe: Observer = nobody,
    ) -> None:
        self.endpoint = endpoint
        self._observe = observe
        self._session = open_session(endpoint, login=self._login, adapter=adapter, tickets=tickets, now=now)
        # A login cannot use the session that waits for it.
        self._bare = Session(endpoint, adapter) if not endpoint.uses_token else None
        self._light = self._root(self._session, endpoint.timeout)
        self._heavy = self._root(self._session, endpoint.heavy_timeout)

    def get(self, doing: str, path: str, *, heavy: bool = False, **params: str | int | None) -> Any:
        """Read. `doing` completes "Could not …" in an error; `heavy` for reads that a dead storage may stall."""
        return self._call("GET", doing, path, params, heavy=heavy)

    def post(self, doing: str, path: str, params: Params | None = None) -> Any:
        """Start something; sent once."""
        return self._call("POST", doing, path, params or {}, heavy=True)

    def put(self, doing: str, path: str, params: Params | None = None) -> Any:
        """Change something; sent once."""
        return self._call("PUT", doing, path, params or {}, heavy=True)

    def delete(self, doing: str, path: str, params: Params | None = None) -> Any:
        """Remove something; sent once, parameters in the query (a DELETE with a body is refused)."""
        return self._call("DELETE", doing, path, params or {}, heavy=True)

    def close(self) -> None:
        """Close all connections. A later call opens new ones."""
        self._session.close()
        if self._bare:
            self._bare.close()

    def _call(self, method: str, doing: str, path: str, params: Params, *, heavy: bool) -> Any:
        root = self._heavy if heavy else self._light
        doing = _placed(doing, path)
        try:
            return self._send(root, method, doing, path, params)
        except translate.Unauthenticated:
            auth = self._session.auth
            if not isinstance(auth, TicketAuth):
                raise
            # An expired ticket. 401 comes before anything is done, so this is no repetition of a write.
            auth.forget()
            return self._send(root, method, doing, path, params)

    def _send(self, root: ProxmoxResource, method: str, doing: str, path: str, params: Params) -> Any:
        """One request; the observer learns how it ended."""
        place = f"/{path.strip('/')}"
        try:
            answer = self._exchange(root, method, doing, path, params)
        except ProviderError as error:
            self._observe(ApiCall(method, place, params, error=error))
            raise
        self._observe(ApiCall(method, place, params, answer))
        return answer

    def _exchange(self, root: ProxmoxResource, method: str, doing: str, path: str, params: Params) -> Any:
        write = method != "GET"
        secrets = [str(value) for name, value in params.items() if name in SECRET_PARAMS and value]
        call: Callable[..., Any] = getattr(root(path.strip("/")), method.lower())
        try:
            return call(**params)
        except ResourceException as error:
            body = error.errors if isinstance(error.errors, dict) else {}
            text = str(body.get("message") or error.content or "")
            fields = body["errors"] if isinstance(body.get("errors"), dict) else {}
            text, fields = _masked(text, secrets), {k: _masked(str(v), secrets) for k, v in fields.items()}
            # The original quotes the answer; where that may hold a secret it is not kept as the cause.
            cause = None if secrets else error
            raise translate.http_error(doing, error.status_code, text, fields, write=write) from cause
        except _Unreadable as error:
            raise translate.unreadable(doing, write=write) from error
        except (requests.RequestException, HTTPError) as error:
            # A few of urllib3's get past requests: a name that cannot be encoded, for one.
            raise _network_error(self.endpoint, doing, error, write=write) from error

    def _login(self, user: str, password: str) -> dict[str, Any]:
        """Post the credentials; returns `ticket` and `CSRFPreventionToken`."""
        assert self._bare is not None
        root = self._root(self._bare, self.endpoint.timeout)
        doing = f"log in to {self.endpoint} as {user}"
        params = {"username": user, "password": password}
        try:
            return dict(self._send(root, "POST", doing, "access/ticket", params))
        except translate.Unauthenticated as error:
            raise AuthFailed(str(error)) from None

    def _root(self, session: Session, timeout: float) -> ProxmoxResource:
        return ProxmoxResource(
            base_url=self.endpoint.base_url, session=_Exchange(session, timeout), serializer=_Serializer()
        )


def segment(value: str | int) -> str:
    """One path segment, quoted: names come from answers and settings, and an IP set's entries hold slashes."""
    return quote(str(value), safe="")


def _placed(doing: str, path: str) -> str:
    """`doing` with the node that the path leads to, unless it names that already."""
    asked = re.match(r"/?nodes/([^/]+)", path)
    node = unquote(asked[1]) if asked else ""
    known = not node or re.search(rf"\bnode {re.escape(node)}(?![\w-])", doing)
    return doing if known else f"{doing} on node {node}"


def _masked(text: str, secrets: list[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def _connection_was_stale(error: requests.ConnectionError) -> bool:
    """Whether a connection broke off before any answer, as a kept-alive one does that the server has closed."""
    return bool(error.args) and isinstance(error.args[0], ProtocolError)


def _never_sent(error: Exception) -> bool:
    """Whether the request cannot have reached the server: no connection came about."""
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.InvalidURL):
        return True
    reason = error.args[0] if error.args else None
    if isinstance(reason, MaxRetryError) and isinstance(reason.reason, NewConnectionError):
        return True
    return _speaks_no_tls(str(error))


def _speaks_no_tls(text: str) -> bool:
    return "WRONG_VERSION_NUMBER" in text or "RECORD_LAYER_FAILURE" in text


def _network_error(endpoint: Endpoint, doing: str, error: Exception, *, write: bool) -> ProviderError:
    text = str(error)
    if isinstance(error, requests.exceptions.SSLError):
        refused = _certificate_refused(endpoint, doing, text)
        if refused is not None:
            return refused
    if _speaks_no_tls(text):
        cause = f"{endpoint} does not speak HTTPS; check the port"
    elif isinstance(error, requests.ConnectTimeout):
        cause = f"{endpoint} did not accept a connection in time"
    elif isinstance(error, requests.Timeout):
        cause = f"{endpoint} did not answer in time"
    elif "NameResolutionError" in text or "Failed to resolve" in text:
        cause = f"the name {endpoint.host} does not resolve"
    elif "Connection refused" in text:
        cause = f"{endpoint} refuses connections"
    elif _never_sent(error):
        cause = f"{endpoint} cannot be reached"
    else:
        cause = f"the connection to {endpoint} broke off"
    return Unavailable(f"Could not {doing}: {cause}", outcome_unknown=write and not _never_sent(error))


def _certificate_refused(endpoint: Endpoint, doing: str, text: str) -> ProviderError | None:
    """The error for a certificate that does not verify; None when TLS broke for another reason."""
    trouble = certificate_trouble(text)
    if not trouble:
        return None
    return CertificateRefused(f"Could not {doing}: the certificate of {endpoint} {trouble}")
