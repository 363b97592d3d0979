"""The gate of the module protocol: checks the signature of every request and signs every answer."""

import time
from collections.abc import Callable, Collection

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from bridge.protocol.nonces import Nonces
from bridge.protocol.signing import (
    SIGNATURE_HEADER,
    Refused,
    Replayed,
    RequestSignature,
    Signer,
    Unsigned,
)

MAX_BODY_BYTES = 1024 * 1024


class Gate:
    """Lets signed requests in, each nonce once, and signs what goes out. One object per application.

    `open_paths` are answered to everybody, without a signature; everything else is behind the gate, also what does not exist.
    """

    def __init__(
        self,
        signer: Signer,
        nonces: Nonces,
        clock: Callable[[], float] = time.time,
        open_paths: Collection[str] = (),
    ) -> None:
        self._open_paths = frozenset(open_paths)
        self.signer = signer
        self._nonces = nonces
        self._clock = clock

    def guard(self, app: Flask) -> None:
        """Put the gate in front of every route of the application."""
        app.before_request(self._let_in)
        app.after_request(self._sign)
        app.register_error_handler(Refused, self._refuse)

    def _let_in(self) -> None:
        if request.path in self._open_paths:
            return
        claim = RequestSignature.from_headers(request.headers.get)
        now = self._clock()
        self.signer.check_request(claim, request.method, request.path, _whole_body(), now)
        if not self._nonces.accept(claim.nonce, now):
            raise Replayed("The request was received before (its nonce has been used).")

    def _refuse(self, refused: Refused) -> tuple[Response, int]:
        return jsonify(error=str(refused)), 401

    def _sign(self, response: Response) -> Response:
        if request.path in self._open_paths:
            response.headers["Cache-Control"] = "no-store"
            return response
        nonce = answered_nonce()
        if g.get("streams", False):
            signature = self.signer.sign_stream_start(response.status_code, nonce)
        else:
            signature = self.signer.sign_response(response.status_code, nonce, response.get_data())
        response.headers[SIGNATURE_HEADER] = signature
        response.headers["Cache-Control"] = "no-store"
        return response


def _whole_body() -> bytes:
    """The body, at most as large as the application allows.

    With a Content-Length over the limit nothing is read. Without one werkzeug stops reading at the limit and says nothing,
    so a body that fills the limit counts as larger.
    """
    body = request.get_data(cache=True)
    limit = request.max_content_length
    if request.content_length is None and limit is not None and len(body) >= limit:
        raise RequestEntityTooLarge
    return body


def answered_nonce() -> str:
    """The nonce that the answer to the current request is bound to; empty when the request has no usable one."""
    try:
        return RequestSignature.from_headers(request.headers.get).nonce
    except Unsigned:
        return ""
