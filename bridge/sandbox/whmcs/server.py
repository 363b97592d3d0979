"""The stand-in's API over HTTP, on loopback, one thread per connection."""

import contextlib
import socket
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

from bridge.models.base import proxy
from bridge.sandbox.loopback import in_thread
from bridge.sandbox.whmcs.answers import Answer
from bridge.sandbox.whmcs.core import WhmcsSandbox

API_PATH = "/includes/api.php"
BODY_LIMIT = 1_000_000


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    sandbox: WhmcsSandbox
    pause: Callable[[float], None]


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if self.path.split("?")[0] != API_PATH or length > BODY_LIMIT:
            self._write(Answer(404, "<html><title>404 Not Found</title></html>", "text/html"))
            return
        fields = dict(parse_qsl(self.rfile.read(length).decode("utf-8", "replace"), keep_blank_values=True))
        try:
            answer = self.server.sandbox.handle(fields, self.client_address[0])
        finally:
            if not proxy.obj.is_closed():
                proxy.obj.close()  # connections belong to threads, and this thread ends with the client's connection
        if answer.delay:
            self.server.pause(answer.delay)
        if answer.cut:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._write(answer)

    def do_GET(self) -> None:
        self._write(Answer(200, "<html><title>Demo Hosting</title>The shop's API takes POST</html>", "text/html"))

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the demo prints what matters."""

    def _write(self, answer: Answer) -> None:
        body = answer.text.encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", f"{answer.content_type}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(body)


def make_server(
    sandbox: WhmcsSandbox, port: int = 0, host: str = "127.0.0.1", pause: Callable[[float], None] = time.sleep
) -> ThreadingHTTPServer:
    """A server that is bound and not yet serving; `port` 0 = any free one. `pause` waits for SLOW answers (seconds)."""
    server = _Server((host, port), _Handler)
    server.sandbox, server.pause = sandbox, pause
    return server


def serving(
    sandbox: WhmcsSandbox, port: int = 0, pause: Callable[[float], None] = time.sleep
) -> AbstractContextManager[str]:
    """Serve in a thread while the block runs; yields the shop's base URL."""
    return in_thread(make_server(sandbox, port, pause=pause))
