"""What goes into the stand-in cluster and what comes out of it, before any socket."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    """One HTTP request. `path` as sent (with /api2/json, still percent-encoded), `query` the raw text after `?`.

    Header names may have any case.
    """

    method: str
    path: str
    query: str = ""
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def header(self, name: str) -> str:
        """The value of a header, empty when absent."""
        wanted = name.lower()
        return next((value for key, value in self.headers.items() if key.lower() == wanted), "")


@dataclass
class Answer:
    """One HTTP answer.

    `delay`: seconds that a real node would let pass before it answers; whoever carries the answer decides whether to
    wait. `resume`: set while the call still waits for a lock; the other fields mean nothing then, and the carrier calls
    it after `delay` seconds for the next answer.
    """

    status: int
    reason: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay: float = 0.0
    resume: Callable[[], "Answer"] | None = None


# Headers of every answer of pveproxy 8.4, besides date and connection.
_HEADERS = {
    "Cache-Control": "max-age=0",
    "Pragma": "no-cache",
    "Server": "pve-api-daemon/3.0",
}


def answer_json(status: int, reason: str, body: Mapping[str, Any]) -> Answer:
    """An answer with a JSON body."""
    headers = {**_HEADERS, "Content-Type": "application/json;charset=UTF-8"}
    return Answer(status, reason, headers, json.dumps(body, ensure_ascii=False).encode())


def answer_plain(status: int, reason: str, text: str = "", delay: float = 0.0) -> Answer:
    """An answer that is not JSON: what pveproxy itself says before it reaches the API."""
    return Answer(status, reason, dict(_HEADERS), text.encode(), delay)
