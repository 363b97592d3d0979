"""A provider's server in process: it notes what it is asked, and fails where a test tells it to."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import requests
from requests.adapters import BaseAdapter


@dataclass(frozen=True)
class Sent:
    """A request as the server gets it. `form` and `json` are the body, by its kind."""

    method: str
    path: str
    params: dict[str, str]
    headers: Mapping[str, str]
    form: dict[str, str] = field(default_factory=dict)
    json: Any = None
    url: str = ""


@dataclass(frozen=True)
class Reply:
    """An answer; `body` as text, or as an object that is sent as JSON."""

    status: int = 200
    body: Any = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Failure:
    """What happens instead of an answer, to the next `times` requests that `to` is true for.

    `reply` an answer or an exception; `after` True = the request has its effect all the same.
    """

    reply: Reply | Exception
    to: Callable[[Sent], bool] = lambda sent: True
    times: int = 1
    after: bool = False


class FakeServer(BaseAdapter):
    """Takes the place of the network below a session; what follows from a request is in `answer`."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Sent] = []
        self.failures: list[Failure] = []
        self._lock = threading.Lock()

    def answer(self, sent: Sent) -> Reply:
        """What the server makes of a request."""
        raise NotImplementedError

    def fail(self, reply: Reply | Exception, **options: Any) -> None:
        """Let requests fail; see Failure."""
        self.failures.append(Failure(reply, **options))

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Called by requests."""
        with self._lock:
            sent = _sent(request)
            self.sent.append(sent)
            failure = next((each for each in self.failures if each.times and each.to(sent)), None)
            if failure is None:
                return _response(request, self.answer(sent))
            failure.times -= 1
            if failure.after:
                self.answer(sent)
            if isinstance(failure.reply, Exception):
                raise failure.reply
            return _response(request, failure.reply)

    def close(self) -> None:
        """Nothing is open."""


def _sent(request: requests.PreparedRequest) -> Sent:
    parts = urlsplit(str(request.url))
    body = request.body or b""
    text = body.decode() if isinstance(body, bytes) else str(body)
    is_json = "json" in request.headers.get("Content-Type", "")
    return Sent(
        str(request.method),
        unquote(parts.path),
        dict(parse_qsl(parts.query, keep_blank_values=True)),
        dict(request.headers),
        {} if is_json else dict(parse_qsl(text, keep_blank_values=True)),
        json.loads(text) if is_json else None,
        str(request.url),
    )


def _response(request: requests.PreparedRequest, reply: Reply) -> requests.Response:
    response = requests.Response()
    response.status_code, response.request, response.url = reply.status, request, str(request.url)
    response.headers.update(reply.headers)
    response._content = (reply.body if isinstance(reply.body, str) else json.dumps(reply.body)).encode()
    return response
