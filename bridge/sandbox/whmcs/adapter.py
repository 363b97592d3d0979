"""The stand-in behind `requests`, in the same process: mounted on a session, no sockets, virtual time.

session.mount("https://whmcs.sandbox", WhmcsAdapter(sandbox))
"""

from collections.abc import Callable
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import MaxRetryError, NewConnectionError

from bridge.sandbox.whmcs.answers import Answer
from bridge.sandbox.whmcs.core import WhmcsSandbox
from bridge.sandbox.whmcs.faults import FaultKind

Hook = Callable[[str], None]


class WhmcsAdapter(BaseAdapter):
    """Hands requests to the sandbox. The hooks get the action's name before the call and after its effect.

    What a hook raises leaves through the caller, so that a test can stop the process at exactly that point.
    """

    def __init__(self, sandbox: WhmcsSandbox, before: Hook | None = None, after: Hook | None = None) -> None:
        super().__init__()
        self._sandbox = sandbox
        self.before = before
        self.after = after

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        """One call. Raises what `requests` would raise when the planned fault is one of the connection."""
        body = request.body or ""
        fields = dict(parse_qsl(body if isinstance(body, str) else body.decode(), keep_blank_values=True))
        action = fields.get("action", "")
        if self.before:
            self.before(action)
        if self._sandbox.faults.next_is(FaultKind.DOWN, action):
            self._sandbox.faults.take(action)
            refused = NewConnectionError(None, "Connection refused")  # type: ignore[arg-type]
            raise requests.ConnectionError(MaxRetryError(None, request.url, refused), request=request)  # type: ignore[arg-type]
        answer = self._sandbox.handle(fields)
        if self.after:
            self.after(action)
        return self._response(request, answer, timeout)

    def close(self) -> None:
        """Nothing to close."""

    def _response(self, request: requests.PreparedRequest, answer: Answer, timeout: Any) -> requests.Response:
        if answer.cut:
            raise requests.ConnectionError("Connection aborted.", request=request)
        limit = timeout[1] if isinstance(timeout, tuple) else timeout
        if limit is not None and answer.delay > limit:
            raise requests.ReadTimeout(f"Read timed out. (read timeout={limit})", request=request)
        response = requests.Response()
        response.status_code = answer.status
        response.headers = CaseInsensitiveDict({"Content-Type": f"{answer.content_type}; charset=utf-8"})
        response.encoding = "utf-8"
        response.raw = BytesIO(answer.text.encode())
        response.request = request
        response.url = request.url or ""
        return response
