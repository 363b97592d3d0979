"""The stand-in cluster in place of a network: a transport adapter for requests."""

import io
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse
from urllib3.exceptions import ProtocolError

from bridge.sandbox.proxmox.cluster import Cluster
from bridge.sandbox.proxmox.failures import CutConnection
from bridge.sandbox.proxmox.messages import Answer, Request

Before = Callable[[requests.PreparedRequest], None]
After = Callable[[requests.PreparedRequest, Answer], None]


class InProcessAdapter(BaseAdapter):
    """Hands requests to a cluster in the same process; mount it for `https://`.

    `before(request)` runs before a request reaches the cluster, `after(request, answer)` when its effect is there but
    the caller does not know yet; both may raise, which then reaches the caller. Waiting advances the cluster's clock if
    it can be advanced, else it takes real time. `latency`: seconds that each call takes on a clock that can be advanced.
    """

    def __init__(
        self, cluster: Cluster, *, before: Before | None = None, after: After | None = None, latency: float = 0.005
    ) -> None:
        super().__init__()
        self.cluster = cluster
        self.before, self.after = before, after
        self._advance: Callable[[float], None] | None = getattr(cluster.clock, "advance", None)
        self._latency = latency

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Answer one request. Raises requests' errors for cut connections and for answers slower than `timeout`."""
        if self.before:
            self.before(request)
        patience = timeout[1] if isinstance(timeout, tuple) else timeout
        try:
            answer = self._settle(request, patience)
        except CutConnection as error:
            raise requests.ConnectionError(ProtocolError("Connection aborted.", str(error)), request=request) from error
        if self.after:
            self.after(request, answer)
        return self._response(request, answer)

    def close(self) -> None:
        """Nothing is open."""

    def _settle(self, request: requests.PreparedRequest, patience: float | None) -> Answer:
        self._wait(self._latency, real=False)
        answer = self.cluster.handle(_to_request(request))
        waited = 0.0
        while answer.resume or answer.delay:
            waited += answer.delay
            if patience is not None and waited > patience:
                self._wait(patience - waited + answer.delay)
                raise requests.ReadTimeout("Read timed out.", request=request)
            self._wait(answer.delay)
            answer.delay = 0.0
            if answer.resume:
                answer = answer.resume()
        return answer

    def _wait(self, seconds: float, *, real: bool = True) -> None:
        if self._advance:
            self._advance(seconds)
        elif real:
            time.sleep(max(seconds, 0.0))

    @staticmethod
    def _response(request: requests.PreparedRequest, answer: Answer) -> requests.Response:
        raw = HTTPResponse(
            body=io.BytesIO(answer.body),
            headers=answer.headers,
            status=answer.status,
            reason=answer.reason,
            preload_content=False,
        )
        response = requests.Response()
        response.status_code, response.reason = answer.status, answer.reason
        response.headers.update(answer.headers)
        response.encoding = "utf-8"
        response.raw, response.request, response.url = raw, request, request.url or ""
        return response


def _to_request(prepared: requests.PreparedRequest) -> Request:
    url = urlsplit(prepared.url or "")
    body = prepared.body or b""
    if isinstance(body, str):
        body = body.encode()
    elif not isinstance(body, bytes):
        body = b"".join(body)
    return Request(prepared.method or "GET", url.path, url.query, body, dict(prepared.headers))
