"""One HTTP call to a DNS provider: sent once, deadlines kept, whatever goes wrong told in one line without a secret."""

import logging
import re
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter

from providers.dns.apicall import DnsCall, DnsObserver, nobody
from providers.errors import (
    AuthFailed,
    CertificateRefused,
    Conflict,
    NotFound,
    Permanent,
    ProviderError,
    RateLimited,
    Rejected,
    Unavailable,
    Unreached,
)
from providers.tls import SYSTEM_CAS, Tls, certificate_trouble

log = logging.getLogger(__name__)

CONNECT_SECONDS, READ_SECONDS = 4.0, 15.0
LONGEST_PAUSE = 5.0  # seconds that a rate limit is waited for in place; a longer one is left to a later try
POOL_SIZE = 8
QUOTED = 200  # characters of a provider's own words in an error
MASK = "********"


class BrokenOff(Unreached):
    """The connection was taken up and ended before an answer came."""


class HttpApi:
    """The API below `base_url` of one provider. Safe to share between threads.

    `headers` go with every request; `secrets` are cut out of every error text. `adapter` takes the place of the network,
    `pause(seconds)` that of sleeping; `observe` gets every request after its end, and must not raise. Raises ValueError when `base_url` is no http(s) URL or a header cannot be sent.
    """

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        secrets: Collection[str] = (),
        tls: Tls = SYSTEM_CAS,
        adapter: BaseAdapter | None = None,
        pause: Callable[[float], None] = time.sleep,
        observe: DnsObserver = nobody,
    ) -> None:
        self._observe = observe
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{base_url.rpartition('@')[2]!r} is no http(s) URL")  # before the @ may be a password
        for header, value in (headers or {}).items():
            if not (value.isascii() and value.isprintable()):
                raise ValueError(f"the credential for {header} holds characters that cannot be sent; enter it anew")
        self._base = base_url.rstrip("/")
        self._secrets = sorted((secret for secret in secrets if secret), key=len, reverse=True)
        self._pause = pause
        port = f":{parts.port}" if parts.port else ""
        self.where = f"{parts.hostname}{port}"
        self._session = requests.Session()
        self._session.headers.update({"Accept": "application/json", **(headers or {})})
        # A .netrc or a proxy of the surrounding shell must not decide where credentials go.
        self._session.trust_env = False
        self._session.verify = tls.requests_verify
        self._session.mount(f"{parts.scheme}://", adapter or tls.adapter(POOL_SIZE))

    def __repr__(self) -> str:
        return f"<HttpApi {self.where}>"

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        json: Any = None,
        data: Mapping[str, str] | None = None,
        looks: bool = False,
    ) -> requests.Response:
        """One request; the answer whatever its status, but for 429, which is waited for once if it is short. `looks` True = it
        changes nothing, although it is no GET.

        Raises Unavailable, CertificateRefused and RateLimited.
        """
        answer = self._exchange(method, path, looks, params=params, json=json, data=data)
        if answer.status_code == 429:
            wait = _retry_after(answer)
            if wait is None or wait > LONGEST_PAUSE:
                raise RateLimited(f"{self.where} asks us to slow down (HTTP 429)", retry_after=wait)
            log.info("%s asks us to wait %.1f s", self.where, wait)
            self._pause(wait)
            answer = self._exchange(method, path, looks, params=params, json=json, data=data)
            if answer.status_code == 429:
                raise RateLimited(f"{self.where} asks us to slow down (HTTP 429)", retry_after=_retry_after(answer))
        return answer

    def trouble(self, answer: requests.Response, words: str) -> ProviderError:
        """The error that an answer of this status is, told in the provider's own `words`."""
        status = answer.status_code
        told = self.quotable(words) or f"HTTP {status}"
        line = f"{self.where}: {told}"
        if 300 <= status < 400:
            return Permanent(f"{self.where} redirects elsewhere (HTTP {status}); enter the address it redirects to")
        kinds: dict[int, type[ProviderError]] = {401: AuthFailed, 403: AuthFailed, 404: NotFound, 409: Conflict}
        if status in kinds:
            return kinds[status](line)
        if status >= 500:
            return Unavailable(f"{line} (HTTP {status})" if words else line, outcome_unknown=True)
        return Rejected(line)

    def nonsense(self, answer: requests.Response) -> ProviderError:
        """The error for an answer that is not in the provider's form: a proxy's page, an empty body, a wrong address."""
        if answer.status_code in (401, 403, 404) or 300 <= answer.status_code < 400:
            return self.trouble(answer, "")
        writes = answer.request.method != "GET"
        return Unavailable(
            f"{self.where} gave no answer that makes sense (HTTP {answer.status_code})", outcome_unknown=writes
        )

    def quotable(self, words: str) -> str:
        """A provider's words as one short line without our secrets."""
        return self._clear(" ".join(words.split()))[:QUOTED]

    def _exchange(self, method: str, path: str, looks: bool, **options: Any) -> requests.Response:
        """One request; the observer learns how it ended."""
        sent = {name: value for name, value in options.items() if value is not None}
        call = DnsCall(method, self.where, f"/{path.lstrip('/')}", self._cleared(sent), looks or method == "GET")
        try:
            answer = self._request(method, path, **sent)
        except ProviderError as error:
            self._observe(replace(call, error=error))
            raise

        def text() -> str:
            return self._clear(answer.content.decode("utf-8", "replace"))

        self._observe(replace(call, status=answer.status_code, answer=text))
        return answer

    def _cleared(self, value: Any) -> Any:
        """A copy of what is sent, without our secrets."""
        if isinstance(value, Mapping):
            return {key: self._cleared(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self._cleared(each) for each in value]
        return self._clear(value) if isinstance(value, str) else value

    def _clear(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text

    def _request(self, method: str, path: str, **options: Any) -> requests.Response:
        try:
            return self._session.request(
                method,
                f"{self._base}/{path.lstrip('/')}",
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
                **options,
            )
        except requests.RequestException as error:
            raise self._unreached(error, method != "GET") from None  # the original quotes URL and headers
        except OSError as error:
            raise CertificateRefused(f"the CA file for {self.where} cannot be read: {error}") from None

    def _unreached(self, error: requests.RequestException, writes: bool) -> ProviderError:
        text = str(error)
        if isinstance(error, requests.exceptions.SSLError) and (trouble := certificate_trouble(text)):
            return CertificateRefused(f"the certificate of {self.where} {trouble}")
        if "NO_CERTIFICATE_OR_CRL_FOUND" in text:
            return CertificateRefused(f"the CA file for {self.where} holds no certificate")
        if isinstance(error, requests.exceptions.SSLError) and re.search(
            "WRONG_VERSION_NUMBER|record layer", text, re.I
        ):
            return Unreached(f"{self.where} does not speak TLS: its address may have to begin with http://")
        if "Failed to resolve" in text or "NameResolutionError" in text:
            return Unreached(f"the name of {self.where} does not resolve")
        if "Connection refused" in text:
            return Unreached(f"{self.where} refuses connections")
        if "Failed to establish a new connection" in text and not isinstance(error, requests.Timeout):
            return Unreached(f"{self.where} cannot be reached")
        if isinstance(error, requests.ConnectTimeout):
            return Unreached(f"{self.where} did not accept a connection in time")
        if isinstance(error, requests.Timeout) or "Read timed out" in text:
            return Unreached(f"{self.where} did not answer in time", outcome_unknown=writes)
        return BrokenOff(f"the connection to {self.where} broke off", outcome_unknown=writes)


def _retry_after(answer: requests.Response) -> float | None:
    """Seconds that the answer's Retry-After asks for: a number or a date; None when it says nothing usable."""
    text = answer.headers.get("Retry-After", "").strip()
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return None
