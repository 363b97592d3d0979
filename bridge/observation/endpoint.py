"""The scheduler's own little HTTP endpoint: its counters are in its memory, and the web role is another process."""

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import Flask, Response, jsonify
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from bridge.web.health import TEXT_FORMAT

log = logging.getLogger(__name__)


class _Quiet(WSGIRequestHandler):
    """A scrape every few seconds is no news."""

    def log(self, type: str, message: str, *args: object) -> None:
        log.debug(message, *args)


@contextmanager
def serving_metrics(host: str, port: int, text: Callable[[], bytes], alive: Callable[[], bool]) -> Iterator[int]:
    """Serve `/metrics` and `/healthz` (503 while not `alive`) beside other work; the port, also where 0 asked for a free one.

    Raises OSError when the address cannot be listened on. Whoever reaches the address may read: it is the admin's choice.
    """
    app = Flask("kvm-bridge-metrics", static_folder=None)
    app.add_url_rule("/metrics", "metrics", lambda: Response(text(), content_type=TEXT_FORMAT))
    app.add_url_rule("/healthz", "healthz", lambda: _healthz(alive()))
    server = _listening(host, port, app)
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _listening(host: str, port: int, app: Flask) -> BaseWSGIServer:
    """Bound here: werkzeug ends the process where an address is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family) as bound:
        return make_server(host, port, app, threaded=True, request_handler=_Quiet, fd=bound.fileno())


def _healthz(alive: bool) -> tuple[Response, int]:
    return (jsonify(status="ok"), 200) if alive else (jsonify(status="stuck"), 503)
