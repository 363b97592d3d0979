"""Cloudflare's API v4 as calls: an answer's content, or the error that Cloudflare means by it.

Its answers wrap the content: `{"success": …, "errors": [{"code": …, "message": …}], "result": …, "result_info": …}`
(https://developers.cloudflare.com/fundamentals/api/). The codes of errors have no page of their own; those below are as
clients met them, e.g. in issues of github.com/jeessy2/ddns-go, favonia/cloudflare-ddns, kubernetes-sigs/external-dns.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from providers.dns.http import HttpApi
from providers.errors import AuthFailed, ChangedMeanwhile, Conflict, NotFound, Permanent, ProviderError

_KINDS: dict[type[ProviderError], frozenset[int]] = {
    # Invalid request headers, Invalid format for Authorization header, missing headers, Invalid access token,
    # Authentication error. Some of them come with HTTP 400.
    AuthFailed: frozenset({6003, 6111, 9106, 9107, 9109, 10000, 10001}),
    # No route for that URI; Could not route to …, perhaps your object identifier is invalid?
    NotFound: frozenset({7000, 7001, 7003}),
    # Record does not exist; Record already exists; An identical record already exists.
    ChangedMeanwhile: frozenset({81044, 81057, 81058}),
    # An A, AAAA or CNAME record (…054: a CNAME, …056: an NS record) with that host already exists.
    Conflict: frozenset({81053, 81054, 81055, 81056}),
    # Record quota exceeded: no other record has a place either.
    Permanent: frozenset({81045}),
}


@dataclass(frozen=True)
class Page:
    """A part of a listing; `pages` is the number of all parts."""

    rows: list[dict[str, Any]]
    pages: int


class CloudflareApi:
    """Calls of API v4 over `http`. Every method raises ProviderError, in Cloudflare's own words where it gave some."""

    def __init__(self, http: HttpApi) -> None:
        self._http = http

    def change(self, method: str, path: str, json: Any = None) -> None:
        """A call whose answer does not matter once it has succeeded."""
        self._call(method, path, json=json)

    def object(self, path: str) -> dict[str, Any]:
        """The one object at `path`."""
        answer, body = self._call("GET", path)
        if not isinstance(body.get("result"), dict):
            raise self._http.nonsense(answer)
        return dict(body["result"])

    def page(self, path: str, params: Mapping[str, str | int]) -> Page:
        """One part of the listing at `path`."""
        answer, body = self._call("GET", path, params=params)
        rows, info = body.get("result"), body.get("result_info")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self._http.nonsense(answer)
        pages = info.get("total_pages") if isinstance(info, dict) else None
        return Page(rows, pages if isinstance(pages, int) else 1)

    def _call(
        self, method: str, path: str, *, params: Mapping[str, str | int] | None = None, json: Any = None
    ) -> tuple[requests.Response, dict[str, Any]]:
        answer = self._http.send(method, path, params=params, json=json)
        body = _object(answer)
        # The answer to DELETE is documented without `success`.
        if body and answer.ok and body.get("success", "result" in body) is True:
            return answer, body
        raise self._trouble(answer, body)

    def _trouble(self, answer: requests.Response, body: Mapping[str, Any]) -> ProviderError:
        told = list(_errors(body.get("errors")))
        words = "; ".join(text for _, text in told)
        codes = {code for code, _ in told}
        kind = next((kind for kind, known in _KINDS.items() if codes & known), None)
        if kind:
            return kind(f"{self._http.where}: {self._http.quotable(words)}")
        if answer.status_code == 405:
            return NotFound(f"{self._http.where}: {self._http.quotable(words) or 'method not allowed (HTTP 405)'}")
        # Success in every respect but the form is no refusal.
        return (
            self._http.trouble(answer, words) if words or body.get("success") is False else self._http.nonsense(answer)
        )


def _object(answer: requests.Response) -> dict[str, Any]:
    """The object in an answer; empty when there is none."""
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _errors(told: Any) -> Iterator[tuple[int, str]]:
    """Code and text of each of Cloudflare's errors; what is behind an error (`error_chain`) follows it."""
    for error in told if isinstance(told, list) else ():
        if isinstance(error, dict):
            code = error.get("code")
            message = str(error.get("message") or "no message").rstrip(".")
            yield (code if isinstance(code, int) else 0), f"{message} ({code})" if code else message
            yield from _errors(error.get("error_chain"))
