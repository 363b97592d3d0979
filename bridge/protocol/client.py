"""A client of the module protocol that plays the PHP shim: for the demo, the command line, and tests."""

import json
import secrets
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any

import requests

from bridge.protocol.signing import SIGNATURE_HEADER, Signer
from bridge.protocol.streams import BrokenStream, read_stream

SYSTEM: Mapping[str, Any] = {"type": "system", "id": None}


class BridgeUnavailable(Exception):
    """The daemon cannot be reached, or what answered is not the daemon; one line."""


class BridgeRefused(Exception):
    """The daemon's own `error` line; `status` is the HTTP status it came with."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class BridgeClient:
    """Signed calls over http(s). A unix socket is for the shim only.

    `timeout` in seconds holds for connecting and for each silence of the answer. Nothing is retried.
    """

    def __init__(self, url: str, secret: str, timeout: float = 10, clock: Callable[[], float] = time.time) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError("the address of the daemon must begin with http:// or https://")
        self._url = url.rstrip("/")
        self._signer = Signer(secret)
        self._timeout = timeout
        self._clock = clock
        self._session = requests.Session()
        self._session.trust_env = False

    def call(
        self,
        path: str,
        params: Mapping[str, Any],
        actor: Mapping[str, Any] = SYSTEM,
        language: str = "",
    ) -> Any:
        """POST to `path` and return the daemon's `result`. Raises BridgeRefused or BridgeUnavailable."""
        nonce, response = self._post(path, params, actor, language, stream=False)
        return self._result(response, nonce)

    def stream(
        self, path: str, params: Mapping[str, Any], actor: Mapping[str, Any] = SYSTEM
    ) -> Generator[str, None, int]:
        """Lines of a streamed answer as they come; the generator returns the exit code.

        Raises BridgeRefused or BridgeUnavailable before the first line, BrokenStream when the run breaks off.
        """
        nonce, response = self._post(path, params, actor, "", stream=True)
        with response:
            signature = response.headers.get(SIGNATURE_HEADER, "")
            if not self._signer.stream_start_fits(signature, response.status_code, nonce):
                self._result(response, nonce)
                raise BridgeUnavailable("The daemon did not answer with a stream.")
            return (yield from read_stream(_lines(response), self._signer, nonce))

    def _post(
        self, path: str, params: Mapping[str, Any], actor: Mapping[str, Any], language: str, stream: bool
    ) -> tuple[str, requests.Response]:
        body = json.dumps({"params": params, "actor": actor, "language": language}).encode()
        nonce = secrets.token_hex(16)
        signature = self._signer.sign_request("POST", path, int(self._clock()), nonce, body)
        headers = {"Content-Type": "application/json", **signature.headers()}
        try:
            response = self._session.post(
                self._url + path,
                data=body,
                headers=headers,
                timeout=self._timeout,
                stream=stream,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise BridgeUnavailable(f"The daemon cannot be reached ({type(error).__name__}).") from error
        return nonce, response

    def _result(self, response: requests.Response, nonce: str) -> Any:
        signature = response.headers.get(SIGNATURE_HEADER, "")
        if not self._signer.response_fits(signature, response.status_code, nonce, response.content):
            raise BridgeUnavailable("What answered is not the daemon, or it uses another secret.")
        answer = response.json()
        if "error" in answer:
            raise BridgeRefused(str(answer["error"]), response.status_code)
        return answer["result"]


def _lines(response: requests.Response) -> Iterator[bytes]:
    try:
        yield from response.iter_lines(chunk_size=1)
    except requests.RequestException as error:
        raise BrokenStream("The connection to the daemon ended in the middle of the run.") from error
