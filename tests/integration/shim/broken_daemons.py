"""Scripted daemons on a free loopback port: most do one thing wrong, `remembers` answers and keeps what it was sent."""

import contextlib
import itertools
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bridge.protocol.signing import NONCE_HEADER, SIGNATURE_HEADER, Signer
from tests.daemon import SECRET


@dataclass(frozen=True)
class Received:
    """A request as it came over the wire."""

    line: str
    nonce: str
    body: bytes

    @property
    def params(self) -> Any:
        """The parameters of the call."""
        return json.loads(self.body)["params"]


Behaviour = Callable[[socket.socket, Received, threading.Event], None]
"""(connection, request, set when the test is over)"""


@contextlib.contextmanager
def broken_daemon(behaviour: Behaviour) -> Iterator[str]:
    """Serve with this behaviour; gives the URL."""
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threads.append(threading.Thread(target=_handle, args=(connection, behaviour, over), daemon=True))
                threads[-1].start()

    acceptor = threading.Thread(target=serve, daemon=True)
    acceptor.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in [acceptor, *threads]:
            thread.join(5)


def _handle(connection: socket.socket, behaviour: Behaviour, over: threading.Event) -> None:
    with connection, contextlib.suppress(OSError):
        connection.settimeout(5)
        behaviour(connection, _read_request(connection), over)


def _read_request(connection: socket.socket) -> Received:
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines if ": " in line)
    while len(body) < int(headers.get("Content-Length", "0")):
        body += connection.recv(65536)
    return Received(first, headers.get(NONCE_HEADER, ""), body)


def says(raw: bytes) -> Behaviour:
    """Sends these bytes and hangs up."""
    return lambda connection, request, over: connection.sendall(raw)


def answers(body: bytes, status: int = 200, headers: str = "") -> Behaviour:
    """A whole HTTP answer without a signature."""
    return says(_http(body, status, headers))


def signs(body: bytes, status: int = 200, secret: str = SECRET, nonce: str | None = None) -> Behaviour:
    """A whole answer signed with `secret`, for the nonce of the request or for another one."""

    def behave(connection: socket.socket, request: Received, over: threading.Event) -> None:
        signature = Signer(secret).sign_response(status, nonce or request.nonce, body)
        connection.sendall(_http(body, status, f"{SIGNATURE_HEADER}: {signature}\r\n"))

    return behave


def signs_json(answer: object) -> Behaviour:
    """A signed answer with this JSON."""
    return signs(json.dumps(answer).encode())


def remembers(requests: list[Received], result: object = "success") -> Behaviour:
    """Answers like a daemon and appends every request to `requests`."""
    answer = signs_json({"result": result})

    def behave(connection: socket.socket, request: Received, over: threading.Event) -> None:
        requests.append(request)
        answer(connection, request, over)

    return behave


def signs_another_body(connection: socket.socket, request: Received, over: threading.Event) -> None:
    """The signature belongs to a refusal, the body says success."""
    signature = Signer(SECRET).sign_response(200, request.nonce, b'{"error":"no"}')
    connection.sendall(_http(b'{"result":"success"}', 200, f"{SIGNATURE_HEADER}: {signature}\r\n"))


def says_nothing(connection: socket.socket, request: Received, over: threading.Event) -> None:
    """Takes the request and is silent."""
    over.wait(30)


def drips(connection: socket.socket, request: Received, over: threading.Event) -> None:
    """Sends a byte now and then, and never comes to an end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in itertools.takewhile(lambda _: not over.wait(0.1), itertools.count()):
        connection.sendall(b" ")


def never_stops(connection: socket.socket, request: Received, over: threading.Event) -> None:
    """Sends as much as the other side takes."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    until = time.monotonic() + 20
    while not over.is_set() and time.monotonic() < until:
        connection.sendall(b"x" * 1_000_000)


def streams(*pieces: bytes, end: Callable[[str], bytes] = lambda nonce: b"") -> Behaviour:
    """A stream that begins as it should; `end` makes its last bytes from the nonce."""

    def behave(connection: socket.socket, request: Received, over: threading.Event) -> None:
        start = Signer(SECRET).sign_stream_start(200, request.nonce)
        connection.sendall(f"HTTP/1.1 200 OK\r\n{SIGNATURE_HEADER}: {start}\r\n\r\n".encode())
        connection.sendall(b"".join(pieces) + end(request.nonce))

    return behave


def _http(body: bytes, status: int, headers: str) -> bytes:
    return f"HTTP/1.1 {status} Whatever\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body
