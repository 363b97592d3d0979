"""Watching the wire: an adapter that holds every request and answer against the published API schema of one version."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from requests.adapters import BaseAdapter

from bridge.sandbox.proxmox import schema

ROOT = "/api2/json"


def request_parts(request: requests.PreparedRequest) -> tuple[str, str, dict[str, str]]:
    """Method, API path (still quoted) and parameters of a request."""
    parts = urlsplit(str(request.url))
    body = request.body or ""
    text = body.decode() if isinstance(body, bytes) else str(body)
    pairs = parse_qsl(parts.query, keep_blank_values=True) + parse_qsl(text, keep_blank_values=True)
    return str(request.method), parts.path.removeprefix(ROOT), dict(pairs)


class Canned(BaseAdapter):
    """Answers 200 with what `answer(method, path, params)` gives."""

    def __init__(self, answer: Callable[[str, str, Mapping[str, str]], Any]) -> None:
        super().__init__()
        self._answer = answer

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        response = requests.Response()
        response.status_code, response.reason = 200, "OK"
        response.request, response.url = request, str(request.url)
        response._content = json.dumps({"data": self._answer(*request_parts(request))}).encode()
        return response

    def close(self) -> None:
        """Nothing is open."""


class Watched(BaseAdapter):
    """Passes everything on to `inner`, and keeps what the schema of `version` objects to.

    Answers are checked when they are good ones (2xx). `paths` collects which calls went by.
    """

    def __init__(self, inner: BaseAdapter, version: str, check_answers: bool = True) -> None:
        super().__init__()
        self._inner, self._version, self._check_answers = inner, version, check_answers
        self.complaints: list[str] = []
        self.calls: list[tuple[str, str]] = []

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        method, path, params = request_parts(request)
        self.calls.append((method, path))
        self.complaints += [f"{method} {path}: {c}" for c in schema.check_request(self._version, method, path, params)]
        if method == "DELETE" and request.body:
            self.complaints.append(f"{method} {path}: a DELETE with a body is refused")
        response = self._inner.send(request, **options)
        if self._check_answers and response.ok:
            data = response.json()["data"]
            # A task's log that is gone is answered with an object where the schema has a list (seen on 8.4.1).
            if path.endswith("/log") and isinstance(data, dict):
                return response
            self.complaints += [f"{method} {path}: {c}" for c in schema.check_answer(self._version, method, path, data)]
        return response

    def close(self) -> None:
        self._inner.close()
